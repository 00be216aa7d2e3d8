"""How quality follows load: what a busier hour alone does to it, learnt from all cells.

Towards saturation quality falls faster than it ever did in a cell's own calm history, and by more
in one cell than in another. So each KPI of quality is judged against what cells as full, and as
much busier than expected, usually show: less their median, in their scatter where that is wider
than the cell's own. An overload beyond what load lets expect still stands out.
"""

import numpy as np

from tasks.anomaly.arrays import Booleans, Floats, Integers
from tasks.anomaly.scored_kpis import ScoredKpi

_FULLNESS_PCT = np.array([50.0, 70.0, 80.0, 88.0, 94.0])  # where one class of fullness ends
_SURGE = np.array([-4.0, -1.5, 0.5, 1.5, 2.5, 4.0, 6.0, 10.0])  # in spreads of load
_CALM_SURGE = 2  # the class around nothing unusual
_SURGES = len(_SURGE) + 1
_ENOUGH = 60  # periods in a class
_TENTHS = (0.1, 0.5, 0.9)
_TENTHS_APART = 2.5631  # of a normal distribution, in standard deviations


def learnt_curves(strays: Floats, fullness: Floats, kpis: tuple[ScoredKpi, ...]) -> Floats:
    """Return middle and width of each KPI in each class of load, [2, KPIs, classes].

    Loads themselves keep 0 and 1. A class that was hardly ever seen takes the next calmer one's.

    Args:
        strays: history of a sample of cells, in their own spreads, [cells, KPIs, periods].
        fullness: how full the cells were, 0 to 100 %, [cells, periods].
        kpis: what stands on the second axis.
    """
    classes = _classes(strays, fullness, kpis)
    fuller = len(_FULLNESS_PCT) + 1
    curves = np.zeros((2, len(kpis), fuller, _SURGES), np.float32)
    curves[1] = 1.0
    members = [classes.ravel() == number for number in range(fuller * _SURGES)]
    for number, kpi in enumerate(kpis):
        if kpi.better != "neither":
            own = strays[:, number].ravel()
            for level in range(fuller):
                _learn_level(curves[:, number], level, own, members)
    return curves.reshape(2, len(kpis), -1)


def without_load(
    strays: Floats, fullness: Floats, curves: Floats, kpis: tuple[ScoredKpi, ...]
) -> Floats:
    """Return strays less what load lets expect, in the scatter that it lets expect.

    Args:
        strays: [cells, KPIs, periods]; NaN stays NaN.
        fullness: [cells, periods], 0 to 100 %.
        curves: as `learnt_curves` returns them.
        kpis: what stands on the second axis.
    """
    classes = _classes(strays, fullness, kpis)
    rest = np.empty_like(strays)
    for number, kpi in enumerate(kpis):
        own = strays[:, number]
        if kpi.better == "neither":
            rest[:, number] = own
        else:
            middle, width = curves[:, number]
            rest[:, number] = (own - middle[classes]) / width[classes]
    return rest


def is_load(kpis: tuple[ScoredKpi, ...]) -> Booleans:
    """Return which KPIs are loads: neither more nor less of them is better."""
    return np.array([kpi.better == "neither" for kpi in kpis], bool)


def _classes(strays: Floats, fullness: Floats, kpis: tuple[ScoredKpi, ...]) -> Integers:
    """Return the class of load of each period, [cells, periods]."""
    loads = strays[:, is_load(kpis)]
    known = np.isfinite(loads)
    surge = np.where(known, loads, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    level = np.searchsorted(_FULLNESS_PCT, fullness, side="right")
    return np.asarray(level * _SURGES + np.searchsorted(_SURGE, surge, side="right"))


def _learn_level(curve: Floats, level: int, own: Floats, members: list[Booleans]) -> None:
    """Write one KPI's middle and width at one class of fullness, the calm surge first."""
    calmer = {surge: surge - int(np.sign(surge - _CALM_SURGE)) for surge in range(_SURGES)}
    for surge in sorted(range(_SURGES), key=lambda one: abs(one - _CALM_SURGE)):
        seen = own[members[level * _SURGES + surge]]
        seen = seen[np.isfinite(seen)]
        if seen.size >= _ENOUGH:
            low, middle, high = np.quantile(seen, _TENTHS)
            curve[:, level, surge] = middle, max((high - low) / _TENTHS_APART, 1.0)
        elif surge != _CALM_SURGE:
            curve[:, level, surge] = curve[:, level, calmer[surge]]
        elif level > 0:
            curve[:, level, surge] = curve[:, level - 1, surge]
