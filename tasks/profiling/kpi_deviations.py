"""KPIs of some cells as deviations from their own time of the week, on one common scale.

What every day brings is taken out first, or all KPIs would seem to follow each other. What is left
is ranked within its cell and KPI and put on the normal scale, so that a rate, a power and a count
compare, and one wild hour weighs no more than any highest one. Hours in which most KPIs are wild at
once are faults, not normal operation, and count as unknown.

Source: H. Liu, J. Lafferty and L. Wasserman, "The nonparanormal", JMLR 10 (2009), for the scale.
"""

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from tasks.profiling.arrays import Floats, Integers

_FAULT_SQUARE = 3.0  # mean square of an hour's KPIs, where 1 is usual
_LEAST_SPREAD = 0.5  # of scores: below it most of a row is one and the same value
_SATURDAY = 5


def kpi_deviations(values: Floats, weekdays: Integers, fewest_hours: int) -> Floats:
    """Return normal scores of deviations, [cells, KPIs, hours]; NaN where unknown.

    Args:
        values: [cells, KPIs, hours] over whole days in any unit; NaN is no data.
        weekdays: the weekday number of each day, Monday is 0.
        fewest_hours: a KPI with fewer known hours in a cell is unknown there, as is one that
            never deviates.
    """
    cells, kpis, hours = values.shape
    days = np.where(np.isfinite(values), values, np.nan).reshape(cells, kpis, hours // 24, 24)
    rest = np.full(days.shape, np.nan, np.float64)
    is_weekend = weekdays >= _SATURDAY
    for kind in (is_weekend, ~is_weekend):
        if kind.any():
            rest[:, :, kind] = days[:, :, kind] - _medians(days[:, :, kind])[:, :, None]
    scores = _normal_scores(rest.reshape(cells * kpis, hours), fewest_hours)
    return _without_faults(scores.reshape(cells, kpis, hours))


def _medians(days: Floats) -> Floats:
    """Return medians over the third axis, NaN left out; NaN where nothing is."""
    ordered = np.sort(days, axis=2)
    last = np.isfinite(ordered).sum(axis=2, keepdims=True) - 1
    below = np.take_along_axis(ordered, np.maximum(last, 0) // 2, axis=2)
    above = np.take_along_axis(ordered, (np.maximum(last, 0) + 1) // 2, axis=2)
    return np.asarray(((below + above) / 2)[:, :, 0])


def _normal_scores(rows: Floats, fewest: int) -> Floats:
    """Return each row's ranks on the normal scale, with variance one; ties share their rank."""
    known = np.isfinite(rows)
    count = known.sum(axis=1, keepdims=True)
    ranks = rankdata(np.where(known, rows, np.inf), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = ndtri((ranks - 0.5) / count)
        scores = np.where(known, scores, np.nan)
        spread = np.sqrt(np.nansum(np.square(scores), axis=1, keepdims=True) / count)
    is_told = (count >= fewest) & (spread > _LEAST_SPREAD)
    return np.asarray(np.where(is_told, scores / np.where(spread > 0, spread, 1), np.nan))


def _without_faults(scores: Floats) -> Floats:
    """Return scores without the hours in which a cell's KPIs are wild together."""
    known = np.isfinite(scores)
    square = np.square(np.where(known, scores, 0)).sum(axis=1)
    mean = square / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.where((mean > _FAULT_SQUARE)[:, None], np.nan, scores), np.float32)
