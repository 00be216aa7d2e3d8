"""What a busier hour does to quality is expected of it; what jumps by itself counts for less."""

import numpy as np
import pytest

from tasks.anomaly.load_curves import learnt_curves, without_load
from tasks.anomaly.tails import learnt_tails, with_even_tails
from tests.tasks.anomaly.world import DROPS, KPIS, USERS, VOLUME

RANDOM = np.random.default_rng(8)
LOADS = [VOLUME, USERS]
SCORED = tuple(KPIS)


def crowd(cells: int = 12, periods: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return strays in which drops rise with load where a cell is full, and the fullness."""
    strays = RANDOM.normal(size=(cells, len(KPIS), periods)).astype(np.float32)
    surge = 2 * np.abs(RANDOM.normal(size=(cells, periods)))
    strays[:, LOADS] = surge[:, None]
    fullness = RANDOM.choice([30.0, 92.0], size=(cells, periods))
    strays[:, DROPS] += np.where(fullness > 90, 2 * surge, 0)
    return strays, fullness


def test_what_load_does_to_quality_in_full_cells_is_taken_away():
    strays, fullness = crowd()
    curves = learnt_curves(strays, fullness, SCORED)
    later, full = crowd()
    rest = without_load(later, full, curves, SCORED)
    busy = (full > 90) & (later[:, VOLUME] > 2)
    assert later[:, DROPS][busy].mean() > 4
    assert abs(rest[:, DROPS][busy].mean()) < 0.3
    assert np.array_equal(rest[:, LOADS], later[:, LOADS])


def test_a_cell_that_is_not_full_has_no_excuse():
    strays, fullness = crowd()
    curves = learnt_curves(strays, fullness, SCORED)
    later, full = crowd()
    later[3, DROPS, 100] = 9.0
    full[3, 100] = 30.0
    assert without_load(later, full, curves, SCORED)[3, DROPS, 100] > 7


def test_a_surge_never_seen_is_judged_as_the_largest_that_was():
    strays, fullness = crowd()
    curves = learnt_curves(strays, fullness, SCORED)
    later, full = crowd(cells=1, periods=1)
    full[0, 0], later[0, LOADS, 0], later[0, DROPS, 0] = 92.0, 40.0, 60.0
    rest = without_load(later, full, curves, SCORED)[0, DROPS, 0]
    assert 5 < rest < 60


@pytest.mark.parametrize("gaps", [0.0, 0.2, 1.0])
def test_strays_less_their_load_equal_a_loop_and_leave_gaps_as_gaps(gaps):
    strays, fullness = crowd(cells=4, periods=300)
    strays[RANDOM.random(strays.shape) < gaps] = np.nan
    curves = learnt_curves(strays, fullness, SCORED)
    whole = without_load(strays, fullness, curves, SCORED)
    for cell in range(4):
        alone = without_load(
            strays[cell : cell + 1, :, 7:9], fullness[cell : cell + 1, 7:9], curves, SCORED
        )
        assert np.array_equal(alone[0], whole[cell, :, 7:9], equal_nan=True)
    assert np.array_equal(np.isnan(whole), np.isnan(strays))


def test_normal_noise_has_normal_tails_and_stays_as_it_is():
    strays = RANDOM.normal(size=(20, 2, 2688)).astype(np.float32)
    assert np.all(learnt_tails(strays) < 1.4)
    assert np.array_equal(with_even_tails(strays, np.ones((2, 2))), strays)


def test_gatherings_make_a_long_tail_on_their_own_side_alone():
    strays = RANDOM.normal(size=(20, 1, 2688)).astype(np.float32)
    strays[:, :, ::96] += 8.0
    below, above = learnt_tails(strays)
    assert below[0] < 1.4
    assert above[0] > 4
    even = with_even_tails(np.array([[[9.0, -9.0]]], np.float32), np.stack([below, above]))
    assert 2.5 < even[0, 0, 0] < 4.5
    assert even[0, 0, 1] < -6


def test_a_past_fault_of_half_of_the_cells_makes_no_tail():
    strays = RANDOM.normal(size=(20, 1, 2688)).astype(np.float32)
    strays[:10, :, 500:520] -= 12.0
    assert np.all(learnt_tails(strays) < 1.4)


def test_a_history_of_days_is_too_short_for_rare_strays_and_does_not_explode():
    tails = learnt_tails(RANDOM.normal(size=(20, 2, 28)).astype(np.float32))
    assert np.all(tails >= 1)
    assert np.allclose(learnt_tails(np.full((3, 2, 28), np.nan, np.float32)), 1)
