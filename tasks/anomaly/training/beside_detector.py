"""A fitted model and the detector as one: what both find strange, on the detector's scale.

The detector knows each cell's own co-movement, a family what its profile shares; they err in
different ways, so their mean is seldom less precise than the better of them.
"""

from dataclasses import dataclass

from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.calibration import in_units_of
from tasks.anomaly.families.family import Panel
from tasks.anomaly.serving import EVEN_SHARE, together
from tasks.anomaly.training.incumbent import DetectorScorer
from tasks.anomaly.training.trial import ModelScorer


def beside(family: str) -> str:
    """Return what a family beside the detector is called in figures."""
    return f"{family} beside the detector"


@dataclass(frozen=True, slots=True)
class BesideDetector:
    """A scorer that takes the mean of both.

    Attributes:
        detector: that learnt the same cells.
        model: a family with a fitted model.
        levels: how high the model's calm scores are.
        detector_levels: how high the detector's are.
    """

    detector: DetectorScorer
    model: ModelScorer
    levels: Floats
    detector_levels: Floats

    @property
    def name(self) -> str:
        """The family's name, and that it does not stand alone."""
        return beside(self.model.name)

    @property
    def context_periods(self) -> int:
        """As far back as either reads."""
        return max(self.detector.context_periods, self.model.context_periods)

    def scores(self, panel: Panel, rows: Integers) -> Floats:
        """Return the mean of both in the detector's units; the detector's where a model is mute."""
        raw = self.model.scores(panel, rows)
        theirs = in_units_of(raw, self.levels, self.detector_levels)
        return together(self.detector.scores(panel, rows), theirs, EVEN_SHARE)
