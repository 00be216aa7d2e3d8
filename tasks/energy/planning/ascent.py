"""Searches the prices whose bound is highest: steps against what was missed, sized row by row.

The step of each row follows the mean and the spread of what it missed before, as in D. P. Kingma,
J. Ba, "Adam: a method for stochastic optimization", 2015; bounds are valid at any prices.
"""

import numpy as np

from tasks.energy.planning.parts import Parts
from tasks.energy.planning.problem import Floats, Prices
from tasks.energy.planning.relaxed import Relaxation, rows_of

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
        self._units = _units(relaxation)
        self._gains = [
            row * bound for row, bound in zip(self._units, rows_of(relaxation.binds), strict=True)
        ]
        at = relaxation.free() if start is None else start
        fits = [
            new.shape == old.shape
            for new, old in zip(rows_of(relaxation.binds), rows_of(at), strict=True)
        ]
        self._at = [
            (row / relaxation.unit / unit).astype(np.float32) if fit else np.zeros_like(unit)
            for row, unit, fit in zip(rows_of(at), self._units, fits, strict=True)
        ]
        self._means = [np.zeros_like(unit) for unit in self._units]
        self._spreads = [np.zeros_like(unit) for unit in self._units]
        self._step = _FIRST_STEP if start is None else _WARM_STEP
        self._count = 0
        self.bounds: Floats = np.full(parts.count, -np.inf)
        self.often_off = np.zeros(relaxation.terms.shape, dtype=np.float32)

    @property
    def prices(self) -> Prices:
        """Where the ascent stands, in cost."""
        unit = self._relaxation.unit
        return Prices(*(at * gain * unit for at, gain in zip(self._at, self._gains, strict=True)))

    def climb(self, steps: int) -> None:
        """Take steps."""
        for _ in range(steps):
            self._climb_once()

    def _climb_once(self) -> None:
        prices = Prices(*(at * gain for at, gain in zip(self._at, self._gains, strict=True)))
        answer = self._relaxation.answer(prices)
        bounds = self._relaxation.bounds(prices, answer, self._parts)
        np.maximum(self.bounds, bounds, out=self.bounds)
        recent = max(1.0 / (self._count + 1), 1.0 - _RECENT)
        self.often_off += np.float32(recent) * (answer.is_off - self.often_off)
        self._count += 1
        fresh = 1.0 - _MEAN**self._count, 1.0 - _SPREAD**self._count
        for kind, missed in enumerate(rows_of(answer.missed)):
            slope = missed * self._gains[kind]
            mean, spread, at = self._means[kind], self._spreads[kind], self._at[kind]
            mean += np.float32(1.0 - _MEAN) * (slope - mean)
            slope *= slope
            spread += np.float32(1.0 - _SPREAD) * (slope - spread)
            size = np.sqrt(spread / np.float32(fresh[1])) + np.float32(1e-6)
            at += np.float32(self._step / fresh[0]) * mean / size
            np.maximum(at, 0.0, out=at)
        self._step = max(self._step * _SLOWING, _LAST_STEP)


def _units(relaxation: Relaxation) -> list[Floats]:
    """Return by row the price at which a typical cell would give up its sleep."""
    saved, moved = relaxation.typical()
    return [
        (saved / np.maximum(moved, 1e-4)).astype(np.float32),
        np.full_like(relaxation.binds.cover, saved),
        np.full_like(relaxation.binds.groups, saved),
    ]
