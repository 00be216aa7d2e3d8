"""One public series by the frozen configuration: well above plain baselines and chance."""

import pytest

from tasks.anomaly.families.principal_components import PrincipalComponents
from tests.benchmarks.labelled_series import (
    FROZEN,
    Configuration,
    cause_ranking,
    judged,
    labelled_series,
    random_floor,
)

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def machine(real_data):
    return labelled_series(real_data, "smd", "machine-1-3")


def test_the_frozen_configuration_ranks_a_server_better_than_baselines(machine):
    found = judged(machine, FROZEN)
    plain = judged(machine, Configuration(PrincipalComponents(), has_day=False))
    assert found.vus_pr > 1.5 * plain.vus_pr
    assert found.average_precision > plain.average_precision
    assert plain.vus_pr > 2 * random_floor(machine).vus_pr


def test_its_parts_name_the_channels_that_explain(machine):
    hits, gain, chance = cause_ranking(machine, FROZEN)
    assert hits > 2 * chance
    assert gain > 2 * chance
