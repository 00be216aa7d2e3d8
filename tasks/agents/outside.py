"""What a session gets from outside itself: results of tools and answers of models.

Everything else in a run follows from these, so a run can be repeated from them (replaying.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal, Protocol

from pydantic import ValidationError

from semantic_layer.errors import AnopsError, InputError, did_you_mean
from tasks.action_ports import ChatModel
from tasks.agents.answering import told_of
from tasks.agents.bounding import bounded, cut
from tasks.agents.tools import Tool, ToolDefinition, ToolFailedError, ToolRefusedError, ToolResult
from tasks.messages.canonical import JsonValue, canonical_json
from tasks.messages.chat import BudgetError, ChatAnswer, ChatRequest, ModelRole, NoRouteError

_MOST_ARGUMENT_CHARS = 4000
_MOST_ANSWER_CHARS = 20_000

Outcome = Literal["answered", "refused", "failed", "no_route", "over_budget"]


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call as a session wants it.

    Attributes:
        call_id: its number in the run.
        planned_by: route of the model that planned it; empty where code did.
        is_tainted: text by others has entered the session before.
    """

    call_id: int
    tool: str
    arguments: Mapping[str, JsonValue]
    planned_by: str = ""
    is_tainted: bool = False


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What became of a call: a result, or the sentence that says why there is none."""

    outcome: Outcome
    result: ToolResult | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class AskOutcome:
    """What became of a question: an answer, or the sentence that says why there is none."""

    outcome: Outcome
    answer: ChatAnswer | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as a planner is shown it: its definition, and the JSON Schema of its arguments."""

    definition: ToolDefinition
    arguments: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the tool as JSON values."""
        return {"definition": self.definition.model_dump(mode="json"), "arguments": self.arguments}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "OfferedTool":
        """Return the tool that `to_json` told."""
        return cls(ToolDefinition.model_validate(told["definition"]), told["arguments"])


class Outside(Protocol):
    """The tools and models of one run; places tell its sessions apart."""

    def call(self, place: str, request: CallRequest) -> CallOutcome:
        """Return what became of a call; it never raises for what a tool may not or cannot do."""
        ...

    def ask(self, place: str, request: ChatRequest) -> AskOutcome:
        """Return what became of a question."""
        ...

    def offered(self, place: str) -> list[OfferedTool]:
        """Return the tools that the run's identity may call, by name."""
        ...


class LiveOutside:
    """Implements `Outside` by real tools and models.

    Args:
        tools: by name.
        chat: models by role.
        identity: who calls.
        is_late: whether the run has used up its time.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        chat: ChatModel,
        identity: str,
        is_late: Callable[[], bool],
    ) -> None:
        self._tools = tools
        self._chat = chat
        self._identity = identity
        self._is_late = is_late
        self._silent: dict[ModelRole, str] = {}
        self._lock = Lock()

    def call(self, place: str, request: CallRequest) -> CallOutcome:  # noqa: ARG002
        """Check right and arguments, then call the tool; see `Outside.call`."""
        if self._is_late():
            return CallOutcome("over_budget", error="The run has used up its seconds.")
        try:
            tool = self._allowed(request)
            result = _result(tool, request)
        except ToolRefusedError as error:
            return CallOutcome("refused", error=str(error))
        except ToolFailedError as error:
            return CallOutcome("failed", error=str(error))
        return CallOutcome("answered", replace(result, call_id=request.call_id))

    def ask(self, place: str, request: ChatRequest) -> AskOutcome:  # noqa: ARG002
        """Ask, unless the role lately had no route; see `Outside.ask`."""
        with self._lock:
            silent = self._silent.get(request.role)
        if silent is not None:
            return AskOutcome("no_route", error=silent)
        if self._is_late():
            return AskOutcome("over_budget", error="The run has used up its seconds.")
        try:
            answer = self._chat.answer(request)
            return AskOutcome(
                "answered", replace(answer, text=cut(answer.text, _MOST_ANSWER_CHARS))
            )
        except NoRouteError as error:
            with self._lock:
                told = self._silent.setdefault(request.role, str(error))
            return AskOutcome("no_route", error=told)
        except BudgetError as error:
            return AskOutcome("over_budget", error=str(error))

    def offered(self, place: str) -> list[OfferedTool]:  # noqa: ARG002
        """Return the identity's tools; see `Outside.offered`."""
        return [
            OfferedTool(tool.definition, tool.arguments.model_json_schema())
            for _, tool in sorted(self._own().items())
        ]

    def _own(self) -> dict[str, Tool]:
        return {
            tool.definition.name: tool
            for tool in self._tools.values()
            if self._identity in tool.definition.callers
        }

    def _allowed(self, request: CallRequest) -> Tool:
        own = self._own()
        tool = own.get(request.tool)
        if tool is None:
            raise ToolRefusedError(
                f"{self._identity} may call no tool {request.tool[:60]!r}"
                f"{did_you_mean(request.tool[:60], own)}"
            )
        if request.planned_by and request.is_tainted and tool.definition.risk == "propose":
            raise ToolRefusedError(
                f"{request.tool} proposes, and text by others has entered this run; a model may "
                "not plan such a call any more."
            )
        return tool


def _result(tool: Tool, request: CallRequest) -> ToolResult:
    """Return what the tool gives, within its bounds."""
    try:
        if len(canonical_json(request.arguments)) > _MOST_ARGUMENT_CHARS:
            raise ToolRefusedError(
                f"{request.tool} takes arguments of at most {_MOST_ARGUMENT_CHARS} characters."
            )
        arguments = tool.arguments.model_validate(dict(request.arguments), extra="forbid")
    except ValidationError as error:
        raise ToolRefusedError(
            f"{request.tool} takes no such arguments: {told_of(error)}"
        ) from error
    except InputError as error:
        raise ToolRefusedError(f"{request.tool} takes no such arguments: {error}") from error
    try:
        return bounded(tool.function(arguments), tool.definition)
    except (ToolFailedError, ToolRefusedError):
        raise
    except AnopsError as error:
        raise ToolFailedError(
            f"{request.tool} could not answer {canonical_json(request.arguments)[:200]}: {error}"
        ) from error
