"""The fitted model of site energy: unseen sites, unseen types, bounds, plain data, clear errors."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.errors import InputError
from tasks.energy.site_power.intervals import Strays, grouped_bounds
from tasks.energy.site_power.model import SiteEnergyModel
from tasks.energy.site_power.own_history import OwnHistory
from tasks.energy.site_power.physics import fitted_physics
from tasks.energy.site_power.site_hours import (
    CONFIGURATION,
    ENERGIES,
    LOADS,
    WEATHER,
    checked,
    label_lag,
    site_hours,
)
from tasks.stored_models import from_bytes, to_bytes
from tests.tasks.energy.site_power.told import GROWTH, START, measured, strayed


def split(energies, *sites):
    out = energies.filter(pl.col("site_id").is_in(sites))
    return energies.filter(~pl.col("site_id").is_in(sites)), out


@pytest.fixture(scope="module")
def town():
    return measured()


@pytest.fixture(scope="module")
def fitted(town):
    known, out = split(town[2], "B00", "B01", "B02")
    return SiteEnergyModel.fitted(town[0], town[1], known, growth=GROWTH), out


def test_sites_never_seen_are_predicted_within_their_bounds(town, fitted):
    model, out = fitted
    told = model.predicted(town[0], town[1], out)
    assert strayed(told, out) < 0.08
    both = told.join(out, on=["site_id", "period_start"], suffix="_told")
    held = both["energy_wh_told"].is_between(both["low_wh"], both["high_wh"]).mean()
    assert held > 0.8
    assert (both["low_wh"] < both["energy_wh"]).all()


def test_a_type_never_seen_is_drawn_from_its_configuration_with_wider_bounds(town):
    types = town[0].filter(ru_type="wide")["site_id"].to_list()
    known, out = split(town[2], *types)
    model = SiteEnergyModel.fitted(town[0], town[1], known, growth=GROWTH)
    told = model.predicted(town[0], town[1], out)
    mean = known["energy_wh"].mean()
    naive = (out["energy_wh"] - mean).abs().sum() / out["energy_wh"].sum()
    assert strayed(told, out) < 0.75 * naive
    widths = {
        "unseen": (told["high_wh"] / told["low_wh"]).median(),
        "seen": np.exp(model.strays.overall[1] - model.strays.overall[0]),
    }
    assert widths["unseen"] > widths["seen"]


def test_own_hours_take_the_sites_own_level_away():
    configuration, loads, energies = measured(own_level=0.3, seed=4)
    known, out = split(energies, "B00", "B01", "B02", "B03")
    model = SiteEnergyModel.fitted(configuration, loads, known, growth=GROWTH)
    first = out.filter(pl.int_range(pl.len()).over("site_id") < 6)
    later = out.filter(pl.int_range(pl.len()).over("site_id") >= 6)
    own = OwnHistory.told(model, configuration, loads, first)
    before = strayed(model.predicted(configuration, loads, later), later)
    after = strayed(own.predicted(model, configuration, loads, later), later)
    assert after < 0.5 * before
    others = own.predicted(model, configuration, loads, known)
    assert others["energy_wh"].to_list() == pytest.approx(
        model.predicted(configuration, loads, known)["energy_wh"].to_list()
    )


def test_a_model_is_plain_data_and_the_same_for_the_same_rows(town, fitted):
    model, out = fitted
    stored = model.stored()
    read = SiteEnergyModel.from_stored(from_bytes(to_bytes(stored), stored.digest))
    assert read.predicted(town[0], town[1], out).equals(model.predicted(town[0], town[1], out))
    known, _ = split(town[2], "B00", "B01", "B02")
    shuffled = known.sample(fraction=1.0, shuffle=True, seed=3)
    again = SiteEnergyModel.fitted(town[0], town[1], shuffled, growth=GROWTH)
    assert again.stored().digest == stored.digest


@pytest.mark.parametrize("lag", [-2, 0, 1])
def test_meters_and_counters_that_label_hours_apart_are_found_out(lag):
    _, loads, energies = measured(lag=lag)
    assert label_lag(loads, energies) == lag


def test_sites_that_tell_nothing_leave_labels_as_they_are():
    _, loads, energies = measured(hours=3)
    assert label_lag(loads, energies) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"load_share": 1.2}, "hold what cannot be .* B00 Cell0", id="load above 1"),
        pytest.param({"load_share": None}, "hold what cannot be", id="no load"),
        pytest.param({"load_share": float("nan")}, "hold what cannot be", id="not a number"),
        pytest.param({"period_start": START + timedelta(hours=1)}, "tell twice of", id="twice"),
    ],
)
def test_rows_that_cannot_be_are_named(change, said):
    _, loads, _ = measured(sites=3, hours=4)
    first = loads.head(1).with_columns(
        **{name: pl.lit(value, dtype=LOADS[name]) for name, value in change.items()}
    )
    with pytest.raises(InputError, match=said):
        checked(pl.concat([first, loads.slice(1)]), LOADS, "loads")


def test_a_table_that_lacks_columns_says_which():
    with pytest.raises(InputError, match="lack energy_wh"):
        checked(pl.DataFrame({"site_id": ["B"], "period_start": [START]}), ENERGIES, "energies")
    cells, _, _ = measured(sites=3)
    with pytest.raises(InputError, match="cannot be"):
        checked(cells.with_columns(antennas_count=pl.lit(0.0)), CONFIGURATION, "cells")


def test_a_cell_that_told_nothing_is_not_taken_for_idle():
    configuration, loads, _ = measured(sites=3, hours=4)
    wanted = loads.select("site_id", "period_start")
    kept = loads.filter((pl.col("site_id") != "B00") | (pl.col("period_start") != START))
    hours = site_hours(configuration, kept, wanted, 0)
    assert hours.load[0, 0] == kept.filter(site_id="B00")["load_share"][0]
    mute = loads.filter(pl.col("site_id") != "B01")
    with pytest.raises(InputError, match="Cells of B01 never told a load"):
        site_hours(configuration, mute, wanted, 0)
    with pytest.raises(InputError, match="No configuration tells of the sites B02"):
        site_hours(configuration.filter(pl.col("site_id") != "B02"), loads, wanted, 0)


def test_a_second_cell_is_added_and_described():
    configuration, loads, _ = measured(sites=3, hours=2)
    second = configuration.head(1).with_columns(cell_id=pl.lit("Cell1"), antennas_count=8.0)
    more = loads.filter(site_id="B00").with_columns(cell_id=pl.lit("Cell1"), load_share=0.5)
    wanted = loads.select("site_id", "period_start")
    hours = site_hours(pl.concat([configuration, second]), pl.concat([loads, more]), wanted, 0)
    assert hours.antennas.tolist() == [[2, 8]] * 2 + [[2, 0]] * 2 + [[4, 0]] * 2
    assert np.isnan(hours.features[2:]).any()
    assert not np.isnan(hours.features[:2]).any()


def test_physics_finds_more_power_for_more_load_and_less_in_sleep(town):
    configuration, loads, energies = town
    hours = site_hours(configuration, loads, energies, 0)
    found = fitted_physics(hours, energies["energy_wh"].to_numpy(), np.ones(energies.height))
    told = found.energy_wh(hours)
    assert np.abs(told / energies["energy_wh"].to_numpy() - 1).mean() < 0.1
    busy, calm = hours.load[:, 0] > 0.7, hours.load[:, 0] < 0.3
    assert told[busy].mean() > told[calm].mean()
    assert found.numbers[8] > 0.2


def test_each_site_counts_once_in_its_bounds():
    stray = np.concatenate([np.full(1000, 0.5), np.linspace(-0.1, 0.1, 39)])
    group = np.array(["loud"] * 1000 + [f"calm{number}" for number in range(39)])
    low, high = grouped_bounds(stray, group, 0.9)
    assert high < 0.2
    assert low < -0.08


def test_a_type_with_few_sites_has_the_bounds_of_all():
    strays = Strays({"many": (-0.1, 0.1)}, (-0.2, 0.2), (-0.5, 0.6))
    low, high = strays.bounds(["many", "few", "new"], ["few", "many"])
    assert low.tolist() == [-0.1, -0.2, -0.5]
    assert high.tolist() == [0.1, 0.2, 0.6]


def test_cooling_is_found_where_a_temperature_is_told_and_only_there():
    configuration, loads, energies = measured(own_level=0.0)
    hour = pl.col("period_start").dt.hour()
    warm = energies.with_columns((20.0 + hour * 0.5).alias(WEATHER))
    heat = (pl.col(WEATHER) - 24.0).clip(lower_bound=0.0)
    cooled = warm.with_columns(pl.col("energy_wh") * (1 + 0.03 * heat))
    model = SiteEnergyModel.fitted(configuration, loads, cooled, growth=GROWTH, bounds_of=())
    assert strayed(model.predicted(configuration, loads, cooled), cooled) < 0.05
    hot = energies.with_columns(pl.lit(40.0).alias(WEATHER))
    expected = hot.with_columns(pl.col("energy_wh") * (1 + 0.03 * 16.0))
    told = model.predicted(configuration, loads, hot)
    assert strayed(told, expected) < 0.12  # beyond all temperatures that were learned from
    plain = SiteEnergyModel.fitted(configuration, loads, energies, growth=GROWTH, bounds_of=())
    assert len(plain.opinions.physics.numbers) == len(model.opinions.physics.numbers) - 2
    assert plain.predicted(configuration, loads, hot).equals(
        plain.predicted(configuration, loads, energies)
    )


def test_bounds_that_nobody_asks_for_are_infinite(town, fitted):
    model, out = fitted
    lean = SiteEnergyModel.fitted(
        town[0], town[1], split(town[2], "B00", "B01", "B02")[0], growth=GROWTH, bounds_of=["slim"]
    )
    assert lean.strays.overall == model.strays.overall
    assert lean.strays.unseen == (-np.inf, np.inf)
    told, every = (one.predicted(town[0], town[1], out) for one in (lean, model))
    assert told.equals(every)
