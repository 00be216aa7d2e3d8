"""What faults and load do to cells follows from physics, and from nothing else."""

import numpy as np
import pytest

from tasks.twin.effects import sound_conditions
from tasks.twin.faults import KINDS
from tasks.twin.planned_effects import unplanned_conditions
from tasks.twin.state import State, network_state


def mean(state, name, where):
    return float(getattr(state, name)[where].mean())


def arrays(state):
    """Yield every array of a state with its name, those of paths and links too."""
    for name in State.__slots__:
        part = getattr(state, name)
        if isinstance(part, np.ndarray):
            yield name, part
        else:
            yield from ((f"{name}.{one}", getattr(part, one)) for one in type(part).__slots__)


def test_every_kind_of_fault_can_be_drawn(fault_of):
    assert len(KINDS) >= 8
    assert {fault_of(kind)[0].kind for kind in KINDS} == set(KINDS)


def test_the_same_world_without_faults_gives_the_same_state(village_run):
    run, scene, _, _ = village_run
    again = network_state(run.world, sound_conditions(run.world))
    for (name, one), (_, other) in zip(arrays(again), arrays(scene.sound), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def test_nothing_in_a_state_is_infinite_or_negative(village_run):
    _, scene, _, _ = village_run
    for name, values in arrays(scene.state):
        assert np.isfinite(values).all(), name
        assert (values >= 0.0).all(), name


def test_a_fuller_cell_gives_each_user_less(village_run):
    run, scene, _, _ = village_run
    for cell in range(len(scene.network.cells)):
        load = scene.sound.load[:, cell]
        order = np.corrcoef(load, scene.sound.downlink_user_mbps[:, cell])[0, 1]
        assert order < -0.5
    assert np.corrcoef(run.world.demand[:, 0], scene.sound.around[:, 1])[0, 1] > 0.5


def test_louder_neighbors_lower_channel_quality(village_run):
    run, scene, _, _ = village_run
    built = network_state(run.world, unplanned_conditions(run.world))
    around, quality = built.around, built.cqi_mean
    for cell in range(len(scene.network.cells)):
        assert np.corrcoef(around[:, cell], quality[:, cell])[0, 1] < -0.8


def test_a_cell_out_of_service_carries_nothing_and_its_neighbors_more(fault_of):
    fault, where, state, sound = fault_of("outage")
    for name in ("load", "sessions", "users", "downlink_mbps", "available"):
        assert mean(state, name, where) == 0.0
    others = [c for c in range(state.load.shape[1]) if c not in fault.cells]
    rows = range(fault.first, fault.last)
    assert mean(state, "downlink_mbps", np.ix_(rows, others)) > mean(
        sound, "downlink_mbps", np.ix_(rows, others)
    )


def test_a_sleeping_cell_says_it_is_available_and_loses_its_traffic(fault_of):
    fault, where, state, sound = fault_of("sleeping_cell")
    assert mean(state, "available", where) == 1.0
    kept = mean(state, "sessions", where) / mean(sound, "sessions", where)
    assert kept == pytest.approx(1.0 - fault.size, abs=0.1)
    assert not fault.has_alarm


def test_interference_is_heard_by_the_uplink_alone(fault_of):
    _, where, state, sound = fault_of("interference")
    assert mean(state, "rise_db", where) > mean(sound, "rise_db", where) + 0.5
    assert mean(state, "uplink_error", where) > mean(sound, "uplink_error", where)
    assert mean(state, "uplink_user_mbps", where) < mean(sound, "uplink_user_mbps", where)
    assert mean(state, "cqi_mean", where) == pytest.approx(mean(sound, "cqi_mean", where), abs=0.1)


def test_a_lossy_feeder_lowers_quality_and_leaves_uplink_noise(fault_of):
    _, where, state, sound = fault_of("feeder_loss")
    change = np.abs(state.cqi_mean[where] - sound.cqi_mean[where]).mean()
    assert change > 0.05
    assert mean(state, "downlink_mbps", where) < mean(sound, "downlink_mbps", where)
    assert mean(state, "rise_db", where) == pytest.approx(mean(sound, "rise_db", where), abs=0.3)


def test_a_slipped_tilt_moves_traffic_between_cells(fault_of):
    fault, where, state, sound = fault_of("tilt_slip")
    ratio = state.downlink_mbps[where] / sound.downlink_mbps[where]
    assert np.abs(np.log(ratio)).mean() > 0.03
    rows = np.ix_(range(fault.first, fault.last), range(state.load.shape[1]))
    assert mean(state, "sessions", rows) == pytest.approx(mean(sound, "sessions", rows), rel=0.15)


def test_congested_backhaul_slows_users_while_the_radio_idles(fault_of):
    fault, where, state, sound = fault_of("backhaul_congestion")
    assert mean(state, "downlink_user_mbps", where) < mean(sound, "downlink_user_mbps", where)
    assert mean(state, "load", where) <= mean(sound, "load", where) * 1.001
    assert mean(state, "loss_downlink", where) > mean(sound, "loss_downlink", where)
    assert mean(state, "delay_ms", where) > mean(sound, "delay_ms", where)
    assert fault.scope == "site"


def test_a_wrong_neighbor_fails_handovers_and_drops_some_users(fault_of):
    _, where, state, sound = fault_of("wrong_neighbor")
    lost = [
        mean(state, f"handover_fail_{side}", where) - mean(sound, f"handover_fail_{side}", where)
        for side in ("inter", "intra")
    ]
    assert max(lost) > 0.02
    assert mean(state, "drop", where) > mean(sound, "drop", where)


def test_an_event_beyond_capacity_fills_cells_and_turns_users_away(fault_of):
    _, where, state, sound = fault_of("overload_by_event")
    assert mean(state, "load", where) > mean(sound, "load", where) + 0.1
    assert mean(state, "access_fail", where) > mean(sound, "access_fail", where)
    assert mean(state, "downlink_user_mbps", where) < mean(sound, "downlink_user_mbps", where)


def test_a_lost_branch_costs_capacity_and_no_reported_quality(fault_of):
    _, where, state, sound = fault_of("mimo_branch_loss")
    assert mean(state, "load", where) > 1.2 * mean(sound, "load", where)
    assert mean(state, "cqi_mean", where) == pytest.approx(mean(sound, "cqi_mean", where), abs=0.3)


def test_a_failing_core_link_fails_contexts_at_every_cell_of_its_site(fault_of):
    fault, where, state, sound = fault_of("core_link_failure")
    assert (state.core_fail[where] > sound.core_fail[where]).all()
    assert fault.scope == "site"
