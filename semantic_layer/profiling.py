"""What makes cells alike and KPIs move together: the limits of profiling, with an owner.

Definitions as those of detection; each is described where it is set, in profiling.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "profiling.yaml"


class ShapeQuantity(BaseModel):
    """One quantity whose week shape makes cells alike.

    Attributes:
        quantity: its name: load, quality.
        kpis: KPIs that tell it, the first that a cell has; one for each technology.
        weight: how much its likeness counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: str = Field(min_length=1)
    kpis: tuple[str, ...] = Field(min_length=1)
    weight: float = Field(gt=0)


class Profiling(BaseModel):
    """The rules of profiling; each is described where it is set, in profiling.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history_weeks: int = Field(ge=1, le=8)
    shape_quantities: tuple[ShapeQuantity, ...] = Field(min_length=1)
    fewest_hours: int = Field(ge=2, le=168)
    enough_hours: int = Field(ge=2, le=168)
    neighbor_weight: float = Field(ge=0, le=1)
    sample_cells: int = Field(ge=10, le=6000)
    most_profiles: int = Field(ge=1, le=64)
    fewest_profile_cells: int = Field(ge=2)
    fewest_profile_share: float = Field(ge=0, lt=1)
    least_strength: float = Field(gt=0, le=1)
    least_fit: float = Field(gt=0, lt=1)
    fit_grace: float = Field(ge=0, lt=0.5)
    same_pattern: float = Field(gt=0, le=1)
    kept_pattern: float = Field(gt=0, le=1)
    clearly_nearer: float = Field(ge=0, le=1)
    clearly_better: float = Field(ge=0, le=1)
    remembered_weeks: int = Field(ge=1)
    panel_cells: int = Field(ge=1)
    fewest_panel_cells: int = Field(ge=1)
    fewest_kpi_hours: int = Field(ge=24)
    most_lag_hours: int = Field(ge=1, le=12)
    together_correlation: float = Field(gt=0, lt=1)
    least_dependency: float = Field(gt=0, lt=1)
    least_stability: float = Field(gt=0.5, le=1)
    subsamples: int = Field(ge=2)
    differs_by: float = Field(gt=0, le=2)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Profiling":
        if self.fewest_hours > self.enough_hours:
            raise ValueError("fewest_hours must not exceed enough_hours")
        if self.least_fit <= self.fit_grace:
            raise ValueError("fit_grace must stay below least_fit")
        if self.kept_pattern > self.same_pattern:
            raise ValueError("kept_pattern must not exceed same_pattern")
        names = [one.quantity for one in self.shape_quantities]
        if len(set(names)) != len(names):
            raise ValueError("shape_quantities names a quantity twice")
        return self


@cache
def profiling() -> Profiling:
    """Return the packaged rules of profiling."""
    return load_profiling(PACKAGED)


def load_profiling(path: Path) -> Profiling:
    """Return the rules of profiling in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or values contradict.
    """
    return load_rules(path, Profiling, "profiling")
