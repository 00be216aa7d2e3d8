"""Calm levels: probabilities that mean what they say, whatever a family's units and tails."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import chi2, lognorm

from semantic_layer.errors import InputError
from semantic_layer.finding_worth import finding_worth
from tasks.anomaly.calibration import calm_levels, deviates, in_units_of, tail_probabilities

RULES = finding_worth().calm_tail
PERIOD_S = 900
FAMILIES = {
    "normal": (lambda random, size: random.normal(size=size), lambda x: 1 - ndtr(x)),
    "squared distances": (
        lambda random, size: random.chisquare(6, size=size),
        lambda x: chi2.sf(x, 6),
    ),
    "heavy tails": (
        lambda random, size: random.lognormal(0, 0.5, size=size),
        lambda x: lognorm.sf(x, 0.5),
    ),
}


def calm(name, cells=300, periods=672, seed=1):
    return FAMILIES[name][0](np.random.default_rng(seed), (cells, periods))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_probability_is_how_often_calm_scores_are_as_high(name):
    levels = calm_levels(calm(name), RULES, PERIOD_S)
    later = calm(name, seed=2)
    found = tail_probabilities(later, levels)
    for nominal, least, most in ((1e-1, 0.95, 1.05), (1e-2, 0.9, 1.1), (1e-3, 0.7, 1.3)):
        assert least <= (found <= nominal).mean() / nominal <= most
    assert 0.2 <= (found <= 1e-4).mean() / 1e-4 <= 1.6  # a light tail is taken for no lighter


@pytest.mark.parametrize("name", FAMILIES)
def test_beyond_all_history_the_tail_goes_on_within_an_order_of_magnitude(name):
    levels = calm_levels(calm(name), RULES, PERIOD_S)
    heights = np.quantile(calm(name, seed=3), [1 - 1e-5])
    truth = FAMILIES[name][1](heights)
    assert np.abs(np.log10(tail_probabilities(heights, levels) / truth)).max() < 1


def test_faults_that_lasted_unmarked_through_history_hide_no_later_one():
    sound = calm("normal", cells=200)
    troubled = sound.copy()
    for cell in range(0, 200, 10):  # 4 % of all periods
        troubled[cell, 100 : 100 + 270] += 12.0
    clean, dirty = (calm_levels(scores, RULES, PERIOD_S) for scores in (sound, troubled))
    at = np.array([3.0, 4.0])
    ratio = tail_probabilities(at, dirty) / tail_probabilities(at, clean)
    assert (np.abs(np.log10(ratio)) < 0.35).all()
    naive = (troubled >= 4.0).mean()
    assert naive > 50 * tail_probabilities(np.array([4.0]), dirty)[0]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(2, 3000),
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-1e6, 1e6),
)
def test_a_higher_score_is_never_more_probable_and_a_gap_stays_a_gap(seed, size, scale, shift):
    random = np.random.default_rng(seed)
    history = shift + scale * random.standard_t(3, size=(1, size))
    levels = calm_levels(history, RULES, PERIOD_S)
    asked = np.sort(np.concatenate([history[0], shift + scale * np.array([-1e3, 50.0, 1e6])]))
    found = tail_probabilities(np.append(asked, np.nan), levels)
    assert np.isnan(found[-1])
    assert (np.diff(found[:-1]) <= 1e-12).all()
    assert ((found[:-1] > 0) & (found[:-1] <= 1)).all()
    assert (np.diff(deviates(asked, levels)) >= -1e-9).all()


@pytest.mark.parametrize(("factor", "shift"), [(1000.0, 0.0), (0.01, 5.0)])
def test_units_of_a_family_change_no_probability(factor, shift):
    history, asked = calm("heavy tails", cells=50), np.linspace(0, 30, 200)
    plain = tail_probabilities(asked, calm_levels(history, RULES, PERIOD_S))
    levels = calm_levels(history * factor + shift, RULES, PERIOD_S)
    assert tail_probabilities(asked * factor + shift, levels) == pytest.approx(plain, rel=1e-3)


def test_deviates_of_normal_scores_are_the_scores_themselves():
    levels = calm_levels(calm("normal"), RULES, PERIOD_S)
    asked = np.array([0.0, 1.0, 2.0, 3.0])
    assert deviates(asked, levels) == pytest.approx(asked, abs=0.08)


def test_a_threshold_in_anothers_units_is_crossed_as_often():
    mine, reference = calm("squared distances"), calm("heavy tails")
    levels = calm_levels(mine, RULES, PERIOD_S)
    scale = calm_levels(reference, RULES, PERIOD_S)
    later, usual = calm("squared distances", seed=5), calm("heavy tails", seed=6)
    for threshold in (1.0, 2.0, 3.5):
        share = (in_units_of(later, levels, scale) >= threshold).mean()
        assert share == pytest.approx((usual >= threshold).mean(), rel=0.15)


def test_scores_in_their_own_units_are_unchanged():
    history = calm("heavy tails")
    levels = calm_levels(history, RULES, PERIOD_S)
    asked = np.quantile(history, [0.2, 0.6, 0.95, 0.999, 0.99999])
    assert in_units_of(asked, levels, levels) == pytest.approx(asked, rel=1e-3)


def test_few_scores_call_less_improbable_and_lean_on_the_network():
    network = calm_levels(calm("normal"), RULES, PERIOD_S)
    few = calm("normal", cells=1, periods=150, seed=8)
    alone = calm_levels(few, RULES, PERIOD_S)
    leaning = calm_levels(few, RULES, PERIOD_S, network)
    asked = np.array([5.0])
    known, own, mixed = (tail_probabilities(asked, one)[0] for one in (network, alone, leaning))
    assert own > 10 * known
    assert known <= mixed < own
    assert calm_levels(np.full((2, 3), np.nan), RULES, PERIOD_S, network) == pytest.approx(network)


def test_without_any_score_and_network_there_are_no_levels():
    with pytest.raises(InputError, match="0 calm scores tell no levels"):
        calm_levels(np.full((2, 3), np.nan), RULES, PERIOD_S)


def test_what_are_no_levels_is_told():
    with pytest.raises(InputError, match="Calm levels are 70 numbers"):
        tail_probabilities(np.zeros(3), np.zeros(4))


def test_a_score_that_never_varies_has_levels_too():
    levels = calm_levels(np.ones((3, 200)), RULES, PERIOD_S)
    found = tail_probabilities(np.array([0.5, 1.0, 2.0]), levels)
    assert found[0] == 1
    assert found[2] < 1e-3
