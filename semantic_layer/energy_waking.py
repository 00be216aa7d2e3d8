"""Rules of energy waking: definitions with an owner.

Each is described where it is set, in energy_waking.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "energy_waking.yaml"


class EnergyWakingRules(BaseModel):
    """The rules of energy waking, as energy_waking.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detection_seconds: float = Field(gt=0)
    own_mode_seconds: float = Field(gt=0)
    command_seconds: float = Field(ge=0)
    hold_hours: float = Field(gt=0)
    full_share: float = Field(gt=0)
    relieving_share: float = Field(gt=0, le=1)
    leaning_work: float = Field(ge=0)
    newest_minutes: float = Field(gt=0)
    feed_silent_seconds: float = Field(gt=0)
    feed_lost_share: float = Field(ge=0, le=1)
    troubling_categories: tuple[str, ...]


@cache
def energy_waking_rules() -> EnergyWakingRules:
    """Return the packaged rules of energy waking."""
    return load_energy_waking_rules(PACKAGED)


def load_energy_waking_rules(path: Path) -> EnergyWakingRules:
    """Return the rules of energy waking in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, EnergyWakingRules, "energy waking")
