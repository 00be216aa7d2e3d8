"""How far several KPIs together stray, given how they normally move together (Mahalanobis).

KPIs that lack in a period are left out exactly: the distance is taken in the observed subset,
which is what conditioning on it gives.
"""

import numpy as np

from tasks.anomaly.arrays import Booleans, Floats, Integers

_WINSOR = 3.0  # a stray beyond this many spreads teaches the covariance no more
_WILD = 4.5
_PERIODS_A_KPI = 10.0
_RIDGE = 0.02
_ROWS_AT_ONCE = 4096
_STILL, _GONE = 0.7, 0.4  # share of a remembered deviation that still shows, or no longer does


def co_movement(deviations: Floats) -> Floats:
    """Return winsorized second moments [cells, KPIs, KPIs] of [cells, KPIs, periods].

    Gaps weaken what is known of a pair of KPIs, down to none for one never seen together; so
    the result is always positive semidefinite.
    """
    calm = np.clip(deviations, -_WINSOR, _WINSOR)
    known = np.isfinite(calm)
    filled = np.where(known, calm, np.float32(0))
    scale = 1 / np.sqrt(np.maximum(known.sum(axis=2), 1)).astype(np.float32)
    filled *= scale[:, :, None]
    return np.asarray(filled @ filled.transpose(0, 2, 1))


def without_wild_periods(deviations: Floats) -> Floats:
    """Return deviations without the periods in which any KPI strays wildly: earlier faults."""
    is_wild = (np.abs(np.nan_to_num(deviations)) > _WILD).any(axis=1, keepdims=True)
    return np.where(is_wild, np.float32(np.nan), deviations)


def trust_in_own(periods: float, kpis: int, most: float) -> float:
    """Return how far a cell's own co-movement is trusted after so many independent periods."""
    return most * periods / (periods + _PERIODS_A_KPI * kpis)


def shrunk(own: Floats, pooled: Floats, trust: float, least: float = 0.05) -> Floats:
    """Return `trust` of each cell's own co-movement and the rest of the network's, invertible.

    The pooled one is scaled to the cell's own spreads, so that only correlation is shared. No
    variance is below `least`.
    """
    variance = np.maximum(np.diagonal(own, axis1=-2, axis2=-1), least)
    spread = np.sqrt(variance)
    typical = np.sqrt(np.maximum(np.diagonal(pooled), 1e-6))
    correlation = pooled / typical[:, None] / typical[None, :]
    shared = correlation * spread[:, :, None] * spread[:, None, :]
    mixed = trust * own + (1 - trust) * shared
    ridge = np.eye(own.shape[-1], dtype=own.dtype) * (_RIDGE * variance)[:, None, :]
    # A variance floored above may exceed the mixed one: the diagonal is set to it outright.
    lift = np.maximum(variance - np.diagonal(mixed, axis1=-2, axis2=-1), 0)
    return np.asarray(mixed + ridge + np.eye(own.shape[-1], dtype=own.dtype) * lift[:, None, :])


def joint_distances(deviations: Floats, covariances: Floats) -> tuple[Floats, Integers]:
    """Return the squared distance and the number of KPIs observed, both [cells, periods].

    With P the inverse covariance, y = P u and u zero where a KPI lacks, the distance in the
    observed subset is u'y less b' inv(P_mm) b, where m are the lacking KPIs and b is y at m.

    Args:
        deviations: [cells, KPIs, periods]; NaN is no data.
        covariances: [cells, KPIs, KPIs], positive definite.
    """
    known = np.isfinite(deviations)
    degrees = known.sum(axis=1)
    filled = np.where(known, deviations, np.float32(0))
    has_kpi = np.asarray(known.any(axis=2))
    precisions = np.linalg.inv(_without(covariances, has_kpi).astype(np.float64))
    pulls = precisions.astype(np.float32) @ filled
    squares = (filled * pulls).sum(axis=1)
    lacks = ~known & has_kpi[:, :, None]
    counts = lacks.sum(axis=1)
    for count in np.unique(counts[(counts > 0) & (degrees > 0)]):
        cells, periods = np.nonzero((counts == count) & (degrees > 0))
        for start in range(0, len(cells), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            cell, period = cells[rows], periods[rows]
            which = np.argsort(~lacks[cell, :, period], axis=1, kind="stable")[:, :count]
            pull = pulls[cell[:, None], which, period[:, None]].astype(np.float64)
            block = precisions[cell[:, None, None], which[:, :, None], which[:, None, :]]
            excess = (pull * np.linalg.solve(block, pull[..., None])[..., 0]).sum(axis=1)
            squares[cell, period] -= excess.astype(np.float32)
    return np.maximum(squares, 0), degrees


def standardized(squares: Floats, degrees: Integers) -> Floats:
    """Return squared distances as standard normal deviates (Wilson and Hilferty 1931); NaN at 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 2.0 / (9.0 * degrees)
        deviates = (np.cbrt(squares / degrees) - (1.0 - share)) / np.sqrt(share)
    return np.asarray(np.where(degrees > 0, deviates, np.nan), np.float32)


def agreement(recent: Floats, remembered: Floats, covariances: Floats) -> Floats:
    """Return how much of what is remembered still shows, 0 to 1, [cells, periods].

    Taken along the remembered deviation's own direction: a recent one of most of its length still
    shows all of it, one of less than half nothing.

    Args:
        recent: the shorter memory's deviations, [cells, KPIs, periods]; NaN is no data.
        remembered: the longer memory's, in the same shape.
        covariances: [cells, KPIs, KPIs] of what is remembered.
    """
    factors = np.linalg.inv(np.linalg.cholesky(covariances.astype(np.float64)))
    factors = factors.astype(np.float32)
    known = np.isfinite(recent) & np.isfinite(remembered)
    old = factors @ np.where(known, remembered, np.float32(0))
    new = factors @ np.where(known, recent, np.float32(0))
    share = (old * new).sum(axis=1) / np.maximum((old * old).sum(axis=1), 1e-6)
    return np.asarray(np.clip((share - _GONE) / (_STILL - _GONE), 0, 1))


def _without(covariances: Floats, has_kpi: Booleans) -> Floats:
    """Return covariances in which a KPI that a cell never shows stands alone with variance 1."""
    both = has_kpi[:, :, None] & has_kpi[:, None, :]
    return np.where(both, covariances, np.eye(covariances.shape[-1], dtype=covariances.dtype))
