"""How knowledge is cut into passages, found again, and how far validated cases are believed.

Definitions with an owner, as those of detection; each is described where it is set, in
knowledge_rules.yaml.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "knowledge_rules.yaml"


class KnowledgeRules(BaseModel):
    """The rules of knowledge; each is described where it is set, in knowledge_rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passage_characters: int = Field(ge=200, le=4000)
    passages_a_document: int = Field(ge=1, le=100_000)
    query_characters: int = Field(ge=50, le=10_000)
    candidates: int = Field(ge=5, le=1000)
    dense_share: float = Field(ge=0, le=1)
    least_score: float = Field(ge=0, le=1)
    tail_share: float = Field(ge=0, le=1)
    synonym_share: float = Field(ge=0, le=1)
    term_saturation: float = Field(gt=0, le=10)
    length_share: float = Field(ge=0, le=1)
    usual_terms: float = Field(gt=0)
    case_use_cases: tuple[str, ...]
    case_causes: Mapping[str, str]
    case_signs: int = Field(ge=1, le=10)
    case_half_life: float = Field(gt=0)
    case_caution: float = Field(ge=0, le=4)
    case_no_effect: float = Field(ge=0, le=1)
    case_least_weight: float = Field(ge=0, le=1)


@cache
def knowledge_rules() -> KnowledgeRules:
    """Return the packaged rules of knowledge."""
    return load_knowledge_rules(PACKAGED)


def load_knowledge_rules(path: Path) -> KnowledgeRules:
    """Return the rules of knowledge in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, KnowledgeRules, "knowledge")
