"""What a network is while cells save energy: coverage left together, capacity, users' rates."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.twin import link, supply
from tasks.twin.antennas import Antennas
from tasks.twin.coverage import AntennaChange, radio_map
from tasks.twin.effects import conditions_of, sound_conditions
from tasks.twin.layout import build_network
from tasks.twin.mode_power import mode_capacity
from tasks.twin.mode_power import modes_of as modes_of_radio
from tasks.twin.quality import at_load
from tasks.twin.sleep_modes import MODES
from tasks.twin.sleeping import (
    coverage_holes,
    saving_state,
    sleeping_conditions,
    users_under_floor,
)
from tasks.twin.state import network_state

NIGHT = slice(8, 16)
DEEP, LIGHT, MUTED, REDUCED = (
    MODES.index(mode) for mode in ("DEEP_SLEEP", "LIGHT_SLEEP", "MIMO_MUTED", "POWER_REDUCED")
)


@pytest.fixture(scope="module")
def night(village_run):
    """Return the world of a village's night, its conditions, and its state without saving."""
    world = village_run[0].world.between(NIGHT.start, NIGHT.stop)
    conditions = sound_conditions(world)
    return world, conditions, network_state(world, conditions)


@pytest.fixture(scope="module")
def boosters(night):
    """Return the cells that stand over others of their site."""
    cells = night[0].radio.network.cells
    return [cell.index for cell in cells if cell.band.name == "n78"]


@pytest.fixture(scope="module")
def wide_radio():
    """Return the gains of a network in which some cells are too far apart to meet."""
    return radio_map(build_network(24, 3, is_village=False), 3)


def modes_of(conditions, cells, mode):
    modes = np.zeros(conditions.unavailable.shape, dtype=np.int8)
    modes[:, cells] = mode
    return modes


def patch_of(radio, cells):
    changes = tuple(AntennaChange(cell, is_off=True) for cell in cells)
    return Antennas(radio).joint_patches((0, 1), changes)[0]


def share_change(radio, cells):
    patch = patch_of(radio, cells)
    whole = np.zeros_like(radio.built.share)
    whole[patch.cells] = patch.share_change
    return whole


def test_a_network_that_saves_nothing_is_as_it_was(night):
    world, conditions, _ = night
    assert sleeping_conditions(world, conditions, modes_of(conditions, [], DEEP)) is conditions


def test_users_of_a_sleeping_cell_are_carried_by_others(night, boosters):
    world, conditions, before = night
    state, acting = saving_state(world, conditions, modes_of(conditions, boosters, DEEP))
    others = [c for c in range(before.load.shape[1]) if c not in boosters]
    assert (state.users[:, boosters] == 0).all()
    assert (state.available[:, boosters] == 0).all()
    assert (state.load[:, others].sum(axis=1) > before.load[:, others].sum(axis=1)).all()
    moved = state.downlink_mbps.sum() / before.downlink_mbps.sum()
    assert 0.97 < moved < 1.05  # how demand splits among cells is chance
    assert (acting.saving_mode[:, boosters] == DEEP).all()
    assert (conditions.unavailable == 0).all()


def test_cells_that_wake_again_carry_what_they_carried(night, boosters):
    world, conditions, before = night
    modes = modes_of(conditions, boosters, LIGHT)
    modes[3:] = 0
    state, _ = saving_state(world, conditions, modes)
    assert (state.users[:3, boosters] == 0).all()
    np.testing.assert_allclose(state.load[3:], before.load[3:], rtol=1e-5)


def test_a_muted_cell_needs_more_of_its_blocks_for_the_same_traffic(night, boosters):
    world, conditions, before = night
    state, _ = saving_state(world, conditions, modes_of(conditions, boosters, MUTED))
    band = world.radio.network.cells[boosters[0]].band
    left = mode_capacity(band)[MUTED]
    stretched = state.load[:, boosters] / before.load[:, boosters]
    np.testing.assert_allclose(stretched, 1.0 / left, rtol=0.03)
    np.testing.assert_allclose(state.downlink_mbps, before.downlink_mbps, rtol=1e-3)


