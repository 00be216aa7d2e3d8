"""What counts as an anomaly: the detector's thresholds, as definitions with an owner.

Detector, report and agents read them here; they stand in no code, prompt or query.
"""

import math
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "detection.yaml"


class SeverityLimit(BaseModel):
    """What a finding must reach to carry a severity.

    Attributes:
        severity: as alarms name them.
        peak_score: at least this at its highest,
        lasting_hours: and at least this long.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: str = Field(pattern="^(CRITICAL|MAJOR|MINOR|WARNING)$")
    peak_score: float
    lasting_hours: float = Field(ge=0)


class Detection(BaseModel):
    """The rules of detection; each is described where it is set, in detection.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    training_days: int = Field(ge=1, le=365)
    fewest_history_days: int = Field(ge=1)
    panel_cells: int = Field(ge=1)
    memory_hours: tuple[float, ...]
    own_correlation_trust: float = Field(ge=0, le=1)
    score_begins: float = Field(gt=0)
    score_ends: float = Field(gt=0)
    fewest_hours: float = Field(ge=0)
    longest_pause_hours: float = Field(ge=0)
    look_back_days: int = Field(ge=0)
    baseline_spreads: float = Field(gt=0)
    band_spreads: float = Field(gt=0)
    contributing_kpis: int = Field(ge=1)
    severities: tuple[SeverityLimit, ...] = Field(min_length=1)

    def fewest_periods(self, granularity_s: int) -> int:
        """Return how many periods make a finding."""
        return max(math.ceil(self.fewest_hours * 3600 / granularity_s), 1)

    @model_validator(mode="after")
    def _ends_below_begin(self) -> "Detection":
        if self.score_ends > self.score_begins:
            raise ValueError("score_ends must not lie above score_begins")
        if self.fewest_history_days > self.training_days:
            raise ValueError("fewest_history_days must not exceed training_days")
        return self


@cache
def detection() -> Detection:
    """Return the packaged rules of detection."""
    return load_detection(PACKAGED)


def load_detection(path: Path) -> Detection:
    """Return the rules of detection in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or values contradict.
    """
    return load_rules(path, Detection, "detection")
