"""KPIs are blamed where they moved, and where only their togetherness broke."""

import numpy as np
import pytest

from tasks.anomaly.joint_distance import joint_distances
from tasks.anomaly.kpi_parts import kpi_parts

TOGETHER = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])


def parts_of(*deviations: float) -> np.ndarray:
    return kpi_parts(np.array(deviations, np.float32)[:, None], TOGETHER)[0][:, 0]


def test_a_kpi_that_moves_along_with_its_like_is_blamed_as_well():
    parts = parts_of(8.0, 7.5, 0.3)
    assert parts[0] > 0.4
    assert parts[1] > 0.4
    assert parts[2] == 0.0


def test_kpis_that_part_are_blamed_though_neither_strays_by_itself():
    parts = parts_of(1.8, -1.8, 0.5)
    np.testing.assert_allclose(parts[:2], parts[:2].mean(), rtol=1e-5)
    assert parts[2] < 0.2


def test_one_wild_kpi_does_not_hide_another_that_moved():
    _, lesser = kpi_parts(np.array([[0.0], [0.0]], np.float32), np.eye(2))
    parts = kpi_parts(np.array([[20.0], [6.0]], np.float32), np.eye(2))[0][:, 0]
    assert parts[0] > parts[1] > 0.1
    assert lesser[0] == 0.0


def test_distances_are_the_joint_distances_whatever_lacks():
    random = np.random.default_rng(3)
    spread = random.normal(size=(5, 5))
    covariance = spread @ spread.T + np.eye(5)
    deviations = random.normal(size=(5, 40)).astype(np.float32) * 3
    deviations[random.random(deviations.shape) < 0.2] = np.nan
    deviations[:, 7] = np.nan
    parts, squares = kpi_parts(deviations, covariance)
    wanted, _ = joint_distances(deviations[None], covariance[None].astype(np.float32))
    np.testing.assert_allclose(squares, wanted[0], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(np.isfinite(parts), np.isfinite(deviations))
    has_any = np.isfinite(deviations).any(axis=0)
    np.testing.assert_allclose(np.nansum(parts, axis=0)[has_any], 1.0, rtol=1e-5)
    assert (np.nan_to_num(parts) >= 0).all()


@pytest.mark.parametrize("deviation", [0.0, 1e-12])
def test_where_nothing_strays_no_kpi_is_singled_out(deviation):
    parts = parts_of(deviation, deviation, deviation)
    assert np.isfinite(parts).all()
    assert parts.sum() == pytest.approx(1.0)
