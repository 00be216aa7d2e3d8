"""Rules of thumb as plans, to be compared with; each tells its cost and proves nothing."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tasks.energy.planning.adding import Sleeping
from tasks.energy.planning.exact import awake
from tasks.energy.planning.problem import IS_OFF, Flags, Numbers, SleepPlan, SleepProblem
from tasks.energy.planning.terms import Terms, costs_of, terms_of

_LEAST_WORK = 0.01
_STEEP = 8
"""Power of load that outweighs any difference of worth."""


def all_active(problem: SleepProblem) -> SleepPlan:
    """Return the plan in which nothing saves.

    Raises:
        InputError: the problem's numbers cannot be used.
    """
    return _told(problem, "all_active", lambda terms: np.zeros(terms.shape, dtype=np.int8))


def prb_threshold_at_night(problem: SleepProblem, limit: float, is_night: Flags) -> SleepPlan:
    """Return what is usual: a cell sleeps at night while its own load is below a threshold.

    Nothing else is looked at: not who would carry its traffic, nor whether ground is left unheard,
    nor how long a sleep lasts. What the plan breaks, `broken` tells.

    Args:
        problem: whose cells are meant; those of unknown load stay active.
        limit: own expected work below which a cell sleeps.
        is_night: (T,) periods of the night.

    Raises:
        InputError: the problem's numbers cannot be used.
    """

    def chosen(_: Terms) -> Numbers:
        quiet = np.nan_to_num(problem.expected_work, nan=np.inf) < limit
        asleep = quiet & np.asarray(is_night)[None, :] & problem.allowed[:, :, IS_OFF].any(axis=2)
        return np.where(asleep, _deepest(problem), 0).astype(np.int8)

    return _told(problem, "prb_threshold_at_night", chosen)


def greedy_by_load(problem: SleepProblem) -> SleepPlan:
    """Return the plan of putting the least loaded cells to sleep first, as long as rows hold.

    Period after period, dwell kept; who stays on the air stays ACTIVE.

    Raises:
        InputError: the problem's numbers cannot be used.
    """

    def chosen(terms: Terms) -> Numbers:
        may = terms.may & (IS_OFF | (np.arange(len(IS_OFF)) == 0))
        sleeping = Sleeping(replace(terms, may=may))
        favor = np.maximum(terms.own, _LEAST_WORK) ** -_STEEP
        is_off = sleeping.filled(IS_OFF[awake(terms)], favor, np.arange(terms.shape[1]))
        return np.where(is_off, _deepest(problem), 0).astype(np.int8)

    return _told(problem, "greedy_by_load", chosen)


def _deepest(problem: SleepProblem) -> Numbers:
    """Return (C, T) the deepest mode that is allowed, by number."""
    modes = np.arange(problem.allowed.shape[2])
    return np.asarray(np.where(problem.allowed, modes, 0).max(axis=2, initial=0))


def _told(problem: SleepProblem, name: str, chosen: Callable[[Terms], Numbers]) -> SleepPlan:
    """Return a rule's choice as a plan."""
    began = time.process_time()
    terms = terms_of(problem)
    mode = chosen(terms)
    cost = float(costs_of(terms, mode).sum())
    return SleepPlan(mode, cost, 0.0, name, time.process_time() - began)
