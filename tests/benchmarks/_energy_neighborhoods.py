"""Neighborhoods small enough to solve exactly: the plan in motion beside the best that could be.

A neighborhood is a site with its nearest ones. Its cells may sleep; those around them, which would
carry for them, stay on. The best choice for a day is solved exactly, each quarter of an hour by
itself, with every load to come known. The plan in motion knows the forecasts of the week's run, as
they were made quarter by quarter. Both are judged by the same terms: those of the true loads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from semantic_layer.energy_waking import energy_waking_rules
from tasks.energy.planning.checking import plan_cost
from tasks.energy.planning.exact import solve_exact
from tasks.energy.planning.problem import (
    IS_OFF,
    Cover,
    Floats,
    Moves,
    Numbers,
    SleepProblem,
    Standing,
)
from tasks.energy.waking.fast_rule import Seen, awakenings
from tasks.energy.waking.mode_course import ACTIVE, awake_for_long
from tasks.energy.waking.own_work import moved_work
from tasks.energy.waking.rolling import LastPlan, replanned
from tests.benchmarks._energy_truth import HOURS, TrueTown

_SOLVE_S = 60.0
_LEAST_GAP = 0.0005
_REPLAN_S = 2.0


@dataclass(frozen=True)
class Compared:
    """What a day costs in one neighborhood, in kWh of its own cells and of those around.

    Attributes:
        active: with every cell active.
        best: of the exact solution.
        bound: no choice costs less.
        rolling: of the plan in motion.
        late: cell-periods in which more work came than the modes carry; their cells woke then.
    """

    sites: tuple[str, ...]
    cells: int
    active: float
    best: float
    bound: float
    rolling: float
    late: int


def neighborhoods(
    town: TrueTown, problem: SleepProblem, many: int, sites: int
) -> list[tuple[tuple[str, ...], list[int]]]:
    """Return sites with their nearest ones, spread over the town, and their cells.

    Args:
        town: whose sites are meant.
        problem: of the town; only sites with a cell that may sleep at some time begin one.
        many: neighborhoods.
        sites: of each.
    """
    places = {cell.site.site_id: (cell.site.x_m, cell.site.y_m) for cell in town.cells}
    names = sorted(places)
    at = np.array([places[name] for name in names])
    may_sleep = problem.allowed[:, :, IS_OFF].any(axis=(1, 2))
    able = [name for name in names if may_sleep[_cells_of(town, (name,))].any()]
    found = []
    for name in able[:: max(len(able) // many, 1)][:many]:
        away = np.hypot(*(at - np.array(places[name])).T)
        group = tuple(names[number] for number in np.argsort(away, kind="stable")[:sites])
        found.append((group, _cells_of(town, group)))
    return found


def _cells_of(town: TrueTown, sites: Sequence[str]) -> list[int]:
    return [number for number, cell in enumerate(town.cells) if cell.site.site_id in sites]


def neighborhood(problem: SleepProblem, core: Sequence[int]) -> tuple[SleepProblem, Numbers]:
    """Return the part of a problem in which only some cells may leave ACTIVE, and its cells.

    Args:
        problem: of the whole network.
        core: cells that may save energy.
    """
    is_core = np.isin(np.arange(problem.cells), core)
    moves = problem.moves
    entries = np.flatnonzero(is_core[moves.booster])
    kept = np.union1d(core, moves.candidate[entries])
    place = np.full(problem.cells, -1)
    place[kept] = np.arange(len(kept))
    allowed = problem.allowed[kept].copy()
    allowed[~is_core[kept], :, ACTIVE + 1 :] = False
    return replace(
        problem,
        cell_dns=tuple(problem.cell_dns[cell] for cell in kept),
        **{
            name: getattr(problem, name)[kept]
            for name in ("work", "expected_work", "idle_w", "slope_w", "capacity", "switch_wh")
        },
        allowed=allowed,
        moves=Moves(
            place[moves.booster[entries]],
            place[moves.candidate[entries]],
            moves.work[entries],
            moves.watts[entries],
        ),
        cover=_cover(problem.cover, is_core, kept),
        groups=replace(problem.groups, member=problem.groups.member[kept]),
        standing=Standing(problem.standing.mode[kept], problem.standing.hours[kept]),
    ), kept


def compared(
    truth: SleepProblem, plans: Sequence[SleepProblem], core: Sequence[int], sites: tuple[str, ...]
) -> Compared:
    """Return what a day costs in a neighborhood by hindsight, and by plans in motion.

    Args:
        truth: the day by quarters, its work as it truly came.
        plans: the problem as it was posed in each quarter.
        core: cells of the neighborhood.
        sites: their names.
    """
    day, _ = neighborhood(truth, core)
    best = solve_exact(day, _SOLVE_S, _LEAST_GAP)
    rolled, late = _rolled(day, [neighborhood(plan, core)[0] for plan in plans])
    active = np.full_like(best.mode, ACTIVE)
    return Compared(
        sites,
        len(core),
        plan_cost(day, active),
        best.cost,
        best.bound,
        plan_cost(day, rolled),
        late,
    )


def _cover(cover: Cover, is_core: np.ndarray, kept: Numbers) -> Cover:
    """Return the rows that the core matters to; what is around it stays on."""
    weight = csr_array(cover.weight)
    others = np.setdiff1d(np.arange(weight.shape[1]), kept)
    need = cover.need - np.asarray(weight[:, others].sum(axis=1)).reshape(-1)
    matters = np.asarray(weight[:, is_core].sum(axis=1)).reshape(-1) > 0
    rows = np.flatnonzero(matters & (need > 1e-9))
    return Cover(csr_array(weight[rows][:, kept]), need[rows])


def _rolled(day: SleepProblem, plans: Sequence[SleepProblem]) -> tuple[Numbers, int]:
    """Return the modes (C, P) that plans in motion lead to, and how often more came than fits."""
    rules, last, late = energy_waking_rules(), None, 0
    course = awake_for_long(day.cells)
    modes = np.zeros((day.cells, day.periods), dtype=np.int64)
    for period, posed in enumerate(plans):
        plan = replanned(posed, course, last, _REPLAN_S)
        last = LastPlan(plan, posed.hours, HOURS)
        course = course.entering(np.asarray(plan.mode[:, 0]))
        found = awakenings(
            _seen(day, period, course.mode), course.mode, day.moves, day.work[:, period], rules
        )
        if found:
            late += 1
            course = course.woken(np.array([one.cell for one in found]), rules.hold_hours)
        modes[:, period] = course.mode
        course = course.after(HOURS)
    return modes, late


def _seen(day: SleepProblem, period: int, mode: Numbers) -> Seen:
    work: Floats = day.work[:, period] + moved_work(mode, day.moves, day.work[:, period])
    limit = day.capacity[np.arange(day.cells), period, mode]
    return Seen(np.where(IS_OFF[mode], 0.0, work), limit, np.zeros(day.cells, dtype=bool))
