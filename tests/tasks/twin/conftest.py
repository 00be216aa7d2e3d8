"""A village, simulated once a session, and its files."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tasks.adapters.sample_files import LiveReport, write_report
from tasks.twin.effects import conditions_of
from tasks.twin.faults import KINDS, FaultPlan, Terrain, place_faults
from tasks.twin.live_network import LiveNetwork
from tasks.twin.live_report import reported_departures
from tasks.twin.sample_network import simulated_run, write_sample_network
from tasks.twin.scenario import NETWORKS
from tasks.twin.state import network_state
from tests.tasks.twin.living import CHOSEN, NIGHT


@pytest.fixture(scope="session")
def happened_in():
    """Return run, scene and happenings of a village."""
    return simulated_run(replace(NETWORKS["village"], seed=7))


@pytest.fixture(scope="session")
def village_run(happened_in):
    """Return (run, scene, faults, shocks) of a village."""
    run, scene, happened = happened_in
    return run, scene, happened.faults, happened.shocks


@pytest.fixture(scope="session")
def village(tmp_path_factory):
    """Return the manifest of a written village."""
    return write_sample_network("village", 7, tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def fault_of(village_run):
    """Return, for a kind, a fault on the village's busiest day and the states with and without."""
    run, scene, _, _ = village_run
    world, periods = run.world, run.calendar.periods
    terrain = Terrain(
        scene.network, world.radio.built, world.busy_use, world.routes.network, world.battery_kwh
    )
    drawn = [
        fault
        for kind in KINDS
        for seed in range(12)
        for fault in place_faults(terrain, FaultPlan(((96, 5 * 96, (kind,)),), periods), seed)
    ]
    states = {}

    def of(kind):
        if kind not in states:
            fault = max((f for f in drawn if f.kind == kind), key=lambda f: f.last - f.first)
            conditions = conditions_of(world, [fault], scene.sound)
            states[kind] = fault, network_state(world, conditions)
        fault, state = states[kind]
        where = np.ix_(range(fault.first + fault.ramp, fault.last), fault.cells)
        return fault, where, state, scene.sound

    return of


@pytest.fixture(scope="session")
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


@pytest.fixture
def night(live_at, unwritten):
    """Return a village at night."""
    return live_at(unwritten.following.chosen.end + NIGHT)


@pytest.fixture
def booster(unwritten):
    """Return a cell over others of its site."""
    cells = unwritten.following.world.radio.network.cells
    return next(cell for cell in cells if cell.band.name == "n78")
