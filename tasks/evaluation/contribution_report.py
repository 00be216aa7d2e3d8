"""Does a finding blame the right KPIs? Blamed ones against those that its fault truly moved.

Only true findings are asked: those that lie on periods in which a fault affects their cell. Beside
the product's contributions stand a random order and any other ranking that is given, such as the
largest deviation of each KPI by itself; all are measured alike, a KPI without a value left out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.errors import InputError
from tasks.evaluation.detection_report import plain_values

Floats = npt.NDArray[np.floating]

FINDING_COLUMNS = ("anomaly_id", "cell_dn", "anomaly_start", "anomaly_end", "contributions")
TRUTH_COLUMNS = ("fault_id", "kind", "cell_dn", "kpi", "effect", "is_moved")
PERIOD_COLUMNS = ("cell_dn", "period_start", "fault_id", "is_affected")
PRODUCT = "contributions"
RANDOM = "random order"

_LONGEST = 5
_DRAWS = 20
_SEED = 0


@dataclass(frozen=True, slots=True)
class Blame:
    """How well one way of blaming does, in means over findings.

    Attributes:
        name: of the way.
        hit: share of findings whose first KPI moved.
        precision: of the KPIs named, up to five, the share that moved.
        recall: of the KPIs that moved, up to five, the share named.
        ndcg: of the first five, gains being log2(1 + effect): order and size count.
        named: KPIs named.
    """

    name: str
    hit: float
    precision: float
    recall: float
    ndcg: float
    named: float


@dataclass(frozen=True, slots=True)
class KindBlame:
    """The product's own blame for one kind of fault."""

    kind: str
    findings: int
    faults: int
    blame: Blame


