"""Rules of energy goals: definitions with an owner.

Each is described where it is set, in energy_goals.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "energy_goals.yaml"


class EnergyGoalRules(BaseModel):
    """The rules of energy goals, as energy_goals.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    near_m: float = Field(gt=0)


@cache
def energy_goals_rules() -> EnergyGoalRules:
    """Return the packaged rules of energy goals."""
    return load_energy_goals_rules(PACKAGED)


def load_energy_goals_rules(path: Path) -> EnergyGoalRules:
    """Return the rules of energy goals in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, EnergyGoalRules, "energy goals")
