"""What is learnt of demand while cells sleep."""

import numpy as np
import pytest

from tasks.energy.waking.own_work import carried_work, moved_work, own_work, swell
from tests.tasks.energy.waking.network import ACTIVE, ASLEEP, KEPT, MOVES, MUCH, MUTED, OWN

KEPT_OF_ALL = np.tile(KEPT, (4, 1))


def test_work_is_counted_in_shares_of_the_active_cell():
    mode = np.array([MUTED, ACTIVE, ACTIVE, ASLEEP[3]])
    load = np.array([0.4, 0.4, np.nan, 0.0])
    np.testing.assert_array_equal(carried_work(load, mode, KEPT_OF_ALL), [0.2, 0.4, np.nan, np.nan])


def test_a_cell_that_carries_for_others_and_a_sleeper_tell_nothing_of_their_own():
    load = np.array([0.4, 0.0, 0.0, 0.0])
    told = own_work(load, ASLEEP, KEPT_OF_ALL, MOVES, OWN, most_moved=0.1)
    assert np.isnan(told).all()


def test_who_carries_next_to_nothing_for_others_tells_its_own():
    load = np.array([0.4, 0.3, 0.2, 0.0])
    mode = np.array([ACTIVE, ACTIVE, ACTIVE, ASLEEP[3]])
    told = own_work(load, mode, KEPT_OF_ALL, MOVES, OWN, most_moved=0.1)
    np.testing.assert_allclose(told, [0.4, 0.3, 0.2, np.nan])


def test_what_sleepers_hand_over_follows_from_their_own_work():
    np.testing.assert_allclose(moved_work(ASLEEP, MOVES, OWN), [0.305, 0, 0, 0])


def test_what_is_carried_beyond_what_was_prepared_swells_carriers_and_those_who_lean_on_them():
    carried = np.array([0.81, np.nan, np.nan, np.nan])
    told = swell(carried, ASLEEP, MOVES, OWN, least=0.02)
    np.testing.assert_allclose(told, np.full(4, 2.0))


@pytest.mark.parametrize(
    "carried",
    [
        pytest.param(0.2, id="less than prepared"),
        pytest.param(float("nan"), id="nothing measured"),
    ],
)
def test_demand_never_swells_below_what_was_prepared(carried):
    told = swell(np.array([carried, np.nan, np.nan, np.nan]), ASLEEP, MOVES, OWN, least=0.02)
    np.testing.assert_array_equal(told, np.ones(4))


def test_a_few_users_more_in_an_idle_cell_swell_nothing():
    mode = np.full(4, ACTIVE)
    carried, prepared = np.array([0.019, 0.3, 0.1, 0.1]), np.array([0.002, 0.1, 0.1, 0.1])
    told = swell(carried, mode, MOVES, prepared, least=0.02)
    assert told[0] == 1.0
    assert told[MUCH] == pytest.approx(3.0)
