"""Cells sleep and wake within a quarter of an hour, and it is counted as its parts make it."""

import numpy as np
import pytest

from tasks.adapters.sample_files import LiveReport, write_report
from tasks.adapters.sample_gateway import SampleGateway
from tasks.twin.live_network import LiveNetwork
from tasks.twin.mode_power import modes_of
from tasks.twin.part_quarters import blended
from tasks.twin.quarters import Quarters
from tasks.twin.sleep_modes import MODES
from tests.tasks.twin.living import QUARTER, SETUPS, cell_of, lock, minutes, passed, tell

DEEP = MODES.index("DEEP_SLEEP")


def start_s(cell, mode):
    radio = modes_of(cell.band, cell.tx_power_dbm, cell.band.downlink_share)
    return float(radio.switch_s[MODES.index(mode)])


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
