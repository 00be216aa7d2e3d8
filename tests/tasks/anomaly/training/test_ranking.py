"""How well scores rank, against naive counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.anomaly.training.ranking import (
    precision_gains,
    ranked,
    runs_count,
    score_shift,
    separation,
)


def naive_average_precision(scores, is_positive, times):
    """Take one threshold after the other, as the definition has it."""
    pairs = [
        (score, positive)
        for row, positives, count in zip(scores, is_positive, times, strict=True)
        for score, positive in zip(row, positives, strict=True)
        for _ in range(count)
    ]
    positives = sum(positive for _, positive in pairs)
    total, found = 0.0, 0
    for threshold in sorted({score for score, _ in pairs}, reverse=True):
        above = [positive for score, positive in pairs if score >= threshold]
        total += (sum(above) - found) * sum(above) / len(above)
        found = sum(above)
    return total / positives


@given(st.integers(0, 10_000))
def test_average_precision_is_that_of_the_definition_ties_and_weights_included(seed):
    random = np.random.default_rng(seed)
    scores = random.integers(0, 6, size=(5, 7)).astype(float)
    is_positive = random.random((5, 7)) < 0.3
    is_positive[0, 0] = True
    times = random.integers(0, 3, size=5)
    times[0] = 1
    found = ranked(scores, is_positive, np.ones((5, 7), bool))
    assert found.average_precision() == pytest.approx(
        naive_average_precision(scores, is_positive, np.ones(5, int))
    )
    assert found.average_precision(times) == pytest.approx(
        naive_average_precision(scores, is_positive, times)
    )


def test_a_period_without_a_score_counts_as_missed():
    scores, is_positive = np.array([[9.0, np.nan, 1.0]]), np.array([[True, True, False]])
    found = ranked(scores, is_positive, np.ones((1, 3), bool))
    assert found.average_precision() == pytest.approx((1 + 2 / 3) / 2)


def test_what_is_not_judged_does_not_count():
    scores, is_positive = np.array([[9.0, 8.0, 1.0]]), np.array([[True, False, True]])
    judged = np.array([[True, False, True]])
    assert ranked(scores, is_positive, judged).average_precision() == 1.0


def test_without_a_positive_there_is_no_precision():
    none = np.zeros((1, 3), bool)
    assert np.isnan(ranked(np.ones((1, 3)), none, ~none).average_precision())
    assert np.isnan(ranked(np.ones((1, 3)), none, none).average_precision())


def test_a_better_ranking_gains_in_nearly_every_resampling_and_the_same_in_none():
    random = np.random.default_rng(2)
    is_positive = random.random((30, 50)) < 0.1
    judged = np.ones_like(is_positive)
    clear = ranked(is_positive + random.normal(0, 0.3, (30, 50)), is_positive, judged)
    vague = ranked(is_positive + random.normal(0, 1.0, (30, 50)), is_positive, judged)
    assert (precision_gains(clear, vague, 100, 1) > 0).mean() > 0.95
    assert (precision_gains(clear, clear, 100, 1) == 0).all()
    again = precision_gains(clear, vague, 100, 1)
    assert np.array_equal(precision_gains(clear, vague, 100, 1), again)


def test_separation_counts_pairs_and_halves_ties():
    assert separation(np.array([3.0, 1.0]), np.array([1.0, 0.0])) == pytest.approx(3.5 / 4)
    assert np.isnan(separation(np.array([]), np.array([1.0])))


@pytest.mark.parametrize(
    ("alerts", "runs"),
    [
        pytest.param(["11100000"], 1, id="one run"),
        pytest.param(["10010000"], 1, id="a pause of two is bridged"),
        pytest.param(["10001000"], 2, id="one of three is not"),
        pytest.param(["00000001", "10000000"], 2, id="cells are apart"),
        pytest.param(["00000000"], 0, id="none"),
    ],
)
def test_runs_of_alerts_bridge_short_pauses(alerts, runs):
    marked = np.array([[sign == "1" for sign in row] for row in alerts])
    assert runs_count(marked, 2) == runs


def test_scores_that_move_up_shift_and_those_that_stay_do_not():
    random = np.random.default_rng(1)
    calm, same, moved = (random.normal(mean, 1, 20_000) for mean in (0, 0, 0.7))
    assert score_shift(calm, same) < 0.01
    assert score_shift(calm, moved) > 0.25
