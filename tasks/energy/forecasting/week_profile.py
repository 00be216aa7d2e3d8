"""What a cell's week looks like, on a log scale: taught day by day, lent by cells alike.

Newer days weigh more, outliers are drawn in before they teach, neighboring quarters lend each
other, and a slot with little evidence leans on the shapes that many cells have in common (the
leading singular vectors of all weeks).
"""

from dataclasses import dataclass

import numpy as np

from tasks.energy.forecasting.load_calendar import SLOTS
from tasks.energy.forecasting.load_history import QUARTERS_A_DAY, Flags, Floats, Numbers

_LENT = np.array([1.0, 2.0, 3.0, 2.0, 1.0], np.float32)
"""What a slot takes from its neighbors in time and from itself."""
_SETTLED = 3.0
"""Evidence, in days, from which outliers are told."""
_DRAWN_IN = 4.0
"""Mean absolute deviations beyond which a value is drawn in."""
_TYPICAL_DEVIATION = 0.15
"""Mean absolute deviation that is supposed before any was seen."""
_TYPICAL_WEIGHT = 48.0
"""How many quarters that supposition is worth."""
_ROUNDS = 3


@dataclass(frozen=True)
class WeekProfile:
    """The expected week of C cells.

    Attributes:
        level: (C, SLOTS) log load.
        evidence: (C, SLOTS) how many days it rests on, older ones counting less.
        deviation: (C,) mean absolute deviation of single quarters from it.
        slot_deviation: (SLOTS,) how far quarters of a slot stray, beside all slots' mean.
    """

    level: Floats
    evidence: Floats
    deviation: Floats
    slot_deviation: Floats


class ProfileSums:
    """What days have taught so far. `add` them in order of time."""

    def __init__(self, cells: int, half_life_days: float) -> None:
        self._fade = np.float32(0.5 ** (1.0 / half_life_days))
        self._sum = np.zeros((cells, SLOTS), np.float32)
        self._weight = np.zeros((cells, SLOTS), np.float32)
        self._strayed = np.zeros(cells, np.float32)
        self._strayed_weight = np.zeros(cells, np.float32)
        self._slot_strayed = np.full(SLOTS, _TYPICAL_DEVIATION * _TYPICAL_WEIGHT, np.float64)
        self._slot_weight = np.full(SLOTS, _TYPICAL_WEIGHT, np.float64)

    def add(self, values: Floats, slots: Numbers) -> None:
        """Learn a day.

        Args:
            values: (C, N) log load; NaN teaches nothing.
            slots: (N,) their slots; one that stands twice (clocks put back) is learned twice.
        """
        for kept in (self._sum, self._weight, self._strayed, self._strayed_weight):
            np.multiply(kept, self._fade, out=kept)
        sums, weights = self._lent_at(slots)
        with np.errstate(invalid="ignore", divide="ignore"):
            away = values - sums / weights
        is_known = np.isfinite(away) & (weights >= _SETTLED * self._fade)
        deviation = self._deviation()[:, None]
        far = np.clip(away, -_DRAWN_IN * deviation, _DRAWN_IN * deviation)
        drawn_in = np.where(is_known, values - away + far, values)
        self._take(np.where(np.isfinite(drawn_in), drawn_in, 0.0), np.isfinite(values), slots)
        strayed = np.where(is_known, np.abs(far), 0.0)
        self._strayed += strayed.sum(axis=1)
        self._strayed_weight += is_known.sum(axis=1)
        np.add.at(self._slot_strayed, slots, strayed.sum(axis=0))
        np.add.at(self._slot_weight, slots, is_known.sum(axis=0))

    def profile(self, rank: int, lean: float) -> WeekProfile:
        """Return the week as it is known now.

        Args:
            rank: how many common shapes cells may be made of.
            lean: days of evidence that the common shapes are worth.
        """
        sums, weights = self._lent()
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.where(weights > 0.0, sums / weights, np.nan)
        common = _common(own, rank)
        trust = weights / (weights + np.float32(lean))
        level = common + trust * (np.where(weights > 0.0, own, common) - common)
        unseen = np.flatnonzero(~(weights > 0.0).any(axis=0))
        level[:, unseen] = level[:, unseen % QUARTERS_A_DAY]  # a kind of day not met is a workday
        slot = np.asarray(self._slot_strayed / self._slot_weight, np.float32)
        return WeekProfile(level, weights, self._deviation(), slot / slot.mean())

    def _take(self, values: Floats, is_there: Flags, slots: Numbers) -> None:
        _, firsts = np.unique(slots, return_index=True)
        again = np.setdiff1d(np.arange(len(slots)), firsts)
        for chosen in (firsts, again):
            self._sum[:, slots[chosen]] += values[:, chosen]
            self._weight[:, slots[chosen]] += is_there[:, chosen]

    def _deviation(self) -> Floats:
        seen = self._strayed + np.float32(_TYPICAL_DEVIATION * _TYPICAL_WEIGHT)
        return np.asarray(seen / (self._strayed_weight + np.float32(_TYPICAL_WEIGHT)))

    def _lent(self) -> tuple[Floats, Floats]:
        """Return (C, SLOTS) sums and weights, each slot with what its neighbors lend."""
        return _spread(self._sum), _spread(self._weight)

    def _lent_at(self, slots: Numbers) -> tuple[Floats, Floats]:
        """Return the same for these slots alone; a day asks for those of one kind of day."""
        kinds, at = np.unique(slots // QUARTERS_A_DAY, return_inverse=True)
        asked = (kinds[:, None] * QUARTERS_A_DAY + np.arange(QUARTERS_A_DAY)).ravel()
        here = at * QUARTERS_A_DAY + slots % QUARTERS_A_DAY
        return _spread(self._sum[:, asked])[:, here], _spread(self._weight[:, asked])[:, here]


def _spread(kept: Floats) -> Floats:
    """Return weighted sums around each quarter of a day, midnight meeting midnight."""
    reach = len(_LENT) // 2
    days = kept.reshape(len(kept), -1, QUARTERS_A_DAY)
    spread = np.zeros_like(days)
    for shift, weight in zip(range(-reach, reach + 1), _LENT / _LENT.sum(), strict=True):
        spread += weight * np.roll(days, shift, axis=2)
    return spread.reshape(kept.shape)


def _common(own: Floats, rank: int) -> Floats:
    """Return the week of each cell as common shapes make it; also where it has none of its own.

    Missing values are first those of the mean cell, then what the shapes say, some rounds long.
    """
    is_there = np.isfinite(own)
    known = np.where(is_there, own, 0.0).astype(np.float32)
    cells, slots = is_there.sum(axis=1, keepdims=True), is_there.sum(axis=0)
    middle, mean = np.zeros((len(own), 1), np.float32), np.zeros(SLOTS, np.float32)
    for _ in range(_ROUNDS):  # a cell known by day alone is not busier for that
        left = np.where(is_there, known - mean, 0.0).sum(axis=1, keepdims=True)
        middle = left / np.maximum(cells, 1)
        mean = np.where(is_there, known - middle, 0.0).sum(axis=0) / np.maximum(slots, 1)
    filled = np.where(is_there, known - middle - mean, 0.0)
    shapes = min(rank, len(own) // 6)
    for _ in range(_ROUNDS if shapes else 0):
        _, vectors = np.linalg.eigh((filled.T @ filled).astype(np.float64))
        basis = vectors[:, -shapes:].astype(np.float32)
        made = (filled @ basis) @ basis.T
        filled = np.where(is_there, filled, made)
    common = made if shapes else np.zeros_like(filled)
    return np.asarray(middle + mean + common, np.float32)
