"""How KPIs move with each other and after each other: correlations by lag, cell by cell.

Sums of products and of hours are kept by cell, so that random halves of the cells can be tried
without reading the hours again. Each KPI's own persistence is taken out before: two KPIs that both
change slowly would else seem to follow each other at every lag.

Source of that step: G. Box, G. Jenkins, G. Reinsel and G. Ljung, "Time Series Analysis" (2015),
11.2, prewhitening.
"""

from dataclasses import dataclass

import numpy as np

from tasks.profiling.arrays import Floats, Integers

_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class CoMovement:
    """Sums of some cells.

    Attributes:
        products: [cells, lags, KPIs, KPIs], sum of KPI i now times KPI j so many hours before.
        hours: the same shape, how many hours entered.
    """

    products: Floats
    hours: Floats

    def correlations(self, cells: Integers | slice = slice(None)) -> Floats:
        """Return r [lags, KPIs now, KPIs before] over some cells; NaN where no hours are."""
        total = self.products[cells].sum(axis=0)
        hours = self.hours[cells].sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / hours
            size = np.sqrt(np.diagonal(mean[0]))
            found = mean / (size[:, None] * size[None, :])
        return np.asarray(np.clip(found, -1, 1))

    def known_cells(self) -> Integers:
        """Return in how many cells each KPI is known."""
        return np.asarray((np.diagonal(self.hours[:, 0], axis1=1, axis2=2) > 0).sum(axis=0))


def co_movement(scores: Floats, most_lag: int) -> CoMovement:
    """Return the sums of deviations [cells, KPIs, hours], NaN where unknown, for lags 0 to most."""
    known = np.isfinite(scores)
    filled = np.where(known, scores, 0).astype(np.float32)
    weights = known.astype(np.float32)
    hours = scores.shape[2]
    products, counts = [], []
    for lag in range(most_lag + 1):
        now, before = slice(lag, hours), slice(0, hours - lag)
        products.append(filled[..., now] @ filled[..., before].transpose(0, 2, 1))
        counts.append(weights[..., now] @ weights[..., before].transpose(0, 2, 1))
    return CoMovement(np.stack(products, axis=1), np.stack(counts, axis=1))


def without_persistence(scores: Floats, most_lag: int) -> Floats:
    """Return what each KPI does that its own last hours did not let expect; NaN where unknown.

    The expectation is one autoregression a KPI, learnt from all cells. An hour is known where it
    and the hours before it are.
    """
    moves = co_movement(scores, most_lag).correlations()
    rest = scores.astype(np.float32).copy()
    for kpi in range(scores.shape[1]):
        own = moves[:, kpi, kpi]
        if not np.isfinite(own).all():
            continue
        at = np.abs(np.subtract.outer(np.arange(most_lag), np.arange(most_lag)))
        keeps = np.linalg.solve(own[at] + _RIDGE * np.eye(most_lag), own[1:])
        for lag, share in enumerate(keeps, start=1):
            rest[:, kpi, lag:] -= np.float32(share) * scores[:, kpi, :-lag]
    rest[..., :most_lag] = np.nan
    return rest
