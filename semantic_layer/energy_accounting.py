"""Rules of energy accounting: definitions with an owner.

Each is described where it is set, in energy_accounting.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "energy_accounting.yaml"


class EnergyAccountingRules(BaseModel):
    """The rules of energy accounting, as energy_accounting.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confidence: float = Field(gt=0)


@cache
def energy_accounting_rules() -> EnergyAccountingRules:
    """Return the packaged rules of energy accounting."""
    return load_energy_accounting_rules(PACKAGED)


def load_energy_accounting_rules(path: Path) -> EnergyAccountingRules:
    """Return the rules of energy accounting in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, EnergyAccountingRules, "energy accounting")
