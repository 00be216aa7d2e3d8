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

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    least_asleep_hours: float = Field(gt=0)
    least_awake_hours: float = Field(ge=0)
    calibration_hours: float = Field(ge=1)
    edge_hours: float = Field(ge=1)
    edge_percentile: float = Field(gt=0, lt=50)
    coverage_margin_db: float = Field(ge=0)
    coverage_scatter_db: float = Field(gt=0)
    most_newly_uncovered: float = Field(gt=0, lt=1)
    least_carriers_awake: float = Field(gt=0, le=1)
    least_moved_share: float = Field(ge=0, lt=1)
    most_candidates: int = Field(ge=1)
    most_silent_share: float = Field(ge=0, le=1)
    moved_work_margin: float = Field(ge=1)
    around_factor: float = Field(ge=1)
    around_load: float = Field(gt=0, le=1)
    user_rate_share: float = Field(gt=0, le=1)
    most_newly_crowded: float = Field(ge=0, le=1)
    most_newly_slowed: float = Field(ge=0, le=1)
    most_edge_forgiven: float = Field(ge=0, lt=1)
    least_noticed_share: float = Field(ge=0)
    least_room_left: float = Field(ge=0, lt=1)
    most_load: float = Field(gt=0, le=1)
    surge_factor: float = Field(ge=1)
    emergency_reserve: float = Field(ge=0, lt=1)
    most_community_asleep: float = Field(ge=0, le=1)
    before_hours: float = Field(ge=0, le=24)
    swell_hours: float = Field(ge=0, le=24)
    swell_least_work: float = Field(ge=0, lt=1)


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
