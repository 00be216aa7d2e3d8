"""Rules of load forecasting: definitions with an owner.

Each is described where it is set, in load_forecasting.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "load_forecasting.yaml"


class LoadForecastingRules(BaseModel):
    """The rules of load forecasting, as load_forecasting.yaml describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_history_days: float = Field(gt=0)


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
