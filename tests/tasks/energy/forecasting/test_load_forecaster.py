"""Forecasts of load: calibrated, causal, silent where nothing is known, and not taught by us."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.energy.forecasting.forecaster import LoadForecaster
from tasks.energy.forecasting.load_history import QUARTER, LoadHistory
from tasks.energy.forecasting.recalibration import highest_quarters
from tests.tasks.energy.forecasting.world import (
    CALENDAR,
    DAY_AHEAD,
    DAYS,
    RULES,
    midnight,
    planted,
)

LEVELS = np.array(RULES.quantiles)
NOON = midnight(DAYS) + timedelta(hours=12)


@pytest.fixture(scope="module")
def lived():
    """Four weeks that teach and one that follows, of a dozen cells."""
    return planted(days=DAYS + 7)


@pytest.fixture(scope="module")
def fitted(lived):
    return LoadForecaster.fitted(lived.between(lived.first, midnight(DAYS)), CALENDAR, RULES)


def changed(history: LoadHistory, rows, begin, end, value) -> LoadHistory:
    load = history.load.copy()
    low, high = ((moment - history.first) // QUARTER for moment in (begin, end))
    load[rows, max(low, 0) : high] = value
    return replace(history, load=load)


def same(one, other) -> bool:
    return np.array_equal(one.peak, other.peak, equal_nan=True) and np.array_equal(
        one.mean, other.mean, equal_nan=True
    )


def rolled(forecaster, history, first, count, hours):
    """Return peaks forecast and seen, over origins five hours and a quarter apart."""
    told, came = [], []
    for number in range(count):
        forecast = forecaster.forecast(history, first + number * 21 * QUARTER, hours)
        told.append(forecast.peak)
        came.append(highest_quarters(history, forecast))
    return np.stack(told, axis=1), np.stack(came)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("hours", [[0.25], [0.5, 3.0, 8.0], list(DAY_AHEAD)], ids=str)
def test_quantiles_rise_and_loads_are_shares(seed, hours):
    history = planted(cells=7, seed=seed, spread=0.4)
    forecaster = LoadForecaster.fitted(history, CALENDAR, RULES)
    found = forecaster.forecast(history, history.end, np.array(hours))
    assert found.peak.shape == (len(LEVELS), 7, len(hours))
    assert np.isfinite(found.peak).all()
    assert (np.diff(found.peak, axis=0) >= 0).all()
    assert found.peak.min() >= 0
    assert found.peak.max() <= 1
    assert (found.peak_at(0.9) >= found.mean).all()
    assert [b - a for a, b in zip(found.starts, found.starts[1:], strict=False)] == [
        timedelta(hours=hour) for hour in hours[:-1]
    ]


def test_quantiles_hold_as_often_as_they_say(fitted, lived):
    told, came = rolled(fitted, lived, midnight(DAYS), 27, DAY_AHEAD)
    for level in (0.05, 0.5, 0.9, 0.95, 0.99):
        under = (came <= told[RULES.quantiles.index(level)])[np.isfinite(came)].mean()
        assert under == pytest.approx(level, abs=0.015 + 0.08 * level * (1 - level))


def test_it_is_sharper_than_the_same_quarter_of_last_week_with_its_own_errors(fitted, lived):
    hours = np.full(8, 0.25)
    told, came = rolled(fitted, lived, midnight(DAYS), 27, hours)
    errors = np.log(lived.load[:, 672 : DAYS * 96] / lived.load[:, : DAYS * 96 - 672])
    spread = np.quantile(errors, LEVELS)
    starts = DAYS * 96 + 21 * np.arange(27)[:, None] + np.arange(8)
    naive = lived.load[:, starts - 672].transpose(1, 0, 2) * np.exp(spread)[:, None, None, None]

    def loss(peaks):
        over = peaks - came
        level = LEVELS[:, None, None, None]
        return np.where(over >= 0, (1 - level) * over, -level * over).mean()

    assert loss(told) < 0.65 * loss(naive)


def test_what_comes_later_changes_nothing(fitted, lived):
    other = changed(lived, slice(None), NOON, lived.end, 0.9)
    assert same(fitted.forecast(lived, NOON, DAY_AHEAD), fitted.forecast(other, NOON, DAY_AHEAD))
    earlier = changed(lived, slice(None), NOON - QUARTER, NOON, 0.9)
    assert not same(
        fitted.forecast(lived, NOON, DAY_AHEAD), fitted.forecast(earlier, NOON, DAY_AHEAD)
    )


def test_the_same_history_gives_the_same_forecast(fitted, lived):
    again = LoadForecaster.fitted(lived.between(lived.first, midnight(DAYS)), CALENDAR, RULES)
    assert same(fitted.forecast(lived, NOON, DAY_AHEAD), again.forecast(lived, NOON, DAY_AHEAD))


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param(0, DAYS - 13, id="too little history"),
        pytest.param(DAYS - 2, DAYS, id="silent for two days"),
    ],
)
def test_no_data_is_no_forecast(lived, begin, end):
    history = changed(lived, 4, midnight(begin), midnight(end), np.nan)
    history = history.between(history.first, midnight(DAYS))
    forecaster = LoadForecaster.fitted(history, CALENDAR, RULES)
    found = forecaster.forecast(history, history.end, DAY_AHEAD)
    assert np.isnan(found.mean[4]).all()
    assert np.isnan(found.peak[:, 4]).all()
    assert np.isfinite(np.delete(found.peak, 4, axis=1)).all()


def test_gaps_are_no_zeros(fitted, lived):
    holed = lived.load.copy()
    holed[np.random.default_rng(5).random(holed.shape) < 0.2] = np.nan
    holed = replace(lived, load=holed)
    taught = holed.between(holed.first, midnight(DAYS))
    forecaster = LoadForecaster.fitted(taught, CALENDAR, RULES)
    whole = fitted.forecast(lived, NOON, DAY_AHEAD)
    found = forecaster.forecast(holed, NOON, DAY_AHEAD)
    assert found.mean == pytest.approx(whole.mean, rel=0.25, abs=0.01)


def test_a_cell_that_is_not_known_is_not_forecast_and_order_is_free(fitted, lived):
    turned = LoadHistory(
        (*lived.cell_dns[:3][::-1], "ManagedElement=99,NRCellDU=1"),
        lived.first,
        lived.load[[2, 1, 0, 0]],
    )
    found = fitted.forecast(turned, NOON, DAY_AHEAD)
    alone = fitted.forecast(
        LoadHistory(lived.cell_dns[:3], lived.first, lived.load[:3]), NOON, DAY_AHEAD
    )
    assert np.isnan(found.mean[3]).all()
    assert found.mean[:3] == pytest.approx(alone.mean[::-1], rel=0.02)


def test_what_our_own_sleeping_made_teaches_nothing(lived):
    own = np.ones(lived.load.shape, bool)
    own[2, 5 * 96 : 9 * 96] = False
    own[3, DAYS * 96 - 40 :] = False

    def forecast(made_by_us: float):
        load = np.where(own, lived.load, np.float32(made_by_us))
        history = replace(lived, load=load, own=own)
        taught = history.between(history.first, midnight(DAYS))
        forecaster = LoadForecaster.fitted(taught, CALENDAR, RULES)
        return forecaster.forecast(history, NOON, DAY_AHEAD)

    asleep, crowded, unmeasured = (forecast(value) for value in (0.0, 1.0, np.nan))
    assert same(asleep, crowded)
    assert same(asleep, unmeasured)


def test_hours_that_were_always_slept_are_forecast_wider(fitted, lived):
    own = np.ones(lived.load.shape, bool)
    hour = (np.arange(lived.load.shape[1]) // 4) % 24
    own[6, hour < 5] = False
    history = replace(lived, own=own)
    forecaster = LoadForecaster.fitted(
        history.between(history.first, midnight(DAYS)), CALENDAR, RULES
    )
    start = midnight(DAYS + 1)
    wary = forecaster.forecast(history, start, DAY_AHEAD)
    plain = fitted.forecast(lived, start, DAY_AHEAD)
    nights = slice(4, 8)
    wider, usual = (
        np.log(it.peak_at(0.99)[6, nights] / it.peak_at(0.5)[6, nights]) for it in (wary, plain)
    )
    assert (wider > 1.4 * usual).all()
    assert wary.mean[6, nights] == pytest.approx(plain.mean[6, nights], rel=0.6)


def test_a_rise_now_is_expected_to_last_for_a_while(fitted, lived):
    load = lived.load.copy()
    place = (NOON - lived.first) // QUARTER
    load[5, place - 4 : place] *= 1.5
    plain = fitted.forecast(lived, NOON, DAY_AHEAD).mean[5]
    raised = fitted.forecast(replace(lived, load=load), NOON, DAY_AHEAD).mean[5] / plain
    assert raised[0] > 1.2
    assert 1.0 <= raised[-1] < 1.1
    assert raised[0] > raised[3] > raised[6]


def test_the_highest_quarter_of_an_hour_is_not_under_those_of_its_quarters(fitted, lived):
    hourly = fitted.forecast(lived, NOON, np.array([1.0]))
    quarterly = fitted.forecast(lived, NOON, np.full(4, 0.25))
    top = quarterly.peak_at(0.5).max(axis=1)
    assert (hourly.peak_at(0.5)[:, 0] >= 0.97 * top).all()
    assert hourly.mean[:, 0] == pytest.approx(quarterly.mean.mean(axis=1), rel=0.01)


def test_late_data_widen_the_forecast(fitted, lived):
    late = fitted.forecast(lived.between(lived.first, NOON - 3 * 4 * QUARTER), NOON, DAY_AHEAD)
    prompt = fitted.forecast(lived, NOON, DAY_AHEAD)
    width = late.peak_at(0.95)[:, 0] / late.peak_at(0.05)[:, 0]
    assert np.median(width / (prompt.peak_at(0.95)[:, 0] / prompt.peak_at(0.05)[:, 0])) > 1.1


@pytest.mark.parametrize(
    ("start", "hours", "said"),
    [
        pytest.param(NOON + timedelta(minutes=5), [1.0], "no start of a quarter", id="crooked"),
        pytest.param(NOON.replace(tzinfo=None), [1.0], "with a zone", id="no zone"),
        pytest.param(NOON, [1.0, 0.4], "whole quarters", id="no quarters"),
        pytest.param(NOON, [], "whole quarters", id="no periods"),
        pytest.param(NOON, [49.0], "within 48 h", id="too far"),
        pytest.param(
            datetime(2024, 1, 1, tzinfo=UTC), [1.0], "nothing is known", id="nothing known"
        ),
    ],
)
def test_what_cannot_be_forecast_is_refused(fitted, lived, start, hours, said):
    with pytest.raises(InputError, match=said):
        fitted.forecast(lived, start, np.array(hours))


def test_too_short_a_history_is_refused():
    with pytest.raises(InputError, match="values on 14 days"):
        LoadForecaster.fitted(planted(days=10), CALENDAR, RULES)


def test_quantiles_follow_when_load_becomes_wilder(fitted, lived):
    wild = planted(days=DAYS + 7, spread=0.3)
    load = lived.load.copy()
    load[:, DAYS * 96 :] = wild.load[:, DAYS * 96 :]
    history = replace(lived, load=load)
    hours = np.full(1, 0.25)
    following, shares = fitted, []
    for number in range(96 * 3):
        start = midnight(DAYS) + number * QUARTER
        told = following.forecast(history, start, hours)
        came = highest_quarters(history, told)
        shares.append([(came <= told.peak_at(level)).mean() for level in (0.05, 0.99)])
        following = following.recalibrated(told, history)
    first, last = np.mean(shares[:48], axis=0), np.mean(shares[96:], axis=0)
    assert first[1] < 0.97
    assert abs(last[1] - 0.99) < 0.5 * abs(first[1] - 0.99)
    assert abs(last[0] - 0.05) < abs(first[0] - 0.05)
