"""Supplies, clocks, functions and software: what their faults do, and to whom alone."""

import numpy as np
import pytest

from tasks.twin import supply
from tasks.twin.core_measurements import amf_measurements, function_dns, smf_measurements
from tasks.twin.delivered_rows import delivered_rows
from tasks.twin.effects import conditions_of
from tasks.twin.site_measurements import site_measurements
from tasks.twin.state import network_state


@pytest.fixture
def struck(village_run, fault_of):
    """Return, for a kind: fault, conditions, state and sound state."""

    def of(kind):
        run, scene, _, _ = village_run
        fault, _, state, sound = fault_of(kind)
        return fault, conditions_of(run.world, [fault], scene.sound), state, sound

    return of


def site_of(run, fault):
    return run.world.radio.network.cells[fault.cells[0]].site.index - 1


def test_batteries_last_as_long_as_their_charge_and_the_load_say():
    share, given = supply.discharge(4.0, np.full(24, 1_000.0))
    assert int((share > 0.0).sum()) == 15
    assert given.sum() * supply.PERIOD_H / 1000.0 == pytest.approx(4.0)
    longer, _ = supply.discharge(4.0, np.full(24, 800.0))
    assert (longer > 0.0).sum() > (share > 0.0).sum()
    assert (np.diff(share) <= 0.0).all()


def test_a_site_without_mains_runs_on_batteries_then_is_off_until_mains_returns(
    village_run, struck
):
    run = village_run[0]
    fault, conditions, state, sound = struck("power_failure")
    site, cells = site_of(run, fault), list(fault.cells)
    powered = conditions.powered[fault.first : fault.last, site]
    dark = int((powered > 0.0).sum())
    drawn = supply.equipment_w(run.world.radio.network, sound.load, sound.available)
    used = drawn[fault.first : fault.last, site].cumsum() * supply.PERIOD_H / 1000.0
    assert dark == int((used < run.world.battery_kwh[site]).sum())
    assert 0 < dark < fault.last - fault.first
    before = slice(fault.first, fault.first + dark)
    after = slice(fault.first + dark, fault.last)
    assert (state.available[before][:, cells] == 1.0).all()
    assert (state.available[after][:, cells] == 0.0).all()
    assert (state.available[fault.last :][:, cells] == 1.0).all()
    rows = site_measurements(
        run.world, state, conditions, (fault.first, fault.last + 8),
        run.temperature_degc[fault.first : fault.last + 8], np.random.default_rng(1),
    )  # fmt: skip
    length = fault.last - fault.first
    assert (rows["mains_unavailable_time"][:length, site] == 900.0).all()
    assert (rows["mains_unavailable_time"][length:, site] == 0.0).all()
    assert (rows["rectifier_output_power"][:length, site] == 0.0).all()
    assert (rows["pee_energy"][dark:length, site] == 0.0).all()
    assert rows["battery_energy_discharged"][:, site].sum() == pytest.approx(
        run.world.battery_kwh[site], rel=1e-3
    )
    assert rows["battery_charge"][length - 1, site] == 0.0
    assert rows["battery_charge"][-1, site] > 20.0
    others = [n for n in range(len(run.world.backhaul_mbps)) if n != site]
    assert (rows["battery_charge"][:, others] == 100.0).all()


def test_a_clock_without_reference_drifts_and_disturbs_only_shared_time(village_run, struck):
    run = village_run[0]
    fault, conditions, state, sound = struck("clock_loss")
    cells = run.world.radio.network.cells
    site = next(s for s in run.world.radio.network.sites if s.element_dn == fault.objects[0])
    error = conditions.clock_error_ns[fault.first : fault.last, site.index - 1]
    assert (np.diff(error) > 0.0).all()
    rise = state.rise_db - sound.rise_db
    late = error > 1.3 * supply.TIME_ERROR_LIMIT_NS
    within = error < supply.TIME_ERROR_LIMIT_NS
    assert late.any()
    during = rise[fault.first : fault.last][:, list(fault.cells)]
    assert during[late].min() > 0.3
    assert np.abs(during[within]).max() < 0.05
    assert all(cells[cell].band.downlink_share < 1.0 for cell in fault.cells)
    paired = [cell.index for cell in cells if cell.band.downlink_share == 1.0]
    assert np.abs(rise[:, paired]).max() < 0.5
    assert (conditions.holdover_s[fault.first : fault.last, site.index - 1] == 900.0).all()


