"""What is told beside a finding: how far around it to look, and how much to tell.

Definitions with an owner, as those of detection; each is described where it is set, in
evidence.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "evidence.yaml"


class EvidenceRules(BaseModel):
    """The rules of evidence; each is described where it is set, in evidence.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours_before: float = Field(gt=0, le=24 * 14)
    hours_after: float = Field(ge=0)
    dump_hours: float = Field(ge=0)
    recent_hours: float = Field(ge=0)
    rows_a_kind: int = Field(ge=1, le=50)
    onset_hours: float = Field(ge=0)
    onset_drift: float = Field(gt=0)


@cache
def evidence_rules() -> EvidenceRules:
    """Return the packaged rules of evidence."""
    return load_evidence_rules(PACKAGED)


def load_evidence_rules(path: Path) -> EvidenceRules:
    """Return the rules of evidence in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, EvidenceRules, "evidence")
