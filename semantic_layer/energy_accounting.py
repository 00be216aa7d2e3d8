"""Rules of energy accounting: definitions with an owner.

Each is described where it is set, in energy_accounting.yaml.
"""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "energy_accounting.yaml"
HOURS_A_DAY = 24

_MEAN_WITHIN = 0.01
_Factor = Annotated[float, Field(gt=0)]


class EnergyAccountingRules(BaseModel):
    """The rules of energy accounting, as energy_accounting.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confidence: float = Field(gt=0, lt=1)
    baseline_days: int = Field(ge=7)
    least_baseline_days: int = Field(ge=1)
    least_controls: int = Field(ge=3)
    clear_of_savers_controls: int = Field(ge=3)
    least_available_pct: float = Field(ge=0, le=100)
    largest_stray: float = Field(gt=0)
    weighing_days: int = Field(ge=1)
    model_sites: int = Field(ge=1)
    least_model_sites: int = Field(ge=5)
    views_agree_within: float = Field(gt=0)
    placebo_draws: int = Field(ge=100)
    seed: int = Field(ge=0)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    price_per_kwh: float = Field(ge=0)
    price_shape: tuple[_Factor, ...] = Field(min_length=HOURS_A_DAY, max_length=HOURS_A_DAY)
    carbon_g_per_kwh: float = Field(ge=0)
    carbon_shape: tuple[_Factor, ...] = Field(min_length=HOURS_A_DAY, max_length=HOURS_A_DAY)
    floor_services: tuple[str, ...] = Field(min_length=1)

    @field_validator("price_shape", "carbon_shape")
    @classmethod
    def _has_mean_one(cls, shape: tuple[float, ...]) -> tuple[float, ...]:
        mean = sum(shape) / len(shape)
        if abs(mean - 1) > _MEAN_WITHIN:
            raise ValueError(
                f"a shape is relative to its mean, so its mean is 1; that of this one is {mean:.3f}"
            )
        return shape

    def price(self, hour: int) -> float:
        """Return the price of a kWh in an hour of the day, UTC, in `currency`."""
        return self.price_per_kwh * self.price_shape[hour]

    def carbon(self, hour: int) -> float:
        """Return the grams of CO2 of a kWh in an hour of the day, UTC."""
        return self.carbon_g_per_kwh * self.carbon_shape[hour]


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
