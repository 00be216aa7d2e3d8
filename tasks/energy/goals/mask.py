"""Where a goal lets nothing be done: by cell and planning period."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tasks.energy.goals.goal import EnergyGoal

Flags = npt.NDArray[np.bool_]

_STEP = timedelta(minutes=15)
_STEP_H = 0.25


def stays_active(
    goal: EnergyGoal,
    cell_dns: Sequence[str],
    chosen: Collection[str],
    periods: Sequence[tuple[datetime, float]],
    zone: ZoneInfo,
) -> Flags:
    """Return (C, T) where a goal keeps a cell ACTIVE.

    Args:
        goal: of a person.
        cell_dns: C cells.
        chosen: those of them where the goal lets cells save.
        periods: T starts, UTC, and lengths in h; a period of which a part lies outside the goal's
            hours is outside.
        zone: of the goal's hours.
    """
    is_chosen = np.array([dn in chosen for dn in cell_dns], dtype=bool)
    is_time = np.array([_is_within(goal, start, hours, zone) for start, hours in periods], bool)
    kept: Flags = ~(is_chosen[:, None] & is_time[None, :])
    return kept


def _is_within(goal: EnergyGoal, start: datetime, hours: float, zone: ZoneInfo) -> bool:
    """Tell whether all of a period lies in a goal's hours, as the clock on the wall shows them."""
    if goal.from_hour is None or goal.until_hour is None:
        return True
    span = (goal.until_hour - goal.from_hour) % 24.0
    for step in range(max(1, round(hours / _STEP_H))):
        local = (start + step * _STEP).astimezone(zone)
        hour = local.hour + local.minute / 60.0 + local.second / 3600.0
        if (hour - goal.from_hour) % 24.0 + _STEP_H > span + 1e-9:
            return False
    return True
