"""Figures of repeated trials against brute force."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import InputError
from tasks.trials.statistics import (
    Tally,
    has_majority,
    mcnemar,
    mean_pass_hat,
    paired_test,
    pass_hat,
    quantile,
)


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.data())
def test_pass_hat_is_the_share_of_draws_that_are_all_right(made, data):
    asked, right = made
    k = data.draw(st.integers(1, asked))
    attempts = [True] * right + [False] * (asked - right)
    draws = list(combinations(attempts, k))
    assert pass_hat(Tally(right, asked), k) == pytest.approx(sum(map(all, draws)) / len(draws))


@pytest.mark.parametrize(("tally", "k"), [(Tally(1, 2), 3), (Tally(1, 2), 0), (Tally(3, 2), 1)])
def test_more_than_was_tried_cannot_be_told(tally, k):
    with pytest.raises(InputError, match="attempts"):
        pass_hat(tally, k)


@given(st.integers(0, 8), st.integers(0, 8))
def test_mcnemar_counts_every_way_that_differing_cases_could_have_fallen(first, second):
    differing = first + second
    off = abs(first - second)
    falls = [abs(2 * sum(way) - differing) >= off for way in product((0, 1), repeat=differing)]
    assert mcnemar(first, second) == pytest.approx(sum(falls) / len(falls))


def test_mcnemar_bears_thousands_of_cases():
    assert mcnemar(3000, 100) < 1e-9
    assert mcnemar(1500, 1500) == 1.0


def test_an_interval_holds_the_mean_and_narrows_with_cases():
    few = mean_pass_hat([Tally(4, 4), Tally(0, 4), Tally(2, 4)] * 4, 1)
    many = mean_pass_hat([Tally(4, 4), Tally(0, 4), Tally(2, 4)] * 40, 1)
    assert few.value == many.value == pytest.approx(0.5)
    assert few.low < few.value < few.high
    assert many.high - many.low < few.high - few.low
    assert few == mean_pass_hat([Tally(4, 4), Tally(0, 4), Tally(2, 4)] * 4, 1)


def test_an_interval_is_near_that_of_the_normal_law():
    tallies = [Tally(1, 1)] * 60 + [Tally(0, 1)] * 40
    found = mean_pass_hat(tallies, 1)
    half = 1.96 * np.sqrt(0.6 * 0.4 / 100)
    assert found.low == pytest.approx(0.6 - half, abs=0.02)
    assert found.high == pytest.approx(0.6 + half, abs=0.02)


def test_pass_to_the_fourth_is_never_more_than_pass_to_the_first():
    tallies = [Tally(right, 4) for right in range(5)]
    assert mean_pass_hat(tallies, 4).value == pytest.approx(1 / 5)
    assert mean_pass_hat(tallies, 1).value == pytest.approx(1 / 2)


def test_a_paired_test_knows_who_wins_and_that_half_is_no_majority():
    first = [Tally(4, 4)] * 9 + [Tally(2, 4), Tally(0, 4)]
    second = [Tally(1, 4)] * 9 + [Tally(2, 4), Tally(4, 4)]
    found = paired_test(first, second)
    assert (found.first_only, found.second_only) == (9, 1)
    assert found.p_value == mcnemar(9, 1)
    assert found.difference.value == pytest.approx((9 * 0.75 - 1) / 11)
    assert not has_majority(Tally(2, 4))


def test_a_series_beside_itself_differs_in_nothing():
    series = [Tally(right, 4) for right in (0, 1, 2, 3, 4)]
    found = paired_test(series, series)
    assert (found.p_value, found.difference.value, found.difference.high) == (1.0, 0.0, 0.0)


def test_series_of_other_cases_are_refused():
    with pytest.raises(InputError, match="cannot be paired"):
        paired_test([Tally(1, 1)], [])
    with pytest.raises(InputError, match="no case"):
        mean_pass_hat([], 1)


def test_quantiles_of_nothing_are_nothing():
    assert quantile([], 0.95) == 0.0
    assert quantile([1.0, 2.0, 3.0], 0.5) == 2.0
