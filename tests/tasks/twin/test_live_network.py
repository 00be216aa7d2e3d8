"""A village lives on: time passes in steps, deaths cost nothing, and all of it is delivered."""

import gzip
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

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.sample_files import read_report, read_writes
from tasks.adapters.sample_gateway import SampleClock, SampleGateway
from tasks.evaluation.truth_folder import truth_beside
from tasks.ingestion.alarms.alarm_files import read_alarm_file
from tasks.ingestion.deliveries import batches, delivered_in, deliveries, measurement_files
from tasks.ingestion.measurements.measurement_batches import measured_batch
from tasks.twin.alarms import write_arrived_alarms
from tasks.twin.files import missing_cells
from tasks.twin.following import FOLLOWING_DAYS
from tasks.twin.live_network import LiveNetwork, continue_sample_network
from tasks.twin.live_report import reported_departures
from tasks.twin.sample_network import write_sample_network
from tasks.twin.state import network_state
from tasks.twin.true_effects import true_effects
from tasks.twin.true_scene import Scene
from tests.tasks.twin.living import (
    CHOSEN,
    QUARTER,
    SETUPS,
    cell_of,
    digests,
    fault_of,
    lock,
    passed,
)


def test_time_passes_by_whole_minutes_and_for_seven_days(village_copy):
    end = read_report(village_copy).now
    for odd in (timedelta(minutes=20, seconds=1), timedelta(minutes=20, microseconds=1)):
        with pytest.raises(InputError, match="whole minutes"):
            continue_sample_network(village_copy, end + odd)
    with pytest.raises(InputError, match="whole minutes, UTC; got 2025-06-05T00:20:00"):
        continue_sample_network(village_copy, (end + timedelta(minutes=20)).replace(tzinfo=None))
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
            replaced = ("truth/f", "stream")
            assert all(
                advanced[0][name] == now[name] for name in torn if not name.startswith(replaced)
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


def test_the_truth_of_following_days_is_as_the_runs_would_be(live_at, unwritten):
    following, moment = unwritten.following, unwritten.following.chosen.end + timedelta(hours=34)
    network = live_at(moment)
    state = network_state(following.world, following.conditions(following.faults))
    cells, sound = following.world.radio.network, following.sound
    scene = Scene(cells, following.calendar, state, sound, following.world)
    missing = missing_cells(cells, following.flaws.missing_sites)
    runs = list(network.runs(moment + 8 * QUARTER))
    found = pl.concat([network.causes.rows(run, []) for run in runs])
    whole = true_effects(scene, following.faults, missing).cell_periods
    expected = whole.filter(pl.col("period_start").is_between(moment, moment + 7 * QUARTER))
    assert expected["fault_id"].n_unique() > 1
    keys = ["period_start", "cell_dn"]
    assert_frame_equal(found.sort(keys), expected.sort(keys), rel_tol=1e-3, abs_tol=1e-3)


def test_what_a_write_moved_is_no_fault_and_a_healed_fault_is_over(live_at, unwritten):
    fault, onset = fault_of(unwritten, "sleeping_cell")
    network = live_at(onset + QUARTER)
    cell = cell_of(network, fault.cells[0])
    gateway = SampleGateway(network.folder)
    gateway.write(lock(cell))
    rows = network.causes.rows(passed(network), read_writes(network.folder))
    assert rows.filter(cell_dn=cell.dn)["fault_id"].to_list() == [fault.fault_id]
    gateway.write(lock(cell).inverse())
    gateway.write(lock(cell))
    rows = network.causes.rows(passed(network), read_writes(network.folder))
    assert rows.filter(cell_dn=cell.dn)["role"].to_list() == ["written"]
    assert rows.filter(cell_dn=cell.dn)["fault_id"].to_list() == [None]


def test_the_evaluation_knows_the_truth_of_all_days(advanced, village, unwritten):
    before, whole = truth_beside(village.folder), truth_beside(advanced[1])
    end = village.newest.end
    assert whole.faults.columns == before.faults.columns
    assert whole.faults["fault_id"].is_unique().all()
    later = {fault.fault_id for fault in unwritten.following.faults}
    assert set(whole.faults["fault_id"]) == set(before.faults["fault_id"]) | later
    since = whole.cell_periods.filter(pl.col("period_start") >= end)
    assert since["period_start"].n_unique() == 20
    assert since["fault_id"].null_count() == 0
    assert whole.benign.filter(pl.col("kind") == "holiday")["start"].max() > end


class Never:
    def now(self):
        raise AssertionError


def test_a_network_as_written_reports_itself_at_its_end(village, unwritten):
    end = village.newest.end
    assert SampleClock(village.folder, Never()).now() == end
    told = read_report(village.folder)
    assert told.departures == reported_departures(unwritten.following, [], end)
    assert write_sample_network("village", 7, village.folder.parent).counts == village.counts
