"""The baseline: a dynamic threshold for each KPI on its own, as network tools ship it.

For every cell, KPI and time of the week a middle and a width are learnt from history in the KPI's
own unit; a value farther than k widths from the middle is abnormal, in any KPI. It knows nothing
of how KPIs move together, of other cells, or of the last hours. It stands beside the detector so
that everyone sees what the detector is worth.
"""

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.plan import Plan
from tasks.anomaly.scored_kpis import ScoredKpi, from_even_noise
from tasks.anomaly.week_baseline import along_the_day, parts_of

_SMALLEST_WIDTH_SHARE = 1e-3  # of the typical value: a KPI that never moved is not infinitely sure


def dynamic_threshold_scores(
    values: Floats, expected: Floats, typical: Floats, widths: Floats, plan: Plan
) -> Floats:
    """Return the widest excursion of any KPI, in its own widths, [cells, periods]; NaN if none.

    Args:
        values: [cells, KPIs, periods] of the window, in the KPIs' units.
        expected: the time of week's medians over the window, on the scale of even noise; a median
            is the same on any scale.
        typical: [cells, KPIs], median values.
        widths: as `threshold_widths` returns them.
        plan: KPIs, grid and window.
    """
    slots = plan.grid.slots_a_day
    which = np.arange(plan.first_scored, plan.grid.periods_count) % slots
    widest = np.full((values.shape[0], values.shape[2]), np.nan, np.float32)
    for number, kpi in enumerate(plan.kpis):
        own = typical[:, number, None]
        rest = values[:, number] - from_even_noise(expected[:, number], kpi.scale, own)
        width = along_the_day(widths[:, number], slots)[:, which]
        widest = np.fmax(widest, np.abs(rest) / width)
    return widest


def threshold_widths(
    history: Floats, expected: Floats, typical: Floats, kpis: tuple[ScoredKpi, ...], slots: int
) -> Floats:
    """Return standard deviations by part of the day, in the KPIs' units, [cells, KPIs, parts].

    Args:
        history: [cells, KPIs, periods], whole days.
        expected: the time of week's medians over them, on the scale of even noise.
        typical: [cells, KPIs], median values.
        kpis: what stands on the second axis.
        slots: periods a day.
    """
    parts = parts_of(slots)
    widths = np.empty((*history.shape[:2], parts), np.float32)
    for number, kpi in enumerate(kpis):
        own = typical[:, number, None]
        rest = history[:, number] - from_even_noise(expected[:, number], kpi.scale, own)
        by_part = rest.reshape(rest.shape[0], -1, parts, slots // parts)
        known = np.isfinite(by_part)
        squares = (np.where(known, by_part, 0.0) ** 2).sum(axis=(1, 3))
        spread = np.sqrt(squares / np.maximum(known.sum(axis=(1, 3)), 1))
        floor = _SMALLEST_WIDTH_SHARE * np.maximum(np.abs(own), 1e-12)
        widths[:, number] = np.maximum(spread, floor)
    return widths
