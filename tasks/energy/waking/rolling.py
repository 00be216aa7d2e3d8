"""Plans in motion: every quarter of an hour a new plan, of which the first period is carried out.

The plan before is where the search begins, brought to the new periods by the clock: what it said
for the middle of a new period. Past its end its last period goes on.
"""

from dataclasses import dataclass

import numpy as np

from tasks.energy.planning.problem import Floats, Numbers, SleepPlan, SleepProblem
from tasks.energy.waking.mode_course import ModeCourse


@dataclass(frozen=True)
class LastPlan:
    """A plan that was made earlier.

    Attributes:
        plan: that was made.
        hours: (T,) length of each of its periods.
        hours_ago: how long before now its first period began.
    """

    plan: SleepPlan
    hours: Floats
    hours_ago: float


def carried_over(last: LastPlan, hours: Floats) -> Numbers:
    """Return what an earlier plan says of new periods: (C, T) modes.

    Args:
        last: the earlier plan.
        hours: (T,) length of the new periods, the first of which begins now.
    """
    middle = np.cumsum(hours) - hours / 2.0 + last.hours_ago
    period = np.searchsorted(np.cumsum(last.hours), middle, side="right")
    return np.asarray(last.plan.mode[:, np.minimum(period, len(last.hours) - 1)])


def replanned(
    problem: SleepProblem, course: ModeCourse, last: LastPlan | None, time_limit_s: float
) -> SleepPlan:
    """Return a plan from now on, that knows how cells stand and which may not sleep yet.

    Args:
        problem: from now on; how it is entered is told by the course.
        course: how cells stand now.
        last: the plan before, where there was one for the same cells.
        time_limit_s: most time that solving may take.
    """
    from tasks.energy.planning.solving import solve  # noqa: PLC0415 - it loads a solver

    bound = course.bound(problem)
    start = None
    if last is not None:
        mode = carried_over(last, bound.hours)
        start = SleepPlan(mode, last.plan.cost, 0.0, last.plan.solver, 0.0)
    return solve(bound, time_limit_s, start)
