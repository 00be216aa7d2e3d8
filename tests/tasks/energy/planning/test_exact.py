"""Every choice is tried: the judge, the cost and the exact solver agree with plain loops."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tasks.energy.planning.checking import broken, plan_cost
from tasks.energy.planning.exact import solve_exact
from tests.tasks.energy.planning.small_problems import (
    NaiveJudge,
    every_choice,
    naive_cost,
    problems,
)

_WITHOUT_HASTE = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@_WITHOUT_HASTE
@given(problems())
def test_the_judge_and_the_cost_agree_with_loops(problem):
    judge = NaiveJudge(problem)
    rng = np.random.default_rng(0)
    choices = every_choice(problem)
    for mode in choices[rng.permutation(len(choices))[:60]]:
        assert (broken(problem, mode) == []) == judge.holds(mode), broken(problem, mode)
        assert plan_cost(problem, mode) == pytest.approx(naive_cost(problem, mode))


@_WITHOUT_HASTE
@given(problems())
def test_the_exact_plan_is_the_cheapest_of_every_choice(problem):
    judge = NaiveJudge(problem)
    best = min(naive_cost(problem, mode) for mode in every_choice(problem) if judge.holds(mode))
    plan = solve_exact(problem, 10)
    assert broken(problem, plan.mode) == []
    assert plan.cost == pytest.approx(best, rel=1e-6)
    assert plan.bound <= best + 1e-6
    assert plan.gap <= 1e-5
