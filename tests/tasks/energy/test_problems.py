"""Problems of a run, and plans for them: prepared for a surge, begun from the plan before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from semantic_layer.energy_accounting import energy_accounting_rules
from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.energy_waking import energy_waking_rules
from semantic_layer.protected import ProtectedPlaces
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.goals.goal import EnergyGoal
from tasks.energy.goals.places import places_of
from tasks.energy.planning.checking import broken
from tasks.energy.planning.compiling import work_forecast
from tasks.energy.planning.problem import IS_OFF, SleepPlan
from tasks.energy.problems import ProblemMaker, hourly_prices
from tasks.energy.promises import promised
from tasks.energy.swelling import Missed
from tasks.energy.waking import rolling
from tasks.energy.waking.mode_course import awake_for_long
from tasks.energy.waking.rolling import LastPlan
from tests.tasks.energy.planning.saving_town import SavingTown

NIGHT = datetime(2025, 6, 4, 1, tzinfo=UTC)
HOURS = np.array([0.25] * 4 + [1.0] * 3)
RULES = energy_goals_rules()


@pytest.fixture(scope="module")
def maker():
    """Return what makes the problems of a quiet night in a small town."""
    town = SavingTown(sites=8)
    network = town.network()
    starts = tuple(NIGHT + timedelta(hours=float(ahead)) for ahead in np.cumsum(HOURS) - HOURS)
    mean = np.full((len(network.cell_dns), len(HOURS)), 0.03, dtype=np.float32)
    levels = np.array([0.5, 0.9])
    forecast = LoadForecast(
        network.cell_dns, starts, HOURS, levels, np.stack([mean, 1.5 * mean]), mean
    )
    protected = ProtectedPlaces(places=(), ahead_hours=2)
    return ProblemMaker(
        network,
        forecast,
        places_of(town.topology, protected, RULES),
        protected,
        hourly_prices(starts, HOURS, energy_accounting_rules()),
        awake_for_long(len(network.cell_dns)),
        frozenset(),
        energy_planning_rules(),
        RULES,
    )


def limits():
    return promised(EnergyGoal(), 1.0, energy_planning_rules(), RULES)[0]


def test_where_more_came_than_was_prepared_for_the_next_hour_is_prepared_for_more(maker):
    calm = maker.problem(EnergyGoal(), limits())
    plan = maker.plan(calm, "keen")
    slept = np.flatnonzero(IS_OFF[plan.mode].all(axis=1))
    assert len(slept)
    times = np.ones(calm.cells)
    times[slept[0]] = 30.0
    before = work_forecast(maker.network, maker.forecast, RULES.prepared_quantile)
    wider = replace(maker, misses=(Missed(times, before, 0.25),))
    problem = wider.problem(EnergyGoal(), limits())
    raised = problem.work > calm.work
    assert raised[slept[0], :4].all()
    assert raised.sum() == 4
    np.testing.assert_array_equal(problem.expected_work, calm.expected_work)
    surged = wider.plan(problem, "keen")
    assert not IS_OFF[surged.mode[slept[0], :4]].any(), "nobody could carry a surge for it"
    assert broken(problem, surged.mode) == []


def test_nobody_leans_on_a_cell_that_carries_badly(maker):
    calm = maker.problem(EnergyGoal(), limits())
    mode = maker.plan(calm, "keen").mode
    moves, rules = calm.moves, energy_waking_rules()

    def leaning(problem, mode):
        work = moves.work * np.nan_to_num(problem.expected_work[moves.booster, 0])
        return IS_OFF[mode[moves.booster, 0]] & (work > rules.leaning_work)

    carrier = int(moves.candidate[leaning(calm, mode)][0])
    badly = {maker.network.cell_dns[carrier]}
    fit = replace(maker, network=maker.network.carrying_without(badly))
    problem = fit.problem(EnergyGoal(), limits())
    planned = fit.plan(problem, "keen").mode
    assert carrier not in moves.candidate[leaning(problem, planned)]
    assert IS_OFF[planned].any(), "others sleep on"
    assert maker.network.carrying_without(()).is_candidate.sum() > fit.network.is_candidate.sum()


def test_each_promise_is_begun_from_the_plan_told_for_it(maker, monkeypatch):
    problem, begun = maker.problem(EnergyGoal(), limits()), {}

    def noting(problem, course, last, seconds):
        begun[len(begun)] = last
        return rolling.replanned(problem, course, last, seconds)

    monkeypatch.setattr("tasks.energy.problems.replanned", noting)
    mode = np.zeros((problem.cells, len(HOURS)), dtype=np.int8)
    last = LastPlan(SleepPlan(mode, 0.0, 0.0, "published", 0.0), HOURS, 0.25)
    warm = replace(maker, lasts={"keen": last})
    plans = [warm.plan(problem, promise) for promise in ("keen", "timid")]
    assert begun == {0: last, 1: None}
    assert plans[0].cost == pytest.approx(plans[1].cost, rel=2e-4)
