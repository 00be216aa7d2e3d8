"""The findings as rows of a page: in the order of reading, each with the KPIs to blame."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.kpi_sources import KpiSources
from tasks.reporting.wording import (
    cell_label,
    chance,
    clean,
    clipped,
    duration,
    moment,
    number,
    percent,
)

SEVERITIES = ("CRITICAL", "MAJOR", "MINOR", "WARNING")
"""Worst first; a severity that nobody knows sorts last."""


@dataclass(frozen=True, slots=True)
class Blame:
    """One KPI's part in a finding; `share` is its part of the score, 0 to 1."""

    kpi: str
    title: str
    unit: str
    expected: float | None
    seen: float | None
    share: float | None

    @property
    def expected_text(self) -> str:
        """The expected value with its unit."""
        return number(self.expected, self.unit)

    @property
    def seen_text(self) -> str:
        """The seen value with its unit."""
        return number(self.seen, self.unit)

    @property
    def share_text(self) -> str:
        """The part of the score as a percentage."""
        return percent(self.share)

    @property
    def sentence(self) -> str:
        """One clause: `Cell drop rate 4.1 % instead of 0.3 %`."""
        return f"{self.title} {self.seen_text} instead of {self.expected_text}"


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One anomaly of one cell, ready to be shown."""

    number: int
    anomaly_id: str
    cell_dn: str
    cell: str
    severity: str
    since: datetime
    until: datetime
    is_ongoing: bool
    peak_score: float
    periods_count: int
    blames: tuple[Blame, ...]
    explanation: str
    run_id: str
    onset: datetime | None = None
    probability: float | None = None
    reading_rank: int | None = None
    is_within_budget: bool | None = None
    cause_id: str = ""

    @property
    def probability_text(self) -> str:
        """How probable a real problem is, as a percentage; empty where nobody told."""
        return chance(self.probability)

    @property
    def rank(self) -> int:
        """0 for the worst severity."""
        return severity_rank(self.severity)

    @property
    def length(self) -> timedelta:
        """How long the anomaly lasted, or has lasted so far."""
        return self.until - self.since

    @property
    def since_text(self) -> str:
        """When it began, in UTC."""
        return moment(self.since)

    @property
    def onset_text(self) -> str:
        """When the deviation seems to have begun, if that is before the finding; else empty."""
        return moment(self.onset) if self.onset and self.onset < self.since else ""

    @property
    def length_text(self) -> str:
        """How long, in words, and whether it still lasts."""
        return f"{duration(self.length)}{', ongoing' if self.is_ongoing else ''}"


def severity_rank(severity: str) -> int:
    """Return the place of a severity, 0 for the worst."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def finding_rows(
    findings: pl.DataFrame, sites: Mapping[str, str], sources: KpiSources, window: Window
) -> list[FindingRow]:
    """Return the findings in the order in which they are worth reading.

    Where nobody told what they are worth: the worst first, by severity, peak score and duration.
    An anomaly that several scored windows saw appears once, as its newest window saw it.

    Args:
        findings: rows of `cell_anomalies`.
        sites: site name of a cell, where topology knows it.
        sources: definitions of KPIs, for titles and units.
        window: the reported window; stands in for a time that a row lacks.
    """
    newest = (
        findings.filter(pl.col("cell_dn").is_not_null())
        .sort("window_end", "anomaly_id", nulls_last=False)
        .unique("anomaly_id", keep="last", maintain_order=True)
    )
    rows = sorted(
        (_finding(row, sites, sources, window) for row in newest.iter_rows(named=True)),
        key=lambda row: (
            row.reading_rank or len(newest) + 1, row.rank, -row.peak_score,
            row.since - row.until, row.cell_dn, row.anomaly_id,
        ),
    )  # fmt: skip
    return [replace(row, number=place) for place, row in enumerate(rows, start=1)]


def first_of_causes(rows: Sequence[FindingRow]) -> list[tuple[FindingRow, int]]:
    """Return the first finding of each likely cause, and how many others may have it too.

    A finding of which no cause is told stands for itself.
    """
    causes = [row.cause_id or row.anomaly_id for row in rows]
    sizes = Counter(causes)
    seen: dict[str, tuple[FindingRow, int]] = {}
    for row, cause in zip(rows, causes, strict=True):
        seen.setdefault(cause, (row, sizes[cause] - 1))
    return list(seen.values())


def _finding(
    row: Mapping[str, Any], sites: Mapping[str, str], sources: KpiSources, window: Window
) -> FindingRow:
    since = row["anomaly_start"] or row["window_start"] or window.start
    until = row["anomaly_end"] or row["window_end"] or window.end
    blames = (_blame(part, sources) for part in row["contributions"] or () if part)
    return FindingRow(
        number=0,
        anomaly_id=clean(row["anomaly_id"]),
        cell_dn=row["cell_dn"],
        cell=cell_label(row["cell_dn"], sites.get(row["cell_dn"])),
        severity=clean(row["severity"]).upper() or "WARNING",
        since=since,
        until=max(since, until),
        is_ongoing=bool(row["is_ongoing"]),
        peak_score=row["peak_score"] or 0.0,
        periods_count=row["periods_count"] or 0,
        blames=tuple(sorted(blames, key=lambda blame: (-(blame.share or 0.0), blame.kpi))),
        explanation=clipped(row["explanation"], 600),
        run_id=clean(row["run_id"]),
        onset=row.get("onset_at"),
        probability=row.get("probability"),
        reading_rank=row.get("reading_rank"),
        is_within_budget=row.get("is_within_budget"),
        cause_id=clean(row.get("common_cause_id")),
    )


def _blame(part: Mapping[str, Any], sources: KpiSources) -> Blame:
    kpi = sources.find(part["kpi"] or "unnamed")
    return Blame(
        kpi=kpi.name,
        title=clipped(kpi.title, 80),
        unit=kpi.unit,
        expected=part["expected"],
        seen=part["seen"],
        share=part["share"],
    )
