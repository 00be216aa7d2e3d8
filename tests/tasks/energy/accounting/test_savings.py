"""Savings against control sites and a site's own baseline: what is planted is found."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.energy.accounting.accounts import accounted_days, accounted_hours
from tasks.energy.accounting.savings import members, placebo_strays, saving
from tests.tasks.energy.accounting.told import (
    BASELINE,
    DAY,
    HOURS,
    RULES,
    accounts_of,
    saved_at,
    site_name,
    town,
)


def total(hours, role="SAVER"):
    kept = accounts_of(hours)
    return saving(kept.metered, members(hours, hours.inside(DAY))[role])


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3])
def test_a_planted_saving_is_found_within_its_interval(share):
    told = total(saved_at(town(), [3, 9, 20], share))
    true = share / (1 - share) * told.consumed_kwh
    assert told.low_kwh <= true <= told.high_kwh
    assert told.saved_kwh == pytest.approx(true, abs=0.02 * told.expected_kwh)
    assert (told.high_kwh - told.low_kwh) < 0.05 * told.expected_kwh


def test_intervals_of_placebos_hold_nothing_about_as_often_as_they_say():
    plain = town(seed=5)
    held = []
    for number in range(40):
        told = total(saved_at(plain, [number], 0.0))
        held.append(told.low_kwh <= 0 <= told.high_kwh)
    assert 0.75 <= np.mean(held) <= 1.0
    assert not all(held)


def test_weather_that_everybody_feels_is_no_saving():
    plain = town()
    colder = np.where(plain.inside(DAY), 0.8, 1.0)
    told = total(saved_at(replace(plain, energy_kwh=plain.energy_kwh * colder), [4], 0.0))
    assert abs(told.saved_kwh) < 0.03 * told.expected_kwh


def test_what_neighbors_consume_more_is_rebound_and_is_taken_off():
    hours = saved_at(town(), [10], 0.2, rebound=0.05)
    days = accounted_days(accounts_of(hours), DAY, 1e6, {}).to_dicts()
    whole = days[0]
    extra = hours.energy_kwh[[9, 11]][:, hours.inside(DAY)][:, :5].sum() * 0.05 / 1.05
    assert whole["scope"] == "all"
    assert whole["rebound_kwh"] == pytest.approx(extra, rel=0.3)
    assert whole["net_saved_kwh"] == pytest.approx(whole["saved_kwh"] - whole["rebound_kwh"])
    assert days[1]["scope"] == site_name(10)
    assert days[1]["net_saved_kwh"] == days[1]["saved_kwh"]


def test_hours_without_readings_are_told_and_enter_no_sum():
    hours = saved_at(town(), [10], 0.2)
    at = np.flatnonzero(hours.inside(DAY))[0]
    energy = hours.energy_kwh.copy()
    energy[10, at] = np.nan
    kept = accounts_of(replace(hours, energy_kwh=energy))
    rows = accounted_hours(kept, DAY).filter(role="SAVER").sort("period_start")
    assert rows["is_judged"].to_list() == [False, True, True, True, True]
    assert rows["expected_kwh"].null_count() == 1
    day = accounted_days(kept, DAY, 0.0, {}).to_dicts()[0]
    assert (day["judged_hours"], day["left_out_hours"]) == (4, 1)


def test_where_all_save_the_own_baseline_speaks_with_a_wider_interval():
    plain = town()
    calm = replace(
        plain, energy_kwh=plain.energy_kwh / np.exp(0.03 * np.sin(np.arange(HOURS) / 40))
    )
    told = total(saved_at(calm, list(range(40)), 0.1))
    kept = accounts_of(saved_at(calm, list(range(40)), 0.1))
    at = np.flatnonzero(plain.inside(DAY))[:5]
    assert (kept.found.controls[at] == 0).all()
    assert np.isnan(kept.found.by_controls[:, at]).all()
    assert told.saved_kwh / told.expected_kwh == pytest.approx(0.1, abs=0.02)


def test_a_site_with_too_short_a_baseline_is_not_judged():
    hours = saved_at(town(), [10], 0.2)
    energy = hours.energy_kwh.copy()
    energy[10, : 18 * 24] = np.nan
    assert total(replace(hours, energy_kwh=energy)) is None


def test_a_fault_in_the_baseline_does_not_become_a_habit():
    hours = saved_at(town(), [10], 0.2)
    energy = hours.energy_kwh.copy()
    energy[10, 2 * 24 : 3 * 24] *= 0.1
    told = total(replace(hours, energy_kwh=energy))
    assert told.saved_kwh / told.expected_kwh == pytest.approx(0.2, abs=0.03)


def test_who_saves_is_no_control_and_neighbors_only_in_need():
    hours = saved_at(town(), list(range(0, 20, 2)), 0.2)
    kept = accounts_of(hours)
    at = np.flatnonzero(hours.inside(DAY))[0]
    clear = 40 - 10 - 11  # savers, and the sites between and beside them
    assert kept.found.controls[at] == clear
    crowded = saved_at(town(), list(range(0, 40, 3)), 0.2)
    assert accounts_of(crowded).found.controls[at] == 40 - 14


def test_placebos_are_taken_from_the_baseline_where_nobody_is_idle():
    hours = saved_at(town(), list(range(40)), 0.1)
    kept = accounts_of(hours)
    at = hours.inside(DAY) & (hours.hour_of_day < 5)
    assert len(placebo_strays(kept.metered, at)) >= 40
    assert not (at & hours.inside(BASELINE)).any()


def test_money_and_carbon_follow_the_hour():
    kept = accounts_of(saved_at(town(), [10], 0.2, of_day=[19]))
    day = accounted_days(kept, DAY, 0.0, {}).filter(scope=site_name(10)).to_dicts()[0]
    assert day["saved_money"] == pytest.approx(day["saved_kwh"] * RULES.price(19))
    assert day["avoided_co2_kg"] == pytest.approx(day["saved_kwh"] * RULES.carbon(19) / 1000)
    assert day["efficiency_bit_per_j"] > day["efficiency_expected_bit_per_j"]
