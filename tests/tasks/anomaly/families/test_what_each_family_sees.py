"""The reason each classical family gives for being there, as a story that it must pass."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.anomaly.families.channel_neighbor import ChannelNeighbor
from tasks.anomaly.families.cluster_distance import ClusterDistance
from tasks.anomaly.families.dynamic_threshold import DynamicThreshold
from tasks.anomaly.families.ensemble import Ensemble
from tasks.anomaly.families.family import Family, Panel
from tasks.anomaly.families.gaussian_mixture import GaussianMixture
from tasks.anomaly.families.lasting import Lasting
from tasks.anomaly.families.nearest_subsequence import NearestSubsequence
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.families.recent_change import RecentChange
from tasks.anomaly.families.robust_covariance import RobustCovariance
from tasks.anomaly.families.trailing import recent_mean, trailing_mean
from tasks.evaluation.precision import average_precision
from tests.benchmarks.broken_correlations import as_panel, broken_world
from tests.tasks.anomaly.families.panels import KPIS, SLOTS, calm_panel, with_fault

HISTORY = calm_panel(cells=12, days=20, seed=1)


def ranking(family: Family, cells: int = 12_000) -> float:
    rows, is_broken = broken_world(cells, seed=3)
    panel = as_panel(rows)
    return average_precision(family.scores(family.fit(panel, 0), panel)[:, 0], is_broken)


def test_a_mixture_finds_correlations_that_break_in_several_regimes():
    assert ranking(GaussianMixture()) > 0.95


@pytest.mark.parametrize("family", [DynamicThreshold(), PrincipalComponents(), RobustCovariance()])
def test_what_averages_the_regimes_does_not(family):
    assert ranking(family) < 0.2


def test_broken_rows_differ_from_sound_ones_but_each_kpi_shows_the_same_values():
    broken, is_broken = broken_world(4_000, seed=1, share=0.01)
    sound, nothing = broken_world(4_000, seed=1, share=0.0)
    assert is_broken.sum() == 40
    assert not nothing.any()
    np.testing.assert_allclose(np.sort(broken, axis=0), np.sort(sound, axis=0), atol=1e-5)
    assert np.isclose(broken, sound, atol=1e-5).all(axis=1)[~is_broken].all()
    assert np.isclose(broken, sound, atol=1e-5).mean(axis=1)[is_broken].mean() < 0.2


def test_covariance_sees_two_kpis_part_that_thresholds_let_pass():
    values = calm_panel(cells=1, days=1, seed=9, gaps=0).values
    values[0, :, 12] = [1.4, -1.4, 1.2, -0.8, 0.0, 0.0]
    parted = Panel(values, KPIS, SLOTS)
    for family, is_seen in ((RobustCovariance(), True), (DynamicThreshold(), False)):
        model = family.fit(HISTORY, 0)
        usual = np.nanquantile(family.scores(model, HISTORY), 0.995)
        assert (family.scores(model, parted)[0, 12] > usual) == is_seen


def test_faults_in_the_history_teach_a_robust_covariance_little():
    values = HISTORY.values.copy()
    values[0, :, :100] += 6.0
    model = RobustCovariance().fit(replace(HISTORY, values=values), 0)
    sound = RobustCovariance().fit(HISTORY, 0)
    faulty = with_fault(HISTORY, 3, "users", 200, 6.0)
    taught, untaught = (RobustCovariance().scores(m, faulty)[3, 200] for m in (model, sound))
    assert taught > 0.6 * untaught


def test_a_new_level_is_a_change_for_a_while_only():
    family = RecentChange(RobustCovariance(), span=4)
    model = family.fit(HISTORY, 0)
    scores = family.scores(model, with_fault(calm_panel(1, 3, 4, 0), 0, "users", 40, 10.0))[0]
    usual = np.nanquantile(family.scores(model, HISTORY), 0.999)
    assert scores[40] > usual
    assert scores[46:].max() < usual


def test_a_flicker_counts_less_than_what_lasts():
    family = Lasting(RobustCovariance(), span=4)
    model = family.fit(HISTORY, 0)
    calm = calm_panel(1, 3, 4, 0)
    lasting = with_fault(calm, 0, "users", 40, 10.0)
    flicker = replace(calm, values=calm.values.copy())
    flicker.values[..., 40] = lasting.values[..., 40]
    assert family.scores(model, lasting)[0, 43] > 2 * family.scores(model, flicker)[0, 43]


def test_an_ensemble_asks_for_agreement():
    family = Ensemble((DynamicThreshold(), ChannelNeighbor(channel=0)))
    model = family.fit(HISTORY, 0)
    calm = calm_panel(1, 3, 4, 0)
    one_alone = family.scores(model, with_fault(calm, 0, "users", 40, 9.0))[0, 40]
    both = family.scores(model, with_fault(calm, 0, "load", 40, 9.0))[0, 40]
    assert both > 1.3 * one_alone
    alone = [m.scores(m.fit(HISTORY, 0), HISTORY) for m in family.members]
    expected = np.exp(np.mean([np.log(s / np.nanquantile(s, 0.99)) for s in alone], axis=0))
    known = np.isfinite(expected)
    found = family.scores(model, HISTORY)
    np.testing.assert_allclose(found[known], expected[known], rtol=1e-3)


@pytest.mark.parametrize("is_normalized", [True, False])
def test_nearest_subsequences_are_those_of_all_pairs(is_normalized):
    family = NearestSubsequence(3, 2, references=10_000, is_normalized=is_normalized)
    history, day = calm_panel(2, 5, 1, 0), calm_panel(1, 1, 2, 0)
    remembered, asked = (naive_windows(one, 3, is_normalized) for one in (history, day))
    squares = np.sort(((asked[:, None] - remembered) ** 2).mean(axis=2), axis=1)[:, :2]
    found = family.scores(family.fit(history, 0), day)[0]
    np.testing.assert_allclose(found, np.sqrt(squares.mean(axis=1)), rtol=1e-3, atol=1e-4)


def test_a_shape_without_its_level_is_what_normalized_windows_see():
    wave = np.sin(np.arange(480) * 2 * np.pi / SLOTS)[None, None] * 3
    wave = (wave + np.random.default_rng(0).normal(size=wave.shape) * 0.1).astype(np.float32)
    history = Panel(wave, ("load",), SLOTS)
    raised, turned = wave.copy(), wave.copy()
    raised[..., 240:264] += 5
    turned[..., 240:264] = 1.5 * np.sign(np.sin(np.arange(24) * 2.1))
    for values, is_strange in ((raised, False), (turned, True)):
        family = NearestSubsequence(6, references=400, is_normalized=True)
        model = family.fit(history, 0)
        scores = family.scores(model, replace(history, values=values))[0]
        assert (scores[250:262].min() > 3 * np.median(scores)) == is_strange


def test_a_stretch_that_clusters_know_is_near_and_a_new_one_far():
    family = ClusterDistance(span=4)
    model = family.fit(HISTORY, 0)
    calm = calm_panel(1, 3, 4, 0)
    scores = family.scores(model, with_fault(calm, 0, "users", 40, 9.0))[0]
    assert scores[43] > 2 * scores[:40].max()


def test_trailing_means_are_those_of_loops():
    values = np.random.default_rng(1).normal(size=(2, 30))
    values[values > 1] = np.nan
    for span in (1, 4, 40):
        for series, mean, recent in zip(
            values, trailing_mean(values, span), recent_mean(values, span), strict=True
        ):
            for period in range(30):
                last = series[max(period - span + 1, 0) : period + 1]
                before = series[max(period - span, 0) : period]
                assert mean[period] == pytest.approx(mean_of(last), nan_ok=True, abs=1e-5)
                assert recent[period] == pytest.approx(mean_of(before), nan_ok=True, abs=1e-5)


def mean_of(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def naive_windows(panel: Panel, span: int, is_normalized: bool) -> np.ndarray:
    rows = []
    for cell in panel.values:
        padded = np.concatenate([np.zeros((cell.shape[0], span - 1)), cell], axis=1)
        for period in range(cell.shape[1]):
            window = padded[:, period : period + span]
            if is_normalized:
                width = np.maximum(window.std(axis=1, keepdims=True), 0.5)
                window = (window - window.mean(axis=1, keepdims=True)) / width
            rows.append(window.ravel())
    return np.array(rows)
