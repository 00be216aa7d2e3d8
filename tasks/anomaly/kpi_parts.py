"""What each KPI adds to a joint distance, told so that a person looks at the KPIs that moved.

The exact parts of a Mahalanobis distance (each deviation times its pull, which are its Shapley
values where an absent KPI counts as expected) hide a KPI that moved along with others: what they
explain of it is taken off its part. A person wants every KPI that moved. So what strays by itself,
in the spreads of what is remembered, is blamed for as much of the distance as it accounts for,
and only the rest goes by exact parts: there the KPIs broke how they normally move together.
"""

import numpy as np

from tasks.anomaly.arrays import Floats

_BY_ITSELF = 2.0  # spreads up to which a KPI's own deviation blames nothing
_EVENED = 0.75  # power that keeps one wild KPI from hiding the others that moved
_EVENED_JOINT = 0.5


def kpi_parts(deviations: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Return each KPI's part in a cell's joint distances, and these distances, squared.

    Args:
        deviations: [KPIs, periods] of one memory; NaN is no data.
        covariance: [KPIs, KPIs] of what is remembered, positive definite.

    Returns:
        Parts, zero or more, that add up to 1 in each period with data ([KPIs, periods]; NaN where
        the KPI has none), and squared distances in what is observed ([periods]).
    """
    known = np.isfinite(deviations)
    parts = np.full(deviations.shape, np.nan, np.float32)
    squares = np.zeros(deviations.shape[1], np.float64)
    patterns, which = np.unique(known, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        if pattern.any():
            rows, periods = np.flatnonzero(pattern), np.flatnonzero(which.ravel() == number)
            place = np.ix_(rows, periods)
            own = covariance[np.ix_(rows, rows)].astype(np.float64)
            parts[place], squares[periods] = _parts(deviations[place].astype(np.float64), own)
    return parts, squares


def _parts(seen: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    exact = seen * np.linalg.solve(covariance, seen)
    square = np.maximum(exact.sum(axis=0), 0.0)
    alone = np.maximum(seen**2 / np.diag(covariance)[:, None] - _BY_ITSELF**2, 0.0)
    weight = np.clip(alone.sum(axis=0) / np.maximum(square, 1e-9), 0.0, 1.0)
    joint = np.maximum(exact, 0.0) ** _EVENED_JOINT
    return weight * _shares(alone**_EVENED) + (1.0 - weight) * _shares(joint), square


def _shares(parts: Floats) -> Floats:
    """Return parts over their sum; all alike where none is."""
    total = parts.sum(axis=0)
    even = np.full(parts.shape, 1.0 / parts.shape[0])
    return np.where(total > 0, parts / np.where(total > 0, total, 1.0), even)
