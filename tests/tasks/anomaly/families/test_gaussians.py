"""Gaussian distances with gaps against solving for every row on its own."""

import numpy as np
import pytest

from tasks.anomaly.families.clusters import cluster_centers, nearest
from tasks.anomaly.families.gaussians import blame, distances, gaussian, moments, shrunk_covariance

RANDOM = np.random.default_rng(5)
FACTOR = RANDOM.normal(size=(7, 7))
COVARIANCE = FACTOR @ FACTOR.T + 0.3 * np.eye(7)
MEAN = RANDOM.normal(size=7)


def rows_with_gaps(share: float, count: int = 300) -> np.ndarray:
    rows = RANDOM.multivariate_normal(MEAN, COVARIANCE, count)
    rows[RANDOM.random(rows.shape) < share] = np.nan
    return rows.astype(np.float32)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_gaps_are_conditioned_on_as_if_each_row_were_solved_alone(share):
    rows = rows_with_gaps(share)
    found = distances(rows, gaussian(MEAN, COVARIANCE))
    for row, square, determinant, filled in zip(
        rows, found.squares, found.log_determinants, found.filled, strict=True
    ):
        known = np.isfinite(row)
        own = COVARIANCE[np.ix_(known, known)]
        stray = (row - MEAN)[known]
        assert square == pytest.approx(stray @ np.linalg.solve(own, stray), rel=1e-3, abs=1e-3)
        assert determinant == pytest.approx(np.linalg.slogdet(own)[1], abs=1e-6)
        shared = COVARIANCE[np.ix_(~known, known)]
        np.testing.assert_allclose(
            filled[~known], shared @ np.linalg.solve(own, stray), rtol=1e-2, atol=1e-3
        )


def test_blame_is_its_own_deviation_and_what_leaving_it_out_would_save():
    rows = rows_with_gaps(0.0, 40)
    normal = gaussian(MEAN, COVARIANCE)
    whole = distances(rows, normal)
    parts = blame(whole, normal)
    for kpi in range(7):
        without = rows.copy()
        without[:, kpi] = np.nan
        saved = whole.squares - distances(without, normal).squares
        alone = (rows[:, kpi] - MEAN[kpi]) ** 2 / COVARIANCE[kpi, kpi]
        np.testing.assert_allclose(parts[:, kpi], saved + alone, rtol=1e-2, atol=1e-2)


def test_moments_of_complete_rows_are_the_usual_ones_and_gaps_keep_them_invertible():
    rows = rows_with_gaps(0.0, 500)
    mean, covariance = moments(rows)
    np.testing.assert_allclose(mean, rows.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(covariance, np.cov(rows.T, bias=True), rtol=1e-3, atol=1e-3)
    _, gappy = moments(rows_with_gaps(0.7, 50))
    assert np.linalg.eigvalsh(gappy).min() > -1e-6
    assert np.linalg.eigvalsh(shrunk_covariance(gappy, 50, 0.02)).min() >= 0.02 - 1e-6


def test_nearest_centers_are_those_of_all_distances_taken():
    rows, centers = RANDOM.normal(size=(50, 4)), RANDOM.normal(size=(9, 4))
    which, squares = nearest(rows, centers, 3)
    every = ((rows[:, None] - centers) ** 2).sum(axis=2)
    np.testing.assert_array_equal(which, np.argsort(every, axis=1)[:, :3])
    np.testing.assert_allclose(squares, np.sort(every, axis=1)[:, :3], rtol=1e-4)


def test_clusters_far_apart_are_found_and_repeated_points_make_no_empty_one():
    middles = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    rows = np.repeat(middles, 30, axis=0) + 0.1 * RANDOM.normal(size=(90, 2)).astype(np.float32)
    found = cluster_centers(rows, 3, 5, seed=1)
    order = np.lexsort((found[:, 1].round(), found[:, 0].round()))
    np.testing.assert_allclose(found[order], [[0, 0], [0, 10], [10, 0]], atol=0.2)
    assert len(cluster_centers(np.repeat(middles[:2], 5, axis=0), 4, 5, seed=1)) == 2
