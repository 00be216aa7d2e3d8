"""Rules of load forecasting: definitions with an owner.

Each is described where it is set, in load_forecasting.yaml.
"""

from functools import cache
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "load_forecasting.yaml"


class LoadForecastingRules(BaseModel):
    """The rules of load forecasting, as load_forecasting.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_history_days: float = Field(gt=0)
    history_days: int = Field(ge=7)
    most_silent_hours: float = Field(gt=0)
    quantiles: tuple[float, ...] = Field(min_length=2)
    half_life_days: float = Field(gt=0)
    log_offset_share: float = Field(gt=0, lt=1)
    common_shapes: int = Field(ge=0)
    lean_days: float = Field(gt=0)
    rehearsed_days: int = Field(ge=1)
    rehearsed_after_days: int = Field(ge=1)
    rehearsed_cells: int = Field(ge=1)
    origins_a_day: int = Field(ge=1, le=96)
    unlearned_widening: float = Field(ge=0)
    finding_widening: float = Field(ge=1)
    most_lift: float = Field(ge=1)
    recalibration_step: float = Field(ge=0)
    least_own_days: int = Field(ge=0)
    single_quarters: int = Field(ge=1)
    ahead_hours: float = Field(gt=0, le=24)
    findings_hours: float = Field(gt=0)

    @field_validator("quantiles")
    @classmethod
    def _rise(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.0 < level < 1.0 for level in levels) or 0.5 not in levels:
            raise ValueError("quantiles lie between 0 and 1, and 0.5 is one of them")
        if any(low >= high for low, high in pairwise(levels)):
            raise ValueError("quantiles rise")
        return levels


@cache
def load_forecasting_rules() -> LoadForecastingRules:
    """Return the packaged rules of load forecasting."""
    return load_load_forecasting_rules(PACKAGED)


def load_load_forecasting_rules(path: Path) -> LoadForecastingRules:
    """Return the rules of load forecasting in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, LoadForecastingRules, "load forecasting")
