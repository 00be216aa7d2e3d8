"""The baseline: each KPI on its own, against how far it usually strays."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.rows import as_parts, as_periods, as_rows, numbers, sampled_rows
from tasks.anomaly.quantiles import quantile
from tasks.stored_models import StoredModel

_NORMAL_90 = 1.6449


@dataclass(frozen=True, slots=True)
class DynamicThreshold:
    """Each KPI's deviation in its own spread; the score is the widest.

    Attributes:
        fit_rows: most periods to learn from.
        fewest_rows: periods without which nothing is learnt.
        least_width: a KPI is never judged finer than this, in the cells' own spreads.
    """

    fit_rows: int = 50_000
    fewest_rows: int = 96
    least_width: float = 0.25

    name = "dynamic_threshold"
    title = "Dynamic threshold for each KPI"
    reason = (
        "What operators run today, and the floor: it sees one KPI far from its usual, and shows by "
        "what it misses what joint models add."
    )

    @property
    def context_periods(self) -> int:
        """None: a period is judged alone."""
        return 0

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return middle and width of each KPI, from quantiles that earlier faults leave alone."""
        rows = sampled_rows(panel, self.fit_rows, self.fewest_rows, seed).T
        ordered = np.sort(rows, axis=1)
        low, middle, high = (quantile(ordered, q, is_sorted=True) for q in (0.05, 0.5, 0.95))
        width = np.nan_to_num((high - low) / (2 * _NORMAL_90), nan=1.0)
        arrays = {
            "middle": np.nan_to_num(middle).astype(np.float32),
            "width": np.maximum(width, self.least_width).astype(np.float32),
        }
        return StoredModel(self.name, panel.kpis, {}, arrays)

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the widest deviation of any KPI, in its own widths, [cells, periods]."""
        return as_periods(np.nan_to_num(self._strays(model, panel)).max(axis=1), panel)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return every KPI's deviation in its own widths, [cells, KPIs, periods]."""
        return as_parts(self._strays(model, panel), panel)

    def _strays(self, model: StoredModel, panel: Panel) -> Floats:
        check_signature(model, self.name, panel)
        middle, width = (numbers(model, name).astype(np.float32) for name in ("middle", "width"))
        return np.asarray(np.abs(as_rows(panel) - middle) / width)
