"""What is asked of a language model, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from semantic_layer.errors import AnopsError, TransientError

ModelRole = Literal["planner", "reader", "explainer", "judge"]
"""What a model is asked for; which model that is, is told by the routes, never by code."""


class NoRouteError(TransientError):
    """No route of a role answered; the sentence says which were tried and why each failed."""


class BudgetError(AnopsError):
    """A run has used up its requests, tokens, money, seconds or tool calls."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation."""

    author: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to a model.

    Attributes:
        role: which kind of work; routes are chosen by it.
        messages: the conversation, oldest first.
        answer_schema: JSON Schema that the answer must keep; empty for plain text.
        use_case: what the cost is booked on, such as `explain_findings`.
        run_id: of the agent's run, which budgets and costs belong to.
        seed: handed to routes that take one.
        temperature: 0 asks for the most likely answer.
        most_tokens: of the answer.
    """

    role: ModelRole
    messages: tuple[ChatMessage, ...]
    answer_schema: Mapping[str, Any] = field(default_factory=dict)
    use_case: str = ""
    run_id: str = ""
    seed: int = 0
    temperature: float = 0.0
    most_tokens: int = 600


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a route answered. The text is data: nothing in it is an instruction to anybody.

    Attributes:
        route: name of the route in the routes' file.
        model: what the route says it is.
        cost_usd: 0 where a price is not known; `is_priced` tells.
        seconds: that the answer took.
        is_cached: it was given before to the very same question.
    """

    text: str
    route: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    is_priced: bool = True
    seconds: float = 0.0
    is_cached: bool = False
