"""A village that lives on: time passes, faults come, and what is written to it truly acts."""

import gzip
import hashlib
import json
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.sample_files import LiveReport, read_report, write_report
from tasks.adapters.sample_gateway import SampleClock, SampleGateway
from tasks.ingestion.alarms.alarm_files import read_alarm_file
from tasks.ingestion.deliveries import batches, delivered_in, deliveries, measurement_files
from tasks.ingestion.measurements.measurement_batches import measured_batch
from tasks.messages.change_sets import Operation
from tasks.twin.alarms import write_arrived_alarms
from tasks.twin.configuration import fault_drifts
from tasks.twin.configuration_objects import power_place, relation_dn, tilt_place
from tasks.twin.following import FOLLOWING_DAYS
from tasks.twin.following_truth import standing_faults
from tasks.twin.live_network import LiveNetwork, continue_sample_network
from tasks.twin.live_report import reported_departures
from tasks.twin.radio_faults import radio_neighbors
from tasks.twin.sample_network import write_sample_network
from tasks.twin.scenario import NETWORKS
from tasks.twin.true_scene import state_effect

SEED = 7
QUARTER = timedelta(minutes=15)
CHOSEN = replace(NETWORKS["village"], seed=SEED)
SETUPS = "rrc_conn_estab_att_count"


@pytest.fixture(scope="module")
def unwritten(tmp_path_factory):
    """Return a village of which nothing is delivered and to which nobody writes."""
    return LiveNetwork.begun(CHOSEN, tmp_path_factory.mktemp("live") / "village-7")[0]


@pytest.fixture
def live_at(unwritten, tmp_path):
    """Return, for a moment, a village of its own at which it is that moment."""

    def at(moment, folder="own"):
        target = tmp_path / folder
        shutil.copytree(unwritten.folder, target)
        departed = reported_departures(unwritten.following, [], moment)
        write_report(target, LiveReport(moment, 0, departed))
        return LiveNetwork(target, unwritten.following)

    return at


def fault_of(network, kind, *, is_gradual=False):
    """Return the first fault of a kind that begins in the following days and can be seen."""
    following = network.following
    begins = following.calendar.starts
    fault = next(
        one for one in following.faults
        if one.kind == kind and one.fault_id in network.visible
        and (one.ramp > 0) == is_gradual and begins[one.first] > following.chosen.end
    )  # fmt: skip
    return fault, following.calendar.starts[fault.first]


def counted(network, periods, cell_dn):
    """Return the rows of a cell in the next periods."""
    rows = [part.nr_cells for part in network.passing(network.now + periods * QUARTER)]
    return pl.concat(rows).filter(managed_object_dn=cell_dn)


def cell_of(network, index):
    return network.following.world.radio.network.cells[index]


def passed(network):
    """Let a period pass, and return it."""
    return next(network.runs(network.now + QUARTER))


def most_moved(network, periods=1):
    """Return by cell how far it is from its sound state at most in the next periods."""
    runs = network.runs(network.now + periods * QUARTER)
    return np.max([state_effect(run.state, network.sound(run))[0] for run in runs], axis=0)


def standing(network):
    return set(standing_faults(network.faults(), network.now)["fault_id"])


def modified(dn, attribute, before, after):
    object_class = dn.rpartition(",")[2].partition("=")[0]
    return Operation("MODIFY", dn, object_class, attribute, before, after)


def lock(cell):
    return modified(cell.dn, "administrativeState", "UNLOCKED", "LOCKED")


def value(gateway, place):
    return gateway.read([place[0]])[place[0]].attributes[place[1]]


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


def test_time_passes_by_quarters_of_an_hour_and_for_seven_days(village_copy):
    end = read_report(village_copy).now
    with pytest.raises(InputError, match="quarters of an hour"):
        continue_sample_network(village_copy, end + timedelta(minutes=20))
    with pytest.raises(InputError, match="goes on for 7 days"):
        continue_sample_network(village_copy, end + timedelta(days=FOLLOWING_DAYS, minutes=15))
    assert continue_sample_network(village_copy, end - QUARTER) is None
    with pytest.raises(InputError, match="No sample network"):
        continue_sample_network(village_copy / "none", end)


def test_the_last_of_the_following_days_can_be_reached_and_written_at(live_at, unwritten):
    network = live_at(unwritten.following.end - QUARTER)
    assert len(list(network.runs(unwritten.following.end + QUARTER))) == 1
    SampleGateway(network.folder).write(lock(cell_of(network, 4)))
    assert network.now == unwritten.following.end
    assert list(network.runs(unwritten.following.end)) == []
    assert network.faults().height == len(unwritten.following.faults)


@pytest.fixture(scope="module")
def advanced(village, tmp_path_factory):
    """Return a written village after five hours: a cell was locked after the first hour."""
    folder = tmp_path_factory.mktemp("advanced") / "village-7"
    shutil.copytree(village.folder, folder)
    return played(folder, (4, 16)), folder


@pytest.fixture
def village_copy(village, tmp_path):
    folder = tmp_path / "village-7"
    shutil.copytree(village.folder, folder)
    return folder


def played(folder, steps):
    """Let time pass in steps of periods, and lock a cell after the first hour; return digests."""
    end = read_report(folder).now
    moment = end
    for step in steps:
        moment += step * QUARTER
        network = LiveNetwork(folder)
        network.advance(moment)
        if moment == end + 4 * QUARTER:
            SampleGateway(folder).write(lock(cell_of(network, 4)))
    return digests(folder)


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_however_time_is_cut_the_same_bytes_are_delivered(advanced, village_copy):
    assert played(village_copy, (1, 3, 5, 2, 9)) == advanced[0]


