"""Any solver's plan breaks nothing and no bound lies; what is asked of a rule, it does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tasks.energy.planning.checking import broken, plan_cost
from tasks.energy.planning.decomposed import solve_decomposed
from tasks.energy.planning.exact import solve_exact
from tasks.energy.planning.problem import IS_OFF, Groups, Standing
from tasks.energy.planning.rules import all_active, greedy_by_load, prb_threshold_at_night
from tasks.energy.planning.solving import shifted, solve
from tests.benchmarks._sleep_problems import sleep_problem
from tests.tasks.energy.planning.small_problems import (
    ACTIVE,
    DEEP,
    cover,
    moves,
    plain,
    problems,
)

_WITHOUT_HASTE = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
_QUARTERS_THEN_HOURS = np.array([0.25] * 4 + [1.0] * 8)


@_WITHOUT_HASTE
@given(problems())
def test_no_plan_is_broken_and_no_bound_lies(problem):
    best = solve_exact(problem, 10)
    for plan in (solve_decomposed(problem, 2), solve(problem, 5)):
        assert broken(problem, plan.mode) == []
        assert plan.cost == pytest.approx(plan_cost(problem, plan.mode))
        assert best.cost <= plan.cost + 1e-6
        assert plan.bound <= best.cost * (1 + 1e-6) + 1e-9
    assert solve(problem, 5).gap <= 1e-3


@_WITHOUT_HASTE
@given(problems())
def test_another_constraint_never_makes_the_best_plan_cheaper(problem):
    long_ago = np.full(problem.cells, 100.0)
    problem = replace(problem, standing=Standing(problem.standing.mode, long_ago))
    groups, ground = problem.groups, problem.cover
    fewer = Groups(groups.member, np.maximum(groups.most_off - 1, 0))
    row = np.ones((1, problem.cells))
    more = cover([*ground.weight.toarray(), *row], [*ground.need, 1.0])
    free = solve_exact(problem, 10).cost
    for bound in ({"groups": fewer}, {"cover": more}, {"capacity": problem.capacity * 0.9}):
        assert solve_exact(replace(problem, **bound), 10).cost >= free - 1e-6


@pytest.mark.parametrize("hours", [None, _QUARTERS_THEN_HOURS])
def test_a_neighborhood_is_planned_within_a_few_percent_and_nothing_breaks(hours):
    problem = sleep_problem(50, 3, hours)
    plan = solve_decomposed(problem, 10)
    assert broken(problem, plan.mode) == []
    assert plan.gap < 0.2
    assert plan.cost < 0.85 * all_active(problem).cost


def test_a_plan_before_is_a_start_that_is_never_given_up_for_worse():
    problem = sleep_problem(50, 4)
    before = solve_decomposed(problem, 10)
    again = solve_decomposed(problem, 0.0, start=before)
    assert again.cost <= before.cost * 1.002
    assert again.bound > 0.9 * before.bound


def test_a_plan_is_seen_later_in_other_periods():
    problem = sleep_problem(10, 1)
    plan = solve_decomposed(problem, 1)
    later = shifted(plan, problem.hours, _QUARTERS_THEN_HOURS, elapsed_h=2.0)
    assert (later.mode[:, :4] == plan.mode[:, 2:3]).all()
    assert (later.mode[:, 4] == plan.mode[:, 3]).all()
    assert later.prices.room.shape == (10, 12)


def test_what_stands_off_the_air_wakes_early_only_for_service():
    held = Standing(np.array([DEEP, ACTIVE], dtype=np.int8), np.array([0.0, 9.0]))
    problem = plain(
        2, 3, least_off_h=2.0, standing=held, idle_w=np.tile([10.0] * 5 + [900.0], (2, 1))
    )
    kept = solve_exact(problem, 5)
    assert IS_OFF[kept.mode[0]].tolist() == [True, True, False]
    needed = replace(problem, cover=cover([[1.0, 0.0]], [1.0]))
    assert not IS_OFF[solve_exact(needed, 5).mode[0]].any()
    work = problem.work.copy()
    work[0, 1] = np.nan
    unknown = solve_exact(replace(problem, work=work), 5)
    assert IS_OFF[unknown.mode[0]].tolist() == [True, False, False]


def test_a_cell_of_unknown_work_stays_active_and_takes_nothing():
    work = np.array([[0.1], [np.nan]])
    problem = plain(2, 1, work=work, expected_work=work, moves=moves((0, 1, 1.0)))
    for plan in (solve_exact(problem, 5), solve(problem, 5), greedy_by_load(problem)):
        assert plan.mode.tolist() == [[ACTIVE], [ACTIVE]]


@pytest.mark.parametrize(("cells", "periods"), [(0, 3), (2, 0), (0, 0)])
def test_nothing_to_decide_is_decided_at_no_cost(cells, periods):
    problem = plain(cells, periods)
    for plan in (solve_exact(problem, 1), solve_decomposed(problem, 1), solve(problem, 1)):
        assert plan.mode.shape == (cells, periods)
        assert (plan.cost, plan.bound, plan.gap) == (0.0, 0.0, 0.0)
        assert broken(problem, plan.mode) == []


def test_where_everything_is_forbidden_everybody_stays_active():
    problem = plain(3, 4)
    problem = replace(problem, allowed=np.zeros_like(problem.allowed))
    for plan in (solve_exact(problem, 5), solve_decomposed(problem, 1), solve(problem, 5)):
        assert (plan.mode == ACTIVE).all()
        assert plan.gap <= 1e-5


def test_the_habit_of_the_trade_looks_at_load_and_night_alone():
    work = np.array([[0.02, 0.02], [0.3, 0.02], [np.nan, np.nan]])
    problem = plain(3, 2, expected_work=work, cover=cover([[1.0, 1.0, 0.0]], [1.0]))
    plan = prb_threshold_at_night(problem, 0.05, np.array([True, False]))
    assert plan.mode.tolist() == [[DEEP, ACTIVE], [ACTIVE, ACTIVE], [ACTIVE, ACTIVE]]
    careless = prb_threshold_at_night(problem, 0.5, np.array([True, True]))
    assert broken(problem, careless.mode) != []


def test_the_least_loaded_sleep_first_while_rows_hold():
    work = np.array([[0.3], [0.1], [0.2]])
    problem = plain(3, 1, work=work, expected_work=work, cover=cover([[1.0, 1.0, 1.0]], [2.0]))
    plan = greedy_by_load(problem)
    assert plan.mode[:, 0].tolist() == [ACTIVE, DEEP, ACTIVE]
    assert broken(problem, plan.mode) == []
