"""How far the last periods are from the nearest typical stretch of history."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.clusters import cluster_centers, nearest
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.rows import as_parts, as_periods, numbers
from tasks.anomaly.families.windows import by_kpi, sampled_windows, windows
from tasks.stored_models import StoredModel


@dataclass(frozen=True, slots=True)
class ClusterDistance:
    """Distance of windows to the nearest of a few cluster centers, as KMeansAD.

    Attributes:
        span: periods a window.
        clusters: typical stretches.
        is_normalized: whether shape alone counts, or level and amplitude too.
        rounds: of Lloyd's algorithm.
        fit_windows: most windows to learn from.
        fewest_rows: periods without which nothing is learnt.
    """

    span: int = 8
    clusters: int = 20
    is_normalized: bool = False
    rounds: int = 15
    fit_windows: int = 8_000
    fewest_rows: int = 96

    name = "cluster_distance"
    title = "Distance to clusters of windows"
    reason = (
        "A published baseline that is hard to beat: as the nearest sub-sequence, but a center is "
        "the mean of many stretches, so that a fault in the history is no excuse for the next."
    )

    @property
    def context_periods(self) -> int:
        """The rest of the window."""
        return self.span - 1

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return the cluster centers."""
        rows = sampled_windows(
            panel,
            self.span,
            self.fit_windows,
            self.fewest_rows,
            seed,
            is_normalized=self.is_normalized,
        )
        centers = cluster_centers(rows, self.clusters, self.rounds, seed)
        settings = {"span": self.span, "is_normalized": self.is_normalized}
        return StoredModel(self.name, panel.kpis, settings, {"centers": centers})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the root mean square distance to the nearest center, [cells, periods]."""
        rows, centers = self._compared(model, panel)
        _, squares = nearest(rows, centers)
        return as_periods(np.sqrt(squares[:, 0] / rows.shape[1]), panel)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return every KPI's squared distance to the nearest center, [cells, KPIs, periods]."""
        rows, centers = self._compared(model, panel)
        which, _ = nearest(rows, centers)
        span = rows.shape[1] // len(panel.kpis)
        return as_parts(by_kpi(rows - centers[which[:, 0]], span), panel)

    def _compared(self, model: StoredModel, panel: Panel) -> tuple[Floats, Floats]:
        check_signature(model, self.name, panel)
        centers = numbers(model, "centers").astype(np.float32)
        span = centers.shape[1] // len(panel.kpis)
        is_normalized = bool(model.settings["is_normalized"])
        rows = windows(panel, span, is_normalized=is_normalized).reshape(-1, centers.shape[1])
        return rows, centers
