"""Gaussian distances of rows of which some KPIs lack: exact, by conditioning on what is there.

With P the inverse covariance and u the deviation from the mean, zero where a KPI lacks, the
lacking KPIs are expected at -inv(P_mm) (P u)_m, and taking them out leaves the distance of the
observed ones. So one matrix product serves all rows, and only the few lacking KPIs of a row are
solved for, once for every pattern of gaps.
"""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Booleans, Floats, Integers

_ROWS_AT_ONCE = 8192
_TRUST_ROWS = 10.0  # rows a KPI after which the sample's covariance is trusted half


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A Gaussian.

    Attributes:
        mean, variance: [KPIs].
        precision: inverse covariance, [KPIs, KPIs].
        log_determinant: of the covariance.
    """

    mean: Floats
    variance: Floats
    precision: Floats
    log_determinant: float


@dataclass(frozen=True, slots=True)
class Distances:
    """How far rows stray.

    Attributes:
        squares: squared Mahalanobis distance of what is observed, [rows].
        log_determinants: of the covariance of what is observed, [rows].
        filled: deviations from the mean, lacking ones at their conditional mean, [rows, KPIs].
    """

    squares: Floats
    log_determinants: Floats
    filled: Floats


def gaussian(mean: Floats, covariance: Floats) -> Gaussian:
    """Return the Gaussian of this mean and positive definite covariance."""
    exact = np.asarray(covariance, np.float64)
    _, log_determinant = np.linalg.slogdet(exact)
    inverse = np.linalg.inv(exact)
    return Gaussian(
        np.asarray(mean, np.float64),
        np.diagonal(exact).copy(),
        (inverse + inverse.T) / 2,
        float(log_determinant),
    )


def distances(rows: Floats, normal: Gaussian) -> Distances:
    """Return distances of rows [rows, KPIs] in which NaN is no data; 0 for a row of none."""
    known = np.isfinite(rows)
    filled = np.where(known, rows - normal.mean.astype(np.float32), np.float32(0))
    pulls = filled @ normal.precision.astype(np.float32)
    squares = np.einsum("rk,rk->r", filled, pulls).astype(np.float64)
    determinants = np.full(len(rows), normal.log_determinant)
    if not known.all():
        _take_out_lacking(~known, normal.precision, pulls, (squares, determinants, filled))
    return Distances(np.maximum(squares, 0), determinants, filled)


def blame(found: Distances, normal: Gaussian) -> Floats:
    """Return each KPI's part in how far rows stray, [rows, KPIs], zero or more.

    Its own squared deviation, so that all that moved are named, and by how much the squared
    distance would fall if the KPI were not known, so that one that broke away from the others is
    named though it moved little. The fall is exact for complete rows, elsewhere at most exact.
    """
    pulls = found.filled @ normal.precision.astype(np.float32)
    fall = pulls * pulls / np.diagonal(normal.precision).astype(np.float32)
    return np.asarray(fall + found.filled * found.filled / normal.variance.astype(np.float32))


def moments(rows: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return mean [KPIs] and covariance [KPIs, KPIs] of rows with gaps, weighted [rows].

    The covariance of a pair is damped by how rarely both are seen, so that it stays positive
    semidefinite; variances are full.
    """
    known = np.isfinite(rows)
    weight = np.ones(len(rows), np.float32) if weights is None else weights.astype(np.float32)
    seen = np.maximum(weight @ known.astype(np.float32), 1e-6)
    mean = weight @ np.where(known, rows, np.float32(0)) / seen
    centered = np.where(known, rows - mean, np.float32(0)) * np.sqrt(weight)[:, None]
    scaled = centered / np.sqrt(seen)
    return np.asarray(mean, np.float64), np.asarray(scaled.T @ scaled, np.float64)


def shrunk_covariance(covariance: Floats, rows: float, floor: float) -> Floats:
    """Return a covariance pulled towards its diagonal as far as few rows make it doubtful.

    Args:
        covariance: [KPIs, KPIs].
        rows: how many rows taught it.
        floor: least variance, added to every KPI's.
    """
    kpis = len(covariance)
    trust = rows / (rows + _TRUST_ROWS * kpis)
    diagonal = np.diag(np.diagonal(covariance))
    return np.asarray(trust * covariance + (1 - trust) * diagonal + floor * np.eye(kpis))


def _take_out_lacking(
    lacks: Booleans, precision: Floats, pulls: Floats, found: tuple[Floats, Floats, Floats]
) -> None:
    counts = lacks.sum(axis=1)
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            _take_out(rows[start : start + _ROWS_AT_ONCE], lacks, precision, pulls, found)


def _take_out(
    rows: Integers,
    lacks: Booleans,
    precision: Floats,
    pulls: Floats,
    found: tuple[Floats, Floats, Floats],
) -> None:
    squares, determinants, filled = found
    patterns, which = _patterns(lacks[rows])
    places = np.nonzero(patterns)[1].reshape(len(patterns), -1)
    blocks = precision[places[:, :, None], places[:, None, :]]
    determinants[rows] += np.linalg.slogdet(blocks)[1][which]
    columns = places[which]
    pull = pulls[rows[:, None], columns].astype(np.float64)
    expected = np.einsum("rij,rj->ri", np.linalg.inv(blocks)[which], pull)
    squares[rows] -= np.einsum("ri,ri->r", pull, expected)
    filled[rows[:, None], columns] = -expected


def _patterns(lacks: Booleans) -> tuple[Booleans, Integers]:
    """Return the different rows of `lacks` and which of them each row is."""
    packed = np.ascontiguousarray(np.packbits(lacks, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return lacks[first], which.ravel()
