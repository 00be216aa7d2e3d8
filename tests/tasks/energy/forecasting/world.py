"""A planted world of load: weeks by local time, noise that lasts for hours, and nothing else."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from semantic_layer.load_forecasting import load_forecasting_rules
from tasks.energy.forecasting.load_calendar import LoadCalendar
from tasks.energy.forecasting.load_history import QUARTER, LoadHistory

ZONE = "Europe/Berlin"
MONDAY = datetime(2025, 5, 4, 22, tzinfo=UTC)
"""Midnight of a Monday, by local time."""
RULES = load_forecasting_rules()
CALENDAR = LoadCalendar(ZONE)
DAY_AHEAD = np.array([0.25] * 4 + [1.0] * 23)
DAYS = 28


def expected_week(start: datetime, quarters: int, free=()) -> np.ndarray:
    """Return (3, quarters) load by local time: office, home, road; `free` dates are Sundays."""
    week = np.zeros((3, quarters))
    for place in range(quarters):
        local = (start + place * QUARTER).astimezone(ZoneInfo(ZONE))
        hour = local.hour + local.minute / 60
        is_free = local.weekday() >= 5 or local.date() in free
        bump = {center: np.exp(-0.5 * ((hour - center) / 2.5) ** 2) for center in (8, 13, 20)}
        week[:, place] = (
            0.02 + (0.05 if is_free else 0.5) * bump[13],
            0.03 + 0.4 * bump[20] + (0.2 if is_free else 0.1) * bump[13],
            0.02 + (0.05 if is_free else 0.4) * bump[8] + 0.15 * bump[20],
        )
    return week


def names(cells: int) -> tuple[str, ...]:
    return tuple(f"ManagedElement={number},NRCellDU=1" for number in range(cells))


def noise(cells: int, quarters: int, seed: int, spread: float = 0.1) -> np.ndarray:
    """Return log factors that last for some two hours, with a little that does not."""
    random = np.random.default_rng(seed)
    fresh = random.standard_normal((cells, quarters)) * np.sqrt(1 - 0.9**2)
    slow = np.zeros((cells, quarters))
    for place in range(1, quarters):
        slow[:, place] = 0.9 * slow[:, place - 1] + fresh[:, place]
    return spread * slow + 0.3 * spread * random.standard_normal((cells, quarters))


def planted(
    cells: int = 12, days: int = DAYS, seed: int = 0, start: datetime = MONDAY, **changed
) -> LoadHistory:
    """Return days of load; `spread` of its noise and `free` dates may be told."""
    quarters = days * 96
    week = expected_week(start, quarters, changed.get("free", ()))
    size = np.random.default_rng([seed, 1]).uniform(0.4, 1.2, (cells, 1))
    load = week[np.arange(cells) % 3] * size
    load = load * np.exp(noise(cells, quarters, seed, changed.get("spread", 0.1)))
    return LoadHistory(names(cells), start, np.clip(load, 0, 1).astype(np.float32))


def midnight(days: int) -> datetime:
    return MONDAY + timedelta(days=days)
