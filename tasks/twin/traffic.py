"""Demand: what people in each area ask of the network, by time of week, season and chance.

Demand belongs to areas, not to cells: who carries it is a matter of radio (coverage.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.twin.layout import Archetype, Network

Array = npt.NDArray[np.floating[Any]]

PERIODS_A_DAY = 96
PERIOD_S = 900

# Bumps of a day: (hour of local time, width in hours, height), over a night floor.
_Bumps = tuple[tuple[float, float, float], ...]
_WEEKDAY: dict[Archetype, _Bumps] = {
    "dense_urban": ((9.0, 2.5, 0.4), (13.0, 2.5, 0.55), (19.0, 3.0, 0.8)),
    "business": ((10.5, 2.2, 0.8), (14.5, 2.4, 0.85), (18.5, 2.0, 0.2)),
    "residential": ((7.5, 1.5, 0.25), (13.0, 3.0, 0.3), (20.5, 2.7, 0.9)),
    "transport": ((7.8, 1.2, 0.95), (13.0, 3.0, 0.35), (17.3, 1.6, 0.9)),
    "stadium": ((12.0, 3.0, 0.35), (18.0, 3.0, 0.5)),
    "rural": ((8.0, 2.0, 0.35), (13.0, 3.5, 0.4), (20.0, 2.8, 0.8)),
}
_WEEKEND: dict[Archetype, _Bumps] = {
    "dense_urban": ((13.0, 3.0, 0.55), (16.5, 2.5, 0.45), (21.0, 3.0, 0.75)),
    "business": ((12.0, 3.5, 0.25), (18.0, 3.0, 0.15)),
    "residential": ((11.0, 2.6, 0.5), (16.0, 3.0, 0.4), (20.8, 2.6, 0.85)),
    "transport": ((11.5, 3.0, 0.4), (17.0, 3.0, 0.5)),
    "stadium": ((15.5, 2.5, 0.8), (19.0, 2.5, 0.55)),
    "rural": ((11.0, 2.8, 0.55), (16.0, 3.0, 0.5), (20.5, 2.5, 0.7)),
}
_NIGHT_FLOOR = 0.06
_PERSISTENCE = 0.92


@dataclass(frozen=True, slots=True)
class Shock:
    """Something that moves demand and is no fault; areas None means the whole network.

    Attributes:
        kind: holiday, weather or event.
        first: index of the first period.
        last: index past the last period.
        factor: demand is multiplied by up to this.
    """

    kind: str
    first: int
    last: int
    factor: float
    areas: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Season:
    """The periods of a run, and what the calendar says of each.

    Attributes:
        starts: start of each period, UTC.
        local_hour: hour of local time, with its fraction.
        is_free_day: Saturday, Sunday or a public holiday, by local date.
        is_sunday: Sunday or a public holiday.
    """

    starts: tuple[datetime, ...]
    local_hour: Array
    is_free_day: npt.NDArray[np.bool_]
    is_sunday: npt.NDArray[np.bool_]

    @property
    def periods(self) -> int:
        """Number of periods."""
        return len(self.starts)


def season(start: datetime, days: int, zone: str = "Europe/Berlin") -> Season:
    """Return the 15-minute periods of `days` from `start`, with the local calendar of `zone`."""
    starts = [start + timedelta(seconds=PERIOD_S * n) for n in range(days * PERIODS_A_DAY)]
    local = pl.Series(starts, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    hour = (local.dt.hour() + local.dt.minute() / 60.0).to_numpy().astype(np.float32)
    dates = local.dt.date().to_list()
    is_holiday = np.array([day in public_holidays(day.year) for day in dates])
    weekday = local.dt.weekday().to_numpy()
    return Season(tuple(starts), hour, (weekday >= 6) | is_holiday, (weekday == 7) | is_holiday)


def public_holidays(year: int) -> set[date]:
    """Return the nation-wide public holidays of Germany in `year`."""
    easter = _easter(year)
    moving = {easter + timedelta(days=n) for n in (-2, 1, 39, 50)}
    fixed = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    return moving | {date(year, month, day) for month, day in fixed}


def _easter(year: int) -> date:
    """Return Easter Sunday (Gauss's method as corrected by Lichtenberg)."""
    century = year // 100
    moon = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    sun = 2 - (3 * century + 3) // 4
    golden = year % 19
    seed = (19 * golden + moon) % 30
    correction = (seed + golden // 11) // 29
    border = 21 + seed - correction
    first_sunday = 7 - (year + year // 4 + sun) % 7
    return date(year, 3, 1) + timedelta(days=border + 7 - (border - first_sunday) % 7 - 1)


def day_shape(archetype: Archetype, hour: Array, *, is_free_day: bool) -> Array:
    """Return the demand of an archetype over hours of local time; the busiest hour is about 1."""
    bumps = (_WEEKEND if is_free_day else _WEEKDAY)[archetype]
    shape = np.full(len(hour), _NIGHT_FLOOR, dtype=np.float32)
    for center, width, height in bumps:
        away = (hour - center + 12.0) % 24.0 - 12.0
        shape += height * np.exp(-0.5 * (away / width) ** 2)
    return shape


def wander(rng: np.random.Generator, shape: tuple[int, int], persistence: float) -> Array:
    """Return standard noise, autocorrelated along the first axis, each column on its own."""
    from scipy.signal import lfilter  # noqa: PLC0415 - it costs every flow a second to import

    fresh = rng.standard_normal(shape, dtype=np.float32)
    scale = np.float32(np.sqrt(1.0 - persistence**2))
    fresh[0] /= scale
    steps = lfilter([scale], [1.0, -persistence], fresh, axis=0)
    return np.asarray(steps, dtype=np.float32)


def demand_shares(
    network: Network, calendar: Season, shocks: Sequence[Shock], seed: int, yearly_growth: float
) -> Array:
    """Return the demand of each area by period, relative to its own busy hour.

    Week shape by archetype, growth, shocks shared by many areas, noise shared by the town, by an
    archetype, and of each area alone.
    """
    rng = np.random.default_rng([seed, 3])
    kinds = network.area_archetypes()
    shapes = {kind: _week_shape(kind, calendar) for kind in sorted(set(kinds))}
    relative = np.stack([shapes[kind] for kind in kinds], axis=1)
    years = np.arange(calendar.periods, dtype=np.float32) / (365.0 * PERIODS_A_DAY)
    relative *= np.exp(np.log1p(np.float32(yearly_growth)) * years)[:, None]
    relative *= np.exp(_noise(rng, kinds, calendar.periods))
    return shocked(relative, shocks)


def shocked(demand: Array, shocks: Sequence[Shock]) -> Array:
    """Return demand with shocks upon it; one shorter than two hours is whole from its first period.

    Args:
        demand: by (periods, areas).
        shocks: counted in periods of `demand`.
    """
    found = np.array(demand, dtype=np.float32)
    for shock in shocks:
        columns = slice(None) if shock.areas is None else list(shock.areas)
        found[shock.first : shock.last, columns] *= _swell(shock)[:, None]
    return found


def _week_shape(kind: Archetype, calendar: Season) -> Array:
    work = day_shape(kind, calendar.local_hour, is_free_day=False)
    free = day_shape(kind, calendar.local_hour, is_free_day=True)
    shape = np.where(calendar.is_free_day, free, work)
    return np.where(calendar.is_sunday, shape * np.float32(0.92), shape)


def _noise(rng: np.random.Generator, kinds: Sequence[Archetype], periods: int) -> Array:
    areas = len(kinds)
    noise = 0.12 * wander(rng, (periods, areas), _PERSISTENCE)
    noise += 0.04 * rng.standard_normal((periods, areas), dtype=np.float32)
    noise += 0.03 * wander(rng, (periods, 1), 0.98)
    days = -(-periods // PERIODS_A_DAY)
    by_day = 0.06 * rng.standard_normal((days, areas), dtype=np.float32)
    noise += np.repeat(by_day, PERIODS_A_DAY, axis=0)[:periods]
    names = sorted(set(kinds))
    shared = 0.04 * wander(rng, (periods, len(names)), 0.97)
    noise += shared[:, [names.index(kind) for kind in kinds]]
    # Small gatherings: a few times a month an area is busier for an hour or two.
    for area in range(areas):
        for _ in range(rng.poisson(periods / (8.0 * PERIODS_A_DAY))):
            first = int(rng.integers(0, periods))
            length = int(rng.integers(3, 10))
            noise[first : first + length, area] += np.float32(rng.uniform(0.1, 0.45))
    return noise


def _swell(shock: Shock) -> Array:
    """Return a factor that rises, stays and falls over the shock."""
    length = shock.last - shock.first
    edge = max(1, min(4, length // 4))
    ramp = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)) / edge
    return np.asarray(1.0 + (shock.factor - 1.0) * np.minimum(ramp, 1.0), dtype=np.float32)
