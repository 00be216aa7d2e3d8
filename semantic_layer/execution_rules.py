"""How approved changes are written, and how their effect is measured against control cells.

Definitions with an owner, as those of detection; each is described where it is set, in
execution_rules.yaml.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "execution_rules.yaml"


class ExecutionRules(BaseModel):
    """The rules of execution; each is described where it is set, in execution_rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    write_tries: int = Field(ge=1, le=10)
    write_wait_s: float = Field(ge=0, le=60)
    verdict_hours: float = Field(gt=0)
    before_periods: int = Field(ge=1)
    least_before_periods: int = Field(ge=1)
    late_periods: int = Field(ge=0)
    load_hours: float = Field(gt=0)
    load_ratio: float = Field(gt=1)
    most_controls: int = Field(ge=1)
    least_controls: int = Field(ge=3)
    confidence: float = Field(gt=0.5, lt=1)
    early_confidence: float = Field(gt=0.5, lt=1)
    least_base_share: float = Field(gt=0, le=1)
    guard_kpis: Mapping[str, Annotated[float, Field(gt=0)]]
    recallable: tuple[str, ...]
    recallable_guard_kpis: Mapping[str, Annotated[float, Field(gt=0)]]
    recallable_verdict_minutes: float = Field(gt=0)

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if self.least_before_periods > self.before_periods:
            raise ValueError("least_before_periods exceeds before_periods")
        if self.least_controls > self.most_controls:
            raise ValueError("least_controls exceeds most_controls")
        if self.early_confidence < self.confidence:
            raise ValueError("early_confidence is below confidence")
        return self

    def guards_of(self, use_case: str) -> Mapping[str, float]:
        """Return the guard KPIs of a use case, with how much worse each may get."""
        if use_case in self.recallable:
            return self.recallable_guard_kpis
        return self.guard_kpis


@cache
def execution_rules() -> ExecutionRules:
    """Return the packaged rules of execution."""
    return load_execution_rules(PACKAGED)


def load_execution_rules(path: Path) -> ExecutionRules:
    """Return the rules of execution in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or values contradict.
    """
    return load_rules(path, ExecutionRules, "execution")
