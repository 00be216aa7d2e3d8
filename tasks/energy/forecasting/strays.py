"""How load strays from its expected week just now: what a forecast can know at its origin.

A stray is log load less its profile; NaN where nothing could be learned. An average over few values
is drawn towards nothing: no data is no evidence.
"""

from dataclasses import dataclass

import numpy as np

from tasks.energy.forecasting.load_history import QUARTERS_A_DAY, Floats, Numbers
from tasks.energy.forecasting.week_profile import WeekProfile

HALF_LIVES = (1.0, 4.0, 24.0, 192.0)
"""Quarters after which a stray counts half, in the averages of a cell's own strays."""
SHARED_HALF_LIVES = (4.0, 24.0)
"""The same for averages over all cells: weather, a strike, a match on every screen."""
SPREAD_HALF_LIVES = (12.0, 96.0)
"""The same for how far single quarters stray."""
LOOK_BACK = 8 * QUARTERS_A_DAY
"""Quarters before an origin that a forecast looks at."""
LAGS_DAYS = (1, 7)
"""Days back at which the stray of the same quarter is asked."""
BASES = len(HALF_LIVES) + len(SHARED_HALF_LIVES)
FACTORS = BASES + len(LAGS_DAYS) + 1
"""What the expected stray is made of: averages, lags, and 1."""

_LEAN = 0.3
"""What a full average's weight is shrunk by, relative to it."""
_LAG_REACH = 2
_CLIP = 1.5
"""Strays beyond are drawn in (log scale: more than four times or less than a quarter)."""


@dataclass(frozen=True)
class Origin:
    """What is known of C cells at an origin.

    Attributes:
        bases: (C, BASES) averages of strays.
        spread: (C, len(SPREAD_HALF_LIVES)) averages of absolute strays.
        recent: (C, LOOK_BACK) strays before the origin, the last one last.
    """

    bases: Floats
    spread: Floats
    recent: Floats


def strays_at(values: Floats, profile: WeekProfile, slots: Numbers) -> Floats:
    """Return (C, P) log load less its profile, drawn in where it is far beyond reason."""
    return np.clip(values - profile.level[:, slots], -_CLIP, _CLIP)


def origin_of(strays: Floats, profile: WeekProfile) -> Origin:
    """Return what the last quarters of `strays` (C, P) tell."""
    recent = strays[:, -LOOK_BACK:]
    lacking = LOOK_BACK - recent.shape[1]
    if lacking:
        recent = np.pad(recent, ((0, 0), (lacking, 0)), constant_values=np.nan)
    is_there = np.isfinite(recent)
    known = np.where(is_there, recent, np.float32(0.0))
    there = is_there.astype(np.float32)
    own = _averages(known, there, HALF_LIVES)
    seen = np.maximum(there.sum(axis=0), 1.0)
    mean, has_any = known.sum(axis=0, keepdims=True) / seen, there.max(axis=0, keepdims=True)
    shared = _averages(mean, has_any, SHARED_HALF_LIVES)
    bases = np.concatenate([own, np.broadcast_to(shared, (len(own), shared.shape[1]))], axis=1)
    usual = profile.deviation[:, None]
    spread = usual + _averages(np.where(is_there, np.abs(known) - usual, 0.0), there,
                               SPREAD_HALF_LIVES)  # fmt: skip
    return Origin(bases, np.maximum(spread, 0.0), np.where(is_there, recent, np.float32(0.0)))


def lagged(origin: Origin, ahead: Numbers) -> list[Floats]:
    """Return, for each of `LAGS_DAYS`, (C, H) strays of the same quarter so many days before.

    Args:
        origin: what is known.
        ahead: (H,) quarters from the last known one, 1 is the next.
    """
    sums = np.cumsum(np.pad(origin.recent, ((0, 0), (1, 0))), axis=1, dtype=np.float32)
    found = []
    for days in LAGS_DAYS:
        back = days * QUARTERS_A_DAY
        while back < int(ahead.max(initial=1)):
            back += QUARTERS_A_DAY
        at = LOOK_BACK - 1 + ahead - back
        low = np.clip(at - _LAG_REACH, 0, LOOK_BACK)
        high = np.clip(at + _LAG_REACH + 1, 0, LOOK_BACK)
        found.append((sums[:, high] - sums[:, low]) / np.float32(2 * _LAG_REACH + 1))
    return found


def expected_strays(origin: Origin, ahead: Numbers, weights: Floats) -> Floats:
    """Return (C, H) strays to be expected.

    Args:
        origin: what is known.
        ahead: (H,) quarters from the last known one.
        weights: (H, FACTORS) what each factor counts so far ahead.
    """
    expected = origin.bases @ weights[:, :BASES].T + weights[:, -1]
    for place, stray in enumerate(lagged(origin, ahead)):
        expected += stray * weights[:, BASES + place]
    return np.asarray(expected, np.float32)


def _averages(known: Floats, there: Floats, half_lives: tuple[float, ...]) -> Floats:
    """Return (C, n) fading averages, each leaning on nothing by `_LEAN` of its full weight."""
    age = np.arange(known.shape[1])[::-1].astype(np.float32)
    fade = np.stack([np.exp2(-age / half) for half in half_lives], axis=1).astype(np.float32)
    return np.asarray((known @ fade) / (there @ fade + np.float32(_LEAN) * fade.sum(axis=0)))
