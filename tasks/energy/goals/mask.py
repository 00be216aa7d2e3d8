"""Which modes a goal allows: by cell, planning period and mode."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tasks.energy.goals.goal import EnergyGoal
from tasks.twin.sleep_modes import MODES

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]

_STEP = timedelta(minutes=15)


def allowed_by(
    goal: EnergyGoal,
    cell_dns: Sequence[str],
    chosen: Collection[str],
    periods: Sequence[tuple[datetime, float]],
    zone: ZoneInfo,
) -> Flags:
    """Return (C, T, M) whether a goal lets a cell take a mode in a period; ACTIVE it always does.

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
    is_deep = np.arange(len(MODES)) <= MODES.index(goal.deepest_mode)
    allowed: Flags = is_chosen[:, None, None] & is_time[None, :, None] & is_deep[None, None, :]
    allowed[:, :, 0] = True
    return allowed


def _is_within(goal: EnergyGoal, start: datetime, hours: float, zone: ZoneInfo) -> bool:
    if goal.from_hour is None or goal.until_hour is None:
        return True
    span = (goal.until_hour - goal.from_hour) % 24.0
    steps = max(1, round(timedelta(hours=hours) / _STEP))
    for step in range(steps):
        local = (start + step * _STEP).astimezone(zone)
        hour = local.hour + local.minute / 60.0 + local.second / 3600.0
        if (hour - goal.from_hour) % 24.0 + _STEP.total_seconds() / 3600.0 > span + 1e-9:
            return False
    return True
