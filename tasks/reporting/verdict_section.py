"""What people said of findings, as a page tells it: counts, contradictions, what was learnt.

Comments and authors' names are what people typed; they stand as quoted text and are never obeyed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from data_products.finding_verdicts.standing import agreements, contradictions, standing_verdicts
from semantic_layer.fault_kinds import FaultKinds
from tasks.reporting.wording import NO_DATA, clipped, count, digits, listed, moment, percent

_SHOWN = 20
_SEVERITIES = ("CRITICAL", "MAJOR", "MINOR", "WARNING")
_FEWEST_TO_SHARE = 5
"""With fewer judged findings a share says more about chance than about a KPI."""


@dataclass(frozen=True, slots=True)
class ConfirmedRow:
    """Of the judged findings that blame one KPI, or have one severity, how many were real."""

    name: str
    judged: int
    real: int

    @property
    def share_text(self) -> str:
        """The share that was real, or that there are too few to tell."""
        few = self.judged < _FEWEST_TO_SHARE
        return f"too few, {self.real} of {self.judged}" if few else percent(self.real / self.judged)


@dataclass(frozen=True, slots=True)
class AuthorRow:
    """One author: verdicts that stand, and how often others agreed."""

    author: str
    verdicts: int
    shared: int
    agreed: int
    changed: int

    @property
    def agreed_text(self) -> str:
        """How often others, where any judged the same finding, mostly said the same."""
        return f"{self.agreed} of {self.shared}" if self.shared else "nobody else judged the same"


@dataclass(frozen=True, slots=True)
class ContradictionRow:
    """One finding about which people, or one person over time, disagree."""

    anomaly_id: str
    cell_dn: str
    since_text: str
    contradiction: str
    said_real: str
    said_not_real: str


@dataclass(frozen=True, slots=True)
class CommentRow:
    """One verdict with what its author wrote."""

    given_text: str
    author: str
    verdict: str
    kind: str
    cell_dn: str
    quoted: str


@dataclass(frozen=True, slots=True)
class LearntRow:
    """One measure of detection before and after learning from verdicts."""

    measure: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VerdictSection:
    """Verdicts of the last weeks, and what they changed."""

    verdicts_count: int
    by_verdict: tuple[tuple[str, int], ...]
    judged: int
    real: int
    disputed: int
    by_kpi: tuple[ConfirmedRow, ...]
    by_severity: tuple[ConfirmedRow, ...]
    by_kind: tuple[tuple[str, int], ...]
    authors: tuple[AuthorRow, ...]
    contradictions: tuple[ContradictionRow, ...]
    contradictions_count: int
    comments: tuple[CommentRow, ...]
    learnt: tuple[LearntRow, ...]

    @property
    def sentence(self) -> str:
        """What is so of verdicts."""
        if not self.verdicts_count:
            return "Nobody judged a finding in these weeks; `anops feedback template` lists some."
        given = listed([f"{many:,} {verdict.lower()}" for verdict, many in self.by_verdict], 3)
        return (
            f"{count(self.verdicts_count, 'verdict')} by {count(len(self.authors), 'author')} "
            f"({given}) on {count(self.judged, 'finding')}; {self.real:,} of them real."
        )

    @property
    def contradictions_sentence(self) -> str:
        """What is so of contradictions."""
        if not self.contradictions_count:
            return "No verdict contradicts another."
        told = count(self.contradictions_count, "finding")
        return (
            f"{told} with contradicting verdicts, authors disagreeing about {self.disputed:,}; "
            "where they cancel each other out, nothing is learnt."
        )

    @property
    def learnt_sentence(self) -> str:
        """What is so of learning."""
        if not self.learnt:
            return "No model has been trained on verdicts yet."
        return "What training on verdicts changed, before and after:"


def verdict_section(
    verdicts: pl.DataFrame,
    weighed: pl.DataFrame,
    findings: pl.DataFrame,
    learnt: Sequence[Mapping[str, Any]],
    kinds: FaultKinds,
) -> VerdictSection:
    """Return what people said of findings in the weeks that are reported.

    Args:
        verdicts: rows of `finding_verdicts` given in those weeks.
        weighed: rows of `finding_verdicts.weighed`, at least those of the same findings.
        findings: rows of `cell_anomalies`: anomaly_id, window_end, severity, contributions; those
            that are no longer published count in no share.
        learnt: rows with measure, before and after; none where no model was trained on verdicts.
        kinds: what a finding may be called.
    """
    standing = standing_verdicts(verdicts, kinds)
    judged = weighed.filter(pl.col("anomaly_id").is_in(standing["anomaly_id"].unique().to_list()))
    disagreeing = contradictions(standing)
    real = judged.select("anomaly_id", (pl.col("is_real_probability") > 0.5).alias("is_real"))
    known = real.join(_newest(findings), on="anomaly_id", how="inner")
    return VerdictSection(
        verdicts_count=verdicts.height,
        by_verdict=_counted(verdicts["verdict"]),
        judged=standing["anomaly_id"].n_unique(),
        real=int(real["is_real"].sum()),
        disputed=disagreeing.filter(pl.col("contradiction") == "authors disagree").height,
        by_kpi=_confirmed(known, "kpi"),
        by_severity=tuple(
            sorted(_confirmed(known, "severity"), key=lambda row: _SEVERITIES.index(row.name))
        ),
        by_kind=_counted(judged["fault_kind"].drop_nulls())[:_SHOWN],
        authors=tuple(_author(row) for row in agreements(standing).iter_rows(named=True)),
        contradictions=tuple(
            _contradiction(row) for row in disagreeing.head(_SHOWN).iter_rows(named=True)
        ),
        contradictions_count=disagreeing.height,
        comments=tuple(_comment(row) for row in _commented(verdicts).iter_rows(named=True)),
        learnt=tuple(_learnt(row) for row in learnt),
    )


def _newest(findings: pl.DataFrame) -> pl.DataFrame:
    kpi = pl.col("contributions").list.first().struct.field("kpi")
    return (
        findings.sort("window_end")
        .unique("anomaly_id", keep="last", maintain_order=True)
        .select("anomaly_id", "severity", kpi.fill_null("several together").alias("kpi"))
    )


def _confirmed(known: pl.DataFrame, by: str) -> tuple[ConfirmedRow, ...]:
    counted = (
        known.group_by(by)
        .agg(pl.len().alias("judged"), pl.col("is_real").sum().alias("real"))
        .sort("judged", by, descending=[True, False])
    )
    rows = counted.head(_SHOWN).iter_rows()
    return tuple(ConfirmedRow(clipped(name, 60), judged, real) for name, judged, real in rows)


def _counted(values: pl.Series) -> tuple[tuple[str, int], ...]:
    named = values.alias("value").to_frame().group_by("value").len()
    ordered = named.sort("len", "value", descending=[True, False])
    return tuple((clipped(value, 40), many) for value, many in ordered.iter_rows())


def _commented(verdicts: pl.DataFrame) -> pl.DataFrame:
    written = verdicts.filter(pl.col("comment").str.strip_chars() != "")
    return written.sort("given_at", "verdict_id", descending=[True, False]).head(_SHOWN)


def _author(row: Mapping[str, Any]) -> AuthorRow:
    return AuthorRow(
        clipped(row["person"], 60), row["verdicts"], row["shared"], row["agreed"], row["changed"]
    )


def _contradiction(row: Mapping[str, Any]) -> ContradictionRow:
    return ContradictionRow(
        anomaly_id=clipped(row["anomaly_id"], 40),
        cell_dn=clipped(row["cell_dn"], 160),
        since_text=moment(row["anomaly_start"]),
        contradiction=row["contradiction"],
        said_real=listed([clipped(name, 40) for name in row["said_real"]], 4) or "nobody",
        said_not_real=listed([clipped(name, 40) for name in row["said_not_real"]], 4) or "nobody",
    )


def _comment(row: Mapping[str, Any]) -> CommentRow:
    return CommentRow(
        given_text=moment(row["given_at"]),
        author=clipped(row["author"], 60),
        verdict=row["verdict"].lower(),
        kind=clipped(row["fault_kind"], 40),
        cell_dn=clipped(row["cell_dn"], 160),
        quoted=clipped(row["comment"], 200),
    )


def _learnt(row: Mapping[str, Any]) -> LearntRow:
    return LearntRow(clipped(row["measure"], 80), _told(row["before"]), _told(row["after"]))


def _told(value: object) -> str:
    """Return a measure as it is read; a number in four digits."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return digits(value) if math.isfinite(value) else NO_DATA
    return clipped(value, 60) or NO_DATA
