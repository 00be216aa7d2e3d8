"""Solves a planning problem of any size: by decomposition, and exactly where that fits.

Decomposition is quick and leaves a plan and a bound for each part of the network that bears on no
other. Parts that are small enough and not yet proved best go to HiGHS, the widest gap first.
"""

import time
from dataclasses import replace

import numpy as np

from tasks.energy.planning.decomposed import Search
from tasks.energy.planning.exact import best_modes
from tasks.energy.planning.parts import part_terms
from tasks.energy.planning.problem import Flags, Floats, Numbers, Prices, SleepPlan, SleepProblem
from tasks.energy.planning.reducing import reduced
from tasks.energy.planning.terms import costs_of, terms_of

LEAST_GAP = 1e-4
"""Share of the cost at which a plan counts as proved best."""
_EXACT_SPOTS = 4000
"""Most cells times periods in which one may sleep, of a part that is solved exactly."""
_SHARE_FIRST = 0.5
_LEAST_TIME_S = 0.05


def solve(
    problem: SleepProblem,
    time_limit_s: float,
    start: SleepPlan | None = None,
    least_gap: float = LEAST_GAP,
) -> SleepPlan:
    """Return a plan that breaks nothing, what it costs, and the bound proved.

    Args:
        problem: what is to be decided.
        time_limit_s: most wall time, in s; a first plan is made even beyond it.
        start: the plan before, in this problem's periods (see `shifted`).
        least_gap: share of the cost at which the search ends.

    Raises:
        InputError: the problem's numbers cannot be used.
    """
    began, first = time.process_time(), time.monotonic()
    terms = reduced(terms_of(problem))
    search = Search(terms, start)
    share = _SHARE_FIRST if _small_parts(search).any() else 1.0
    search.run(first + share * time_limit_s, least_gap)
    bounds = _polished(search, first + time_limit_s, least_gap)
    cost = float(search.costs.sum())
    bound = min(float(bounds.sum()), cost)
    is_proved = cost - bound <= 2 * LEAST_GAP * cost
    return SleepPlan(
        search.mode,
        cost,
        bound,
        "exact" if is_proved else "decomposed",
        time.process_time() - began,
        search.prices,
    )


def shifted(plan: SleepPlan, old_hours: Floats, hours: Floats, elapsed_h: float) -> SleepPlan:
    """Return a plan as seen later, in other periods: a start for the next one.

    Args:
        plan: in periods of `old_hours`.
        old_hours: (T,) lengths of its periods.
        hours: (T',) lengths of the periods to come; beyond the old horizon its last period stays.
        elapsed_h: from the old start to the new one.
    """
    middle = elapsed_h + np.cumsum(hours) - np.asarray(hours) / 2
    period = np.minimum(np.searchsorted(np.cumsum(old_hours), middle), len(old_hours) - 1)
    prices = plan.prices
    if prices is not None:
        longer = (np.asarray(hours) / np.asarray(old_hours)[period]).astype(np.float32)
        prices = Prices(
            prices.room[:, period] * longer,
            prices.cover[:, period] * longer,
            prices.groups[:, period] * longer,
            None if prices.ways is None else prices.ways[:, period] * longer,
            None if prices.heard is None else prices.heard[:, period] * longer,
        )
    return replace(plan, mode=plan.mode[:, period], prices=prices)


def _polished(search: Search, until: float, least_gap: float) -> Floats:
    """Solve small parts exactly and return every part's bound."""
    terms, parts = search.terms, search.parts
    bounds = search.bounds.copy()
    gaps = search.costs - bounds
    open_parts = np.flatnonzero((gaps > least_gap * search.costs) & _fitting_parts(search))
    for part in open_parts[np.argsort(-gaps[open_parts])]:
        left = until - time.monotonic()
        cost = search.costs.sum()
        if left < _LEAST_TIME_S or cost - bounds.sum() <= least_gap * cost:
            break
        cells: Numbers = np.flatnonzero(parts.cell == part)
        alone = part_terms(terms, cells)
        mode, bound = best_modes(alone, left, least_gap / 2, search.mode[cells])
        if costs_of(alone, mode).sum() < search.costs[part]:
            search.take(mode, cells)
        bounds[part] = max(bounds[part], bound)
    return np.minimum(bounds, search.costs)


def _small_parts(search: Search) -> Flags:
    """Return (N,) the parts in which some cell may sleep and that HiGHS can take."""
    could = _sleeping_spots(search)
    return np.asarray((could > 0) & (could <= _EXACT_SPOTS))


def _fitting_parts(search: Search) -> Flags:
    """Return (N,) all parts that HiGHS can take; where no cell may sleep, modes on the air count.

    Such a part may stay unproved too: a cell that stood off the air is woken into one of them.
    """
    could = _sleeping_spots(search)
    whole = np.bincount(search.parts.cell, minlength=search.parts.count) * search.mode.shape[1]
    return np.asarray(np.where(could > 0, could, whole) <= _EXACT_SPOTS)


def _sleeping_spots(search: Search) -> Numbers:
    """Return (N,) in how many cells and periods of a part one may sleep."""
    spots = search.terms.could_sleep.sum(axis=1)
    return np.bincount(search.parts.cell, spots, search.parts.count).astype(np.int64)
