"""How far a cell's KPIs lie from what its own past and its peers let expect, at one moment.

A targeted question, one KPI of one cell at a time: it sees smaller shifts than a detector that
watches everything, and is asked only where something else already points at the cell.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.healing import HealingRules

Array = npt.NDArray[np.floating[Any]]

PERIOD = timedelta(minutes=15)
_WEEK_PERIODS = 7 * 96
_DAY_PERIODS = 96
_FAILURE_FLOOR_PCT = 0.3
_LEAST = 1e-3
_NORMAL = 1.4826
_MOMENT_PERIODS = 8
"""Between the moments of calm that a scatter is taken from: two hours."""


@dataclass(frozen=True, slots=True)
class KpiColumn:
    """A KPI's column, and whether it is a ratio of success in %."""

    kpi: str
    column: str
    is_success_ratio: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """One KPI of one cell beside its usual.

    Attributes:
        seen, usual: in the KPI's unit; usual is of the same time of the week, as its peers moved.
        ratio: seen over usual; of ratios of success, of their failures.
        scatters: the shift, in scatters of calm; positive is more (more failures).
        periods_count: newest periods that reported, of those that are looked at.
        is_long: of the longer look.
    """

    kpi: str
    seen: float
    usual: float
    ratio: float
    scatters: float
    periods_count: int
    is_long: bool = False

    def to_row(self) -> dict[str, float | int | str | bool]:
        """Return the shift as a row for a tool's result, rounded."""
        return {
            "kpi": self.kpi,
            "seen": round(self.seen, 4),
            "usual": round(self.usual, 4),
            "ratio": round(self.ratio, 3),
            "scatters": round(self.scatters, 1),
            "periods_count": self.periods_count,
            "is_long": self.is_long,
        }


@dataclass(frozen=True)
class Past:
    """KPIs of some cells over the past, as a cube.

    Attributes:
        cells: DNs, on the first axis.
        kpis: on the second.
        values: [cells, KPIs, periods], NaN where nothing was reported.
        end: of the last period.
    """

    cells: tuple[str, ...]
    kpis: tuple[KpiColumn, ...]
    values: Array
    end: datetime


def needed_days(rules: HealingRules) -> int:
    """Return how many days before the moment are looked at."""
    return 7 * rules.history_weeks + rules.calm_days + 2


def past_of(rows: pl.DataFrame, kpis: Sequence[KpiColumn], end: datetime, days: int) -> Past:
    """Return rows as a cube that ends at `end`.

    Args:
        rows: cell_dn, period_start, and the columns of `kpis`; absent columns are all NaN.
        kpis: to take.
        end: of the last period, exclusive.
        days: before it.
    """
    start, periods = end - timedelta(days=days), days * _DAY_PERIODS
    cells = tuple(rows["cell_dn"].unique().sort())
    place = rows.filter(pl.col("period_start") >= start, pl.col("period_start") < end).with_columns(
        cell=pl.col("cell_dn").replace_strict(
            list(cells), list(range(len(cells))), return_dtype=pl.Int64
        )
        if cells
        else pl.lit(0),
        slot=(pl.col("period_start") - start).dt.total_seconds() // 900,
    )
    values = np.full((len(cells), len(kpis), periods), np.nan)
    index = place["cell"].to_numpy(), place["slot"].to_numpy()
    for number, kpi in enumerate(kpis):
        if kpi.column in place.columns:
            values[index[0], number, index[1]] = place[kpi.column].cast(pl.Float64).to_numpy()
    return Past(cells, tuple(kpis), values, end)


def shifts(past: Past, rules: HealingRules) -> Mapping[str, tuple[Shift, ...]]:
    """Return every cell's shifts, over the newest periods and over longer; what lacks is left out.

    The usual is the median over weeks of what was around the same time of the week; what cells
    have in common is taken off. Scatter is that of the same comparison at calm moments of the days
    before the last.
    """
    if not past.cells:
        return {}
    with warnings.catch_warnings():
        # A cell that reported nothing has no median, and stays NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        logs, usual = _compared(past, rules)
        told = [
            _told(past, logs, usual, length, rules)
            for length in (rules.seen_periods, rules.long_periods)
        ]
    return {
        cell: tuple(shift for of_cells in told for shift in of_cells[place])
        for place, cell in enumerate(past.cells)
    }


