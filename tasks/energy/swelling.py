"""Demand that exceeded what was prepared for: the next hour is prepared for as much more.

A forecast that was just made may know of the rise already, for it has seen the same quarter. What
was missed therefore raises the forecast that missed it; of that and the new one the higher counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from semantic_layer.energy_planning import EnergyPlanningRules
from tasks.energy.planning.compiling import WorkForecast
from tasks.energy.planning.problem import Floats, Moves, Numbers
from tasks.energy.waking.own_work import carried_work, swell

_INSTANT_H = 1e-6


@dataclass(frozen=True)
class Missed:
    """How much more demand came than a forecast prepared for.

    Attributes:
        times: (C,) factor, 1 or more.
        forecast: that is missed, by the same cells.
        hours_ago: how long before now its first period began.
    """

    times: Floats
    forecast: WorkForecast
    hours_ago: float


def demand_swell(
    load: Floats,
    mode: Numbers,
    kept: Floats,
    moves: Moves,
    prepared: Floats,
    rules: EnergyPlanningRules,
) -> Floats:
    """Return the factor (C,), 1 or more, by which demand exceeded what was prepared for.

    Args:
        load: (C,) share of resource blocks in use; NaN where nothing was told, which tells nothing.
        mode: (C,) that stood meanwhile.
        kept: (C, M) share of the active cell's capacity that a mode leaves.
        moves: where the work of sleepers goes.
        prepared: (C,) own work that was prepared for; of a cell where it is NaN nothing is told.
        rules: of planning.
    """
    carried = np.where(np.isnan(prepared), np.nan, carried_work(load, mode, kept))
    least = rules.swell_least_work
    return swell(carried, mode, moves, np.nan_to_num(prepared), least)


def widened(
    forecast: WorkForecast, misses: Iterable[Missed], rules: EnergyPlanningRules
) -> WorkForecast:
    """Return a forecast that is prepared for what others, or it itself, missed; likely work stays.

    Args:
        forecast: from now on.
        misses: by how much demand exceeded forecasts of the same cells.
        rules: how many hours are prepared for more.
    """
    for missed in misses:
        forecast = _widened_by(forecast, missed, rules)
    return forecast


def missed_says(misses: Iterable[Missed], cell_dns: Sequence[str]) -> str:
    """Return a sentence about where more came than was prepared for."""
    times = np.max([np.ones(len(cell_dns)), *(one.times for one in misses)], axis=0)
    many = int((times > 1.0).sum())
    if not many:
        return "No cell had more to carry than was prepared for."
    most = int(times.argmax())
    return (
        f"More came than was prepared for at {many} cells, {times[most]:.2f} times as much at "
        f"{cell_dns[most]}; the next hours are prepared for it."
    )


def _widened_by(forecast: WorkForecast, missed: Missed, rules: EnergyPlanningRules) -> WorkForecast:
    ends = np.cumsum(forecast.hours)
    is_soon = ends - forecast.hours < rules.swell_hours - _INSTANT_H
    told_ends = np.cumsum(missed.forecast.hours)
    middle = missed.hours_ago + ends - forecast.hours / 2.0
    period = np.minimum(np.searchsorted(told_ends, middle), len(told_ends) - 1)
    raised = np.minimum(missed.forecast.work[:, period] * missed.times[:, None], 1.0)
    applies = is_soon[None, :] & (missed.times > 1.0)[:, None] & np.isfinite(forecast.work)
    work = np.where(applies, np.fmax(forecast.work, raised), forecast.work)
    return replace(forecast, work=np.asarray(work))
