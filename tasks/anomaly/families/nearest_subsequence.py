"""How unlike every remembered stretch of history the last periods are."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.clusters import nearest
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.rows import as_parts, as_periods, numbers
from tasks.anomaly.families.windows import by_kpi, sampled_windows, windows
from tasks.stored_models import StoredModel


@dataclass(frozen=True, slots=True)
class NearestSubsequence:
    """Distance of the last periods of all KPIs to the nearest stretches of history.

    Attributes:
        span: periods a stretch.
        neighbors: how many of the nearest count; more than one, as earlier faults repeat rarely.
        references: stretches remembered, drawn at random from all cells.
        is_normalized: whether shape alone counts, or level and amplitude too.
        fewest_rows: periods without which nothing is learnt.
    """

    span: int = 4
    neighbors: int = 3
    references: int = 512
    is_normalized: bool = False
    fewest_rows: int = 96

    name = "nearest_subsequence"
    title = "Nearest sub-sequence"
    reason = (
        "Assumes no form of normal at all: whatever stretch of hours never occurred before is "
        "strange, and what once occurred is not."
    )

    @property
    def context_periods(self) -> int:
        """The rest of the window."""
        return self.span - 1

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return the stretches remembered."""
        fewest = max(self.fewest_rows, self.neighbors)
        remembered = sampled_windows(
            panel, self.span, self.references, fewest, seed, is_normalized=self.is_normalized
        )
        settings = {
            "span": self.span,
            "neighbors": self.neighbors,
            "is_normalized": self.is_normalized,
        }
        return StoredModel(self.name, panel.kpis, settings, {"windows": remembered})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the root mean square distance to the nearest ones, [cells, periods]."""
        rows, remembered, neighbors = self._compared(model, panel)
        _, squares = nearest(rows, remembered, neighbors)
        return as_periods(np.sqrt(squares.mean(axis=1) / rows.shape[1]), panel)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return every KPI's squared distance to the nearest one, [cells, KPIs, periods]."""
        rows, remembered, _ = self._compared(model, panel)
        which, _ = nearest(rows, remembered)
        span = rows.shape[1] // len(panel.kpis)
        return as_parts(by_kpi(rows - remembered[which[:, 0]], span), panel)

    def _compared(self, model: StoredModel, panel: Panel) -> tuple[Floats, Floats, int]:
        check_signature(model, self.name, panel)
        remembered = numbers(model, "windows").astype(np.float32)
        span = remembered.shape[1] // len(panel.kpis)
        is_normalized = bool(model.settings["is_normalized"])
        rows = windows(panel, span, is_normalized=is_normalized).reshape(-1, remembered.shape[1])
        return rows, remembered, int(str(model.settings["neighbors"]))
