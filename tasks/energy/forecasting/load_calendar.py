"""What a calendar says of load: which quarter of which kind of day, and what is planned where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import numpy as np
import polars as pl

from tasks.energy.forecasting.load_history import QUARTER, QUARTERS_A_DAY, Floats, Numbers

DayKind = Literal["WORKDAY", "SATURDAY", "SUNDAY"]
DAY_KINDS: tuple[DayKind, ...] = ("WORKDAY", "SATURDAY", "SUNDAY")
SLOTS = len(DAY_KINDS) * QUARTERS_A_DAY
"""Slots of the week: quarters of a day of each kind."""


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """What is known to move load at some cells for some time.

    Attributes:
        name: what people call it.
        cell_dns: where.
        begins, ends: when, half open, with a zone.
        factor: load is expected to be multiplied by this.
    """

    name: str
    cell_dns: frozenset[str]
    begins: datetime
    ends: datetime
    factor: float


@dataclass(frozen=True, slots=True)
class LoadCalendar:
    """Local time, its holidays, and events.

    Attributes:
        time_zone: in which people live, as in the IANA data base.
        day_kinds: local dates that are like another kind of day than their weekday.
        events: those known.
    """

    time_zone: str
    day_kinds: Mapping[date, DayKind] = field(default_factory=dict)
    events: tuple[LoadEvent, ...] = ()


def week_slots(calendar: LoadCalendar, first: datetime, count: int) -> Numbers:
    """Return the slot of each of `count` quarters from `first`, by local time.

    Where clocks are put back, two quarters have one slot; where they are put forward, slots of the
    night are left out.

    Returns:
        (count,) numbers, 0 to SLOTS - 1.
    """
    local = _local_times(calendar, first, count)
    kind = np.clip(local.dt.weekday().to_numpy().astype(int) - 5, 0, 2)
    dates = local.dt.date()
    for day, like in calendar.day_kinds.items():
        kind[(dates == day).to_numpy()] = DAY_KINDS.index(like)
    quarter = local.dt.hour().to_numpy().astype(int) * 4 + local.dt.minute().to_numpy() // 15
    return np.asarray(kind * QUARTERS_A_DAY + quarter, np.int64)


def local_day_starts(calendar: LoadCalendar, first: datetime, count: int) -> list[int]:
    """Return where local days begin among `count` quarters from `first`; 0 is always one."""
    dates = _local_times(calendar, first, count).dt.date().to_physical().to_numpy()
    return [0, *(np.flatnonzero(np.diff(dates)) + 1).tolist()] if count else []


def event_factors(
    events: Sequence[LoadEvent], cell_dns: Sequence[str], first: datetime, count: int
) -> Floats | None:
    """Return the (C, count) factor on load in quarters from `first`, None where nothing is on.

    Events that meet multiply.
    """
    end = first + count * QUARTER
    meeting = [it for it in events if it.begins < end and it.ends > first]
    if not meeting or not count:
        return None
    factors = np.ones((len(cell_dns), count), np.float32)
    for event in meeting:
        low = max((event.begins - first) // QUARTER, 0)
        high = min(-(-(event.ends - first) // QUARTER), count)
        rows = [row for row, name in enumerate(cell_dns) if name in event.cell_dns]
        factors[rows, low:high] *= np.float32(event.factor)
    return factors


def _local_times(calendar: LoadCalendar, first: datetime, count: int) -> pl.Series:
    moments = np.datetime64(int(first.timestamp()), "s") + np.arange(count) * np.timedelta64(
        int(QUARTER.total_seconds()), "s"
    )
    times = pl.Series(moments.astype("datetime64[us]")).dt.replace_time_zone("UTC")
    return times.dt.convert_time_zone(calendar.time_zone)