def test_a_radio_draws_what_its_mode_says_of_its_work(night, boosters):
    world, conditions, _ = night
    network = world.radio.network
    cell = network.cells[boosters[0]]
    radio = modes_of_radio(cell.band, cell.tx_power_dbm, cell.band.downlink_share)
    for number, mode in enumerate(MODES):
        modes = modes_of(conditions, boosters[0], number)
        state, acting = saving_state(world, conditions, modes)
        drawn = supply.radios_w(network, state.load, state.available, acting.saving_mode)
        work = state.load[:, boosters[0]] * radio.capacity[number]
        told = [radio.watts(mode, float(one)) for one in work]
        np.testing.assert_allclose(drawn[:, boosters[0]], told, rtol=1e-4)
        others = [c for c in range(len(network.cells)) if c != boosters[0]]
        active = supply.radios_w(network, state.load, state.available)
        np.testing.assert_array_equal(drawn[:, others], active[:, others])


def test_a_cell_at_half_power_serves_fewer_and_worse(night, boosters):
    world, conditions, before = night
    state, acting = saving_state(world, conditions, modes_of(conditions, boosters, REDUCED))
    assert (state.users[:, boosters] > 0).all()
    assert state.downlink_mbps[:, boosters].sum() < before.downlink_mbps[:, boosters].sum()
    rates = users_under_floor(world, state, acting, 10.0)[:, boosters]
    assert rates.mean() >= users_under_floor(world, before, conditions, 10.0)[:, boosters].mean()


def test_cells_far_apart_leave_coverage_as_they_would_one_by_one(wide_radio):
    sites = wide_radio.network.sites
    far = max(sites, key=lambda site: np.hypot(site.x_m, site.y_m))
    near = sites[0]
    cells = [
        next(c.index for c in wide_radio.network.cells if c.site is site) for site in (near, far)
    ]
    alone = [share_change(wide_radio, [cell]) for cell in cells]
    both = share_change(wide_radio, cells)
    assert np.abs(alone[0]).max() > 0.2
    assert np.abs(both - alone[0] - alone[1]).max() < 0.02


def test_cells_that_would_carry_each_other_leave_coverage_together(wide_radio):
    site = wide_radio.network.sites[0]
    cells = [c.index for c in wide_radio.network.cells if c.site is site]
    both = wide_radio.built.share + share_change(wide_radio, cells)
    assert np.abs(both[cells]).max() < 1e-5
    summed = wide_radio.built.share + sum(share_change(wide_radio, [cell]) for cell in cells)
    assert np.abs(summed[cells]).max() > 0.1


def test_joint_coverage_is_the_one_that_each_change_by_itself_would_give(wide_radio):
    cell = wide_radio.network.cells[5].index
    known = wide_radio.changed([AntennaChange(cell, is_off=True)])
    joint = wide_radio.jointly_changed([AntennaChange(cell, is_off=True)])
    np.testing.assert_allclose(joint.share, known.share, atol=1e-3)
    served = known.weight > 0.1
    means = [
        (sums.cqi @ np.arange(link.CQI_BINS))[served] / sums.weight[served, None]
        for sums in (joint, known)
    ]
    # One change by itself looks only at points that hear its cell well.
    np.testing.assert_allclose(means[0], means[1], atol=0.4)


def test_a_fault_shows_while_cells_around_it_sleep(village_run, boosters):
    run, _, faults, _ = village_run
    fault = next(one for one in faults if one.kind in ("feeder_loss", "tilt_slip"))
    first, last = fault.first + fault.ramp, fault.last
    world = run.world.between(first, last)
    shifted = replace(fault, first=0, last=last - first, ramp=0)
    asleep = [cell for cell in boosters if cell not in fault.cells]
    well = sound_conditions(world)
    ill = conditions_of(world, [shifted], network_state(world, well))
    modes = modes_of(well, asleep, DEEP)
    struck = list(fault.cells)
    cqi = [saving_state(world, it, modes)[0].cqi_mean[:, struck].mean() for it in (well, ill)]
    assert cqi[1] < cqi[0] - 0.05


