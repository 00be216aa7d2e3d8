"""A cell's week without its size: each quantity on its own scale, its hours from Monday 00:00 UTC.

Only the shape is left: mean zero and variance one over the hours that are known. Twice the traffic
is the same shape. Single wild hours are drawn in before the scale is taken, so that one event does
not flatten the rest of the week.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from semantic_layer.errors import InputError
from tasks.profiling.arrays import HOURS, Booleans, Floats, Integers

CHUNK = 4096
"""Cells handled at once: a chunk of weeks stays in the processor's cache."""

_FEWEST_HOURS = 2
_WILD_SHARE = 0.02  # hours at either end that may be wild
_WILD_REACH = 0.25  # how far beyond the others they still count, in the others' span
_FLAT = 1e-6  # spread over size, below which rounding is all that moves


@dataclass(frozen=True, slots=True)
class WeekShapes:
    """Week shapes of some cells.

    Attributes:
        values: [cells, quantities, 168] float32, standardized; 0 where unknown.
        known: [cells, quantities, 168], whether the hour is known.
    """

    values: Floats
    known: Booleans

    @property
    def hours(self) -> Integers:
        """Return the known hours [cells, quantities]; none where a quantity has no shape."""
        return np.asarray(np.count_nonzero(self.known, axis=-1))


def week_shapes(weeks: Floats) -> WeekShapes:
    """Return the shapes of typical weeks.

    A quantity that is the same in all of its known hours, or known in a single one, has no shape:
    none of its hours count as known.

    Args:
        weeks: [cells, quantities, 168] in any unit; NaN and infinities are no data.

    Raises:
        InputError: the last axis is no week of hours.
    """
    checked_weeks(weeks)
    finite = np.isfinite(weeks)
    shifted, spread = _centered(np.where(finite, weeks, np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = shifted / spread
    is_known = finite & (spread > 0)
    return WeekShapes(np.where(is_known, values, 0).astype(np.float32), is_known)


def checked_weeks(weeks: Floats) -> None:
    """Refuse an array that does not hold weeks of hours.

    Raises:
        InputError: it is not [cells, quantities, 168].
    """
    if weeks.ndim != 3 or weeks.shape[2] != HOURS:
        raise InputError(
            f"Week shapes are made from [cells, quantities, {HOURS} hours]; got "
            f"{list(weeks.shape)}."
        )


def chunks(cells: int, size: int = CHUNK) -> Iterator[slice]:
    """Yield slices that together cover so many cells."""
    for first in range(0, cells, size):
        yield slice(first, min(first + size, cells))


def _centered(weeks: Floats) -> tuple[Floats, Floats]:
    """Return weeks minus their mean, wild hours drawn in, and their spread (0 if flat)."""
    known = np.isfinite(weeks)
    count = known.sum(axis=-1, keepdims=True)
    # Scaled first, so that squares of very large or small quantities stay finite.
    size = np.max(np.abs(weeks), axis=-1, keepdims=True, where=known, initial=0.0)
    size = np.where(size > 0, size, 1.0)
    scaled = _drawn_in(weeks.astype(np.float64) / size, count)
    many = np.maximum(count, 1)
    middle = scaled.sum(axis=-1, keepdims=True, where=known) / many
    shifted = scaled - middle
    square = np.square(shifted).sum(axis=-1, keepdims=True, where=known)
    spread = np.sqrt(square / many)
    is_flat = (count < _FEWEST_HOURS) | (spread <= _FLAT)
    return shifted, np.where(is_flat, 0.0, spread)


def _drawn_in(scaled: Floats, count: Integers) -> Floats:
    """Return weeks whose wildest hours lie no farther out than a quarter of the others' span."""
    ordered = np.sort(scaled, axis=-1)  # NaN comes last
    edge = (count * _WILD_SHARE).astype(np.intp)
    low = np.take_along_axis(ordered, edge, axis=-1)
    high = np.take_along_axis(ordered, np.maximum(count - 1 - edge, 0), axis=-1)
    reach = _WILD_REACH * (high - low)
    return np.asarray(np.clip(scaled, low - reach, high + reach))
