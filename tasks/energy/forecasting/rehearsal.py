"""Rehearsal: the past forecast as if it were still to come, so that errors are those of strangers.

A profile is taught by the days before, origins are spread over the day that follows, and what came
within a day of each is kept beside what could be known.
"""

from dataclasses import dataclass

import numpy as np

from tasks.energy.forecasting.horizon import LEARNED_AHEAD
from tasks.energy.forecasting.load_history import Floats, Numbers
from tasks.energy.forecasting.strays import LOOK_BACK, lagged, origin_of, strays_at
from tasks.energy.forecasting.week_profile import ProfileSums, WeekProfile

_AHEAD = np.arange(1, LEARNED_AHEAD + 1)


@dataclass(frozen=True)
class Rehearsal:
    """Forecasts of the past: N pairs of cell and origin, H quarters ahead.

    Attributes:
        bases: (N, BASES) averages of strays at the origin.
        lags: (n, N, H) strays of the same quarter some days before.
        level: (N, H) log load that the profile expects.
        came: (N, H) log load that came; NaN where nothing could be learned.
        spread: (N, n) averages of absolute strays at the origin.
        deviation: (N,) of the cell from its profile.
        slot_deviation: (N, H) of the slot, beside all slots.
        evidence: (N, H) days that the profile rests on.
        slots: (N, H) of the week.
    """

    bases: Floats
    lags: Floats
    level: Floats
    came: Floats
    spread: Floats
    deviation: Floats
    slot_deviation: Floats
    evidence: Floats
    slots: Numbers


@dataclass(frozen=True)
class Rehearsing:
    """How the past is rehearsed.

    Attributes:
        rank, lean: of profiles.
        half_life_days: of what days teach.
        days: newest local days whose forecasts are rehearsed.
        least_days: days that must have taught before.
        origins_a_day: forecasts made in each day.
    """

    rank: int
    lean: float
    half_life_days: float
    days: int
    least_days: int
    origins_a_day: int


def rehearsal(
    values: Floats, teaching: Floats, slots: Numbers, day_starts: list[int], how: Rehearsing
) -> Rehearsal | None:
    """Return the newest days as they would have been forecast; None where too few days taught.

    Args:
        values: (C, P) log load.
        teaching: the same, NaN where it must not teach a profile.
        slots: (P,) of the week.
        day_starts: where local days begin among the periods.
        how: to rehearse.
    """
    sums = ProfileSums(len(values), how.half_life_days)
    ends = [*day_starts[1:], len(slots)]
    first_day = max(how.least_days, len(day_starts) - how.days)
    found = []
    for day, (begin, end) in enumerate(zip(day_starts, ends, strict=True)):
        if day >= first_day:
            profile = sums.profile(how.rank, how.lean)
            found += [
                _rehearsed(values, profile, slots, origin)
                for origin in _origins(begin, end, day, how.origins_a_day)
            ]
        sums.add(teaching[:, begin:end], slots[begin:end])
    if not found:
        return None
    stacked = {
        name: np.concatenate([getattr(it, name) for it in found], axis=1 if name == "lags" else 0)
        for name in Rehearsal.__dataclass_fields__
    }
    return Rehearsal(**stacked)


def _origins(begin: int, end: int, day: int, count: int) -> range:
    """Return origins through a day; other quarters of the hour on other days."""
    step = max((end - begin) // count, 1)
    return range(begin + day * 5 % step, end, step)


def _rehearsed(values: Floats, profile: WeekProfile, slots: Numbers, origin: int) -> Rehearsal:
    """Return the forecasts of all cells made when `origin` quarters were known."""
    low = max(origin - LOOK_BACK, 0)
    strays = strays_at(values[:, low:origin], profile, slots[low:origin])
    known = origin_of(strays, profile)
    came = values[:, origin : origin + LEARNED_AHEAD]
    lacking = LEARNED_AHEAD - came.shape[1]
    came = np.pad(came, ((0, 0), (0, lacking)), constant_values=np.nan)
    at = np.pad(slots[origin : origin + LEARNED_AHEAD], (0, lacking))
    cells = len(values)
    return Rehearsal(
        bases=known.bases,
        lags=np.stack(lagged(known, _AHEAD)),
        level=profile.level[:, at],
        came=came,
        spread=known.spread,
        deviation=profile.deviation,
        slot_deviation=np.broadcast_to(profile.slot_deviation[at], came.shape),
        evidence=profile.evidence[:, at],
        slots=np.broadcast_to(at, (cells, LEARNED_AHEAD)),
    )
