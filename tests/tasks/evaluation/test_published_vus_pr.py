"""VUS-PR and average precision against numbers that the published evaluators gave.

TSB-AD 1.5 (`RangeAUC_volume_opt`, 250 thresholds) and scikit-learn 1.9.1
(`average_precision_score`) were run on these series once.
"""

import numpy as np
import pytest

from tasks.evaluation.precision import average_precision, vus_pr

SEVERAL = ((30, 38), (41, 44), (100, 120))


def series(periods: int, ranges: tuple[tuple[int, int], ...]) -> tuple[np.ndarray, np.ndarray]:
    time = np.arange(periods)
    scores = np.round((np.sin(time * 1.7) + np.sin(time * 0.31) * np.cos(time * 0.05) + 2) / 4, 2)
    labels = np.zeros(periods, bool)
    for first, past in ranges:
        labels[first:past] = True
        scores[first:past] = np.round(scores[first:past] + 0.3, 2)
    return scores, labels


@pytest.mark.parametrize(
    ("periods", "ranges", "window", "published"),
    [
        pytest.param(120, SEVERAL, 0, 0.6818168339625672, id="no border"),
        pytest.param(120, SEVERAL, 10, 0.7161757820185138, id="borders that touch"),
        pytest.param(400, ((0, 5), (200, 230)), 25, 0.5736997087231515, id="from the first period"),
        pytest.param(60, ((20, 21),), 7, 1 / 3, id="a single period"),
    ],
)
def test_vus_pr_is_the_published_one(periods, ranges, window, published):
    scores, labels = series(periods, ranges)
    assert vus_pr(scores[None], labels[None], window) == pytest.approx(published, abs=1e-12)


@pytest.mark.parametrize(
    ("periods", "ranges", "published"),
    [
        pytest.param(120, SEVERAL, 0.7016679505878773, id="several ranges"),
        pytest.param(400, ((0, 5), (200, 230)), 0.5108538792538622, id="ties"),
        pytest.param(60, ((20, 21),), 1 / 3, id="a single period"),
    ],
)
def test_average_precision_is_the_published_one(periods, ranges, published):
    assert average_precision(*series(periods, ranges)) == pytest.approx(published, abs=1e-12)
