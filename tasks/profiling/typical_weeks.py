"""A cell's typical week: the median of a few weeks, hour by hour, of each quantity.

Whole networks are read one weekday at a time, so that memory holds a day of a few weeks and not the
weeks. Weeks run from Monday 00:00 to Monday 00:00 UTC; a change of local clocks moves nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.kpis import Kpi
from semantic_layer.periods import Window, floor_to
from semantic_layer.profiling import Profiling
from tasks.profiling.arrays import HOURS, Floats

Read = Callable[[Window], pl.DataFrame]
"""From a window to its rows of `cell_kpis` by hour: cell_dn, period_start and KPI columns."""

WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


def weeks_of(window: Window) -> list[Window]:
    """Return the weeks, Monday to Monday in UTC, that a window touches."""
    found: list[Window] = []
    start = _monday(window.start)
    while start < window.end:
        found.append(Window(start, start + WEEK))
        start += WEEK
    return found


def coming_week(newest: Window) -> Window:
    """Return the week that goes on, or begins, where the newest data ends."""
    start = _monday(newest.end)
    return Window(start, start + WEEK)


def history_of(week: Window, rules: Profiling) -> Window:
    """Return the weeks before a week from which it is profiled.

    Raises:
        InputError: the window is no week.
    """
    if week.start != _monday(week.start) or week.end - week.start != WEEK:
        raise InputError(
            f"Cells are profiled for weeks from Monday 00:00 to Monday 00:00 UTC; {week} is none. "
            f"Take {weeks_of(week)[0]}."
        )
    return week.before(rules.history_weeks * WEEK)


def quantity_columns(rules: Profiling, kpis: Sequence[Kpi]) -> dict[str, list[str]]:
    """Return the columns that tell each quantity, in order of preference.

    Raises:
        InputError: the rules name a KPI that the catalogue lacks.
    """
    columns = {kpi.name: kpi.column for kpi in kpis}
    unknown = [n for one in rules.shape_quantities for n in one.kpis if n not in columns]
    if unknown:
        raise InputError(f"The rules of profiling name KPIs that nobody defines: {unknown}.")
    return {one.quantity: [columns[n] for n in one.kpis] for one in rules.shape_quantities}


def typical_weeks(
    read: Read, cells: Sequence[str], columns: dict[str, list[str]], history: Window
) -> Floats:
    """Return typical weeks, [cells, quantities, 168] float32; NaN where no week has the hour.

    Args:
        read: the rows of one day.
        cells: their DNs, each once; rows of others are left out.
        columns: of each quantity, as `quantity_columns` tells.
        history: whole weeks.
    """
    found = np.full((len(cells), len(columns), HOURS), np.nan, np.float32)
    places = pl.DataFrame(
        {"cell_dn": cells, "place": np.arange(len(cells))}, schema_overrides={"cell_dn": pl.String}
    )
    for weekday in range(7):
        days = list(_days(history, weekday))
        values = np.full((len(days), len(cells), len(columns), 24), np.nan, np.float32)
        for number, day in enumerate(days):
            _place(
                values[number], read(day).join(places, on="cell_dn", maintain_order="left"), columns
            )
        found[..., weekday * 24 : (weekday + 1) * 24] = _median(values)
    return found


def _place(values: Floats, rows: pl.DataFrame, columns: dict[str, list[str]]) -> None:
    """Write a day's rows to [cells, quantities, 24]; of two rows for one hour the later counts."""
    cells = rows["place"].to_numpy()
    hours = rows["period_start"].dt.hour().cast(pl.Int64).to_numpy()
    for number, names in enumerate(columns.values()):
        present = [pl.col(name).cast(pl.Float32) for name in names if name in rows.columns]
        if present:
            told = rows.select(pl.coalesce(present)).to_series().to_numpy()
            values[cells, number, hours] = np.where(np.isfinite(told), told, np.nan)


def _median(values: Floats) -> Floats:
    """Return the median over the first axis of what is not NaN."""
    ordered = np.sort(values, axis=0)
    last = np.maximum(np.isfinite(ordered).sum(axis=0, keepdims=True) - 1, 0)
    low = np.take_along_axis(ordered, last // 2, axis=0)
    high = np.take_along_axis(ordered, (last + 1) // 2, axis=0)
    return np.asarray((low + (high - low) / 2)[0])


def _days(history: Window, weekday: int) -> Iterator[Window]:
    start = history.start + weekday * _DAY
    while start < history.end:
        yield Window(start, start + _DAY)
        start += WEEK


def _monday(moment: datetime) -> datetime:
    day = floor_to(moment, "day")
    return day - day.weekday() * _DAY
