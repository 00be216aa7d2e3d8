"""How far KPIs together stray, by a covariance that earlier faults did not teach."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.gaussians import (
    Distances,
    Gaussian,
    blame,
    distances,
    gaussian,
    moments,
    shrunk_covariance,
)
from tasks.anomaly.families.rows import as_parts, as_periods, as_rows, numbers, sampled_rows
from tasks.stored_models import StoredModel


@dataclass(frozen=True, slots=True)
class RobustCovariance:
    """Mahalanobis distance under a trimmed, shrunk covariance.

    Rows are winsorized; then the farthest are left out and the covariance is learnt again, a few
    times (the concentration steps of Rousseeuw and Van Driessen 1999, from a winsorized start).

    Attributes:
        trimmed: share of rows left out as farthest.
        rounds: concentration steps.
        floor: variance added to every KPI's, in squared spreads: how small a parting of two KPIs
            that always agree may be and still count for nothing.
        fit_rows: most periods to learn from.
        fewest_rows: periods without which nothing is learnt.
    """

    trimmed: float = 0.05
    rounds: int = 3
    floor: float = 0.05
    fit_rows: int = 50_000
    fewest_rows: int = 96

    name = "robust_covariance"
    title = "Robust covariance"
    reason = (
        "Sees KPIs that part from how they always move together, each within its own limits, and "
        "costs one matrix product; earlier faults in the history teach it little."
    )

    @property
    def context_periods(self) -> int:
        """None: a period is judged alone."""
        return 0

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return mean and covariance of the closest rows."""
        rows = sampled_rows(panel, self.fit_rows, self.fewest_rows, seed)
        mean, covariance = moments(rows)
        covariance = shrunk_covariance(covariance, len(rows), self.floor)
        known = np.maximum(np.isfinite(rows).sum(axis=1), 1)
        for _ in range(self.rounds):
            far = distances(rows, gaussian(mean, covariance)).squares / known
            close = rows[far <= np.quantile(far, 1 - self.trimmed)]
            mean, covariance = moments(close)
            covariance = shrunk_covariance(covariance, len(close), self.floor)
        return StoredModel(self.name, panel.kpis, {}, {"mean": mean, "covariance": covariance})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the root of the squared distance for each KPI observed, [cells, periods]."""
        found, _ = self._distances(model, panel)
        observed = np.isfinite(as_rows(panel)).sum(axis=1)
        return as_periods(np.sqrt(found.squares / np.maximum(observed, 1)), panel)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return what each KPI strays by itself and against the others, [cells, KPIs, periods]."""
        return as_parts(blame(*self._distances(model, panel)), panel)

    def _distances(self, model: StoredModel, panel: Panel) -> tuple[Distances, Gaussian]:
        check_signature(model, self.name, panel)
        normal = gaussian(numbers(model, "mean"), numbers(model, "covariance"))
        return distances(as_rows(panel), normal), normal
