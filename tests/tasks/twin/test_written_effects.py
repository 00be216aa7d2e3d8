"""What is written to a village truly acts: it heals, and a wrong write harms."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from tasks.adapters.sample_files import read_report
from tasks.adapters.sample_gateway import SampleGateway
from tasks.messages.change_sets import Operation
from tasks.twin.configuration import fault_drifts
from tasks.twin.configuration_objects import power_place, relation_dn, tilt_place
from tasks.twin.live_report import reported_departures
from tasks.twin.radio_faults import radio_neighbors
from tests.tasks.twin.living import (
    QUARTER,
    SETUPS,
    cell_of,
    counted,
    fault_of,
    lock,
    modified,
    most_moved,
    passed,
    standing,
    value,
)


def test_a_restart_ends_a_sleeping_cell_and_its_users_come_back(live_at, unwritten):
    fault, onset = fault_of(unwritten, "sleeping_cell")
    cell = cell_of(unwritten, fault.cells[0])
    healed, left = live_at(onset + 2 * QUARTER), live_at(onset + 2 * QUARTER, "left")
    assert fault.fault_id in standing(healed)
    gateway = SampleGateway(healed.folder)
    for operation in (lock(cell), lock(cell).inverse()):
        gateway.write(operation)
    after, without = (counted(one, 4, cell.dn)[SETUPS].sum() for one in (healed, left))
    assert after > 2 * without
    truth = healed.faults().row(by_predicate=pl.col("fault_id") == fault.fault_id, named=True)
    assert truth["is_healed"]
    assert truth["ended_at"] == onset + 2 * QUARTER < truth["cleared_at"]
    assert left.faults().filter(fault_id=fault.fault_id)["ended_at"].to_list() == [None]
    assert fault.fault_id not in standing(healed)


def test_a_cell_that_stays_locked_serves_nobody_until_it_is_unlocked(live_at, unwritten):
    moment = unwritten.following.chosen.end + timedelta(days=3)
    network = live_at(moment)
    cell = cell_of(network, 4)
    gateway = SampleGateway(network.folder)
    gateway.write(lock(cell))
    off = counted(network, 2, cell.dn)
    gateway.write(lock(cell).inverse())
    on = counted(network, 2, cell.dn)
    assert off[SETUPS].to_list() == [0, 0]
    assert off["cell_unavailable_time_s"].to_list() == [900.0, 900.0]
    assert min(on[SETUPS]) > 0
    assert on["cell_unavailable_time_s"].to_list() == [0.0, 0.0]


def test_a_tilt_that_slipped_is_reported_as_it_is_and_set_back_restores(live_at, unwritten):
    fault, onset = fault_of(unwritten, "tilt_slip")
    cell = cell_of(unwritten, fault.cells[0])
    network, left = live_at(onset + 2 * QUARTER), live_at(onset + 2 * QUARTER, "left")
    gateway, place = SampleGateway(network.folder), tilt_place(cell)
    slipped = round(10 * (cell.tilt_deg + fault.size))
    assert value(gateway, place) == slipped
    gateway.write(modified(*place, slipped, round(10 * cell.tilt_deg)))
    assert most_moved(network, 4)[fault.cells[0]] < 0.5
    assert most_moved(left, 4)[fault.cells[0]] > 1.0
    assert value(gateway, place) == round(10 * cell.tilt_deg)
    assert read_report(network.folder).departures.keys().isdisjoint({place[0]})
    assert network.faults().filter(fault_id=fault.fault_id)["is_healed"].to_list() == [True]


def test_a_gradual_slip_is_reported_as_far_as_it_has_come(unwritten):
    following = unwritten.following
    fault = replace(following.faults[0], kind="tilt_slip", cells=(0,), first=300, last=400, ramp=9)
    fault = replace(fault, size=8.0)
    cell = cell_of(unwritten, 0)
    network = following.world.radio.network
    drifts = tuple(fault_drifts(network, [fault], following.calendar))
    slipping = replace(following, configuration=replace(following.configuration, drifts=drifts))
    tilts = []
    for period in (300, 301, 304, 310, 350):
        told = reported_departures(slipping, [], following.calendar.starts[period])
        dn, attribute = tilt_place(cell)
        tilts.append(told[dn][1][attribute] - round(10 * cell.tilt_deg) if dn in told else 0)
    assert tilts == [0, 8, 32, 80, 80]


@pytest.mark.parametrize("degrees", [-9.0, 9.0])
def test_a_wrong_tilt_makes_things_worse_until_it_is_taken_back(live_at, unwritten, degrees):
    network = live_at(unwritten.following.chosen.end + timedelta(days=3, hours=1))
    cell = cell_of(network, 4)
    gateway, place = SampleGateway(network.folder), tilt_place(cell)
    planned = value(gateway, place)
    wrong = modified(*place, planned, planned + round(10 * degrees))
    gateway.write(wrong)
    assert most_moved(network).max() > 1.0
    gateway.write(wrong.inverse())
    run = passed(network)
    assert run.state.cqi_mean[0, 4] == pytest.approx(network.sound(run).cqi_mean[0, 4], rel=1e-5)


def test_less_power_is_less_coverage(live_at, unwritten):
    network = live_at(unwritten.following.chosen.end + timedelta(days=3, hours=8))
    cell = cell_of(network, 4)
    gateway, place = SampleGateway(network.folder), power_place(cell)
    planned = value(gateway, place)
    gateway.write(modified(*place, planned, planned // 10))
    run = passed(network)
    sound = network.sound(run)
    assert run.state.sessions[0, 4] < 0.8 * sound.sessions[0, 4]


def test_a_relation_created_again_ends_its_handover_failures(live_at, unwritten):
    fault, onset = fault_of(unwritten, "wrong_neighbor")
    cell, target = (cell_of(unwritten, index) for index in (fault.cells[0], fault.target))
    network = live_at(onset + QUARTER)
    gateway, dn = SampleGateway(network.folder), relation_dn(cell, target)
    assert gateway.read([dn]) == {}
    planned = unwritten.following.planned[dn]
    before = passed(network)
    gateway.write(Operation("CREATE", dn, planned[0], "", None, planned[1]))
    after = passed(network)
    is_own = cell.site.index == target.site.index
    name = "handover_fail_intra" if is_own else "handover_fail_inter"
    was, now = (getattr(run.state, name)[0, cell.index] for run in (before, after))
    assert was > now + 0.1
    assert now < 0.03
    assert gateway.read([dn])[dn].attributes == planned[1]


@pytest.mark.parametrize("way", ["forbidden", "deleted", "created to another"])
def test_a_relation_that_is_spoiled_loses_handovers(live_at, unwritten, way):
    network = live_at(unwritten.following.chosen.end + timedelta(days=3, hours=1))
    built = unwritten.following.world.radio.built
    relations = unwritten.following.configuration.built.targets[4]
    target = next(int(it) for it in radio_neighbors(built, 4) if int(it) in relations)
    dn = relation_dn(cell_of(network, 4), cell_of(network, target))
    name, attributes = unwritten.following.planned[dn]
    gateway = SampleGateway(network.folder)
    if way == "forbidden":
        gateway.write(modified(dn, "isHOAllowed", True, False))
    else:
        gateway.write(Operation("DELETE", dn, name, "", attributes, None))
    if way == "created to another":
        own = attributes | {"adjacentNRCellRef": dn.rpartition(",")[0]}
        gateway.write(Operation("CREATE", dn, name, "", None, own))
    run = passed(network)
    sound = network.sound(run)
    lost = [
        getattr(run.state, part)[0, 4] - getattr(sound, part)[0, 4]
        for part in ("handover_fail_inter", "handover_fail_intra")
    ]
    assert max(lost) > 0.05


def test_what_names_no_radio_is_kept_and_changes_nothing(live_at, unwritten):
    moment = unwritten.following.chosen.end + timedelta(days=3, hours=1)
    network, left = live_at(moment), live_at(moment, "left")
    cell = cell_of(network, 4)
    tac = unwritten.following.planned[cell.dn][1]["nRTAC"]
    SampleGateway(network.folder).write(modified(cell.dn, "nRTAC", tac, tac + 1))
    one, other = (counted(it, 2, cell.dn) for it in (network, left))
    assert one.equals(other)
    assert value(SampleGateway(network.folder), (cell.dn, "nRTAC")) == tac + 1
