"""Vectorized arithmetic against loops that anyone can follow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.anomaly.accumulation import accumulated
from tasks.anomaly.joint_distance import (
    agreement,
    co_movement,
    joint_distances,
    shrunk,
    standardized,
)
from tasks.anomaly.quantiles import median, quantile
from tasks.anomaly.scored_kpis import from_even_noise, to_even_noise
from tasks.anomaly.shared_shocks import shared_shocks, shock_loadings
from tasks.anomaly.week_baseline import along_the_day, fit_week_baseline

RANDOM = np.random.default_rng(3)


def with_gaps(shape: tuple[int, ...], share: float = 0.2) -> np.ndarray:
    values = RANDOM.normal(size=shape)
    values[RANDOM.random(shape) < share] = np.nan
    return values


def covariances(cells: int, kpis: int) -> np.ndarray:
    roots = RANDOM.normal(size=(cells, kpis, kpis))
    return roots @ roots.transpose(0, 2, 1) + np.eye(kpis)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_quantiles_equal_numpy_without_its_nan(share, axis):
    values = with_gaps((5, 6, 7))
    assert np.allclose(quantile(values, share, axis), np.nanquantile(values, share, axis=axis))


def test_the_median_of_nothing_is_nothing():
    assert np.isnan(median(np.full((2, 3), np.nan))).all()


def test_joint_distances_equal_a_loop_over_observed_subsets():
    strays, matrices = with_gaps((4, 5, 50)), covariances(4, 5)
    strays[2, 1] = np.nan
    strays[:, :, 7] = np.nan
    squares, degrees = joint_distances(strays.astype(np.float32), matrices)
    for cell in range(4):
        for period in range(50):
            seen = np.flatnonzero(np.isfinite(strays[cell, :, period]))
            vector = strays[cell, seen, period]
            part = matrices[cell][np.ix_(seen, seen)]
            expected = vector @ np.linalg.inv(part) @ vector if seen.size else 0.0
            assert squares[cell, period] == pytest.approx(expected, rel=1e-3, abs=1e-4)
            assert degrees[cell, period] == seen.size


def test_standardized_distances_of_pure_noise_are_standard_normal():
    squares = RANDOM.chisquare(9, 200_000)
    found = standardized(squares, np.full(squares.size, 9))
    assert abs(found.mean()) < 0.02
    assert abs(found.std() - 1) < 0.02


def test_co_movement_equals_second_moments_weakened_by_gaps():
    strays = with_gaps((2, 4, 300))
    found = co_movement(strays.astype(np.float32))
    for one in range(4):
        for other in range(4):
            both = np.isfinite(strays[0, one]) & np.isfinite(strays[0, other])
            calm = np.clip(strays[0][[one, other]][:, both], -3, 3)
            counts = np.isfinite(strays[0][[one, other]]).sum(axis=1)
            expected = (calm[0] * calm[1]).sum() / np.sqrt(counts.prod())
            assert found[0, one, other] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert np.linalg.eigvalsh(found).min() > -1e-6


def test_shrunk_covariances_can_be_inverted_even_of_constant_kpis():
    own = np.zeros((2, 3, 3))
    own[0] = 1.0
    np.linalg.cholesky(shrunk(own, np.eye(3), 0.9))


def test_memory_equals_a_loop_and_leaves_gaps_as_gaps():
    strays = with_gaps((30,)).astype(np.float32)
    rate, total, filled = 2 / 5, 0.0, 0.0
    found = accumulated(strays, 4)
    for place, stray in enumerate(strays):
        known = np.isfinite(stray)
        total = (1 - rate) * total + (rate * stray if known else 0.0)
        filled = (1 - rate) ** 2 * filled + (1 - (1 - rate) ** 2) * known
        if known:
            assert found[place] == pytest.approx(total / np.sqrt(max(filled, rate)), rel=1e-4)
        else:
            assert np.isnan(found[place])


def test_memory_knows_nothing_of_the_future():
    strays = RANDOM.normal(size=50).astype(np.float32)
    changed = strays.copy()
    changed[30:] += 9
    assert np.array_equal(accumulated(strays, 8)[:30], accumulated(changed, 8)[:30])


def test_what_no_longer_shows_in_the_recent_past_does_not_agree():
    old = np.tile(np.array([[[3.0], [1.0]]], np.float32), (1, 1, 2))
    recent = np.stack([old[:, :, 0], np.zeros((1, 2), np.float32)], axis=2)
    assert agreement(recent, old, covariances(1, 2)).tolist() == [[1.0, 0.0]]


@given(st.floats(0, 100), st.sampled_from(["share", "occupancy", "positive", "plain"]))
def test_even_noise_comes_back_to_the_unit(value, scale):
    typical = np.array([7.0])
    even = to_even_noise(np.array([value]), scale, typical)
    assert from_even_noise(even, scale, typical)[0] == pytest.approx(value, abs=1e-6)


def peers(cells: int = 40, days: int = 4, slots: int = 24) -> np.ndarray:
    """Return residuals of calm peers, [cells, 1 KPI, periods]; scatter differs by time of day."""
    scatter = 0.01 * (1 + np.arange(days * slots) % slots / slots)
    return (scatter * RANDOM.normal(size=(cells, 1, days * slots))).astype(np.float32)


def test_shared_shocks_are_what_all_peers_do_and_ignore_one_wild_cell():
    rest = peers()
    rest[:, 0, 85] += 1.0
    rest[3, 0, 90] += 50.0
    shocks = shared_shocks(rest, 24, 72)
    assert shocks[0, 85] == pytest.approx(1.0, abs=0.03)
    assert abs(shocks[0, 90]) < 0.02


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_what_hits_half_of_the_network_is_not_shared(share):
    rest = peers()
    rest[: int(40 * share), 0, 85] -= 1.0
    shocks = shared_shocks(rest, 24, 72)
    assert abs(shocks[0, 85]) < 0.1


def test_too_few_peers_share_nothing():
    assert not shared_shocks(np.ones((4, 2, 48), np.float32), 24, 24).any()


def test_a_cell_that_followed_every_shock_twofold_is_expected_to_do_so_again():
    shocks = np.zeros((1, 400), np.float32)
    shocks[0, ::10] = 1.0
    loadings, doubts = shock_loadings(2 * shocks[None], shocks, np.array([[0.3]]))
    assert loadings[0, 0] == pytest.approx(1.9, abs=0.15)
    unseen, unsure = shock_loadings(0 * shocks[None], 0 * shocks, np.array([[0.3]]))
    assert unseen[0, 0] == pytest.approx(1.0)
    assert unsure[0, 0] > doubts[0, 0]


def test_the_week_is_learnt_by_slot_weekday_and_weekend():
    days, slots = 28, 24
    weekdays = np.arange(days) % 7
    level = np.sin(np.arange(slots) / slots * 2 * np.pi)
    history = np.tile(level, (1, 1, days, 1))
    history[:, :, weekdays >= 5] -= 1.0
    history[:, :, weekdays == 2] += 0.5
    history += 0.01 * RANDOM.normal(size=history.shape)
    baseline = fit_week_baseline(history.astype(np.float32), weekdays)
    expected = baseline.expected(np.array([0, 2, 6]))[0, 0]
    assert np.abs(expected[0] - level).max() < 0.15
    assert 0.3 < (expected[1] - level).mean() < 0.5
    assert np.abs(expected[2] - level + 1.0).max() < 0.15


def test_two_troubled_thursdays_of_four_make_no_troubled_thursday():
    weekdays = np.arange(28) % 7
    history = 0.01 * RANDOM.normal(size=(1, 1, 28, 24)).astype(np.float32)
    history[:, :, [3, 17]] -= 2.0
    expected = fit_week_baseline(history, weekdays).expected(np.array([3]))
    assert np.abs(expected).max() < 0.05


def test_parts_of_the_day_meet_at_midnight():
    by_slot = along_the_day(np.arange(8.0), 96)
    assert by_slot.shape == (96,)
    assert by_slot[0] == pytest.approx(by_slot[-1], abs=0.7)
    assert by_slot[6:18].mean() == pytest.approx(0.5, abs=0.6)


def test_a_short_pulse_leaves_no_longer_trail_than_a_lesser_one():
    pulse, lesser = (np.zeros(20, np.float32) for _ in range(2))
    pulse[5], lesser[5] = 500.0, 6.0
    assert np.array_equal(accumulated(pulse, 4), accumulated(lesser, 4))
