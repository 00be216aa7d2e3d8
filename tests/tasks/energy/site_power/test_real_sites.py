"""The model on real measured sites: labels an hour apart, and sites that it never saw."""

import polars as pl
import pytest

from tasks.energy.site_power.boosting import Growth
from tasks.energy.site_power.model import SiteEnergyModel
from tasks.energy.site_power.rivals import wmape
from tasks.energy.site_power.site_hours import label_lag
from tests.benchmarks.site_energy import real_sites

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

LIGHT = Growth(rounds=120, depth=5, seeds=1)


@pytest.fixture(scope="module")
def sites(real_data):
    return real_sites(real_data / "site_energy")


def test_counters_of_the_public_data_label_an_hour_later_than_meters(sites):
    _, loads, energies = sites
    assert label_lag(loads, energies) == 1


def test_transmit_powers_and_energies_lie_on_the_grid_of_dbm_and_watt_hours(sites):
    configuration, _, energies = sites
    assert configuration["tx_power_dbm"].is_between(30, 60).all()
    off = (energies["energy_wh"] - energies["energy_wh"].round()).abs().max()
    assert off < 1e-3


def test_every_seventh_site_is_predicted_better_than_by_its_type(sites):
    configuration, loads, energies = sites
    names = energies["site_id"].unique().sort()
    out = energies.filter(pl.col("site_id").is_in(names.gather_every(7).to_list()))
    known = energies.join(out.select("site_id").unique(), on="site_id", how="anti")
    model = SiteEnergyModel.fitted(configuration, loads, known, growth=LIGHT)
    assert wmape(model.predicted(configuration, loads, out), energies) < 0.12
