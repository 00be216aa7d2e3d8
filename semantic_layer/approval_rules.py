"""How long people have to say yes or no, and what they may write: definitions with an owner.

Each is described where it is set, in approval.yaml.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "approval.yaml"


class ApprovalRules(BaseModel):
    """The rules of approval; each is described where it is set, in approval.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_hours: Mapping[Literal["low", "medium", "high"], float]
    longest_comment: int = Field(ge=20, le=4000)
    digest_digits: int = Field(ge=8, le=64)
    failed_tokens: int = Field(ge=1)
    failed_minutes: float = Field(gt=0)

    @model_validator(mode="after")
    def _each_risk_has_its_time(self) -> "ApprovalRules":
        if len(self.request_hours) != 3 or not all(
            0 < hours <= 24 * 14 for hours in self.request_hours.values()
        ):
            raise ValueError("request_hours names hours, at most 336, for low, medium and high")
        return self

    def time_for(self, risk: Literal["low", "medium", "high"]) -> timedelta:
        """Return how long people have to answer a request of this risk."""
        return timedelta(hours=self.request_hours[risk])


@cache
def approval_rules() -> ApprovalRules:
    """Return the packaged rules of approval."""
    return load_approval_rules(PACKAGED)


def load_approval_rules(path: Path) -> ApprovalRules:
    """Return the rules of approval in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, ApprovalRules, "approval")
