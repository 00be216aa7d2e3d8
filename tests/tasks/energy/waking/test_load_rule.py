"""Who wakes by load that was told of a quarter of an hour, or of minutes."""

import numpy as np
import pytest

from tasks.energy.waking.fast_rule import FULL, SILENT, TROUBLED
from tasks.energy.waking.load_rule import (
    SLOW,
    UNPLACED,
    Carriers,
    Measured,
    Told,
    Waking,
    full_loads,
    leaned_on,
    overloaded,
)
from tests.tasks.energy.waking.network import KEPT, MOVES, OWN, RULES

NAMES = ("carrier", "much", "some", "little")
CARRIERS = Carriers(
    cell_dns=NAMES,
    moves=MOVES,
    capacity=np.tile(0.5 * KEPT, (4, 1)),
    kept=np.tile(KEPT, (4, 1)),
    own_work=OWN,
    floor_mbps=10.0,
)
ASLEEP = {"much": "DEEP_SLEEP", "some": "LIGHT_SLEEP", "little": "DEEP_SLEEP"}


def woken(measured, sleepers=ASLEEP, troubled=(), carriers=CARRIERS, unjudged=()):
    told = Told(measured, unjudged, troubled)
    return {one.cell_dn: one for one in overloaded(told, sleepers, carriers, RULES)}


def test_sleepers_sleep_on_while_their_carrier_has_room():
    assert woken({"carrier": Measured(0.4, 30.0)}) == {}


@pytest.mark.parametrize(
    ("measured", "troubled", "reason"),
    [
        pytest.param({"carrier": Measured(0.6, 30.0)}, (), FULL, id="full"),
        pytest.param({"carrier": Measured(0.3, 9.0)}, (), SLOW, id="users below the floor"),
        pytest.param({"carrier": Measured(0.3, 30.0)}, ("carrier",), TROUBLED, id="a finding"),
        pytest.param({}, (), SILENT, id="nothing arrived"),
    ],
)
def test_those_who_lean_on_a_cell_wake_for_a_reason_that_is_told(measured, troubled, reason):
    found = woken(measured, troubled=troubled)
    assert list(found) == ["much", "some"]
    assert found["much"].says == f"much wakes: carrier, which carries for it, {reason}."


def test_users_who_asked_for_little_tell_nothing_of_the_floor():
    assert woken({"carrier": Measured(0.3, None)}) == {}


def test_load_of_a_muted_cell_counts_in_blocks_of_what_is_left():
    sleepers = {"carrier": "MIMO_MUTED"}  # half the capacity is left, and half of that allowed
    assert woken({"carrier": Measured(0.45)}, sleepers) == {}
    assert list(woken({"carrier": Measured(0.55)}, sleepers)) == ["carrier"]


def test_a_sleeper_whose_own_work_nobody_knows_counts_as_one_that_leans():
    unknown = np.array([0.1, 0.1, 0.1, np.nan])
    carriers = Carriers(**{**_parts(CARRIERS), "own_work": unknown})
    assert "little" in woken({}, carriers=carriers)


def test_a_sleeper_that_is_on_no_map_wakes():
    found = woken({"carrier": Measured(0.1)}, {"stranger": "DEEP_SLEEP"})
    assert found == {"stranger": Waking("stranger", "stranger", UNPLACED)}
    assert found["stranger"].says == f"stranger wakes: it {UNPLACED}."


def test_a_cell_off_the_air_for_which_nobody_carries_any_more_wakes():
    alone = {"carrier": "DEEP_SLEEP"}
    found = woken({name: Measured(0.1) for name in NAMES}, alone)
    assert found == {"carrier": Waking("carrier", "carrier", UNPLACED)}
    assert woken({name: Measured(0.1) for name in NAMES}, {"carrier": "MIMO_MUTED"}) == {}


def test_a_cell_that_cannot_have_told_anything_yet_wakes_nobody_by_its_silence():
    assert woken({}, unjudged=("carrier",)) == {}


def test_a_cell_is_full_above_what_its_mode_leaves_and_off_the_air_never():
    found = full_loads({"carrier": "MIMO_MUTED", "much": "DEEP_SLEEP"}, CARRIERS, RULES)
    assert found == {"carrier": 0.5, "some": 0.5, "little": 0.5}


def _parts(carriers):
    return {name: getattr(carriers, name) for name in Carriers.__dataclass_fields__}


def test_who_carries_for_a_sleeper_that_brings_next_to_nothing_is_not_leaned_on():
    assert leaned_on(ASLEEP, CARRIERS, RULES) == {"carrier"}
    assert leaned_on({"some": "MIMO_MUTED"}, CARRIERS, RULES) == set()
    little = Carriers(**{**_parts(CARRIERS), "own_work": np.full(4, 0.01)})
    assert leaned_on({"little": "DEEP_SLEEP"}, little, RULES) == set()
