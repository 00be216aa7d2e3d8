"""Averages of strays, weeks taught and peaks that came: each against a plain loop."""

from datetime import timedelta

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.energy.forecasting.load_calendar import SLOTS
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.forecasting.load_history import QUARTER, LoadHistory
from tasks.energy.forecasting.recalibration import highest_quarters, next_shift
from tasks.energy.forecasting.strays import (
    HALF_LIVES,
    LAGS_DAYS,
    SHARED_HALF_LIVES,
    SPREAD_HALF_LIVES,
    lagged,
    origin_of,
)
from tasks.energy.forecasting.week_profile import ProfileSums, WeekProfile
from tests.tasks.energy.forecasting.world import MONDAY, names


@pytest.fixture
def strays():
    random = np.random.default_rng(3)
    found = random.normal(0, 0.2, (3, 800)).astype(np.float32)
    found[random.random(found.shape) < 0.2] = np.nan
    found[2, -100:] = np.nan
    return found


def profile_of(cells: int) -> WeekProfile:
    flat = np.zeros((cells, SLOTS), np.float32)
    return WeekProfile(flat, flat + 4, np.full(cells, 0.15, np.float32), np.ones(SLOTS, np.float32))


def fading(values, half_life):
    """Return the fading average of the last 768 values, which leans on nothing."""
    total = weight = full = 0.0
    for age, value in enumerate(values[::-1][:768]):
        share = 0.5 ** (age / half_life)
        full += share
        if np.isfinite(value):
            total, weight = total + share * value, weight + share
    return total / (weight + 0.3 * full)


def test_averages_are_those_of_a_plain_loop(strays):
    found = origin_of(strays, profile_of(3))
    silent = np.isnan(strays).all(axis=0)
    shared = np.nanmean(np.where(silent, 0.0, strays), axis=0)
    shared[silent] = np.nan
    for cell in range(3):
        own = [fading(strays[cell], half) for half in HALF_LIVES]
        all_cells = [fading(shared, half) for half in SHARED_HALF_LIVES]
        assert found.bases[cell] == pytest.approx([*own, *all_cells], abs=1e-5)
        wild = [0.15 + fading(abs(strays[cell]) - 0.15, half) for half in SPREAD_HALF_LIVES]
        assert found.spread[cell] == pytest.approx(wild, abs=1e-5)


def test_the_same_quarter_of_days_before_is_asked(strays):
    known = origin_of(strays, profile_of(3))
    ahead = np.array([1, 5, 96])
    for days, found in zip(LAGS_DAYS, lagged(known, ahead), strict=True):
        for place, far in enumerate(ahead):
            at = 800 - 1 + far - 96 * days
            near = [strays[:, it] for it in range(at - 2, at + 3) if 0 <= it < 800]
            mean = np.nansum(np.stack(near), axis=0) / 5
            assert found[:, place] == pytest.approx(mean, abs=1e-5)


def test_lags_beyond_a_day_ask_the_last_day_known(strays):
    known = origin_of(strays, profile_of(3))
    day, _ = lagged(known, np.array([97]))
    assert day[:, 0] == pytest.approx(
        np.nansum(strays[:, 800 - 96 - 2 : 800 - 96 + 3], axis=1) / 5, abs=1e-5
    )


def test_a_week_is_the_fading_mean_of_its_days():
    sums = ProfileSums(1, half_life_days=1.0)
    slots = np.arange(96)
    for level in (1.0, 2.0, 4.0):
        sums.add(np.full((1, 96), level, np.float32), slots)
    found = sums.profile(rank=0, lean=1e-6)
    assert found.level[0, :96] == pytest.approx((4 + 2 / 2 + 1 / 4) / 1.75, rel=1e-5)
    assert found.evidence[0, :96] == pytest.approx(1.75, rel=1e-5)
    assert found.evidence[0, 96:] == pytest.approx(0.0)


def test_an_outlier_teaches_a_week_no_more_than_a_stray_would():
    random = np.random.default_rng(0)
    sums = ProfileSums(1, half_life_days=20.0)
    for _ in range(8):
        sums.add(random.normal(-2.0, 0.1, (1, 96)).astype(np.float32), np.arange(96))
    sums.add(np.zeros((1, 96), np.float32), np.arange(96))
    assert sums.profile(rank=0, lean=1e-6).level[0, :96].mean() == pytest.approx(-2.0, abs=0.15)