@dataclass(frozen=True, slots=True)
class ContributionReport:
    """What an evaluation of blame says.

    Attributes:
        findings: true findings whose fault moved some KPI measurably.
        without_moved: true ones whose fault moved none: nobody can be asked for it.
        false_findings: those that lie mostly on periods that no fault affects; not asked.
        moved: KPIs moved a finding, on average.
        ways: the product's contributions first, then the others.
        kinds: the product's by kind of fault.
    """

    findings: int
    without_moved: int
    false_findings: int
    moved: float
    ways: tuple[Blame, ...]
    kinds: tuple[KindBlame, ...]

    def values(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; what is not a number is None."""
        plain: dict[str, Any] = plain_values(asdict(self))
        return plain


@dataclass(frozen=True, slots=True)
class _Case:
    """One true finding: effects of its cell's KPIs, and which of them moved."""

    anomaly_id: str
    fault_id: str
    kind: str
    effects: Mapping[str, float]
    moved: frozenset[str]


def contribution_report(
    findings: pl.DataFrame,
    cell_periods: pl.DataFrame,
    true_kpis: pl.DataFrame,
    others: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
) -> ContributionReport:
    """Return how well findings blame the KPIs that faults moved.

    Args:
        findings: as published, one row an anomaly.
        cell_periods: truth, by cell and period.
        true_kpis: truth, by fault, cell and KPI.
        others: further ways to blame: by name, for an anomaly's id, a weight for each KPI.

    Raises:
        InputError: a table lacks a column.
    """
    _require(findings, FINDING_COLUMNS, "findings")
    _require(cell_periods, PERIOD_COLUMNS, "cell periods of the truth")
    _require(true_kpis, TRUTH_COLUMNS, "KPIs of the truth")
    matched = _matched(findings, cell_periods)
    cases = _cases(matched, true_kpis)
    asked = [case for case in cases if case.moved]
    product = {
        row["anomaly_id"]: {part["kpi"]: part["share"] for part in row["contributions"] or ()}
        for row in findings.select("anomaly_id", "contributions").iter_rows(named=True)
    }
    ways = [_blame(PRODUCT, asked, product), _random_blame(asked)]
    ways += [_blame(name, asked, weights) for name, weights in (others or {}).items()]
    return ContributionReport(
        findings=len(asked),
        without_moved=len(cases) - len(asked),
        false_findings=findings["anomaly_id"].n_unique() - len(cases),
        moved=_mean([len(case.moved) for case in asked]),
        ways=tuple(ways),
        kinds=tuple(_kind(kind, asked, product) for kind in sorted({c.kind for c in asked})),
    )


def _matched(findings: pl.DataFrame, cell_periods: pl.DataFrame) -> pl.DataFrame:
    """Return anomaly_id, fault_id and cell of findings that lie mostly on affected periods.

    A finding belongs to the fault that affects its cell in most of its periods; mostly is half of
    the periods that it spans, or more.
    """
    touched = cell_periods.filter("is_affected").select("cell_dn", "period_start", "fault_id")
    starts = cell_periods["period_start"].unique().sort().diff().drop_nulls()
    step = starts.min() if len(starts) else None
    span = pl.col("anomaly_end") - pl.col("anomaly_start")
    return (
        findings.select("anomaly_id", "cell_dn", "anomaly_start", "anomaly_end")
        .unique("anomaly_id", keep="last", maintain_order=True)
        .join(touched, on="cell_dn")
        .filter(
            pl.col("period_start") >= pl.col("anomaly_start"),
            pl.col("period_start") < pl.col("anomaly_end"),
        )
        .group_by("anomaly_id", "cell_dn", "fault_id", span.alias("span"))
        .agg(pl.len().alias("periods"))
        .filter(2 * pl.col("periods") * pl.lit(step) >= pl.col("span"))
        .sort("anomaly_id", "periods", "fault_id", descending=[False, True, False])
        .unique("anomaly_id", keep="first", maintain_order=True)
    )


def _cases(matched: pl.DataFrame, true_kpis: pl.DataFrame) -> list[_Case]:
    told: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in true_kpis.select(TRUTH_COLUMNS).iter_rows(named=True):
        told.setdefault((row["fault_id"], row["cell_dn"]), []).append(row)
    cases = []
    for anomaly, cell, fault in matched.select("anomaly_id", "cell_dn", "fault_id").iter_rows():
        rows = told.get((fault, cell), [])
        effects = {row["kpi"]: abs(row["effect"]) for row in rows}
        moved = frozenset(row["kpi"] for row in rows if row["is_moved"])
        kind = rows[0]["kind"] if rows else ""
        cases.append(_Case(anomaly, fault, kind, effects, moved))
    return cases


def _blame(name: str, cases: list[_Case], weights: Mapping[str, Mapping[str, float]]) -> Blame:
    return _averaged(name, [_measured(c, _order(weights.get(c.anomaly_id, {}))) for c in cases])


def _random_blame(cases: list[_Case]) -> Blame:
    """Return what naming any five of a cell's KPIs in any order gives, on average of many draws."""
    random = np.random.default_rng(_SEED)
    drawn = []
    for case in cases:
        known = sorted(case.effects)
        tries = [_measured(case, _drawn(known, random)) for _ in range(_DRAWS)]
        drawn.append(np.mean(tries, axis=0))
    return _averaged(RANDOM, drawn)


def _drawn(known: list[str], random: np.random.Generator) -> list[str]:
    return [known[place] for place in random.permutation(len(known))[:_LONGEST]]


def _order(weights: Mapping[str, float]) -> list[str]:
    """Return the KPIs of weight, the heaviest first, at most five."""
    known = [(weight, kpi) for kpi, weight in weights.items() if weight is not None and weight > 0]
    return [kpi for _, kpi in sorted(known, key=lambda one: (-one[0], one[1]))[:_LONGEST]]


def _measured(case: _Case, named: list[str]) -> Floats:
    """Return hit, precision, recall, NDCG and how many KPIs are named."""
    right = [kpi in case.moved for kpi in named]
    discounts = 1 / np.log2(2 + np.arange(_LONGEST))
    gains = [_gain(case, kpi) for kpi in named]
    ideal = sorted((_gain(case, kpi) for kpi in case.moved), reverse=True)[:_LONGEST]
    best = float(np.dot(ideal, discounts[: len(ideal)]))
    return np.array(
        [
            float(right[0]) if right else 0.0,
            sum(right) / len(named) if named else 0.0,
            sum(right) / min(len(case.moved), _LONGEST),
            float(np.dot(gains, discounts[: len(gains)])) / best,
            float(len(named)),
        ]
    )


def _gain(case: _Case, kpi: str) -> float:
    return float(np.log2(1 + case.effects[kpi])) if kpi in case.moved else 0.0


def _kind(kind: str, cases: list[_Case], product: Mapping[str, Mapping[str, float]]) -> KindBlame:
    own = [case for case in cases if case.kind == kind]
    faults = len({case.fault_id for case in own})
    return KindBlame(kind, len(own), faults, _blame(PRODUCT, own, product))


def _averaged(name: str, measured: list[Floats]) -> Blame:
    means = np.mean(measured, axis=0) if measured else np.full(5, np.nan)
    return Blame(name, *(float(value) for value in means))


def _mean(values: list[int]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _require(frame: pl.DataFrame, columns: tuple[str, ...], what: str) -> None:
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise InputError(f"The {what} lack the columns {', '.join(lacking)}.")
