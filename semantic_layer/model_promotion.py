"""How anomaly models are trained, chosen and promoted: thresholds, as definitions with an owner."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "model_promotion.yaml"


class Planted(BaseModel):
    """Disturbances that are planted to judge families without labels.

    Attributes:
        share_of_cells: of the calm cells, that get any.
        a_cell: how many each of them gets.
        spreads: smallest and largest size, in the cells' own spreads.
        hours: shortest and longest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share_of_cells: float = Field(gt=0, le=1)
    a_cell: int = Field(ge=1, le=20)
    spreads: tuple[float, float]
    hours: tuple[float, float]

    @model_validator(mode="after")
    def _rise(self) -> "Planted":
        for name, (low, high) in (("spreads", self.spreads), ("hours", self.hours)):
            if not 0 < low <= high:
                raise ValueError(f"{name} must be positive and must not fall")
        return self


class ModelPromotion(BaseModel):
    """The rules of training and promotion; each is described in model_promotion.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: tuple[str, ...] = Field(min_length=1)
    profile_cells: int = Field(ge=1)
    fewest_profile_cells: int = Field(ge=1)
    validation_days: int = Field(ge=1)
    seed: int = Field(ge=0)
    planted: Planted
    calm_share: float = Field(gt=0, le=1)
    alert_share: float = Field(gt=0, lt=0.5)
    after_effect_hours: float = Field(ge=0)
    most_false_alarms: float = Field(gt=0)
    most_delay_hours: float = Field(gt=0)
    most_score_ms: float = Field(gt=0)
    equal_precision: float = Field(ge=0, lt=1)
    promotion_margin: float = Field(ge=0, lt=1)
    promotion_confidence: float = Field(gt=0, lt=1)
    resamplings: int = Field(ge=20)
    most_false_alarm_growth: float = Field(ge=1)
    free_false_alarms: float = Field(ge=0)
    most_delay_growth_hours: float = Field(ge=0)
    most_score_shift: float = Field(gt=0)
    most_cost_growth: float = Field(ge=1)
    fewest_verdicts: int = Field(ge=2)
    refresh_after_days: int = Field(ge=1)


@cache
def model_promotion() -> ModelPromotion:
    """Return the packaged rules of training and promotion."""
    return load_model_promotion(PACKAGED)


def load_model_promotion(path: Path) -> ModelPromotion:
    """Return the rules of training and promotion in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or values contradict.
    """
    return load_rules(path, ModelPromotion, "training and promotion")
