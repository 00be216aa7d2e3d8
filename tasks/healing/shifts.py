"""How far a cell's KPIs lie from what its own past and its peers let expect, at one moment.

A targeted question, one KPI of one cell at a time: it sees smaller shifts than a detector that
watches everything, and is asked only where something else already points at the cell.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_SLOTS = 12
"""Moments of calm that a scatter is taken from, for each KPI: every two hours of a day."""


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
        periods_count: newest periods that reported.
    """

    kpi: str
    seen: float
    usual: float
    ratio: float
    scatters: float
    periods_count: int

    def to_row(self) -> dict[str, float | int | str]:
        """Return the shift as a row for a tool's result, rounded."""
        return {
            "kpi": self.kpi,
            "seen": round(self.seen, 4),
            "usual": round(self.usual, 4),
            "ratio": round(self.ratio, 3),
            "scatters": round(self.scatters, 1),
            "periods_count": self.periods_count,
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
    return max(7 * rules.history_weeks, rules.calm_days + 1) + 7


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
    """Return every cell's shifts in the newest periods; KPIs that it lacks are left out.

    The usual is the median of the same time of the week before; what cells have in common is taken
    off. Scatter is that of the same comparison at calm moments of the days before the last.
    """
    shape = past.values.shape
    if not shape[0]:
        return {}
    moved = np.full(shape[:2], np.nan)
    scatter = np.full(shape[:2], np.nan)
    usual = np.full(shape[:2], np.nan)
    spread = np.array(
        [
            rules.least_failure_spread if k.is_success_ratio else rules.least_spread
            for k in past.kpis
        ]
    )
    logs = _logs(past)
    with warnings.catch_warnings():
        # A cell that reported nothing has no median, and stays NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        moved, usual = _compared(logs, shape[2], rules)
        step = rules.calm_days * _DAY_PERIODS // (rules.calm_days * _SLOTS)
        newest = shape[2] - _DAY_PERIODS
        moments = range(newest - rules.calm_days * _DAY_PERIODS, newest, step)
        calm = np.stack([_compared(logs, end, rules)[0] for end in moments], axis=2)
        center = np.nanmedian(calm, axis=2, keepdims=True)
        scatter = _NORMAL * np.nanmedian(np.abs(calm - center), axis=2)
    scatter = np.maximum(scatter, spread[None, :])
    counts = np.isfinite(past.values[:, :, -rules.seen_periods :]).sum(axis=2)
    return {
        cell: tuple(
            _shift(kpi, moved[i, k], usual[i, k], scatter[i, k], int(counts[i, k]))
            for k, kpi in enumerate(past.kpis)
            if np.isfinite(moved[i, k]) and np.isfinite(scatter[i, k])
        )
        for i, cell in enumerate(past.cells)
    }


def _logs(past: Past) -> Array:
    logs = np.empty_like(past.values)
    for k, kpi in enumerate(past.kpis):
        value = past.values[:, k]
        if kpi.is_success_ratio:
            logs[:, k] = np.log(np.maximum(100.0 - value, 0.0) + _FAILURE_FLOOR_PCT)
        else:
            logs[:, k] = np.log(np.maximum(value, _LEAST))
    return logs


def _compared(logs: Array, end: int, rules: HealingRules) -> tuple[Array, Array]:
    """Return shift and usual, as logarithms by cell and KPI, of the newest periods before `end`."""
    newest = np.arange(end - rules.seen_periods, end)
    differences, expected = [], []
    for slot in newest:
        places = [
            slot - week * _WEEK_PERIODS + near
            for week in range(1, rules.history_weeks + 1)
            for near in range(-rules.slots_around, rules.slots_around + 1)
        ]
        before = logs[:, :, [place for place in places if 0 <= place < end]]
        usual = np.nanmedian(before, axis=2)
        differences.append(logs[:, :, slot] - usual)
        expected.append(usual)
    moved = np.nanmean(np.stack(differences, axis=2), axis=2)
    common = np.nanmedian(moved, axis=0, keepdims=True)
    common = np.where(np.isfinite(common), common, 0.0)
    return moved - common, np.nanmean(np.stack(expected, axis=2), axis=2) + common


def _shift(kpi: KpiColumn, moved: float, usual: float, scatter: float, count: int) -> Shift:
    told = [float(np.exp(usual)), float(np.exp(usual + moved))]
    if kpi.is_success_ratio:
        told = [min(100.0, 100.0 + _FAILURE_FLOOR_PCT - value) for value in told]
    return Shift(kpi.kpi, told[1], told[0], float(np.exp(moved)), float(moved / scatter), count)