def _told(
    past: Past, logs: Array, usual: Array, length: int, rules: HealingRules
) -> list[list[Shift]]:
    """Return by cell the shifts over the newest `length` periods."""
    differences = logs - usual
    end = differences.shape[2]
    newest = end - _DAY_PERIODS
    moments = range(newest - rules.calm_days * _DAY_PERIODS + length, newest, _MOMENT_PERIODS)
    calm = np.stack([_moved(differences, moment, length) for moment in moments], axis=2)
    center = np.nanmedian(calm, axis=2, keepdims=True)
    scatter = _NORMAL * np.nanmedian(np.abs(calm - center), axis=2)
    least = [
        rules.least_failure_spread if kpi.is_success_ratio else rules.least_spread
        for kpi in past.kpis
    ]
    scatter = np.maximum(scatter, np.array(least)[None, :])
    moved = _moved(differences, end, length)
    expected = np.nanmean(logs[:, :, -length:], axis=2) - moved
    counts = np.isfinite(past.values[:, :, -length:]).sum(axis=2)
    return [
        [
            replace(
                _shift(kpi, moved[i, k], expected[i, k], scatter[i, k], int(counts[i, k])),
                is_long=length != rules.seen_periods,
            )
            for k, kpi in enumerate(past.kpis)
            if np.isfinite(moved[i, k]) and np.isfinite(scatter[i, k])
        ]
        for i in range(len(past.cells))
    ]


def _moved(differences: Array, end: int, length: int) -> Array:
    """Return by cell and KPI how far it moved beyond what all cells have in common."""
    moved = np.nanmean(differences[:, :, end - length : end], axis=2)
    common = np.nanmedian(moved, axis=0, keepdims=True)
    return np.asarray(moved - np.where(np.isfinite(common), common, 0.0))


def _compared(past: Past, rules: HealingRules) -> tuple[Array, Array]:
    """Return logarithms and their usual, of the newest days: [cells, KPIs, periods]."""
    logs, days = _logs(past), rules.calm_days + 1
    near = _around(logs, rules.slots_around)
    slots = np.arange(logs.shape[2] - days * _DAY_PERIODS, logs.shape[2])
    weeks = [near[:, :, slots - week * _WEEK_PERIODS] for week in range(1, rules.history_weeks + 1)]
    return logs[:, :, slots], _median(np.stack(weeks))


def _around(logs: Array, slots: int) -> Array:
    """Return the mean of each period with those around it, as far as they were reported."""
    known = np.isfinite(logs)
    width = 2 * slots + 1
    edge = ((0, 0), (0, 0), (slots + 1, slots))
    sums = np.cumsum(np.pad(np.where(known, logs, 0.0), edge), axis=2)
    counts = np.cumsum(np.pad(known, edge), axis=2, dtype=np.int32)
    total = sums[:, :, width:] - sums[:, :, :-width]
    number = counts[:, :, width:] - counts[:, :, :-width]
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))


def _median(stacked: Array) -> Array:
    """Return the median along the first axis of what is known there; NaN where nothing is."""
    ordered = np.sort(stacked, axis=0)  # what is not known comes last
    count = np.isfinite(ordered).sum(axis=0)
    low, high = np.maximum((count - 1) // 2, 0), count // 2
    first = np.take_along_axis(ordered, low[None], axis=0)[0]
    second = np.take_along_axis(ordered, np.minimum(high, len(ordered) - 1)[None], axis=0)[0]
    return np.asarray(np.where(count > 0, (first + second) / 2.0, np.nan))


def _logs(past: Past) -> Array:
    logs = np.empty_like(past.values)
    for k, kpi in enumerate(past.kpis):
        value = past.values[:, k]
        if kpi.is_success_ratio:
            logs[:, k] = np.log(np.maximum(100.0 - value, 0.0) + _FAILURE_FLOOR_PCT)
        else:
            logs[:, k] = np.log(np.maximum(value, _LEAST))
    return logs


def _shift(kpi: KpiColumn, moved: float, usual: float, scatter: float, count: int) -> Shift:
    told = [float(np.exp(usual)), float(np.exp(usual + moved))]
    if kpi.is_success_ratio:
        told = [min(100.0, 100.0 + _FAILURE_FLOOR_PCT - value) for value in told]
    return Shift(kpi.kpi, told[1], told[0], float(np.exp(moved)), float(moved / scatter), count)
