"""The model's honest report: sites left out, later days, simpler models beside, and a bad case."""

import numpy as np
import polars as pl
import pytest

from semantic_layer.errors import InputError
from tasks.energy.site_power.judging import FOLDS, judged
from tasks.energy.site_power.judging_text import judging_text
from tests.tasks.energy.site_power.told import measured


@pytest.fixture(scope="module")
def found():
    return judged(*measured(hours=90), most_sites=400, confidence=0.9)


def test_every_site_is_judged_once_on_the_later_days(found):
    assert (found.sites, found.hours) == (24, 24 * 30)
    assert sum(found.by_type["sites"]) == 24


def test_the_model_beats_simpler_ones_where_energy_follows_configuration_and_load(found):
    assert found.model < found.linear
    assert found.model < found.type_mean
    assert found.with_history < found.model * 1.1
    assert found.held > 0.8


def test_days_that_came_later_and_the_sites_own_are_not_learned_from():
    configuration, loads, energies = measured(hours=90)
    split = energies["period_start"].unique().sort()[60]
    dearer = pl.when(pl.col("period_start") >= split).then(2.0).otherwise(1.0)
    changed = energies.with_columns(pl.col("energy_wh") * dearer)
    told = judged(configuration, loads, changed, most_sites=400, confidence=0.9)
    assert told.model == pytest.approx(0.5, abs=0.05)
    assert told.held < 0.1


def test_more_sites_than_are_looked_at_cost_no_more():
    few = judged(*measured(hours=90), most_sites=12, confidence=0.9)
    assert few.sites == 12


def test_the_text_admits_where_a_simpler_model_does_as_well(found):
    text = judging_text(found, "a week")
    assert f"**{found.model:.1%}** of energy" in text
    assert "It errs less than" in text
    assert f"| linear model on the same columns | {found.linear:.1%} |" in text
    chance = np.random.default_rng(1)
    configuration, loads, energies = measured(hours=90)
    flat = energies.with_columns(
        pl.Series("energy_wh", 100 * np.exp(0.2 * chance.standard_normal(energies.height)))
    )
    text = judging_text(judged(configuration, loads, flat, 400, 0.9), "a week")
    assert "It errs no less than" in text


def test_too_few_sites_are_said_to_be_too_few():
    with pytest.raises(InputError, match=f"Only 7 sites .* needs {2 * FOLDS}"):
        judged(*measured(sites=7), most_sites=400, confidence=0.9)
