"""Networks that several tests of planning look at."""

import pytest

from tests.tasks.energy.planning.saving_town import SavingTown


@pytest.fixture(scope="session")
def saving_town():
    return SavingTown()


@pytest.fixture(scope="session")
def saving_network_of_town(saving_town):
    return saving_town.network()
