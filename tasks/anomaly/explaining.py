"""What was expected of a cell, KPI by KPI, and how much each KPI adds to its joint distance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tasks.anomaly.arrays import Floats, Schema
from tasks.anomaly.cell_model import (
    CellModel,
    Network,
    by_period,
    deviations,
    expectation,
    expected_shocks,
    residuals,
)
from tasks.anomaly.detector import remembered
from tasks.anomaly.kpi_parts import kpi_parts
from tasks.anomaly.plan import Plan
from tasks.anomaly.scored_kpis import from_even_noise

BAND: Schema = {
    "cell_dn": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "kpi": pl.String,
    "expected": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "seen": pl.Float64,
}
"""The columns of `cell_anomalies.expectations`."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Some cells over the window, [cells, KPIs, periods], in the KPIs' units.

    Attributes:
        expected, low, high: what the time of week and all cells' shared behavior let expect.
        seen: what was measured; NaN is no data.
        share: each KPI's part, 0 to 1, in the blame of the period.
    """

    expected: Floats
    low: Floats
    high: Floats
    seen: Floats
    share: Floats

    def bounds(self) -> dict[str, Floats]:
        """Return the arrays that are in the KPIs' units, by name."""
        return {
            "expected": self.expected,
            "low": self.low,
            "high": self.high,
            "seen": self.seen,
        }


def expectations(values: Floats, model: CellModel, plan: Plan, network: Network) -> Expectation:
    """Return what was expected and what strayed, for some cells over the window."""
    first, last = plan.first_scored, plan.grid.periods_count
    shared, doubt = expected_shocks(model.loadings, model.doubts, network.shocks[:, first:last])
    middle = expectation(model.week.baseline, plan, first, last) + shared
    width = np.hypot(by_period(model.spread, plan.grid.slots_a_day, first, last), doubt)
    half = plan.rules.band_spreads * width

    def in_units(even: Floats) -> Floats:
        return np.stack(
            [
                from_even_noise(even[:, number], kpi.scale, model.week.typical[:, number, None])
                for number, kpi in enumerate(plan.kpis)
            ],
            axis=1,
        )

    return Expectation(
        in_units(middle),
        in_units(middle - half),
        in_units(middle + half),
        values[..., first:last],
        _shares(values, model, plan, network),
    )


def expected_band(
    explained: Mapping[str, tuple[Expectation, int]],
    wanted: Mapping[str, Sequence[str]],
    plan: Plan,
) -> pl.DataFrame:
    """Return what was expected and seen of some KPIs of some cells, period by period.

    Args:
        explained: for each cell, what was expected, and its place in there.
        wanted: cells and the names of their KPIs.
        plan: KPIs, grid and window.

    Returns:
        cell_dn, period_start, kpi, expected, low, high, seen in the KPI's unit, sorted; without
        the periods for which nothing could be expected.
    """
    starts = plan.window_starts()
    place = {kpi.name: number for number, kpi in enumerate(plan.kpis)}
    frames = [
        pl.DataFrame(
            {
                "cell_dn": pl.repeat(cell, len(starts), eager=True, dtype=pl.String),
                "period_start": starts,
                "kpi": pl.repeat(name, len(starts), eager=True, dtype=pl.String),
                **{
                    bound: pl.Series(values[explained[cell][1], place[name]], dtype=pl.Float64)
                    for bound, values in explained[cell][0].bounds().items()
                },
            }
        )
        for cell, names in sorted(wanted.items())
        for name in sorted(names)
    ]
    if not frames:
        return pl.DataFrame(schema=BAND)
    rows = pl.concat(frames).with_columns(pl.col(pl.Float64).fill_nan(None))
    return rows.filter(pl.col("expected").is_not_null())


def _shares(values: Floats, model: CellModel, plan: Plan, network: Network) -> Floats:
    """Return each KPI's part in the blame, each period's by the memory that is farthest out."""
    warm = plan.warm_from
    rest = residuals(values, model.week, plan, warm, plan.grid.periods_count)
    strays = deviations(rest, model, network, plan, warm)
    cells, kpis = values.shape[:2]
    shares = np.full((cells, kpis, plan.scored_periods), np.nan, np.float32)
    farthest = np.full((cells, plan.scored_periods), -np.inf)
    for number, now in enumerate(remembered(strays, plan)):
        told = [
            kpi_parts(one, matrix)
            for one, matrix in zip(now, model.covariances[number], strict=True)
        ]
        parts, squares = (np.stack(part) for part in zip(*told, strict=True))
        count = np.isfinite(parts).sum(axis=1)
        height = (squares - count) / np.sqrt(2.0 * count + 1e-9)
        is_farther = height > farthest
        farthest = np.where(is_farther, height, farthest)
        shares = np.where(is_farther[:, None], parts, shares)
    return np.asarray(shares, np.float32)
