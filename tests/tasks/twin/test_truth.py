"""The truth says where a run differs from the sound one, which fault did it, what plans did."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tasks.twin.coverage import AntennaChange
from tasks.twin.effects import conditions_of, sound_conditions
from tasks.twin.faults import KINDS
from tasks.twin.planned_changes import PlannedChange
from tasks.twin.planned_effects import unplanned_conditions, with_changes
from tasks.twin.sample_network import simulated_run
from tasks.twin.scenario import NETWORKS, fault_plan
from tasks.twin.state import network_state
from tasks.twin.true_causes import causes_of, state_alone
from tasks.twin.true_changes import true_changes
from tasks.twin.true_effects import true_effects
from tasks.twin.true_scene import Scene, state_effect

CELLS = 12


@pytest.fixture(scope="module")
def scene(village_run):
    return village_run[1]


@pytest.fixture(scope="module")
def found(village_run):
    _, scene, faults, _ = village_run
    return true_effects(scene, faults, np.zeros((scene.calendar.periods, CELLS), bool))


def under(scene, faults):
    """Return the scene in which just these faults strike."""
    state = network_state(scene.world, conditions_of(scene.world, faults, scene.sound))
    return replace(scene, state=state)


def planned(scene, *changes):
    """Return the scene without faults in which these changes are carried out, and no others."""
    world = with_changes(scene.world, changes)
    state = network_state(world, sound_conditions(world))
    return Scene(scene.network, scene.calendar, state, state, world)


def change(cell, kind, size, course="level", first=96, last=480):
    return PlannedChange(f"C{cell}", (cell,), first, last, kind, size, course)


def test_every_cell_and_period_beyond_scatter_is_labelled_once(scene, found):
    effect = state_effect(scene.state, scene.sound)
    rows = found.cell_periods.filter("is_affected")
    period = {start: number for number, start in enumerate(scene.calendar.starts)}
    cell = {one.dn: one.index for one in scene.network.cells}
    told = {
        (period[start], cell[dn]) for dn, start in rows.select("cell_dn", "period_start").rows()
    }
    assert told == set(zip(*map(np.ndarray.tolist, np.nonzero(effect >= 1.0)), strict=True))
    assert len(told) == rows.height > 0


def test_a_fault_alone_is_the_whole_run_where_no_other_stands(scene, fault_of):
    for kind in ("outage", "interference", "power_failure", "core_function_restart"):
        fault, *_ = fault_of(kind)
        whole = under(scene, [fault]).state.between(fault.first, fault.last)
        alone, _ = state_alone(scene, fault)
        for name in ("load", "rise_db", "core_fail", "available", "delay_ms"):
            np.testing.assert_allclose(
                getattr(alone, name), getattr(whole, name), rtol=2e-5, atol=1e-6, err_msg=kind
            )


def test_each_of_two_faults_at_one_time_has_what_it_does(scene, fault_of):
    wide, local = fault_of("core_function_restart")[0], fault_of("interference")[0]
    local = replace(
        local, fault_id="F2", first=wide.first - 8, last=wide.last + 8, ramp=0, size=9.0
    )
    faults = [replace(wide, fault_id="F1"), local]
    causes = causes_of(under(scene, faults), faults)
    assert causes.is_visible == (True, True)
    inside = causes.fault[wide.first, list(wide.cells)]
    assert (inside == 0).sum() >= len(wide.cells) - len(local.cells)
    before = causes.fault[wide.first - 4]
    assert (before[list(local.cells)] == 1).all()
    assert not (before == 0).any()


def test_a_cut_that_only_leads_traffic_round_is_not_visible(scene, fault_of):
    network = scene.world.routes.network
    looped = next(
        one.link_id for one in network.links
        if one.layer == "optical" and not network.sites_behind(one.link_id)
    )  # fmt: skip
    cut = replace(fault_of("link_cut")[0], objects=(looped,))
    told = true_effects(under(scene, [cut]), [cut], np.zeros((scene.calendar.periods, CELLS), bool))
    assert told.faults["is_visible"].to_list() == [False]
    assert not told.cell_periods["is_affected"].any()


def test_a_cell_that_a_fault_moves_without_naming_it_is_touched(scene, fault_of):
    dark = fault_of("outage")[0]
    told = true_effects(
        under(scene, [dark]), [dark], np.zeros((scene.calendar.periods, CELLS), bool)
    )
    touched = told.cell_periods.filter(pl.col("role") == "touched")
    assert touched.height > 0
    assert touched["is_affected"].all()
    named = {scene.network.cells[cell].dn for cell in dark.cells}
    assert not named & set(touched["cell_dn"])


@pytest.mark.parametrize(("kind", "size"), [("power_change", -4.0), ("tilt_change", 6.0)])
def test_a_changed_antenna_moves_traffic_from_its_start_to_its_end(scene, kind, size):
    cell = int(np.argmax(scene.sound.downlink_mbps.mean(axis=0)))
    bare = network_state(scene.world, unplanned_conditions(scene.world))
    moved = planned(scene, change(cell, kind, size)).state
    ratio = moved.downlink_mbps[:, cell] / bare.downlink_mbps[:, cell]
    np.testing.assert_array_equal(ratio[:96], 1.0)
    np.testing.assert_array_equal(ratio[480:], 1.0)
    assert abs(np.log(ratio[96:480])).mean() > 0.03


def test_more_capacity_lowers_load_and_raises_what_users_get(scene):
    cell = int(np.argmax(scene.sound.load.mean(axis=0)))
    bare = network_state(scene.world, unplanned_conditions(scene.world))
    more = planned(scene, change(cell, "capacity_change", 0.4)).state
    time = slice(96, 480)
    assert (more.load[time, cell] < bare.load[time, cell]).all()
    assert (more.downlink_user_mbps[time, cell] > 1.1 * bare.downlink_user_mbps[time, cell]).all()


def test_a_ramp_grows_and_a_restless_cell_scatters(scene):
    ramp = planned(scene, change(0, "capacity_change", 0.4, "ramp"))
    steps = ramp.world.planned.rate_factor[[95, 96, 192, 288, 480], 0]
    np.testing.assert_allclose(steps, [1.0, 1.13, 1.27, 1.4, 1.0], atol=1e-3)
    restless = [change(0, "capacity_change", 0.01, "variance")]
    told = true_changes(planned(scene, *restless), restless, []).changes
    assert told["throughput_scatter_ratio"].item() > 1.5
    assert abs(told["throughput_change_pct"].item()) < 5.0
    assert told["has_effect"].item()


def test_what_a_change_did_is_with_it_less_without(scene):
    acting = change(3, "capacity_change", 0.5)
    idle = change(7, "parameter_change", 0.0, "none")
    bare = network_state(scene.world, unplanned_conditions(scene.world))
    having = planned(scene, acting, idle)
    told = {
        row["change_id"]: row
        for row in true_changes(having, [acting, idle], []).changes.rows(named=True)
    }
    load = 100.0 * (having.state.load - bare.load)[96:480, 3].mean()
    assert told["C3"]["load_change_pct"] == pytest.approx(load, abs=1e-3)
    assert told["C7"]["has_effect"] is False
    assert told["C7"]["moved_share"] < 0.02


def test_a_fault_on_a_changed_antenna_comes_upon_the_change(scene, fault_of):
    fault = fault_of("feeder_loss")[0]
    cell = fault.cells[0]
    world = planned(scene, change(cell, "power_change", -3.0, first=8, last=640)).world
    both = conditions_of(
        world, [replace(fault, ramp=0)], network_state(world, sound_conditions(world))
    )
    upon = both.patches[-1]
    wanted = scene.world.radio.changed([AntennaChange(cell, loss_db=3.0 + fault.size)])
    place = list(upon.cells).index(cell)
    share = sum(
        part.share_change[list(part.cells).index(cell)]
        for part in both.patches
        if part.first <= fault.first < part.last and cell in part.cells
    )
    np.testing.assert_allclose(
        share, (wanted.share - scene.world.radio.built.share)[cell], atol=1e-5
    )
    assert upon.tables.rate[place].shape == scene.world.tables.rate[cell].shape


def test_a_town_plans_every_kind_and_few_wide_ones():
    chosen = replace(NETWORKS["town"], seed=3)
    plan = fault_plan(chosen, ())
    newest = [
        kind for first, _, kinds in plan.stretches for kind in kinds if first >= chosen.newest_first
    ]
    assert set(newest) == set(KINDS)
    assert newest.count("core_function_restart") <= 2
    assert newest.count("dwdm_degradation") <= 2
    assert len(newest) == chosen.newest_faults


def test_a_nation_has_no_changes():
    _, _, happened = simulated_run(replace(NETWORKS["village"], seed=1, has_changes=False))
    assert happened.changes == []
