"""What-ifs of sleep: upon what sleeps already, nothing counted twice, small losses added up."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from semantic_layer.errors import InputError
from semantic_layer.guardrails import guardrail_rules
from tasks.messages.change_sets import ChangeSet, ManagedObject
from tasks.twin.what_if import CellLoad, what_if
from tasks.twin.what_if_facts import load_columns, present_loads
from tasks.twin.what_if_rows import SimulatedChanges, live_sleepers
from tasks.twin.what_if_sleep import (
    Sleeper,
    entered,
    lost_shares,
    map_with_sleepers,
    sleep_outlook,
    sleeping_ground,
    unheard_points,
)
from tests.tasks.guardrails.town import AWAKE, NOON, cell, restart, saver, sleep
from tests.tasks.twin.test_what_if import Town
from tests.tasks.twin.test_what_if_rows import DAY, RULES, published


@cache
def village():
    return Town(6, 3, is_village=True)


def off(*dns):
    return [Sleeper(dn, is_off_air=True, capacity_share=0.0) for dn in dns]


def ground(sleepers=(), *, silent=()):
    town = village()
    loads = {
        dn: load
        for dn, load in town.loads.items()
        if dn not in silent and dn not in {one.cell_dn for one in sleepers if one.is_off_air}
    }
    return sleeping_ground(town.told, loads, list(sleepers))  # fmt: skip


def test_one_after_the_other_is_the_same_as_all_at_once():
    names = village().dns[:3]
    together = entered(ground(), off(*names))
    step = ground()
    for dn in names:
        step = entered(step, off(dn))
    assert np.allclose(step.now.received_dbm, together.now.received_dbm)
    assert np.allclose(step.now.open, together.now.open)
    assert lost_shares(step) == pytest.approx(lost_shares(together))
    assert step.traffic == pytest.approx(together.traffic, abs=0.02 * together.traffic.sum())
    assert step.is_off.sum() == 3


def test_the_first_sleeper_is_what_a_lock_of_it_would_be():
    dn = village().dns[0]
    told = sleep_outlook(ground(), off(dn))
    locked = village().lock(0)
    assert told.cells[dn].load_after_pct == 0.0
    for other, cell_told in told.cells.items():
        if other in locked.cells:
            wanted = locked.cells[other]
            lost = wanted.uncovered_share_after - wanted.uncovered_share_before
            assert cell_told.lost_share_after == pytest.approx(lost, abs=1e-9)
            assert cell_told.load_after_pct == pytest.approx(wanted.load_after_pct, rel=1e-6)


def test_what_slept_before_makes_the_next_one_worse_and_its_silence_lacks_nothing():
    first, second = village().dns[0], village().dns[1]
    alone = sleep_outlook(ground(), off(second))
    upon = sleep_outlook(ground(off(first)), off(second))
    assert max(one.lost_share_after for one in upon.cells.values()) > max(
        one.lost_share_after for one in alone.cells.values()
    )


def test_losses_are_told_against_all_awake_so_that_they_add_up():
    state, last = ground(), 0.0
    for dn in village().dns[:-1]:
        told = sleep_outlook(state, off(dn))
        lost = sum(one.lost_share_after for one in told.cells.values())
        before = sum(one.lost_share_before for one in told.cells.values())
        assert lost >= before - 1e-9
        state = entered(state, off(dn))
        total = sum(lost_shares(state).values())
        assert total >= last - 1e-9
        last = total
    assert last > 1.0, "nearly nobody is left"


def test_ground_that_one_cell_alone_reaches_is_told():
    names = village().dns
    told = village().told
    heard = told.received_dbm >= told.threshold_dbm
    state = ground()
    for dn, number in told.cells.place.items():
        others = [n for n in range(len(names)) if n != number]
        is_alone = bool((heard[:, number] & ~heard[:, others].any(axis=1)).any())
        assert (sleep_outlook(state, off(dn)).unheard_near == (dn,)) == is_alone
    everything = entered(state, off(*names))
    assert len(unheard_points(everything)) == int(heard.any(axis=1).sum())


def test_a_silent_cell_carries_nobody_and_covers_no_ground():
    first, second = village().dns[0], village().dns[1]
    told = sleep_outlook(ground(silent=[second]), off(first))
    state = ground(silent=[second])
    assert (unheard_points(state).size, max(lost_shares(state).values())) == (0, 0.0), "no sleep"
    assert entered(state, off(first)).traffic[state.now.cells.place[second]] == 0.0
    assert all(one.load_after_pct == 0.0 for dn, one in told.cells.items() if dn == second)
    with pytest.raises(InputError, match="Off the air, or silent"):
        sleep_outlook(ground(silent=[second]), off(second))


def test_modes_on_the_air_lose_no_ground_but_room():
    dn = village().dns[0]
    (muted,) = [Sleeper(dn, is_off_air=False, capacity_share=0.5)]
    told = sleep_outlook(ground(), [muted])
    assert told.cells[dn].load_after_pct == pytest.approx(80.0)
    assert told.cells[dn].lost_share_after == told.users_moved == 0.0
    quiet = sleep_outlook(ground(), [Sleeper(dn, is_off_air=False, power_db=-3.0)])
    assert quiet.unheard_near in ((), (dn,))
    assert quiet.cells[dn].lost_share_after > 0.0


def test_what_cannot_be_asked_is_told():
    dn = village().dns[0]
    for sleepers, says in (
        ([], "names no cell"),
        (off(dn, dn), "twice"),
        (off("NRCellDU=99"), "lacks the cell"),
    ):
        with pytest.raises(InputError, match=says):
            sleep_outlook(ground(), sleepers)
    with pytest.raises(InputError, match="Off the air"):
        sleep_outlook(ground(off(dn)), off(dn))
    assert entered(ground(), []).is_off.sum() == 0


def test_a_map_with_sleepers_lets_others_be_locked_upon_them():
    first, second = village().dns[0], village().dns[1]
    told = map_with_sleepers(village().told, [*off(first), *off("NRCellDU=99")])
    assert told.received_dbm[:, told.cells.place[first]].max() < -200
    locked = what_if(told, {dn: one for dn, one in village().loads.items() if dn != first}, [])
    assert locked.traffic_lost_mbps == 0.0
    assert village().told.received_dbm[:, told.cells.place[second]].max() > -200


def test_a_load_is_that_of_the_newest_row_in_which_a_cell_told_anything():
    at = datetime(2025, 6, 4, tzinfo=UTC)
    names = load_columns()[3:]

    def row(minutes, dn, load, traffic=1.0):
        values = dict.fromkeys(names) | {names[0]: traffic, names[2]: load, names[4]: 1.0}
        return {"cell_dn": dn, "period_start": at - timedelta(minutes=minutes),
                "granularity": "15min"} | values  # fmt: skip

    rows = pl.DataFrame(
        [row(30, "up", 5.0), row(15, "up", 7.0), row(30, "down", 5.0), row(15, "down", None, 0.0),
         row(30, "late", 5.0), row(15, "late", None, None), row(90, "gone", 5.0)],
        schema_overrides=dict.fromkeys(names, pl.Float64),
    )  # fmt: skip
    found = present_loads(rows, at - timedelta(minutes=75))
    assert found == {"up": CellLoad(1.0, 7.0, 1.0), "late": CellLoad(1.0, 5.0, 1.0)}


DEEP = AWAKE | {"energySavingMode": "DEEP_SLEEP", "energySavingControl": "toBeEnergySaving"}


def told_by(*dns, attributes=DEEP):
    return [ManagedObject(dn, "CESManagementFunction", attributes) for dn in dns]


def test_tools_of_agents_know_who_sleeps():
    assert live_sleepers(told_by(saver(4, 2)), guardrail_rules()) == off(cell(4, 2))
    assert live_sleepers(told_by(saver(4, 2), attributes=AWAKE), guardrail_rules()) == []
    change = ChangeSet(restart(cell(4, 2)))
    alone = SimulatedChanges(published(NOON).read, RULES)(change, DAY)
    around = told_by(*(saver(site, n) for site in (3, 5) for n in (1, 2, 3)), saver(4, 1),
                     saver(4, 3))  # fmt: skip
    upon = SimulatedChanges(published(NOON).read, RULES, around)(change, DAY)
    assert upon[0]["users_uncovered"] > alone[0]["users_uncovered"]


def test_tools_of_agents_are_told_what_a_saving_would_do():
    asked = SimulatedChanges(published(NOON).read, RULES)
    saved = asked(ChangeSet(sleep(saver(4, 2))), DAY)
    locked = asked(ChangeSet(restart(cell(4, 2))), DAY)
    assert saved == locked
    muted = asked(ChangeSet(sleep(saver(4, 2), "MIMO_MUTED")), DAY)
    assert muted[0]["users_interrupted"] == 0.0
    with pytest.raises(InputError, match="cannot tell"):
        asked(ChangeSet(sleep(saver(4, 2), "POWER_REDUCED")), DAY)