def test_cells_lend_each_other_the_nights_that_one_never_showed():
    random = np.random.default_rng(1)
    shape = -2 + np.sin(np.arange(96) / 96 * 2 * np.pi)
    sums = ProfileSums(8, half_life_days=20.0)
    for _ in range(10):
        day = shape + np.linspace(-1, 1, 8)[:, None] + random.normal(0, 0.05, (8, 96))
        day[5, :24] = np.nan
        sums.add(day.astype(np.float32), np.arange(96))
    found = sums.profile(rank=1, lean=3.0)
    truth = shape[:24] + np.linspace(-1, 1, 8)[5]
    assert found.level[5, 3:21] == pytest.approx(truth[3:21], abs=0.1)
    assert found.evidence[5, 5] == 0


def test_what_came_is_the_highest_quarter_and_only_where_all_are_known():
    load = np.array([[0.1, 0.5, 0.2, 0.3, 0.9], [0.1, np.nan, 0.2, 0.3, 0.4]], np.float32)
    own = np.ones(load.shape, bool)
    own[0, 4] = False
    history = LoadHistory(names(2), MONDAY, load, own)
    starts = (MONDAY - QUARTER, MONDAY, MONDAY + 2 * QUARTER, MONDAY + 4 * QUARTER)
    nothing = np.zeros((1, 2, 4))
    told = LoadForecast(
        names(2), starts, np.array([0.25, 0.5, 0.5, 0.25]), np.array([0.5]), nothing, nothing[0]
    )
    assert highest_quarters(history, told) == pytest.approx(
        np.array([[np.nan, 0.5, 0.3, np.nan], [np.nan, np.nan, 0.3, 0.4]], np.float32), nan_ok=True
    )


def test_a_quantile_passed_too_often_moves_out_and_the_median_stays():
    levels = np.array([0.05, 0.5, 0.95])
    peaks = np.array([[0.2], [0.3], [0.4]]) * np.ones(10)
    came = np.array([0.1] * 5 + [0.5] * 4 + [np.nan])
    shift = next_shift(np.zeros(3), levels, peaks, came, step=0.5)
    assert shift == pytest.approx(
        [0.5 * 0.9 * (0.05 - 5 / 9), 0.0, 0.5 * 0.9 * (0.95 - 5 / 9)], abs=1e-6
    )
    assert next_shift(shift, levels, peaks, np.full(10, np.nan), step=0.5) is shift


def test_quantiles_between_and_beyond_those_known():
    peak = np.array([[[0.1]], [[0.2]], [[0.4]]], np.float32)
    told = LoadForecast(
        ("a",), (MONDAY,), np.array([1.0]), np.array([0.5, 0.9, 0.99]), peak, peak[0]
    )
    assert told.peak_at(0.9)[0, 0] == pytest.approx(0.2)
    assert 0.2 < told.peak_at(0.95)[0, 0] < 0.3
    assert told.peak_at(0.99)[0, 0] == pytest.approx(0.4)
    with pytest.raises(InputError, match=r"knows 0\.5 to 0\.99"):
        told.peak_at(0.999)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"cell_dns": ("a",)}, "needs load by", id="too few names"),
        pytest.param({"cell_dns": ("a", "a")}, "stands twice", id="a name twice"),
        pytest.param({"own": np.ones((2, 3), bool)}, "both are by", id="another shape"),
        pytest.param({"first": MONDAY + timedelta(minutes=1)}, "start of a quarter", id="crooked"),
    ],
)
def test_a_history_that_is_none_is_refused(changed, said):
    sound = {"cell_dns": ("a", "b"), "first": MONDAY, "load": np.zeros((2, 4))}
    with pytest.raises(InputError, match=said):
        LoadHistory(**sound | changed)


def test_a_span_of_a_history_is_what_starts_in_it():
    history = LoadHistory(("a",), MONDAY, np.arange(8.0)[None] / 10)
    part = history.between(MONDAY + timedelta(minutes=20), MONDAY + timedelta(hours=1))
    assert part.first == MONDAY + 2 * QUARTER
    assert part.load.tolist() == [[0.2, 0.3]]
    assert history.between(MONDAY - timedelta(days=2), MONDAY).load.shape == (1, 0)
    assert history.between(MONDAY - timedelta(days=2), MONDAY + timedelta(days=9)).load.shape == (
        1, 8,
    )  # fmt: skip
