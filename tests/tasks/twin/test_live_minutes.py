"""A village lives on by the minute: it streams, and cells sleep and wake within a quarter."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from tasks.adapters.sample_files import LiveReport, read_report, read_writes, write_report
from tasks.adapters.sample_gateway import SampleClock, SampleGateway
from tasks.twin.configuration_objects import saving_dn
from tasks.twin.live_network import LiveNetwork
from tasks.twin.minute_stream import MINUTE, STREAMED, minute_load, stream_folder
from tasks.twin.mode_power import modes_of
from tasks.twin.part_quarters import blended
from tasks.twin.quarters import Quarters
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, MODES, SAVE
from tasks.twin.state import filled, wanted_of
from tasks.twin.traffic import Shock
from tasks.twin.written_effects import Writes
from tests.tasks.twin.living import QUARTER, SETUPS, cell_of, digests, lock, modified, passed

NIGHT = timedelta(days=3, hours=2)
DEEP = MODES.index("DEEP_SLEEP")


@pytest.fixture
def night(live_at, unwritten):
    """Return a village at night."""
    return live_at(unwritten.following.chosen.end + NIGHT)


@pytest.fixture
def booster(unwritten):
    """Return a cell over others of its site."""
    cells = unwritten.following.world.radio.network.cells
    return next(cell for cell in cells if cell.band.name == "n78")


def tell(network, cell, mode, *, is_back=False):
    """Write a cell into a mode of energy saving, or back from it."""
    dn = saving_dn(cell)
    told = [modified(dn, MODE, "ACTIVE", mode), modified(dn, CONTROL, DO_NOT_SAVE, SAVE)]
    for operation in [one.inverse() for one in reversed(told)] if is_back else told:
        SampleGateway(network.folder).write(operation)


def minutes(network, number):
    network.advance(network.now + number * MINUTE, has_files=False)


def start_s(cell, mode):
    radio = modes_of(cell.band, cell.tx_power_dbm, cell.band.downlink_share)
    return float(radio.switch_s[MODES.index(mode)])


def told_by(network, cell):
    """Return the share of blocks that a cell streamed, by the end of the minute."""
    found = {}
    for path in sorted(stream_folder(network.folder).glob("*.json")):
        for event in json.loads(path.read_text())["eventList"]:
            collection = event["perf3gppFields"]["measDataCollection"]
            for info in collection["measInfoList"]:
                types = info["measTypes"]["sMeasTypesList"]
                for one in info["measValuesList"]:
                    if f"{collection['measuredEntityDn']},{one['measObjInstId']}" == cell.dn:
                        values = {types[it["p"] - 1]: float(it["sValue"])
                                  for it in one["measResults"]}  # fmt: skip
                        found[path.stem] = values["RRU.PrbUsedDl"] / values["RRU.PrbAvailDl"]
    return found


def names(begin, *numbers):
    return [f"{begin + number * MINUTE:%Y-%m-%dT%H%MZ}" for number in numbers]


def test_a_minute_passes_alone_and_the_quarter_is_counted_when_it_ends(night):
    before, begin = read_report(night.folder), night.now
    night.advance(begin + 7 * MINUTE)
    told = read_report(night.folder)
    assert told == LiveReport(begin + 7 * MINUTE, before.writes, before.departures)
    assert told.counted_until == begin
    assert SampleClock(night.folder, None).now() == night.now == begin + 7 * MINUTE
    assert not (night.folder / "delivered/pm").exists()
    night.advance(begin + 16 * MINUTE)
    assert read_report(night.folder).counted_until == begin + QUARTER
    counted = {path.name for path in (night.folder / "delivered/pm").iterdir()}
    assert len(counted) == 4


def test_however_minutes_are_cut_the_same_bytes_are_delivered(live_at, unwritten, booster):
    begin, found = unwritten.following.chosen.end + NIGHT, []
    for number, steps in enumerate([(7, 5, 23), (1, 6, 2, 3, 3, 15, 5)]):
        network, passed_min = live_at(begin, f"cut{number}"), 0
        for step in steps:
            network.advance(network.now + step * MINUTE)
            network = LiveNetwork(network.folder, unwritten.following)
            passed_min += step
            if passed_min == 7:
                tell(network, booster, "LIGHT_SLEEP")
            if passed_min == 12:
                tell(network, booster, "LIGHT_SLEEP", is_back=True)
        found.append(digests(network.folder))
    assert found[0] == found[1]
    assert sum("stream" in name for name in found[0]) == 35


def test_only_the_last_hour_is_streamed(night):
    begin = night.now
    night.advance(begin + 3 * QUARTER, has_files=False)
    night.advance(begin + 16 * QUARTER + 2 * MINUTE, has_files=False)
    folder = stream_folder(night.folder)
    last = begin + 16 * QUARTER + 2 * MINUTE
    expected = names(last, *range(-59, 1))
    assert sorted(path.stem for path in folder.iterdir()) == expected


@pytest.mark.parametrize("mode", ["LIGHT_SLEEP", "DEEP_SLEEP"])
def test_a_cell_sleeps_and_wakes_within_the_quarter(night, booster, mode):
    begin = night.now
    minutes(night, 7)
    tell(night, booster, mode)
    minutes(night, 8 + 3)
    tell(night, booster, mode, is_back=True)
    shares = [
        [(part.begin_s, part.end_s) for part in night.parts(start)]
        for start in (begin, begin + QUARTER, begin + 2 * QUARTER)
    ]
    awake_s = 180.0 + start_s(booster, mode)
    assert shares == [
        [(0.0, 420.0), (420.0, 900.0)],
        [(0.0, 180.0), (180.0, awake_s), (awake_s, 900.0)],
        [(0.0, 900.0)],
    ]
    again = LiveNetwork(night.folder, night.following)
    write_report(again.folder, LiveReport(begin, 0, {}))
    asleep = [rows.nr_cells.filter(managed_object_dn=booster.dn) for rows in again.passing(
        begin + 3 * QUARTER)]  # fmt: skip
    told_s = [rows["energy_saving_time_s"].item() for rows in asleep]
    assert told_s == pytest.approx([480.0, awake_s, 0.0], rel=1e-5)
    assert [rows["cell_unavailable_time_s"].item() for rows in asleep] == [0.0, 0.0, 0.0]
    assert min(rows[SETUPS].item() for rows in asleep) > 0
    blocks = [rows["prb_avail_dl_prb"].item() for rows in asleep]
    assert blocks == pytest.approx([booster.band.prbs * (1 - s / 900) for s in told_s], rel=1e-4)


def test_a_quarter_begins_asleep_where_it_was_told_to_wake_at_its_start(night, booster):
    tell(night, booster, "DEEP_SLEEP")
    passed(night)
    tell(night, booster, "DEEP_SLEEP", is_back=True)
    waking = passed(night)
    wait_s = start_s(booster, "DEEP_SLEEP")
    assert wait_s > 180.0
    assert waking.state.asleep[0, booster.index] == pytest.approx(wait_s / 900.0)
    assert passed(night).state.asleep[0, booster.index] == 0.0


def test_a_periods_mode_is_that_of_most_of_it(night, booster):
    begin = night.now
    minutes(night, 7)
    tell(night, booster, "LIGHT_SLEEP")
    minutes(night, 8 + 10)
    tell(night, booster, "LIGHT_SLEEP", is_back=True)
    modes = Writes(night.following, read_writes(night.folder)).saving_modes()
    first = night.following.period_from(begin)
    light = MODES.index("LIGHT_SLEEP")
    assert modes[first - 1 : first + 4, booster.index].tolist() == [0, light, light, 0, 0]
    assert not np.delete(modes, booster.index, axis=1).any()


def test_what_saves_no_energy_acts_from_the_next_quarter_on(night):
    cell = cell_of(night, 4)
    minutes(night, 7)
    SampleGateway(night.folder).write(lock(cell))
    assert passed(night).state.available[0, 4] == 1.0
    assert passed(night).state.available[0, 4] == 0.0


def blended_of(network, start):
    """Return the blend of a quarter, and its parts."""
    period = network.following.period_from(start)
    base = network.following.sound_conditions().between(period, period + 1)
    parts = network.part_runs(start)
    return blended(base, parts), parts


def test_a_quarter_of_one_part_is_that_part(night, booster):
    begin = night.now
    tell(night, booster, "DEEP_SLEEP")
    found, ((part, run),) = blended_of(night, begin)
    assert part.share == 1.0
    for name in run.state.__slots__:
        if name not in ("paths", "links"):
            ours, theirs = getattr(found.state, name), getattr(run.state, name)
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-9, err_msg=name)
    for name in ("unavailable", "rank_factor", "saving_mode"):
        ours, theirs = getattr(found.conditions, name), getattr(run.conditions, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    ours, theirs = found.conditions.patches[-1], run.conditions.patches[-1]
    assert ours.cells.tolist() == theirs.cells.tolist()
    np.testing.assert_allclose(ours.tables.cqi, theirs.tables.cqi, atol=1e-6)
    np.testing.assert_allclose(ours.share_change, theirs.share_change, atol=1e-6)


def test_a_quarter_is_its_parts_weighed_as_they_are_counted(night, booster):
    begin = night.now
    tell(night, booster, "DEEP_SLEEP")
    minutes(night, 5)
    tell(night, booster, "DEEP_SLEEP", is_back=True)
    found, parts = blended_of(night, begin)
    shares = [part.share for part, _ in parts]
    assert sum(shares) == pytest.approx(1.0)
    states = [run.state for _, run in parts]
    for at in range(len(found.state.load[0])):
        sent = [share * one.downlink_mbps[0, at] for share, one in zip(shares, states, strict=True)]
        took = sum(
            one / state.downlink_user_mbps[0, at] for one, state in zip(sent, states, strict=True)
        )
        on_air = [share * one.available[0, at] for share, one in zip(shares, states, strict=True)]
        load = sum(air * one.load[0, at] for air, one in zip(on_air, states, strict=True))
        state = found.state
        assert state.downlink_mbps[0, at] == pytest.approx(sum(sent), rel=1e-4)
        assert state.downlink_user_mbps[0, at] == pytest.approx(sum(sent) / took, rel=1e-3)
        assert state.load[0, at] == pytest.approx(load / sum(on_air), rel=1e-4)
        assert state.available[0, at] == pytest.approx(sum(on_air), rel=1e-5)
    assert found.conditions.saving_mode[0, booster.index] == DEEP


def test_a_site_draws_what_its_parts_draw_and_a_radio_that_starts_draws_as_if_idle(night, booster):
    begin, site = night.now, booster.site.index - 1
    minutes(night, 1)
    tell(night, booster, "DEEP_SLEEP")
    found, _ = blended_of(night, begin)
    asleep, _ = blended_of(night, begin + QUARTER)
    _, ((_, awake),) = blended_of(night, begin - QUARTER)
    watts = [run.equipment_w[0, site] for run in (asleep, found)]
    minutes(night, 14)
    tell(night, booster, "DEEP_SLEEP", is_back=True)
    waking, _ = blended_of(night, begin + QUARTER)
    radio = modes_of(booster.band, booster.tx_power_dbm, booster.band.downlink_share)
    idle_w, deep_w = radio.idle_w[0], radio.idle_w[DEEP]
    assert awake.equipment_w is None
    assert watts[1] - watts[0] == pytest.approx((idle_w - deep_w) / 15.0, rel=0.3)
    # From the quarter's start the radio draws as if idle, though it serves three minutes later.
    assert waking.equipment_w[0, site] - watts[0] == pytest.approx(idle_w - deep_w, rel=0.1)


def test_a_quarter_is_one_state_where_nobody_changes(night):
    quarters = Quarters(night.following)
    period = night.following.period_from(night.now)
    assert quarters.run(period) is quarters.run(period)
    assert quarters.run(period).equipment_w is None


def test_cells_off_the_air_tell_nothing_until_they_serve_again(night, booster):
    begin = night.now
    minutes(night, 2)
    tell(night, booster, "DEEP_SLEEP")
    minutes(night, 3)
    tell(night, booster, "DEEP_SLEEP", is_back=True)
    minutes(night, 5)
    assert list(told_by(night, booster)) == names(begin, 1, 2, 9, 10)
    assert len(told_by(night, cell_of(night, 0))) == 10


def test_an_element_that_delivers_no_measurements_streams_none(night, booster):
    flaws, begin = night.following.flaws, night.now
    missing = flaws.missing_sites.copy()
    missing[night.following.period_from(begin), booster.site.index - 1] = True
    following = replace(night.following, flaws=replace(flaws, missing_sites=missing))
    minutes(LiveNetwork(night.folder, following), 16)
    assert list(told_by(night, booster)) == names(begin, 16)


def test_minutes_scatter_around_the_quarters_load_and_the_busy_less(unwritten):
    following = unwritten.following
    at = following.period_from(following.chosen.end + timedelta(hours=10))
    load, sessions = following.sound.load[at], following.sound.sessions[at]
    end = following.calendar.starts[at]
    seen = np.array([minute_load(load, sessions, 7, end + n * MINUTE) for n in range(3000)])
    assert seen.min() >= 0.0
    assert seen.max() <= 1.0
    assert load.max() < 0.6
    assert seen.mean(axis=0) == pytest.approx(load, rel=0.05)
    expected = load * np.sqrt(2.0 / np.maximum(sessions / 15.0, 4.0))
    assert seen.std(axis=0) == pytest.approx(expected, rel=0.1)
    busier = [minute_load(load, 100 * sessions, 7, end + n * MINUTE) for n in range(300)]
    assert np.std(busier, axis=0).max() < 0.2 * seen.std(axis=0).max()


def test_a_cell_of_which_far_more_is_asked_than_it_has_is_full_in_every_minute():
    load, sessions = filled(np.array([5.0])), np.array([300.0])
    end = datetime(2025, 6, 5, tzinfo=UTC)
    seen = [minute_load(load, sessions, 7, end + n * MINUTE)[0] for n in range(500)]
    assert min(seen) > 0.9
    assert np.mean(seen) == pytest.approx(load[0], rel=0.01)


def test_what_users_want_is_known_from_what_they_fill():
    wanted = np.array([0.0, 0.01, 0.4, 0.9, 1.3, 2.0])
    assert wanted_of(filled(wanted)) == pytest.approx(wanted, rel=1e-6)


def test_what_is_streamed_is_what_load_and_throughput_rest_on():
    for technology, prefix in (("NR", ""), ("LTE", "lte_")):
        kpis = [
            catalogue().kpi(f"{prefix}{name}") for name in ("prb_usage_dl", "user_throughput_dl")
        ]
        parts = [part for kpi in kpis for part in (*kpi.numerator, *kpi.denominator)]
        assert list(STREAMED[technology]) == [str(part) for part in parts]


def test_the_streamed_quarter_comes_to_what_is_counted(live_at, unwritten):
    network = live_at(unwritten.following.chosen.end + NIGHT + timedelta(hours=9))
    begin = network.now
    network.advance(begin + 4 * QUARTER, has_files=False)
    cells = network.following.world.radio.network.cells
    first = network.following.period_from(begin)
    quarters = Quarters(network.following)
    true = np.mean([quarters.run(first + n).state.load[0] for n in range(4)], axis=0)
    seen = [np.mean(list(told_by(network, cell).values())) for cell in cells]
    assert seen == pytest.approx(true, rel=0.15)
    assert np.mean(seen) == pytest.approx(true.mean(), rel=0.05)


def test_a_surge_is_told_in_its_first_minute(night, live_at):
    area = night.following.world.radio.network.area_of(cell_of(night, 0))
    first = night.following.period_from(night.now)
    surge = Shock("event", first, first + 4, 5.0, (area,))
    surging = LiveNetwork(
        live_at(night.now, "surging").folder, night.following.with_shocks([surge])
    )
    for network in (night, surging):
        minutes(network, 1)
    calm, surged = (
        sum(load for cell in night.following.world.radio.network.cells
            for load in told_by(network, cell).values())
        for network in (night, surging)
    )  # fmt: skip
    assert surged > 1.5 * calm


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(timedelta(seconds=30), id="half a minute"),
        pytest.param(timedelta(minutes=3, microseconds=1), id="a little more than three"),
    ],
)
def test_no_half_minute_passes(night, odd):
    with pytest.raises(InputError, match="whole minutes"):
        night.advance(night.now + odd)
    with pytest.raises(InputError, match="whole minutes"):
        night.advance((night.now + MINUTE).replace(tzinfo=None))
    assert night.advance(night.now - timedelta(hours=1)) is None
    assert not stream_folder(night.folder).exists()


def test_a_death_between_minutes_costs_nothing(night, booster, live_at, monkeypatch):
    begin, replace_file = night.now, Path.replace
    whole = live_at(begin, "whole")
    for network in (night, whole):
        minutes(network, 3)
        tell(network, booster, "LIGHT_SLEEP")
    whole.advance(begin + 17 * MINUTE)
    for deaths in range(60):
        left = [deaths]

        def renamed(path, target, left=left):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return replace_file(path, target)

        monkeypatch.setattr(Path, "replace", renamed)
        try:
            night.advance(begin + 17 * MINUTE)
        except KeyboardInterrupt:
            monkeypatch.setattr(Path, "replace", replace_file)
            assert night.now in (begin + 3 * MINUTE, begin + QUARTER)
        else:
            break
    monkeypatch.setattr(Path, "replace", replace_file)
    assert deaths > 20
    assert digests(night.folder) == digests(whole.folder)


def test_two_at_once_let_time_pass_once(night, live_at, unwritten):
    begin = night.now
    alone, until = live_at(begin, "alone"), begin + 33 * MINUTE
    alone.advance(until)
    both = [LiveNetwork(night.folder, unwritten.following) for _ in range(2)]
    threads = [Thread(target=one.advance, args=(until,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert night.now == until
    assert digests(night.folder) == digests(alone.folder)


def test_a_network_within_a_quarter_goes_on_by_quarters_too(night):
    begin = night.now
    minutes(night, 7)
    runs = list(night.runs(begin + 2 * QUARTER))
    assert [run.calendar.starts[0] for run in runs] == [begin, begin + QUARTER]
    assert night.now == begin + 2 * QUARTER
    shutil.rmtree(stream_folder(night.folder))
    minutes(night, 1)
    assert len(list(stream_folder(night.folder).iterdir())) == 1
