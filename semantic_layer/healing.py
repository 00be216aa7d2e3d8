"""What a fault that can be healed looks like at its cell, and what its repair must reach.

Definitions with an owner, as those of detection; each is described where it is set, in
healing.yaml.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "healing.yaml"


class HealingRules(BaseModel):
    """The rules of healing; each is described where it is set, in healing.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seen_periods: int = Field(ge=1, le=32)
    long_periods: int = Field(ge=1, le=96)
    history_weeks: int = Field(ge=1, le=8)
    slots_around: int = Field(ge=0, le=8)
    calm_days: int = Field(ge=2, le=28)
    least_spread: float = Field(gt=0)
    least_failure_spread: float = Field(gt=0)
    peers_count: int = Field(ge=5, le=2000)
    traffic_kpis: tuple[str, ...] = Field(min_length=1)
    quality_kpis: tuple[str, ...] = Field(min_length=1)
    handover_kpis: tuple[str, ...] = Field(min_length=1)
    availability_kpis: tuple[str, ...] = Field(min_length=1)
    sleeping_traffic_share: float = Field(gt=0, lt=1)
    sleeping_shift: float = Field(gt=0)
    quality_shift: float = Field(gt=0)
    site_fall_share: float = Field(gt=0, le=1)
    least_tilt_departure: float = Field(gt=0)
    tilt_shift: float = Field(gt=0)
    handover_shift: float = Field(gt=0)
    log_odds: Mapping[str, float]
    most_shift_odds: float = Field(gt=0)
    least_probability: float = Field(gt=0, lt=1)
    regained_share: float = Field(gt=0, le=1)
    least_gain: float = Field(gt=0, lt=1)
    most_gain: float = Field(gt=0)
    worst_loss: float = Field(gt=0)
    worst_failure_loss: float = Field(gt=0)
    settle_periods: int = Field(ge=0, le=16)
    verify_periods: int = Field(ge=1, le=96)
    retry_hours: float = Field(gt=0)
    moving_minutes: float = Field(ge=0)
    timely_hours: float = Field(gt=0)
    cells_a_run: int = Field(ge=1, le=500)


@cache
def healing_rules() -> HealingRules:
    """Return the packaged rules of healing."""
    return load_healing_rules(PACKAGED)


def load_healing_rules(path: Path) -> HealingRules:
    """Return the rules of healing in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, HealingRules, "healing")
