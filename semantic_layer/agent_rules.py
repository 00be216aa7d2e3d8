"""How far one run of an agent may go, and when models' answers count.

Definitions with an owner, as those of detection; each is described where it is set, in
agent_rules.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.owned_rules import load_rules

PACKAGED = Path(__file__).parent / "catalogue" / "agent_rules.yaml"


class AgentRules(BaseModel):
    """The rules of agents' runs; each is described where it is set, in agent_rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_calls: int = Field(ge=1, le=1000)
    most_questions: int = Field(ge=0, le=1000)
    most_seconds: float = Field(gt=0, le=3600)
    votes: int = Field(ge=1, le=15)
    least_majority: float = Field(gt=0.5, le=1)
    explored_at_once: int = Field(ge=1, le=32)
    most_steps: int = Field(ge=1, le=100)
    idle_steps: int = Field(ge=1, le=20)
    most_rounds: int = Field(ge=1, le=50)
    most_untrusted_chars: int = Field(ge=100, le=40000)
    most_string_chars: int = Field(ge=100, le=40000)
    most_answer_tokens: int = Field(ge=50, le=8000)


@cache
def agent_rules() -> AgentRules:
    """Return the packaged rules of agents' runs."""
    return load_agent_rules(PACKAGED)


def load_agent_rules(path: Path) -> AgentRules:
    """Return the rules of agents' runs in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or a value is out of bounds.
    """
    return load_rules(path, AgentRules, "agents")
