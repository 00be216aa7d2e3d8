"""Rules of energy planning: definitions with an owner.

Each is described where it is set, in energy_planning.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "energy_planning.yaml"


class EnergyPlanningRules(BaseModel):
    """The rules of energy planning, as energy_planning.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_asleep_hours: float = Field(gt=0)


@cache
def energy_planning_rules() -> EnergyPlanningRules:
    """Return the packaged rules of energy planning."""
    return load_energy_planning_rules(PACKAGED)


def load_energy_planning_rules(path: Path) -> EnergyPlanningRules:
    """Return the rules of energy planning in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, EnergyPlanningRules, "energy planning")
