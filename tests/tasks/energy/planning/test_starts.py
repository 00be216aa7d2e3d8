"""Whatever a search starts from, the plan breaks nothing and no bound lies."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.energy.planning.checking import broken
from tasks.energy.planning.problem import IS_OFF, SleepPlan, Standing
from tasks.energy.planning.solving import shifted, solve
from tests.benchmarks._sleep_problems import sleep_problem
from tests.tasks.energy.planning.small_problems import DEEP, plain, problems

_WITHOUT_HASTE = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def _start(mode: np.ndarray) -> SleepPlan:
    return SleepPlan(mode, cost=0.0, bound=0.0, solver="published", seconds=0.0)


@_WITHOUT_HASTE
@given(problems(), st.integers(0, 10**6))
def test_a_start_that_breaks_the_limits_of_today_makes_no_plan_wrong(problem, seed):
    mode = np.random.default_rng(seed).integers(0, len(IS_OFF), (problem.cells, problem.periods))
    for start in (_start(mode), _start(np.full_like(mode, DEEP))):
        begun, alone = solve(problem, 5, start), solve(problem, 5)
        assert broken(problem, begun.mode) == []
        assert begun.bound <= begun.cost
        assert begun.cost == pytest.approx(alone.cost, rel=2e-3, abs=1e-6)


def test_a_start_that_may_not_sleep_any_more_stays_awake():
    problem = plain(3, 4)
    problem.allowed[1, :, DEEP] = False
    plan = solve(problem, 5, _start(np.full((3, 4), DEEP)))
    assert IS_OFF[plan.mode].all(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize("shape", [(5, 12), (50, 3)])
def test_a_start_of_other_cells_or_periods_is_passed_over(shape):
    problem = sleep_problem(50, 4)
    plan = solve(problem, 1, _start(np.full(shape, DEEP)))
    assert broken(problem, plan.mode) == []


def test_modes_alone_lead_at_once_to_as_good_a_plan_as_before():
    problem = sleep_problem(50, 4)
    before = solve(problem, 10)
    later = shifted(replace(before, prices=None), problem.hours, problem.hours, 1.0)
    entered = Standing(before.mode[:, 0], np.full(problem.cells, 1.0))
    rolled = replace(
        problem,
        work=np.roll(problem.work, -1, axis=1),
        expected_work=np.roll(problem.expected_work, -1, axis=1),
        standing=entered,
    )
    begun, alone = solve(rolled, 0.0, later), solve(rolled, 0.0)
    assert broken(rolled, begun.mode) == []
    assert begun.cost <= alone.cost
