"""VUS-PR and average precision against loops, and against what is known of them."""

from itertools import pairwise

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.evaluation.precision import average_precision, labelled_ranges, softened, vus_pr

RANDOM = np.random.default_rng(11)


def touching(ranges: list[tuple[int, int]], half: int, length: int) -> list[tuple[int, int]]:
    """Return ranges widened by `half`, those that then touch as one."""
    found, begin = [], max(ranges[0][0] - half, 0)
    for (_, end), (start, _) in pairwise(ranges):
        if end + half < start - half:
            found.append((begin, end + half))
            begin = start - half
    return [*found, (begin, min(ranges[-1][1] + half, length - 1))]


def bordered(labels: np.ndarray, ranges: list[tuple[int, int]], border: int) -> np.ndarray:
    weights = labels.astype(float)
    for start, end in ranges if border else []:
        after = np.arange(end + 1, min(end + border // 2 + 1, len(labels)))
        weights[after] += np.sqrt(1 - (after - end) / border)
        before = np.arange(max(start - border // 2, 0), start)
        weights[before] += np.sqrt(1 - (start - before) / border)
    return np.minimum(weights, 1)


def published_vus_pr(labels: np.ndarray, score: np.ndarray, window: int, thresholds: int) -> float:
    """Return VUS-PR of one series, step by step as in the authors' published loops."""
    ranges = [(first, last) for _, first, last in labelled_ranges(labels[None])]
    widest = touching(ranges, window // 2, len(labels))
    ordered = -np.sort(-score)
    areas = []
    for border in range(window + 1):
        weights = bordered(labels, ranges, border)
        existence = touching(ranges, border // 2, len(labels))
        area, before_recall = 0.0, 0.0
        for place in np.linspace(0, len(score) - 1, thresholds).astype(int):
            called = score >= ordered[place]
            found = np.where(labels, 1.0, weights * called)
            existing = sum(called[start : end + 1].any() for start, end in existence)
            hits = sum(found[s : e + 1] @ called[s : e + 1] for s, e in widest)
            total = sum(found[s : e + 1].sum() for s, e in widest)
            recall = min(hits / ((labels.sum() + total) / 2), 1) * existing / len(existence)
            area += (recall - before_recall) * hits / called.sum()
            before_recall = recall
        areas.append(area)
    return float(np.mean(areas))


def series(length: int = 400) -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros(length, bool)
    for start in (30, 36, 120, 388):
        labels[start : start + RANDOM.integers(3, 12)] = True
    return labels, RANDOM.normal(size=length) + 1.5 * labels


@pytest.mark.parametrize("window", [0, 1, 4, 17])
def test_vus_pr_equals_the_published_loops(window):
    labels, score = series()
    found = vus_pr(score[None], labels[None], window, thresholds=40)
    assert found == pytest.approx(published_vus_pr(labels, score, window, 40), rel=1e-9)


def test_average_precision_equals_a_loop_over_thresholds():
    labels, score = series()
    score = np.round(score, 1)
    area, before = 0.0, 0
    for level in sorted(set(score), reverse=True):
        called = score >= level
        hits = (called & labels).sum()
        area += (hits - before) / labels.sum() * hits / called.sum()
        before = hits
    assert average_precision(score, labels) == pytest.approx(area)


def test_a_perfect_ranking_scores_one():
    labels, _ = series()
    assert average_precision(labels.astype(float), labels) == 1.0
    assert vus_pr(labels.astype(float)[None], labels[None], 0) == pytest.approx(1.0)


def test_a_random_score_is_worth_the_prevalence():
    labels = RANDOM.random((200, 500)) < 0.05
    assert average_precision(RANDOM.random(labels.shape), labels) == pytest.approx(0.05, abs=0.005)


def test_another_window_gives_another_figure():
    labels, score = series()
    assert vus_pr(score[None], labels[None], 4) != vus_pr(score[None], labels[None], 17)


def test_abstentions_rank_last():
    labels = np.array([[True, False, False, False]])
    known = average_precision(np.array([[3.0, 2.0, 1.0, 0.0]]), labels)
    assert average_precision(np.array([[3.0, 2.0, np.nan, np.nan]]), labels) == known == 1.0
    assert average_precision(np.array([[np.nan, 2.0, 1.0, 0.0]]), labels) == 0.25


def test_borders_stay_inside_their_own_series():
    labels = np.zeros((2, 5), bool)
    labels[0, 4] = True
    assert not softened(labels, 4)[1].any()


def test_without_any_label_there_is_no_figure():
    nothing = np.zeros((2, 9), bool)
    assert np.isnan(vus_pr(RANDOM.random((2, 9)), nothing, 3))
    assert np.isnan(average_precision(RANDOM.random((2, 9)), nothing))


def test_shapes_that_differ_are_refused():
    with pytest.raises(InputError, match=r"\[series, periods\]"):
        vus_pr(np.zeros((2, 3)), np.zeros((3, 2), bool), 2)
