"""How alike cells and patterns are: the correlation of their week shapes over the hours known.

Pearson's r over the hours that a cell has, for each quantity, then the weighted mean over its
quantities. Size and level of either do not matter, and a gap needs no filling: a pattern is judged
on the same hours as the cell.
"""

import numpy as np

from tasks.profiling.arrays import HOURS, Floats
from tasks.profiling.week_shapes import WeekShapes

_LEAST_VARIANCE = 0.02  # of a pattern over the known hours: below it, r would be noise


def likeness(shapes: WeekShapes, patterns: Floats, weights: Floats) -> Floats:
    """Return r of each cell with each pattern, [cells, patterns]; NaN for cells without any shape.

    Args:
        shapes: of the cells.
        patterns: [patterns, quantities, 168], each with mean 0 and variance 1, 0 if unknown.
        weights: of the quantities; each counts by its weight and its share of known hours.
    """
    cells, quantities, _ = shapes.values.shape
    total = np.zeros((cells, patterns.shape[0]), np.float32)
    counted = np.zeros((cells, 1), np.float32)
    hours = shapes.hours
    for number in range(quantities):
        weight = (weights[number] * hours[:, number] / HOURS).astype(np.float32)[:, None]
        total += weight * _correlations(shapes, patterns[:, number], number)
        counted += weight
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(counted > 0, total / counted, np.nan), np.float32)


def _correlations(shapes: WeekShapes, patterns: Floats, number: int) -> Floats:
    """Return r [cells, patterns] of one quantity; 0 where it cannot be told."""
    values = shapes.values[:, number]
    known = shapes.known[:, number]
    across = patterns.T.astype(np.float32)
    covered = known.all(axis=1)
    total = values @ across
    found = total / HOURS
    if not covered.all():
        gappy = ~covered
        mask = known[gappy].astype(np.float32)
        count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        spread = mask @ np.square(across) / count - np.square(mask @ across / count)
        found[gappy] = total[gappy] / count / np.sqrt(np.maximum(spread, _LEAST_VARIANCE))
    return np.clip(found, -1, 1)
