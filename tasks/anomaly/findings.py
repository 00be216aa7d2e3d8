"""Findings: episodes with severity, the KPIs to blame, and a sentence that says so.

The sentence is made by code from numbers in the table; no model writes any of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from semantic_layer.detection import Detection
from tasks.anomaly.arrays import Floats, Schema
from tasks.anomaly.episodes import EPISODES, HOT
from tasks.anomaly.explaining import Expectation
from tasks.anomaly.plan import Plan
from tasks.anomaly.scored_kpis import ScoredKpi

CONTRIBUTION = pl.Struct(
    {"kpi": pl.String, "expected": pl.Float64, "seen": pl.Float64, "share": pl.Float64}
)
FINDINGS: Schema = {
    **EPISODES,
    "severity": pl.String,
    "contributions": pl.List(CONTRIBUTION),
    "explanation": pl.String,
}
"""The columns of `cell_anomalies`, before lineage."""

_SMALLEST_SHARE = 0.05
_NAMED_KPIS = 3
_RAISED = {"WARNING": "MINOR", "MINOR": "MAJOR", "MAJOR": "CRITICAL", "CRITICAL": "CRITICAL"}


def findings(
    found: pl.DataFrame, explained: Mapping[str, tuple[Expectation, int]], plan: Plan
) -> pl.DataFrame:
    """Return the rows of `cell_anomalies`: episodes with severity, contributions, explanation.

    Args:
        found: episodes, as `episodes` returns them.
        explained: for each of their cells, what was expected, and its place in there.
        plan: KPIs, grid and rules of the run.
    """
    rows = [_finding(episode, explained, plan) for episode in found.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=FINDINGS)


def blamed_kpis(found: pl.DataFrame) -> dict[str, list[str]]:
    """Return for each cell of `findings` the KPIs that its findings blame, sorted."""
    blamed = (
        found.select("cell_dn", pl.col("contributions").list.eval(pl.element().struct["kpi"]))
        .explode("contributions")
        .drop_nulls()
        .unique()
        .sort("cell_dn", "contributions")
        .group_by("cell_dn", maintain_order=True)
        .agg("contributions")
    )
    return dict(blamed.iter_rows())


def severity(
    peak_score: float, lasting_hours: float, *, is_critical: bool, rules: Detection
) -> str:
    """Return the severity whose limits are reached, one higher past a KPI's critical limit."""
    reached = next(
        (
            limit.severity
            for limit in rules.severities
            if peak_score >= limit.peak_score and lasting_hours >= limit.lasting_hours
        ),
        "WARNING",
    )
    return _RAISED[reached] if is_critical else reached


def explanation(
    since: datetime, window_end: datetime, blamed: Sequence[tuple[ScoredKpi, float, float, float]]
) -> str:
    """Return a sentence such as 'Since 07:15 cell_drop_rate 4.1 % where 0.2 to 0.9 was expected.'.

    Args:
        since: when the anomaly began.
        window_end: end of the scored window; a day before its last is named with its date.
        blamed: KPI, what was seen, and the bounds of what was expected, the first KPI first.
    """
    is_last_day = since.date() == (window_end - timedelta(microseconds=1)).date()
    begun = f"{since:%H:%M}" if is_last_day else f"{since:%Y-%m-%d %H:%M}"
    told = "; ".join(_said(*one) for one in blamed[:_NAMED_KPIS])
    return f"Since {begun} UTC {told or 'KPIs move together as they normally do not'}."


def _finding(
    episode: dict[str, Any], explained: Mapping[str, tuple[Expectation, int]], plan: Plan
) -> dict[str, Any]:
    expectation, cell = explained[episode["cell_dn"]]
    during = _periods_that_tell(episode, plan)
    shares = _mean(expectation.share[cell][:, during])
    seen, expected, low, high = (
        _mean(part[cell][:, during])
        for part in (expectation.seen, expectation.expected, expectation.low, expectation.high)
    )
    blamed = [
        int(number)
        for number in np.argsort(-np.nan_to_num(shares, nan=-1.0), kind="stable")
        if shares[number] >= _SMALLEST_SHARE and np.isfinite(seen[number] + expected[number])
    ][: plan.rules.contributing_kpis]
    lasting = episode["anomaly_end"] - episode["anomaly_start"]
    published = {name: episode[name] for name in EPISODES}
    return published | {
        "severity": severity(
            episode["peak_score"],
            lasting.total_seconds() / 3600,
            is_critical=any(
                _is_worse(plan.kpis[number], float(seen[number]), float(expected[number]))
                for number in blamed
            ),
            rules=plan.rules,
        ),
        "contributions": [
            {
                "kpi": plan.kpis[number].name,
                "expected": float(expected[number]),
                "seen": float(seen[number]),
                "share": float(shares[number]),
            }
            for number in blamed
        ],
        "explanation": explanation(
            episode["anomaly_start"],
            episode["window_end"],
            [
                (plan.kpis[number], float(seen[number]), float(low[number]), float(high[number]))
                for number in blamed
            ],
        ),
    }


def _periods_that_tell(episode: dict[str, Any], plan: Plan) -> list[int]:
    """Return the window's periods of an episode at or above `score_begins`; all if none is."""
    grid, first = plan.grid, plan.first_scored
    hot = [grid.index_of(start) - first for start in episode[HOT]]
    begin = grid.index_of(episode["anomaly_start"]) - first
    whole = range(max(begin, 0), grid.index_of(episode["anomaly_end"]) - first)
    return [period for period in hot if period >= 0] or list(whole)


def _is_worse(kpi: ScoredKpi, seen: float, expected: float) -> bool:
    """Tell whether a KPI is past its critical limit, though it was not expected to be."""
    return kpi.is_critical(seen) and not kpi.is_critical(expected)


def _mean(values: Floats) -> Floats:
    """Return the mean over periods of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=-1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known.any(axis=-1), total / known.sum(axis=-1), np.nan))


def _said(kpi: ScoredKpi, seen: float, low: float, high: float) -> str:
    measured = f"{kpi.name} {_number(seen)}{_unit(kpi)}"
    usual = f"{_number(low)} to {_number(high)}"
    if low <= seen <= high:
        return f"{measured}, by itself as expected ({usual}) but not beside the other KPIs"
    return f"{measured} where {usual} was expected"


def _number(value: float) -> str:
    """Return three significant digits, without an exponent where a person would not write one."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:.2e}"


def _unit(kpi: ScoredKpi) -> str:
    return "" if kpi.unit == "1" else f" {kpi.unit}"