def naive_share_under(world, state, conditions, floor, place):
    """Return what `users_under_floor` says of one cell in one period, user by user."""
    period, cell = place
    band = world.radio.network.cells[cell].band
    table = world.tables.cqi[cell]
    limit = world.traits.terminal_limit_mbps[cell]
    under = 0.0
    for cqi in range(link.CQI_BINS):
        share = float(at_load(table[:, cqi][None], state.around[period, cell].reshape(1, 1))[0, 0])
        low = max(link.CQI_EFFICIENCY[cqi], 0.1)
        high = link.CQI_EFFICIENCY[min(cqi + 1, 15)]
        steps = 400
        slow = 0
        for step in range(steps):
            efficiency = low + (high - low) * (step + 0.5) / steps
            sinr = 10.0 * np.log10(2.0 ** (efficiency / 0.75) - 1.0)
            rate = efficiency * float(link.mean_rank(np.array(sinr), band.layers))
            rate *= world.traits.downlink_mbps[cell] * 0.7
            rate *= (
                np.exp(world.chance.quality[period, cell]) * conditions.rank_factor[period, cell]
            )
            alone = rate * limit / (rate + limit)
            slow += alone * (1.0 - state.load[period, cell]) < floor
        under += share * slow / steps
    return under


@pytest.mark.parametrize("floor", [2.0, 10.0, 40.0])
def test_users_under_a_floor_are_counted_as_user_by_user(night, floor):
    world, conditions, state = night
    found = users_under_floor(world, state, conditions, floor)
    for place in ((0, 0), (3, 4), (7, 8)):
        naive = naive_share_under(world, state, conditions, floor, place)
        assert found[place] == pytest.approx(naive, abs=0.02)


def test_more_users_are_under_a_higher_floor_and_none_where_nobody_is(night, boosters):
    world, conditions, _ = night
    state, acting = saving_state(world, conditions, modes_of(conditions, boosters, DEEP))
    shares = [users_under_floor(world, state, acting, floor) for floor in (0.0, 5.0, 20.0, 1e4)]
    assert (shares[0] == 0).all()
    for lower, higher in pairwise(shares):
        assert (higher >= lower).all()
    awake = [c for c in range(state.load.shape[1]) if c not in boosters]
    np.testing.assert_allclose(shares[-1][:, awake], 1.0, atol=1e-3)
    assert (shares[-1][:, boosters] == 0).all()


def test_only_ground_that_nobody_else_covers_is_a_hole(wide_radio):
    cells = wide_radio.network.cells
    everyone = {cell.index for cell in cells}
    assert not coverage_holes(wide_radio, set(), -116.0).any()
    whole = coverage_holes(wide_radio, everyone, -116.0)
    covered = wide_radio.received_dbm.max(axis=1) >= -116.0
    weight = np.bincount(wide_radio.ground.area, wide_radio.ground.weight * covered)
    np.testing.assert_allclose(whole, weight)
    around = {cell.index for cell in cells if cell.site.archetype == "rural"}
    lost = coverage_holes(wide_radio, around, -116.0)
    assert 0 < lost.sum() < whole.sum()
    assert (lost <= whole + 1e-12).all()


def test_voice_cells_do_not_save(village_run):
    run = village_run[0]
    world = run.world.between(0, 1)
    cell = replace(world.radio.network.cells[0], band=replace(
        world.radio.network.cells[0].band, technology="LTE"))  # fmt: skip
    network = replace(world.radio.network, cells=(cell, *world.radio.network.cells[1:]))
    lte = replace(world, radio=replace(world.radio, network=network))
    with pytest.raises(InputError, match="LTE cells carry voice"):
        sleeping_conditions(lte, sound_conditions(world), modes_of(sound_conditions(world), [0], 1))


@pytest.mark.parametrize(
    ("modes", "told"),
    [
        pytest.param(np.zeros((1, 2), np.int8), "told by \\(periods, cells\\)", id="shape"),
        pytest.param(np.full((8, 12), 9, np.int8), "a place in MODES, 0 to 5; got 9", id="mode"),
    ],
)
def test_what_is_no_mode_of_these_cells_is_refused(night, modes, told):
    world, conditions, _ = night
    with pytest.raises(InputError, match=told):
        sleeping_conditions(world, conditions, modes)
