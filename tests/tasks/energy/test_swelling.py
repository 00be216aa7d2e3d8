"""More demand than was prepared for raises what the next hour prepares for, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.energy_planning import energy_planning_rules
from tasks.energy.planning.compiling import WorkForecast
from tasks.energy.swelling import Missed, demand_swell, missed_says, widened
from tests.tasks.energy.waking.network import ACTIVE, ASLEEP, KEPT, MOVES, OWN

RULES = energy_planning_rules()
HOURS = np.array([0.25] * 4 + [1.0] * 2)
KEPT_OF_ALL = np.tile(KEPT, (4, 1))


def forecast(work: float = 0.1, hours: np.ndarray = HOURS) -> WorkForecast:
    """Return a flat forecast of four cells."""
    table = np.full((4, len(hours)), work)
    return WorkForecast(hours, table, table * 0.5)


def test_a_surge_that_carriers_saw_is_prepared_for_in_the_next_hour_alone():
    load = np.array([0.81, np.nan, np.nan, np.nan])
    times = demand_swell(load, ASLEEP, KEPT_OF_ALL, MOVES, OWN, RULES)
    np.testing.assert_allclose(times, np.full(4, 2.0))
    wider = widened(forecast(), [Missed(times, forecast(), 0.25)], RULES)
    np.testing.assert_allclose(wider.work[:, :4], 0.2)
    np.testing.assert_allclose(wider.work[:, 4:], 0.1)
    np.testing.assert_array_equal(wider.expected, forecast().expected)


def test_a_forecast_that_knows_of_the_surge_already_is_not_raised_twice():
    before, knows = forecast(0.1), forecast(0.19)
    wider = widened(knows, [Missed(np.full(4, 2.0), before, 0.25)], RULES)
    np.testing.assert_allclose(wider.work[:, :4], 0.2)


def test_what_was_missed_raises_the_hour_it_was_forecast_for():
    before = forecast(hours=np.array([0.25, 0.25, 1.0, 1.0]))
    before.work[:] = [0.1, 0.2, 0.3, 0.4]
    wider = widened(forecast(0.0), [Missed(np.full(4, 2.0), before, 0.25)], RULES)
    np.testing.assert_allclose(wider.work[0, :4], [0.4, 0.6, 0.6, 0.6])


@given(st.integers(0, 10**6))
def test_work_is_never_prepared_for_less_and_what_is_unknown_stays_unknown(seed):
    rng = np.random.default_rng(seed)
    told, before = forecast(), forecast()
    for one in (told, before):
        one.work[:] = np.where(rng.random(one.work.shape) < 0.2, np.nan, rng.random(one.work.shape))
    missed = Missed(1.0 + rng.exponential(1.0, 4) * (rng.random(4) < 0.5), before, 0.25)
    wider = widened(told, [missed], RULES)
    assert (np.isnan(wider.work) == np.isnan(told.work)).all()
    known = np.isfinite(told.work)
    assert (wider.work[known] >= told.work[known]).all()
    assert (wider.work[known] <= np.maximum(told.work[known], 1.0)).all()
    np.testing.assert_array_equal(wider.work[:, 4:], told.work[:, 4:])
    calm = missed.times == 1.0
    np.testing.assert_array_equal(wider.work[calm], told.work[calm])


@pytest.mark.parametrize(
    ("load", "prepared"),
    [
        pytest.param([np.nan] * 4, OWN, id="silence"),
        pytest.param([0.9] * 4, np.full(4, np.nan), id="nobody knew what to prepare for"),
        pytest.param([0.019] * 4, np.full(4, 0.001), id="a few users more"),
        pytest.param([0.1] * 4, OWN, id="as prepared for"),
    ],
)
def test_nothing_swells_without_evidence(load, prepared):
    mode = np.full(4, ACTIVE)
    times = demand_swell(np.array(load), mode, KEPT_OF_ALL, MOVES, prepared, RULES)
    np.testing.assert_array_equal(times, np.ones(4))


def test_a_sentence_tells_where_most_came():
    names = ("a", "b", "c", "d")
    assert missed_says([], names) == "No cell had more to carry than was prepared for."
    older = Missed(np.array([1.0, 1.5, 1.0, 1.0]), forecast(), 0.25)
    newer = Missed(np.array([1.0, 1.0, 2.345, 1.0]), forecast(), 0.0)
    assert missed_says([older, newer], names).startswith(
        "More came than was prepared for at 2 cells, 2.35 times as much at c"
    )


def test_rules_say_how_far_ahead():
    longer = RULES.model_copy(update={"swell_hours": 2.0})
    wider = widened(forecast(), [Missed(np.full(4, 3.0), forecast(), 0.25)], longer)
    np.testing.assert_allclose(wider.work[0], [0.3] * 5 + [0.1])
    np.testing.assert_array_equal(widened(forecast(), [], RULES).work, forecast().work)
