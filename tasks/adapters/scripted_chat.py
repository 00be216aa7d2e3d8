"""Chat models that no language model stands behind: scripted, obedient to an attacker, and absent.

Doubles for tests, for trials without a model, and for proofs that no model's answer can do harm.
"""

import json
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from tasks.adapters.scripted_chat_obedience import obeying_text, obeying_value
from tasks.messages.chat import ChatAnswer, ChatRequest, NoRouteError

Scripted = str | dict[str, Any] | list[Any] | Exception
"""An answer's text, a value that becomes JSON, or what is raised instead."""


class ScriptedChat:
    """Implements `ChatModel` by given answers, and remembers what it was asked.

    Args:
        answers: one for each request, in order, after which no route answers; or a function of
            the request. An exception among them is raised.
        route: what the answers say that they came from.
    """

    def __init__(
        self,
        answers: Iterable[Scripted] | Callable[[ChatRequest], Scripted],
        route: str = "scripted",
    ) -> None:
        self.requests: list[ChatRequest] = []
        self._route = route
        self._given = answers if callable(answers) else _one_after_another(answers)
        self._lock = Lock()

    def answer(self, request: ChatRequest) -> ChatAnswer:
        """Return the answer that is scripted for the request; see `ChatModel.answer`."""
        with self._lock:
            self.requests.append(request)
            given = self._given(request)
        if isinstance(given, Exception):
            raise given
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        return _answer(request, text, self._route)


class ObedientChat:
    """Implements `ChatModel` by obeying whoever wrote anything into the prompt.

    It looks for orders in all messages, above all in what is fenced off as others' text, and
    answers as they want, in a form that keeps the schema wherever one is possible. What stands
    up to it does not rest on a model's judgement.
    """

    def __init__(self, route: str = "obedient") -> None:
        self.requests: list[ChatRequest] = []
        self._route = route
        self._lock = Lock()

    def answer(self, request: ChatRequest) -> ChatAnswer:
        """Return what the attacker wants said; see `ChatModel.answer`."""
        with self._lock:
            self.requests.append(request)
        prompt = "\n".join(message.text for message in request.messages)
        if not request.answer_schema:
            return _answer(request, obeying_text(prompt), self._route)
        value = obeying_value(prompt, request.answer_schema)
        return _answer(request, json.dumps(value, ensure_ascii=False), self._route)


class NoChat:
    """Implements `ChatModel` where there is no model: every question says so at once."""

    def answer(self, request: ChatRequest) -> ChatAnswer:
        """Raise that no route answers; see `ChatModel.answer`.

        Raises:
            NoRouteError: always.
        """
        raise NoRouteError(f"No model answers for the role {request.role!r}: none is in use here.")


def _one_after_another(answers: Iterable[Scripted]) -> Callable[[ChatRequest], Scripted]:
    left = iter(list(answers))

    def given(request: ChatRequest) -> Scripted:
        used_up = NoRouteError(f"No answer is left in the script for the role {request.role!r}.")
        return next(left, used_up)

    return given


def _answer(request: ChatRequest, text: str, route: str) -> ChatAnswer:
    """Return an answer that cost nothing; tokens are counted as words, so that budgets see them."""
    return ChatAnswer(
        text=text,
        route=route,
        model=route,
        prompt_tokens=sum(len(message.text.split()) for message in request.messages),
        completion_tokens=len(text.split()),
    )