def test_what_follows_is_delivered_as_what_was_before(advanced, village):
    _, folder = advanced
    delivered = folder / "delivered"
    fresh = {name for name in digests(delivered) if not (village.delivered / name).exists()}
    kinds = {name.partition("/")[0] for name in fresh}
    assert kinds == {"pm", "sessions", "configuration"}
    unchanged = digests(village.delivered)
    assert unchanged.items() <= digests(delivered).items()
    window = Window(village.newest.end, village.newest.end + 20 * QUARTER)
    found = batches(delivered_in(deliveries(measurement_files(delivered)), window))
    read = measured_batch([path for batch in found for path in batch], window)
    assert read.refused == 0
    assert read.findings.is_empty()
    cells = read.rows.filter(pl.col("cell_dn").is_not_null())
    assert cells["period_start"].n_unique() == 20
    locked = cells.filter(managed_object_dn=village_cell(village, 4)).sort("period_start")
    assert (locked[SETUPS] > 0).to_list() == [True] * 4 + [False] * 16


def test_alarms_arrive_in_their_formats_and_those_that_stood_are_cleared(tmp_path):
    network, _ = LiveNetwork.begun(replace(CHOSEN, seed=4), tmp_path / "village-4")
    end, sent = network.following.chosen.end, network.following.sent
    folder = tmp_path / "alarms"
    folder.mkdir()
    for quarter in range(96 * FOLLOWING_DAYS):
        start = end + quarter * QUARTER
        write_arrived_alarms(sent, start, start + QUARTER, folder)
    read = [read_alarm_file(path, path.name) for path in sorted(folder.iterdir())]
    assert not any(one.findings for one in read)
    cleared = {one.life.number for one in sent if one.kind == "CLEARED"}
    stood = {one.life.number for one in sent if one.life.raised_at < end}
    assert len(stood) == len(stood & cleared) == 6
    assert {path.name.split("-")[1] for path in folder.iterdir()} == {"records", "tmf642", "ves"}
    fresh = [one for one in sent if one.kind == "NEW" and one.received_at >= end]
    assert len(fresh) > 10
    assert min(one.life.raised_at for one in fresh) >= end


def village_cell(village, index):
    return pl.read_csv(village.delivered / "topology/cells.csv")["cell_dn"][index]


def test_the_nightly_dump_says_what_the_gateway_says(advanced, village):
    night = f"{village.newest.end + timedelta(hours=2):%Y%m%d.%H%M}Z"
    locked = village_cell(village, 4)
    subnetwork, element, _, cell = (step.partition("=")[2] for step in locked.split(","))
    dump = advanced[1] / f"delivered/configuration/nrm_SubNetwork{subnetwork}_{night}.json.gz"
    told = json.loads(gzip.decompress(dump.read_bytes()))
    found = {
        (at["id"], one["id"]): one["attributes"]["administrativeState"]
        for at in told["SubNetwork"][0]["ManagedElement"]
        for function in at["GNBDUFunction"]
        for one in function["NRCellDU"]
    }
    assert found.pop((element, cell)) == "LOCKED"
    assert set(found.values()) == {"UNLOCKED"}


def test_a_death_between_any_two_files_leaves_none_half_and_repeating_completes(
    advanced, village_copy, unwritten, monkeypatch
):
    played(village_copy, (4,))
    network = LiveNetwork(village_copy, unwritten.following)
    before, replace_file = digests(village_copy), Path.replace
    for deaths in range(100):
        left = [deaths]

        def renamed(path, target, left=left):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return replace_file(path, target)

        monkeypatch.setattr(Path, "replace", renamed)
        try:
            network.advance(network.now + QUARTER)
        except KeyboardInterrupt:
            monkeypatch.setattr(Path, "replace", replace_file)
            assert network.now == unwritten.following.chosen.end + 4 * QUARTER
            now = digests(village_copy)
            torn = {name for name in now if ".half" not in name and now[name] != before.get(name)}
            assert all(
                advanced[0][name] == now[name] for name in torn if not name.startswith("truth/f")
            )
        else:
            break
    monkeypatch.setattr(Path, "replace", replace_file)
    assert deaths > 5
    network.advance(unwritten.following.chosen.end + 20 * QUARTER)
    assert digests(village_copy) == advanced[0]


def _advance(folder, until):
    continue_sample_network(folder, until)


def test_a_process_that_is_killed_leaves_a_network_that_goes_on(advanced, village_copy):
    played(village_copy, (4,))
    end = read_report(village_copy).now
    until = end + 16 * QUARTER
    for wait_s in (0.0, 0.05, 0.11):
        process = get_context("spawn").Process(target=_advance, args=(village_copy, until))
        process.start()
        begun = read_report(village_copy).now
        while process.is_alive() and read_report(village_copy).now == begun:
            time.sleep(0.005)
        time.sleep(wait_s)
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert begun < read_report(village_copy).now
    continue_sample_network(village_copy, until)
    assert digests(village_copy) == advanced[0]


class Never:
    def now(self):
        raise AssertionError


def test_a_network_as_written_reports_itself_at_its_end(village, unwritten):
    end = village.newest.end
    assert SampleClock(village.folder, Never()).now() == end
    told = read_report(village.folder)
    assert told.departures == reported_departures(unwritten.following, [], end)
    assert write_sample_network("village", 7, village.folder.parent).counts == village.counts
