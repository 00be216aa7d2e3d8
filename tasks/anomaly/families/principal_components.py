"""The joint baseline: what the few directions in which KPIs usually move do not explain."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.gaussians import distances, gaussian, moments, shrunk_covariance
from tasks.anomaly.families.rows import as_parts, as_periods, as_rows, numbers, sampled_rows
from tasks.stored_models import StoredModel

_FLOOR = 0.02


@dataclass(frozen=True, slots=True)
class PrincipalComponents:
    """Reconstruction error of principal components.

    Components come from winsorized deviations. A lacking KPI is expected where the others make it
    expect, so that a gap neither adds to the error nor hides one.

    Attributes:
        explained: share of variance that the kept components explain.
        fit_rows: most periods to learn from.
        fewest_rows: periods without which nothing is learnt.
    """

    explained: float = 0.7
    fit_rows: int = 50_000
    fewest_rows: int = 96

    name = "principal_components"
    title = "Principal components"
    reason = (
        "The usual joint baseline: it sees KPIs that part from the linear pattern which all share, "
        "but weighs every direction that it left out alike."
    )

    @property
    def context_periods(self) -> int:
        """None: a period is judged alone."""
        return 0

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return mean, covariance and the components kept."""
        rows = sampled_rows(panel, self.fit_rows, self.fewest_rows, seed)
        mean, covariance = moments(rows)
        variances, directions = np.linalg.eigh(covariance)
        explained = np.cumsum(variances[::-1]) / max(float(variances.sum()), 1e-12)
        kept = min(int(np.searchsorted(explained, self.explained)) + 1, len(mean) - 1)
        arrays = {
            "mean": mean,
            "covariance": shrunk_covariance(covariance, len(rows), _FLOOR),
            "components": directions[:, ::-1][:, : max(kept, 0)].copy(),
        }
        return StoredModel(self.name, panel.kpis, {}, arrays)

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the root mean square error over the KPIs observed, [cells, periods]."""
        known = np.isfinite(as_rows(panel))
        errors = np.where(known, self._errors(model, panel), 0)
        squares = errors.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return as_periods(np.sqrt(squares), panel)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return every KPI's squared error, [cells, KPIs, periods]."""
        return as_parts(self._errors(model, panel), panel)

    def _errors(self, model: StoredModel, panel: Panel) -> Floats:
        check_signature(model, self.name, panel)
        normal = gaussian(numbers(model, "mean"), numbers(model, "covariance"))
        filled = distances(as_rows(panel), normal).filled
        components = numbers(model, "components").astype(np.float32)
        rest = filled - (filled @ components) @ components.T
        return np.asarray(rest * rest)
