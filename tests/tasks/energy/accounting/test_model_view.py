"""The fitted model in accounting: its view, load had nobody saved, sites without a baseline."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tasks.energy.accounting.accounts import accounted_days, accounted_hours
from tasks.energy.accounting.cell_days import load_without_saving
from tasks.energy.accounting.model_view import earlier_part, model_view
from tasks.energy.accounting.savings import members, saving
from tests.tasks.energy.accounting.told import (
    BASELINE,
    DAY,
    RULES,
    accounts_of,
    radio_town,
    saved_at,
    site_name,
)


def view(hours, cells):
    return model_view(hours, cells, hours.inside(BASELINE), RULES)


@pytest.fixture(scope="module")
def town():
    hours, cells = radio_town()
    return hours, cells, view(hours, cells)


def without_baseline(hours, cells, *sites):
    """Return the town, some of its sites having come when the baseline was over."""
    before = hours.inside(BASELINE)
    energy, load, volume = (one.copy() for one in (hours.energy_kwh, cells.load, cells.volume_mbps))
    for values in (energy, load, volume):
        values[np.ix_(sites, np.flatnonzero(before))] = np.nan
    return replace(hours, energy_kwh=energy), replace(cells, load=load, volume_mbps=volume)


def unsaved(hours, cells):
    found = load_without_saving(cells, hours, hours.inside(BASELINE), RULES.least_baseline_days)
    return found.told


def test_load_had_nobody_saved_follows_demand_and_not_where_users_went(town):
    hours, cells, _ = town
    day = np.flatnonzero(hours.inside(DAY))
    asleep, beside = cells.load.copy(), cells.volume_mbps.copy()
    moved = beside[10, day].copy()
    asleep[10, day], beside[10, day] = 0.0, 0.0
    asleep[11, day] *= 2
    beside[11, day] += moved
    told = unsaved(hours, replace(cells, load=asleep, volume_mbps=beside))
    assert told[10, day] == pytest.approx(cells.load[10, day], rel=0.15)
    assert told[11, day] == pytest.approx(cells.load[11, day], rel=0.15)


def test_an_hour_of_which_a_cell_told_nothing_is_not_taken_for_lost_demand(town):
    hours, cells, _ = town
    day = np.flatnonzero(hours.inside(DAY))
    silent = cells.volume_mbps.copy()
    silent[11, day] = np.nan
    gone = np.where(np.isnan(silent), 0.0, silent)
    told = unsaved(hours, replace(cells, volume_mbps=silent))[10, day].mean()
    lost = unsaved(hours, replace(cells, volume_mbps=gone))[10, day].mean()
    assert told > 1.2 * lost


def test_a_new_cell_has_the_course_of_its_carrier_at_its_own_level(town):
    hours, cells, _ = town
    busy = replace(cells, load=np.where(np.arange(30)[:, None] == 4, 0.5, 1.0) * cells.load)
    fresh, new = without_baseline(hours, busy, 4)
    told = unsaved(fresh, new)
    day = hours.inside(DAY)
    assert told[4, day] == pytest.approx(busy.load[4, day], rel=0.25)


def test_the_model_expects_what_sites_drew_where_nobody_saved(town):
    hours, _, model = town
    day = hours.inside(DAY)
    stray = np.log(hours.energy_kwh[:, day]) - model.own[:, day]
    assert np.abs(stray).mean() < 0.02
    assert np.isnan(model.alone).all()


def test_views_are_rehearsed_on_days_that_they_did_not_know(town):
    hours, cells, model = town
    baseline = hours.inside(BASELINE)
    earlier = earlier_part(hours, baseline, RULES)
    assert earlier.sum() == 14 * 24
    late = baseline & ~earlier
    energy = hours.energy_kwh.copy()
    energy[:, late] *= 3.0
    changed = view(replace(hours, energy_kwh=energy), cells)
    assert changed.rehearsed[:, late] == pytest.approx(model.rehearsed[:, late])
    short = np.flatnonzero(baseline)[: 10 * 24]
    assert earlier_part(hours, np.isin(np.arange(hours.hours), short), RULES).sum() == 10 * 24


def test_what_load_explains_weighs_with_the_model_and_intervals_get_narrower(town):
    hours, _, model = town
    saved = saved_at(hours, [3, 8, 21], 0.2)
    found = {}
    for name, one in (("with", model), ("without", None)):
        kept = accounts_of(saved, one)
        found[name] = saving(kept.metered, members(saved, saved.inside(DAY))["SAVER"])
        true = 0.25 * found[name].consumed_kwh
        assert found[name].low_kwh <= true <= found[name].high_kwh
    kept = accounts_of(saved, model)
    assert kept.found.weight[2][:, hours.inside(DAY)].mean() > 0.5
    narrow, wide = (found[one].high_kwh - found[one].low_kwh for one in ("with", "without"))
    assert narrow < 0.8 * wide


def test_a_site_without_a_baseline_is_told_by_the_model_alone_with_a_wider_interval():
    hours, cells = without_baseline(*radio_town(), 3, 10)
    model = view(hours, cells)
    saved = saved_at(hours, [3, 8, 10], 0.2)
    kept = accounts_of(saved, model)
    told = {
        one.site: saving(kept.metered, [one]) for one in members(saved, saved.inside(DAY))["SAVER"]
    }
    for one in (3, 10):
        true = 0.25 * told[one].consumed_kwh
        assert told[one].low_kwh <= true <= told[one].high_kwh
        assert told[one].saved_kwh == pytest.approx(true, rel=0.5)
    width = {one: (own.high_kwh - own.low_kwh) / own.expected_kwh for one, own in told.items()}
    assert min(width[3], width[10]) > 1.5 * width[8]
    rows = accounted_hours(kept, DAY).filter(role="SAVER")
    alone = rows.filter(rests_on="MODEL")
    assert set(alone["managed_element_dn"]) == {site_name(3), site_name(10)}
    assert alone["is_judged"].all()
    assert alone["expected_by_baseline_kwh"].is_null().all()
    day = accounted_days(kept, DAY, 0.0, {}).to_dicts()[0]
    assert (day["judged_hours"], day["model_alone_hours"]) == (15, 10)


def test_neighbors_without_a_baseline_enter_no_rebound():
    hours, cells = without_baseline(*radio_town(), 9)
    saved = saved_at(hours, [8], 0.2, rebound=0.5)
    kept = accounts_of(saved, view(hours, cells))
    day = accounted_days(kept, DAY, 0.0, {}).to_dicts()[0]
    extra = saved.energy_kwh[7, saved.inside(DAY)][:5].sum() / 3
    assert day["rebound_kwh"] == pytest.approx(extra, rel=0.15)


def test_without_radios_known_or_sites_enough_there_is_no_model(town):
    hours, cells, _ = town
    nobody = replace(cells, configuration=cells.configuration.head(0), site=cells.site[:0])
    assert view(hours, nobody) is None
    few = RULES.model_copy(update={"least_model_sites": 31})
    assert model_view(hours, cells, hours.inside(BASELINE), few) is None


def test_a_mute_cell_leaves_its_site_to_the_other_views(town):
    hours, cells, _ = town
    load = cells.load.copy()
    load[5] = np.nan
    model = view(hours, replace(cells, load=load))
    assert np.isnan(model.own[5]).all()
    kept = accounts_of(saved_at(hours, [5], 0.2), model)
    row = accounted_hours(kept, DAY).filter(pl.col("role") == "SAVER")
    assert row["is_judged"].all()
    assert row["expected_by_model_kwh"].is_null().all()
