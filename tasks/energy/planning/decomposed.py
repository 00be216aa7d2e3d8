"""Plans of any size, with a proved bound: prices on rows, and repaired plans between them.

The bound rises with the prices (`ascent`); plans come from putting cells to sleep one after another
(`adding`), those first whom the prices send to sleep often. Parts of the network that do not bear
on one another keep the best plan of each.
"""

import time

import numpy as np

from tasks.energy.planning.adding import Singles, Sleeping
from tasks.energy.planning.ascent import Ascent
from tasks.energy.planning.exact import awake
from tasks.energy.planning.parts import Parts, parts_of
from tasks.energy.planning.problem import (
    IS_OFF,
    Flags,
    Floats,
    Numbers,
    Prices,
    SleepPlan,
    SleepProblem,
)
from tasks.energy.planning.reducing import reduced
from tasks.energy.planning.relaxed import Relaxation
from tasks.energy.planning.terms import (
    Terms,
    costs_of,
    terms_of,
)

_STEPS_A_ROUND = 60
_MOST_ROUNDS = 8
_STALLED = 0.97
"""Share of the gap of the round before at which more rounds are not worth their time."""
_RARE = 0.05
"""Favor of cells that the prices never send to sleep."""


def solve_decomposed(
    problem: SleepProblem,
    time_limit_s: float,
    least_gap: float = 1e-4,
    start: SleepPlan | None = None,
) -> SleepPlan:
    """Return a plan that keeps every row, and the bound proved beside it.

    Args:
        problem: what is to be decided.
        time_limit_s: most wall time, in s; a first plan is made even beyond it.
        least_gap: share of the cost at which the search ends.
        start: an earlier plan of the same cells, rows and periods.

    Raises:
        InputError: the problem's numbers cannot be used.
    """
    began, until = time.process_time(), time.monotonic() + time_limit_s
    search = Search(reduced(terms_of(problem)), start)
    search.run(until, least_gap)
    cost = float(search.costs.sum())
    return SleepPlan(
        search.mode,
        cost,
        min(float(search.bounds.sum()), cost),
        "decomposed",
        time.process_time() - began,
        search.prices,
    )


class Search:
    """The best plan and bound of each independent part so far.

    Attributes:
        terms: of the problem, without dominated modes.
        parts: that do not bear on one another.
        mode: (C, T) of the best plan.
        costs: (N,) of the best plan, by part.
        bounds: (N,) proved, by part.
    """

    def __init__(self, terms: Terms, start: SleepPlan | None) -> None:
        """Begin with the plan before, or with everybody awake."""
        self.terms = terms
        relaxation = Relaxation(terms)
        self.parts: Parts = parts_of(terms, relaxation.binds)
        self._ascent = Ascent(relaxation, self.parts, None if start is None else start.prices)
        self._sleeping = Sleeping(terms)
        self.mode = awake(terms)
        self.costs = self._by_part(self.mode)
        self._wanted: Flags | None = None
        if start is not None and start.mode.shape == terms.shape:
            self._wanted = IS_OFF[start.mode]

    @property
    def bounds(self) -> Floats:
        """What no plan of each part goes below; 0 where nothing else is proved."""
        return np.maximum(self._ascent.bounds, 0.0)

    @property
    def prices(self) -> Prices:
        """Prices where the search stands."""
        return self._ascent.prices

    @property
    def gap(self) -> float:
        """Share of the cost that may be too much."""
        cost = float(self.costs.sum())
        return (cost - float(self.bounds.sum())) / cost if cost > 0 else 0.0

    def run(self, until: float, least_gap: float) -> None:
        """Search until a moment of the monotonic clock, or until the gap is small enough."""
        if not self.terms.cost.size:
            return
        if self._wanted is not None:
            self._plan(np.ones(self.terms.shape, dtype=np.float32), self._wanted)
        planned, before = 0.0, np.inf
        for _ in range(_MOST_ROUNDS):
            self._climb(until)
            now = time.monotonic()
            if planned and now + planned > until:
                break
            self._plan(_RARE + self._ascent.often_off)
            planned = time.monotonic() - now
            if self.gap <= least_gap or time.monotonic() > until:
                break
            if self.gap > _STALLED * before:
                break
            before = self.gap

    def take(self, mode: Numbers, cells: Numbers) -> None:
        """Take modes of some cells, all of their parts, where they cost a part less."""
        whole = self.mode.copy()
        whole[cells] = mode
        self._keep_better(whole)

    def _climb(self, until: float) -> None:
        for _ in range(_STEPS_A_ROUND):
            self._ascent.climb(1)
            if time.monotonic() > until:
                break

    def _plan(self, favor: Singles, wanted: Flags | None = None) -> None:
        """Make a plan, and keep it where it is better."""
        plan: Flags = IS_OFF[awake(self.terms)]
        plan = self._sleeping.filled(plan, favor, np.arange(self.terms.shape[1]), wanted)
        self._keep_better(self._sleeping.modes(plan))

    def _keep_better(self, mode: Numbers) -> None:
        costs = self._by_part(mode)
        better = costs < self.costs
        self.mode = np.where(better[self.parts.cell][:, None], mode, self.mode)
        self.costs = np.where(better, costs, self.costs)

    def _by_part(self, mode: Numbers) -> Floats:
        costs = costs_of(self.terms, mode)
        return np.bincount(self.parts.cell, costs, self.parts.count).astype(float)
