"""How much is left to the system: TM Forum's levels L0 to L5, and what a use case needs to rise.

Definitions with an owner; each is described where it is set, in autonomy.yaml. At which level a use
case is follows from its record (tasks/guardrails/autonomy.py).
"""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "autonomy.yaml"

RISKS = ("low", "medium", "high")
"""Classes of risk, the smallest first."""

Who = Literal["people", "people and system", "system"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AutonomyLevel(_Part):
    """One level: who does what, and how many people must approve a change.

    Attributes:
        level: 0 to 5.
        name: as TM Forum calls it.
        execution, awareness, analysis, decision, intent: who does it.
        persons: by class of risk, how many people must approve; L0 has none, for nothing is left
            to the system there.
    """

    level: int = Field(ge=0, le=5)
    name: str = Field(min_length=1)
    execution: Who
    awareness: Who
    analysis: Who
    decision: Who
    intent: Who
    persons: dict[Literal["low", "medium", "high"], int] = Field(default_factory=dict)


class UseCaseAutonomy(_Part):
    """The levels of one use case.

    Attributes:
        first: where it begins.
        highest: where evidence may bring it.
        highest_by_hand: where a person may set it without that evidence.
        lowest: where bad outcomes may bring it; people may go lower.
        least_risk: its changes count as no less risky, whatever a proposal says.
    """

    use_case: str = Field(min_length=1)
    first: int = Field(ge=0, le=5)
    highest: int = Field(ge=0, le=5)
    highest_by_hand: int = Field(ge=0, le=5)
    lowest: int = Field(ge=0, le=5)
    least_risk: Literal["low", "medium", "high"]

    @model_validator(mode="after")
    def _is_in_order(self) -> "UseCaseAutonomy":
        if not self.lowest <= self.first <= self.highest:
            raise ValueError(f"{self.use_case}: lowest, first and highest are not in order")
        return self


class NeededEvidence(_Part):
    """What a use case must have shown to rise to a level.

    Attributes:
        outcomes: verified outcomes, counted since it last fell.
        least_precision: that the share of good ones exceeds with the stated confidence.
    """

    to_level: int = Field(ge=1, le=5)
    outcomes: int = Field(ge=1)
    least_precision: float = Field(gt=0, lt=1)


class AutonomyRules(_Part):
    """The rules of autonomy; each is described where it is set, in autonomy.yaml."""

    levels: tuple[AutonomyLevel, ...]
    use_cases: tuple[UseCaseAutonomy, ...]
    evidence: tuple[NeededEvidence, ...]
    confidence: float = Field(gt=0.5, lt=1)
    evidence_days: float = Field(gt=0)
    cooling_hours: float = Field(ge=0)
    may_set: tuple[str, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> "AutonomyRules":
        if [one.level for one in self.levels] != list(range(6)):
            raise ValueError("levels must be L0 to L5, in order, each once")
        for one in self.levels[1:]:
            if set(one.persons) != set(RISKS):
                raise ValueError(f"L{one.level} must say how many persons each risk needs")
        for lower, upper in zip(self.levels[1:], self.levels[2:], strict=False):
            if any(upper.persons[risk] > lower.persons[risk] for risk in lower.persons):
                raise ValueError(f"L{upper.level} needs more persons than L{lower.level}")
        if any(one.persons["high"] < 2 for one in self.levels[1:5]):
            raise ValueError("below L5 a high risk needs two persons")
        return self

    def level(self, level: int) -> AutonomyLevel | None:
        """Return a level's definition; None where there is no such level."""
        return self.levels[level] if 0 <= level < len(self.levels) else None

    def of(self, use_case: str) -> UseCaseAutonomy | None:
        """Return the levels of a use case; None where it is not defined."""
        return next((one for one in self.use_cases if one.use_case == use_case), None)

    def risk_of(self, use_case: str, risk: str) -> str:
        """Return the risk that counts: the one stated, or the use case's least if that is more."""
        own = self.of(use_case)
        least = own.least_risk if own is not None else RISKS[-1]
        return max(risk if risk in RISKS else RISKS[-1], least, key=RISKS.index)

    def persons(self, level: int, risk: str) -> int:
        """Return how many people must approve at a level; two where level or risk is unknown."""
        told = self.level(level)
        by_risk = {} if told is None else {str(name): one for name, one in told.persons.items()}
        return by_risk.get(risk, 2)

    def needed(self, to_level: int) -> NeededEvidence | None:
        """Return what must be shown to rise to a level; None where nothing suffices."""
        return next((one for one in self.evidence if one.to_level == to_level), None)


@cache
def autonomy_rules() -> AutonomyRules:
    """Return the packaged rules of autonomy."""
    return load_autonomy_rules(PACKAGED)


def load_autonomy_rules(path: Path) -> AutonomyRules:
    """Return the rules of autonomy in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or levels contradict.
    """
    return load_rules(path, AutonomyRules, "autonomy")
