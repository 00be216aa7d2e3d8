"""Which hours and days a run rolls up, and in which pieces it reads what it needs for them.

A period is rolled up when what is measured reaches its end; when it was rolled up before, for then
something came late; and when time passed by it before it was rolled up. Otherwise it waits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from data_products.publication import scope_text
from semantic_layer.periods import Window

QUARTER = "15min"
ROLLED_UP = ("hour", "day")
"""Granularities that are added up from shorter periods."""

_LOOK_BACK = timedelta(days=2)
"""How long after a period that nobody rolled up a run still does."""

_MOST_ROWS = 2_000_000
"""Measurement rows in one piece: some 2 GB of memory while their KPIs are computed."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RollUps:
    """What one run computes.

    Attributes:
        quarters: the window by 15 minutes.
        hours, days: the periods that are rolled up, in order.
    """

    quarters: Window
    hours: tuple[Window, ...]
    days: tuple[Window, ...]

    @property
    def spans(self) -> list[Window]:
        """What must be read, as few windows."""
        return [
            Window(first.start, max(window.end for window in windows))
            for windows in _overlapping([self.quarters, *self.hours, *self.days])
            for first in windows[:1]
        ]


def roll_ups(window: Window, reach: datetime, history: pl.DataFrame, source: str) -> RollUps:
    """Return what a run of the window computes.

    Args:
        window: what was measured anew.
        reach: the latest end of what was measured in it, or its own end.
        history: of the product's table, as `TableStore.history` tells it.
        source: the scope's `source` of computed rows.
    """
    quarters = window.widened_to(QUARTER)
    told = history.filter(pl.col("rows") > 0, pl.col("window_end") > window.start - _LOOK_BACK)
    known = _windows(told, QUARTER, source)
    hours, days = (
        _due(name, quarters, reach, known, _windows(told, name, source)) for name in ROLLED_UP
    )
    return RollUps(quarters, hours, days)


def pieces(plan: RollUps, rows_by_hour: dict[datetime, int]) -> list[Window]:
    """Return the windows to read, in order: each small enough for memory, none cuts an hour's sums.

    Args:
        plan: what is computed.
        rows_by_hour: how many rows each hour holds that was measured.
    """
    wanted: list[Window] = []
    for day in plan.days:
        wanted.extend(day.split("hour"))
    wanted.extend(plan.hours)
    whole = set(wanted)
    for hour in plan.quarters.split("hour"):
        if hour not in whole:
            start, end = max(hour.start, plan.quarters.start), min(hour.end, plan.quarters.end)
            whole.add(Window(start, end))
    found: list[Window] = []
    rows = 0
    for window in sorted(whole):
        held = rows_by_hour.get(window.start.replace(minute=0), 0)
        if found and found[-1].end == window.start and rows + held <= _MOST_ROWS:
            found[-1] = Window(found[-1].start, window.end)
            rows += held
        else:
            found.append(window)
            rows = held
    return found


def together(windows: Iterable[Window]) -> list[Window]:
    """Return windows as few windows that follow each other with gaps."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and found[-1].end == window.start:
            found[-1] = Window(found[-1].start, window.end)
        else:
            found.append(window)
    return found


def common(one: Window, other: Window) -> Window | None:
    """Return the time that two windows share, None when they share none."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Window(start, end) if start < end else None


def _overlapping(windows: Iterable[Window]) -> list[list[Window]]:
    found: list[list[Window]] = []
    end = None
    for window in sorted(windows):
        if end is None or window.start > end:
            found.append([])
        found[-1].append(window)
        end = window.end if end is None else max(end, window.end)
    return found


def _due(
    granularity: str,
    quarters: Window,
    reach: datetime,
    known: Sequence[Window],
    rolled: Sequence[Window],
) -> tuple[Window, ...]:
    touched = list(quarters.split(granularity))
    passed = {
        period
        for window in known
        for period in window.split(granularity)
        if period.end <= quarters.start and period.end > quarters.start - _LOOK_BACK
    }
    missed = [it for it in passed if not _meets(it, rolled)]
    reached = [it for it in touched if it.end <= reach or _meets(it, rolled)]
    return tuple(sorted({*missed, *reached}))


def _windows(history: pl.DataFrame, granularity: str, source: str) -> list[Window]:
    scope = scope_text({"granularity": granularity, "source": source})
    own = history.filter(pl.col("scope") == scope).drop_nulls(["window_start", "window_end"])
    spans = own.select("window_start", "window_end").unique().sort("window_start", "window_end")
    return [Window(start, end) for start, end in spans.iter_rows()]


def _meets(period: Window, windows: Sequence[Window]) -> bool:
    return any(common(period, window) is not None for window in windows)
