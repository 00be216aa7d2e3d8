"""The baseline: a dynamic threshold for each KPI on its own, as network tools ship it.

For every cell, KPI and time of the week a middle and a width are learnt from history in the KPI's
own unit; a value farther than k widths from the middle is abnormal, in any KPI. It knows nothing
of how KPIs move together, of other cells, or of the last hours. It stands beside the detector so
that everyone sees what the detector is worth.
"""

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.scored_kpis import ScoredKpi, from_even_noise
from tasks.anomaly.week_baseline import along_the_day, parts_of

_SMALLEST_WIDTH_SHARE = 1e-3  # of the typical value: a KPI that never moved is not infinitely sure


def dynamic_threshold_scores(
    values: Floats,
    expected: Floats,
    typical: Floats,
    kpis: tuple[ScoredKpi, ...],
    periods: tuple[int, int, int],
) -> Floats:
    """Return the widest excursion of any KPI, in its own widths, [cells, periods].

    Args:
        values: [cells, KPIs, periods] in the KPIs' units.
        expected: the time of week's medians on the scale of even noise; a median is the same on
            any scale.
        typical: [cells, KPIs], median values.
        kpis: what stands on the second axis.
        periods: slots a day, how many periods at the start are history, the first one scored.
    """
    slots, training, first = periods
    widest = np.full((values.shape[0], values.shape[2] - first), np.nan, np.float32)
    for number, kpi in enumerate(kpis):
        own = typical[:, number, None]
        rest = values[:, number] - from_even_noise(expected[:, number], kpi.scale, own)
        width = _widths(rest[:, :training], slots)
        floor = _SMALLEST_WIDTH_SHARE * np.maximum(np.abs(own), 1e-12)
        by_slot = np.maximum(along_the_day(width, slots), floor)
        by_period = np.tile(by_slot, -(-values.shape[2] // slots))[:, first : values.shape[2]]
        widest = np.fmax(widest, np.abs(rest[:, first:]) / by_period)
    return widest


def _widths(rest: Floats, slots: int) -> Floats:
    """Return the standard deviation by part of the day, [cells, parts]."""
    parts = parts_of(slots)
    days = rest.shape[1] // slots
    by_part = rest.reshape(rest.shape[0], days, parts, slots // parts)
    known = np.isfinite(by_part)
    squares = np.where(known, by_part, 0.0) ** 2
    count = np.maximum(known.sum(axis=(1, 3)), 1)
    return np.asarray(np.sqrt(squares.sum(axis=(1, 3)) / count), np.float32)