def test_intermodulation_follows_the_load_of_its_own_sector(struck):
    fault, _, state, sound = struck("passive_intermodulation")
    cell = fault.cells[0]
    time = slice(fault.first + fault.ramp, fault.last)
    more = 10.0 ** (state.rise_db[time, cell] / 10.0) - 10.0 ** (sound.rise_db[time, cell] / 10.0)
    assert np.corrcoef(state.load[time, cell], more)[0, 1] > 0.8
    assert more.min() > 0.0
    busy = state.load[time, cell] > np.quantile(state.load[time, cell], 0.8)
    quiet = state.load[time, cell] < np.quantile(state.load[time, cell], 0.2)
    assert more[busy].mean() > 3.0 * more[quiet].mean()
    others = [n for n in range(state.load.shape[1]) if n not in fault.cells]
    assert np.abs((state.rise_db - sound.rise_db)[time][:, others]).max() < 0.6


def test_a_restart_strikes_the_sites_of_its_function_and_no_other(village_run, struck):
    run = village_run[0]
    fault, _, state, sound = struck("core_function_restart")
    network = run.world.routes.network
    served = set(network.sites_of_function(fault.objects[0]))
    cells = run.world.radio.network.cells
    time = slice(fault.first, fault.last)
    for cell in cells:
        more = state.core_fail[time, cell.index] - sound.core_fail[time, cell.index]
        assert (more > 0.005).any() == (cell.site.index in served), cell.dn
    assert 0 < len(served) < len(run.world.backhaul_mbps)


def test_a_restarting_amf_loses_registrations_and_has_them_asked_again(village_run, struck):
    run, scene, _, _ = village_run
    world = run.world
    dn = function_dns(world, "AMFFunction")[0]
    drawn = struck("core_function_restart")[0]
    fault = type(drawn)(**{
        name: getattr(drawn, name) for name in type(drawn).__slots__
    } | {"objects": (dn,), "size": 0.8, "last": drawn.first + 4})  # fmt: skip
    conditions = conditions_of(world, [fault], scene.sound)
    state = network_state(world, conditions)
    span = (fault.first - 8, fault.last + 8)
    rows = amf_measurements(world, state, conditions, span, np.random.default_rng(4))
    registered, asked = (
        rows[f"amf_{name}"] for name in ("registered_subscribers", "initial_registration_attempts")
    )
    assert registered[8, 0] < 0.7 * registered[7, 0]
    assert registered[-1, 0] > 0.95 * registered[7, 0]
    assert asked[8:12, 0].min() > 5.0 * asked[:8, 0].max()
    assert asked[8:12, 1].max() < 3.0 * asked[:8, 1].max()
    assert rows["amf_cpu_usage"][8, 0] > rows["amf_cpu_usage"][7, 0] + 5.0
    for name in ("initial_registration", "mobility_registration", "service_request"):
        tried = rows[f"amf_{name}_attempts"]
        assert (rows[f"amf_{name}_successes"] <= tried).all()
    sessions = smf_measurements(world, state, conditions, span, np.random.default_rng(4))
    assert sessions["smf_pdu_sessions"][8, 0] < 0.7 * sessions["smf_pdu_sessions"][7, 0]


def test_regressed_software_admits_or_schedules_worse_and_names_its_change(struck, village_run):
    fault, _, state, sound = struck("software_regression")
    assert fault.change_id is not None
    where = np.ix_(range(fault.first, fault.last), fault.cells)
    if fault.size_unit == "share of setups":
        more = state.access_fail[where] - sound.access_fail[where]
        assert more.min() > 0.5 * fault.size
    else:
        assert (state.load[where] > sound.load[where]).all()
    after = np.ix_(range(fault.last, village_run[0].calendar.periods), fault.cells)
    np.testing.assert_array_equal(state.access_fail[after], sound.access_fail[after])


def test_an_isolated_site_is_out_of_service_as_long_as_it_is(village_run, struck):
    run = village_run[0]
    fault, conditions, state, _ = struck("link_cut")
    network = run.world.routes.network
    standing = network.paths_without(fault.objects)
    lost = [site for site in network.router_of_site if site not in standing]
    cells = run.world.radio.network.cells
    for cell in cells:
        is_off = state.available[fault.first : fault.last, cell.index] == 0.0
        assert is_off.all() == (cell.site.index in lost)
    assert conditions.isolated.sum() == len(lost) * (fault.last - fault.first)


def test_counters_of_core_and_transport_scatter_around_one_state(village_run):
    run = village_run[0]
    rows = delivered_rows(run, 0, 96, has_distributions=False)
    assert rows.amfs.height == 2 * 96
    assert rows.interfaces["path_round_trip_delay_ms"].drop_nulls().len() > 0.9 * 3 * 96
    assert rows.optical_channels["errored_seconds_s"].sum() == 0.0
    assert 5.0 < rows.upfs["upf_cpu_usage_pct"].mean() < 60.0
    assert 5.0 < rows.amfs["amf_cpu_usage_pct"].mean() < 60.0
    assert set(rows.frames()) == {"nr", "element", "amf", "smf", "upf", "interface", "optical"}
