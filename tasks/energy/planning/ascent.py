"""Searches the prices whose bound is highest: steps against what was missed, sized row by row.

The step of each row follows the mean and the spread of what it missed before, as in D. P. Kingma,
J. Ba, "Adam: a method for stochastic optimization", 2015; bounds are valid at any prices.
"""

import numpy as np

from tasks.energy.planning.parts import Parts
from tasks.energy.planning.problem import Floats, Prices
from tasks.energy.planning.relaxed import Duals, Relaxation, Singles

_MEAN, _SPREAD = 0.8, 0.97
_FIRST_STEP, _LAST_STEP, _SLOWING = 0.2, 0.004, 0.985
_WARM_STEP = 0.03
_RECENT = 0.95


class Ascent:
    """Prices on their way up.

    Attributes:
        bounds: (N,) highest bound of each independent part so far.
        often_off: (C, T) how often of late each cell chose to sleep, 0 to 1.
    """

    def __init__(self, relaxation: Relaxation, parts: Parts, start: Prices | None) -> None:
        """Begin at prices of an earlier search, where they fit, or at none."""
        self._relaxation, self._parts = relaxation, parts
        units = _units(relaxation)
        self._gains = [unit * row for unit, row in zip(units, relaxation.priced, strict=True)]
        self._at = [rows / unit for rows, unit in zip(relaxation.duals(start), units, strict=True)]
        self._means = [np.zeros_like(at) for at in self._at]
        self._spreads = [np.zeros_like(at) for at in self._at]
        self._step = _FIRST_STEP if start is None else _WARM_STEP
        self._count = 0
        self.bounds: Floats = np.full(parts.count, -np.inf)
        self.often_off = np.zeros(relaxation.terms.shape, dtype=np.float32)

    @property
    def prices(self) -> Prices:
        """Where the ascent stands, in cost."""
        return self._relaxation.prices(self._duals())

    def _duals(self) -> Duals:
        return Duals(*(at * gain for at, gain in zip(self._at, self._gains, strict=True)))

    def climb(self, steps: int) -> None:
        """Take steps."""
        for _ in range(steps):
            self._climb_once()

    def _climb_once(self) -> None:
        prices = self._duals()
        answer = self._relaxation.answer(prices)
        bounds = self._relaxation.bounds(prices, answer, self._parts)
        np.maximum(self.bounds, bounds, out=self.bounds)
        recent = max(1.0 / (self._count + 1), 1.0 - _RECENT)
        self.often_off += np.float32(recent) * (answer.is_off - self.often_off)
        self._count += 1
        fresh = 1.0 - _MEAN**self._count, 1.0 - _SPREAD**self._count
        for kind, missed in enumerate(answer.missed):
            slope = missed * self._gains[kind]
            mean, spread, at = self._means[kind], self._spreads[kind], self._at[kind]
            mean += np.float32(1.0 - _MEAN) * (slope - mean)
            slope *= slope
            spread += np.float32(1.0 - _SPREAD) * (slope - spread)
            size = np.sqrt(spread / np.float32(fresh[1])) + np.float32(1e-6)
            at += np.float32(self._step / fresh[0]) * mean / size
            np.maximum(at, 0.0, out=at)
        self._step = max(self._step * _SLOWING, _LAST_STEP)


def _units(relaxation: Relaxation) -> list[Singles]:
    """Return by row the price at which a typical cell would give up its sleep."""
    saved, moved = relaxation.typical()
    units = [np.full_like(rows, saved) for rows in relaxation.priced]
    units[0] = (saved / np.maximum(moved, 1e-4)).astype(np.float32)
    return units
