"""Of very many calm cells few are called, whether they move alone or together."""

import time

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import ndtr

from semantic_layer.errors import InputError
from tasks.anomaly.worth.false_discovery import (
    calm_share_of,
    episode_probabilities,
    extremal_index,
    harmonic,
    q_values,
    q_values_by_profile,
)

NOMINAL = 0.1
CELLS, ROUNDS = 2000, 150


def drawn(random, dependence, troubled=100, strength=3.5):
    """Return probabilities and which cells are troubled."""
    noise = random.normal(size=CELLS)
    if dependence == "blocks":  # sites of ten cells, of which half moves with the site
        noise = np.sqrt(0.5) * noise + np.sqrt(0.5) * random.normal(size=CELLS // 10).repeat(10)
    is_troubled = np.zeros(CELLS, bool)
    is_troubled[random.choice(CELLS, troubled, replace=False)] = True
    return 1 - ndtr(noise + strength * is_troubled), is_troubled


def false_share(judge, dependence, **world):
    """Return the mean share of calm cells among those called, and of troubled ones called."""
    random = np.random.default_rng(4)
    shares, found = [], []
    for _ in range(ROUNDS):
        probabilities, is_troubled = drawn(random, dependence, **world)
        called = judge(probabilities) <= NOMINAL
        shares.append((called & ~is_troubled).sum() / max(called.sum(), 1))
        found.append((called & is_troubled).sum() / max(is_troubled.sum(), 1))
    return np.mean(shares), np.mean(found)


PROFILES = np.array([f"profile-{number % 5:02d}" for number in range(CELLS)], object)
JUDGES = {
    "Benjamini-Hochberg": lambda p: q_values(p, p.size),
    "Benjamini-Yekutieli": lambda p: q_values(p, p.size, method="any"),
    "Storey": lambda p: q_values(p, p.size, calm_share=calm_share_of(p)),
    "by profile": lambda p: q_values_by_profile(p, PROFILES),
}


@pytest.mark.parametrize("dependence", ["none", "blocks"])
@pytest.mark.parametrize("judge", JUDGES)
def test_the_share_of_calm_cells_among_those_called_keeps_to_the_nominal(judge, dependence):
    share, found = false_share(JUDGES[judge], dependence)
    assert share <= NOMINAL * 1.1  # the mean of 150 rounds scatters
    assert found > 0.3


def test_uncorrected_probabilities_would_not_keep_to_it():
    share, _ = false_share(lambda p: p, "none")
    assert share > 3 * NOMINAL


def test_without_any_troubled_cell_hardly_any_round_calls_one():
    random = np.random.default_rng(9)
    rounds = [
        (q_values(drawn(random, "none", troubled=0)[0], CELLS) <= NOMINAL).any() for _ in range(300)
    ]
    assert np.mean(rounds) <= NOMINAL + 0.05


def test_a_troubled_profile_is_judged_less_sternly():
    random = np.random.default_rng(2)
    is_bad = np.arange(CELLS) < CELLS // 10
    profiles = np.where(is_bad, "bad", "good").astype(object)
    troubled = is_bad & (random.random(CELLS) < 0.6)
    probabilities = 1 - ndtr(random.normal(size=CELLS) + 2.5 * troubled)
    plain = q_values(probabilities, CELLS) <= NOMINAL
    adapted = q_values_by_profile(probabilities, profiles) <= NOMINAL
    assert (adapted & troubled).sum() > 1.2 * (plain & troubled).sum()


def test_q_values_are_those_of_a_naive_loop():
    random = np.random.default_rng(3)
    probabilities = random.random(40) ** 3
    for method, factor in (("independent", 1.0), ("any", harmonic(100))):
        ranked = sorted(probabilities)
        naive = [
            min(1.0, *(factor * 100 * ranked[j] / (j + 1) for j in range(ranked.index(p), 40)))
            for p in probabilities
        ]
        assert q_values(probabilities, 100, method=method) == pytest.approx(naive)


def test_neighboring_periods_count_together():
    random = np.random.default_rng(5)
    independent = random.normal(size=(200, 500))
    keep = 0.95
    lasting = lfilter([np.sqrt(1 - keep**2)], [1, -keep], independent, axis=1)
    assert extremal_index(independent, apart=2) > 0.9
    index = extremal_index(lasting, apart=12)
    assert index < 0.35
    found = episode_probabilities(1 - ndtr(lasting.max(axis=1)), 500, index)
    assert 0.6 < (found <= 0.2).mean() / 0.2 < 1.5
    naive = episode_probabilities(1 - ndtr(lasting.max(axis=1)), 500)
    assert (naive <= 0.2).mean() < (found <= 0.2).mean()


def test_extremes_of_nothing_stand_alone():
    assert extremal_index(np.full((2, 3), np.nan), apart=2) == 1


def test_a_minimal_probability_keeps_its_digits():
    assert episode_probabilities(np.array([1e-20]), 96)[0] == pytest.approx(96e-20)


def test_a_hundred_thousand_cells_are_judged_in_less_than_a_cpu_second():
    random = np.random.default_rng(1)
    probabilities = random.random(100_000)
    profiles = np.array([f"profile-{n % 20}" for n in range(100_000)], object)
    started = time.process_time()
    q_values_by_profile(probabilities, profiles, method="any")
    assert time.process_time() - started < 1


def test_findings_that_no_tests_made_are_told():
    with pytest.raises(InputError, match="3 findings cannot come of 2 tests"):
        q_values(np.array([0.1, 0.2, 0.3]), 2)


def test_no_findings_have_no_q_values():
    assert q_values(np.zeros(0), 10).size == 0
    assert q_values_by_profile(np.zeros(0), np.zeros(0, object)).size == 0
    assert calm_share_of(np.zeros(0)) == 1
