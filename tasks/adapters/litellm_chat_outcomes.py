"""What a call of one route gives: a completion, or the reason why not and what to do about it."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from semantic_layer.errors import TransientError
from tasks.adapters.litellm_chat_routes import Route
from tasks.messages.chat import ChatRequest

Remedy = Literal["retry", "rest", "next"]
"""Ask the route again; leave it alone for a while; or ask the next one, this one is well."""


class RouteError(TransientError):
    """A route gave no answer.

    Attributes:
        remedy: what helps.
        wait_s: how long the route itself asks to be left alone, 0 when it does not say.
    """

    def __init__(self, says: str, remedy: Remedy, wait_s: float = 0.0) -> None:
        super().__init__(says)
        self.remedy = remedy
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one route.

    Attributes:
        most_tokens: of the answer, as request and route both allow.
        timeout_s: the longest that the answer may take.
        key: of the provider, None where the route names none.
    """

    route: Route
    request: ChatRequest
    most_tokens: int
    timeout_s: float
    key: str | None = None

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation in the words of chat servers, with the schema told if it must be."""
        told = [
            {"role": message.author, "content": message.text} for message in self.request.messages
        ]
        if self.request.answer_schema and not self.route.supports_schema:
            told.insert(0, {"role": "system", "content": _in_words(self.request.answer_schema)})
        return told


@dataclass(frozen=True, slots=True)
class Completion:
    """What a route answered.

    Attributes:
        cost_usd: None where nobody knows the price.
    """

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


def _in_words(schema: Any) -> str:  # noqa: ANN401 - any JSON
    compact = json.dumps(schema, sort_keys=True, separators=(",", ":"))
    return (
        "Answer with one JSON value and nothing else: no words around it, no code fence. "
        f"It keeps this JSON Schema: {compact}"
    )
