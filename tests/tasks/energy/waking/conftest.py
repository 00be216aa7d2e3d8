"""A town in which one cell sleeps, as services."""

import pytest

from tasks.energy.waking import steps
from tasks.wiring import use_services
from tests.tasks.energy.planning.saving_town import SavingTown
from tests.tasks.energy.waking.sleeping_town import town_services


@pytest.fixture(scope="session")
def network():
    """Return what planning knows of the town."""
    return SavingTown(sites=8).network()


@pytest.fixture
def town(network, tmp_path, monkeypatch):
    """Return its services, the proposal that sleeps, and the cell that carries most for it."""
    told = town_services(network, tmp_path)
    monkeypatch.setattr(steps, "published_network", lambda *_: network)
    with use_services(told[0]):
        yield told
