"""Written to save energy, truly acted upon by a village that lives on, and over when taken back."""

import polars as pl
import pytest

from tasks.adapters.sample_gateway import SampleGateway
from tasks.twin import sleep_modes
from tasks.twin.configuration_objects import saving_dn
from tasks.twin.live_network import LiveNetwork
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, SAVE, SAVES, SAVES_NOT, STATE, SWITCH
from tasks.twin.traffic import Shock
from tests.tasks.twin.living import NIGHT, QUARTER, SETUPS, cell_of, modified, passed, value


def saves(cell, mode):
    """Return the two writes that put a cell into a mode."""
    dn = saving_dn(cell)
    return [
        modified(dn, MODE, "ACTIVE", mode),
        modified(dn, CONTROL, DO_NOT_SAVE, SAVE),
    ]


def wakes(cell, mode):
    return [operation.inverse() for operation in reversed(saves(cell, mode))]


def rows_of(network):
    return next(iter(network.passing(network.now + QUARTER)))


def watts(rows, cell):
    return rows.elements.filter(managed_object_dn=cell.site.element_dn)["pee_avg_power_w"].item()


def counts(rows, cell, column):
    return rows.nr_cells.filter(managed_object_dn=cell.dn)[column].item()


def volume(rows, cells):
    own = pl.col("managed_object_dn").is_in([cell.dn for cell in cells])
    return rows.nr_cells.filter(own)["pdcp_sdu_volume_dl_mbit"].sum()


def test_a_cell_sleeps_at_once_until_it_is_taken_back(night, booster):
    gateway = SampleGateway(night.folder)
    before = rows_of(night)
    for operation in saves(booster, "DEEP_SLEEP"):
        gateway.write(operation)
    asleep = rows_of(night)
    for operation in wakes(booster, "DEEP_SLEEP"):
        gateway.write(operation)
    after = rows_of(night)
    assert watts(before, booster) - watts(asleep, booster) > 250.0
    assert watts(after, booster) == pytest.approx(watts(before, booster), rel=0.06)
    others = [
        cell for cell in night.following.world.radio.network.cells
        if cell.site is booster.site and cell is not booster
    ]  # fmt: skip
    assert volume(asleep, others) > 1.02 * volume(before, others)
    assert counts(before, booster, SETUPS) > 0 < counts(after, booster, SETUPS)


def test_a_cell_off_the_air_reports_nothing_but_that_it_saves(night, booster):
    gateway = SampleGateway(night.folder)
    for operation in saves(booster, "LIGHT_SLEEP"):
        gateway.write(operation)
    told = rows_of(night)
    assert counts(told, booster, SETUPS) == 0
    assert counts(told, booster, "pdcp_sdu_volume_dl_mbit") == 0
    assert counts(told, booster, "prb_avail_dl_prb") == 0
    assert counts(told, booster, "cell_unavailable_time_s") == 0
    assert counts(told, booster, "energy_saving_time_s") == 900
    assert counts(told, booster, "energy_saving_on_air_time_s") == 0
    neighbor = cell_of(night, 0)
    assert counts(told, neighbor, "energy_saving_time_s") == 0


def test_a_cell_with_half_of_its_chains_serves_on_and_says_so(night, booster):
    gateway = SampleGateway(night.folder)
    before = rows_of(night)
    for operation in saves(booster, "MIMO_MUTED"):
        gateway.write(operation)
    muted = rows_of(night)
    assert counts(muted, booster, SETUPS) > 0
    assert counts(muted, booster, "energy_saving_on_air_time_s") == 900
    assert counts(muted, booster, "energy_saving_time_s") == 0
    assert 80.0 < watts(before, booster) - watts(muted, booster) < 250.0


def test_the_network_tells_that_a_cell_saves_once_it_does(night, booster):
    gateway, dn = SampleGateway(night.folder), saving_dn(booster)
    mode, control = saves(booster, "DEEP_SLEEP")
    gateway.write(mode)
    run = passed(night)
    assert value(gateway, (dn, STATE)) == SAVES_NOT
    assert not run.conditions.saving_mode.any()
    gateway.write(control)
    assert value(gateway, (dn, STATE)) == SAVES_NOT
    run = passed(night)
    assert value(gateway, (dn, STATE)) == SAVES
    assert run.state.asleep[0, booster.index] == 1.0
    gateway.write(control.inverse())
    passed(night)
    assert value(gateway, (dn, STATE)) == SAVES_NOT
    gateway.write(mode.inverse())
    passed(night)
    assert gateway.read([dn])[dn].attributes == night.following.planned[dn][1]


def test_a_function_that_is_switched_off_saves_nothing(night, booster):
    gateway = SampleGateway(night.folder)
    for operation in saves(booster, "DEEP_SLEEP"):
        gateway.write(operation)
    gateway.write(modified(saving_dn(booster), SWITCH, before=True, after=False))
    assert not passed(night).conditions.saving_mode.any()


def test_a_network_that_was_awake_again_is_as_if_it_never_slept(night, booster, live_at, unwritten):
    left = live_at(unwritten.following.chosen.end + NIGHT, "left")
    gateway = SampleGateway(night.folder)
    for operation in saves(booster, "DEEP_SLEEP"):
        gateway.write(operation)
    passed(night)
    passed(left)
    for operation in wakes(booster, "DEEP_SLEEP"):
        gateway.write(operation)
    passed(night)  # in which its radio starts
    passed(left)
    after, without = rows_of(night), rows_of(left)
    assert after.nr_cells.equals(without.nr_cells)
    assert after.elements.equals(without.elements)


def test_only_cells_of_new_radio_can_save_energy(unwritten):
    planned = unwritten.following.planned
    functions = {dn for dn, (name, _) in planned.items() if name == sleep_modes.SAVING_FUNCTION}
    cells = unwritten.following.world.radio.network.cells
    assert functions == {saving_dn(cell) for cell in cells if cell.band.technology == "NR"}


def test_a_surge_fills_who_carries_a_sleeper_until_it_wakes(night, booster):
    following = night.following
    first = following.period_from(night.now)
    area = following.world.radio.network.area_of(booster)
    surge = Shock("event", first + 1, first + 5, 5.0, (area,))
    surging = LiveNetwork(night.folder, following.with_shocks([surge]))
    gateway = SampleGateway(night.folder)
    for operation in saves(booster, "DEEP_SLEEP"):
        gateway.write(operation)
    calm, surged = passed(surging), passed(surging)
    for operation in wakes(booster, "DEEP_SLEEP"):
        gateway.write(operation)
    awake = passed(surging)
    carriers = [
        cell.index for cell in following.world.radio.network.cells
        if cell.site is booster.site and cell.sector == booster.sector and cell is not booster
    ]  # fmt: skip
    loads = [run.state.load[0, carriers].max() for run in (calm, surged, awake)]
    assert loads[1] > 2.0 * loads[0]
    assert loads[2] < 0.85 * loads[1]
    assert awake.state.load[0, booster.index] > 0


def test_the_gateway_takes_the_words_that_the_network_acts_on(night, booster):
    gateway, dn = SampleGateway(night.folder), saving_dn(booster)
    before = "ACTIVE"
    for mode in sleep_modes.MODES:
        gateway.write(modified(dn, MODE, before, mode))
        before = mode
    assert value(gateway, (dn, MODE)) == "DEEP_SLEEP"
