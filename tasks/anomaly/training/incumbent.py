"""What serves where no model was promoted: the detector, as something that can be tried.

Its own models of each cell are learnt with the deviations; it needs no stored model.
"""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.accumulation import accumulated
from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.families.family import Panel
from tasks.anomaly.joint_distance import agreement, joint_distances, standardized
from tasks.anomaly.serving import DETECTOR

_MEMORIES_TO_WARM_UP = 6


@dataclass(frozen=True, slots=True)
class DetectorScorer:
    """The detector's joint distance over its memories, given what was learnt of some cells.

    Attributes:
        covariances: [memories, cells, KPIs, KPIs].
        middles, widths: [memories, cells], of the distance on ordinary days.
        memories: spans in periods.
    """

    covariances: Floats
    middles: Floats
    widths: Floats
    memories: tuple[float, ...]

    @property
    def name(self) -> str:
        """What it is called in figures."""
        return DETECTOR

    @property
    def context_periods(self) -> int:
        """As far back as its longest memory still knows of."""
        return int(_MEMORIES_TO_WARM_UP * max(self.memories))

    def scores(self, panel: Panel, rows: Integers) -> Floats:
        """Return the largest score over the memories, as `detector` has it."""
        best: Floats | None = None
        shorter: Floats | None = None
        for number, span in enumerate(self.memories):
            now = accumulated(panel.values, span)
            covariance = self.covariances[number][rows]
            distance = standardized(*joint_distances(now, covariance))
            middle = self.middles[number][rows, None]
            scores = (distance - middle) / self.widths[number][rows, None]
            if best is None or shorter is None:
                best = scores
            else:
                fading = agreement(shorter, now, covariance)
                best = np.fmax(best, np.where(scores > 0, scores * fading, scores))
            shorter = now
        has_data = np.isfinite(panel.values).any(axis=1)
        return np.where(has_data, np.asarray(best, np.float32), np.float32(np.nan))
