"""Plans in motion: every quarter of an hour a new plan, of which the first period is carried out.

The plan before is where the search begins, brought to the new periods by the clock.
"""

from dataclasses import dataclass

from tasks.energy.planning.problem import Floats, SleepPlan, SleepProblem
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


def replanned(
    problem: SleepProblem, course: ModeCourse, last: LastPlan | None, time_limit_s: float
) -> SleepPlan:
    """Return a plan from now on, that knows how cells stand and which may not sleep yet.

    Args:
        problem: from now on; how it is entered is told by the course.
        course: how cells stand now.
        last: the plan before, where there was one for the same cells.
        time_limit_s: most time that solving may take.

    Raises:
        InputError: the problem's numbers cannot be used.
    """
    from tasks.energy.planning.solving import shifted, solve  # noqa: PLC0415 - loads a solver

    bound = course.bound(problem)
    start = None
    if last is not None:
        start = shifted(last.plan, last.hours, bound.hours, last.hours_ago)
    return solve(bound, time_limit_s, start)
