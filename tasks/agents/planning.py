"""The loop of planning and acting: which tool to call next, until the question is answered.

A model of the role `planner` names the next call out of the tools that the run's identity may use;
where no model answers, a given script of calls is run. Text by others is shown to the planner only
where the loop cannot propose anything; otherwise it is told counts and ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from semantic_layer.agent_rules import agent_rules
from tasks.agents.asking import Reply
from tasks.agents.bounding import cut
from tasks.agents.outside import OfferedTool
from tasks.agents.running import RecordedSession, recorded
from tasks.agents.session import SOLVER, AgentSession
from tasks.agents.tools import ToolFailedError, ToolRefusedError, ToolResult
from tasks.agents.untrusted import is_token
from tasks.messages.canonical import JsonValue, canonical_json
from tasks.messages.chat import BudgetError

STOP = "stop"
"""What a planner names instead of a tool to end the loop."""

WhyEnded = Literal["stopped", "script_done", "budget", "repeated", "nothing_new", "most_steps"]
_MOST_SHOWN = 6000


class NextCall(BaseModel):
    """A planner's answer: a tool and its arguments, or `stop`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call of a script."""

    tool: str
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Two calls with the same key would tell the same."""
        return canonical_json([self.tool, self.arguments])


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A call that was made.

    Attributes:
        decided_by: `solver` for the script's, or the planner's route.
        result: None where there is none.
        error: why there is none.
    """

    call: PlannedCall
    decided_by: str
    result: ToolResult | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """What planning and acting gave, and why it ended.

    Attributes:
        why_solver: why the script was run, or the rest of it; empty where a model planned all.
    """

    steps: tuple[PlannedStep, ...]
    ended: WhyEnded
    why_solver: str = ""

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """The results that there are, in order."""
        return tuple(step.result for step in self.steps if step.result is not None)


@dataclass(frozen=True, slots=True)
class Loop:
    """What planning is about.

    Attributes:
        goal: a sentence built by code.
        facts: values from tools, known before.
        script: calls to make where no model plans, in order.
        prompt: name of the planner's prompt.
        is_read_only: leaves out tools that propose; only then is text by others shown, fenced.
    """

    goal: str
    facts: Mapping[str, JsonValue]
    script: tuple[PlannedCall, ...]
    prompt: str = "plan_next_call"
    is_read_only: bool = True


def plan_and_act(session: AgentSession, loop: Loop) -> PlannedWork:
    """Return what the planned calls gave.

    The loop ends when the planner says so, calls are used up, a call comes again, several in a row
    told nothing new, or the most steps are made. Refused and failed calls are steps like others.

    Raises:
        InputError: the session is none of this runtime's.
    """
    return _Planning(recorded(session), loop).done()


class _Planning:
    def __init__(self, session: RecordedSession, loop: Loop) -> None:
        self._session = session
        self._loop = loop
        self._steps: list[PlannedStep] = []
        self._seen_calls: set[str] = set()
        self._seen_rows: set[str] = set()
        self._idle = 0

    def done(self) -> PlannedWork:
        offered = [
            tool
            for tool in self._session.offered()
            if not (self._loop.is_read_only and tool.definition.risk == "propose")
        ]
        ended, why = self._planned(offered)
        if ended is None:
            ended = self._scripted()
        work = PlannedWork(tuple(self._steps), ended, why)
        self._session.post("planned", {"steps": len(work.steps), "ended": ended, "why_solver": why})
        return work

    def _planned(self, offered: Sequence[OfferedTool]) -> tuple[WhyEnded | None, str]:
        """Let a model plan; None with the reason when it no longer answers."""
        model = _answer_model(offered)
        for _ in range(agent_rules().most_steps):
            found, texts = self._found()
            if not self._loop.is_read_only and self._holds_text(found):
                return None, "What was found holds text that others wrote."
            reply = self._next_call(offered, model, found, texts)
            if reply.value is None:
                return None, reply.why
            if reply.value.tool == STOP:
                return "stopped", ""
            call = PlannedCall(reply.value.tool, reply.value.arguments)
            if call.key in self._seen_calls:
                return "repeated", ""
            ended = self._acted(call, reply.route)
            if ended is not None:
                return ended, ""
        return "most_steps", ""

    def _scripted(self) -> WhyEnded:
        """Make the script's calls that were not made yet."""
        for call in self._loop.script:
            if call.key not in self._seen_calls and self._acted(call, SOLVER) == "budget":
                return "budget"
        return "script_done"

    def _holds_text(self, found: list[JsonValue]) -> bool:
        told: list[JsonValue] = [self._loop.goal, self._loop.facts, found]
        return self._session.state.untrusted.held_in(told) is not None

    def _next_call(
        self,
        offered: Sequence[OfferedTool],
        model: type[NextCall],
        found: list[JsonValue],
        texts: Mapping[str, str],
    ) -> Reply[NextCall]:
        facts: dict[str, JsonValue] = {
            "goal": self._loop.goal,
            "facts": self._loop.facts,
            "tools": [
                {
                    "name": tool.definition.name,
                    "says": tool.definition.description,
                    "arguments": tool.arguments,
                }
                for tool in offered
            ],
            "found": found,
        }
        return self._session.reply("planner", self._loop.prompt, facts, model, texts or None)

    def _acted(self, call: PlannedCall, decided_by: str) -> WhyEnded | None:
        """Make a call; tell why the loop must end, None where it goes on."""
        self._seen_calls.add(call.key)
        planned_by = "" if decided_by == SOLVER else decided_by
        try:
            result = self._session.call_planned(planned_by, call.tool, call.arguments)
        except BudgetError as error:
            self._steps.append(PlannedStep(call, decided_by, error=str(error)))
            return "budget"
        except (ToolRefusedError, ToolFailedError) as error:
            self._steps.append(PlannedStep(call, decided_by, error=str(error)))
            return self._idled(is_new=False)
        self._steps.append(PlannedStep(call, decided_by, result))
        rows = {canonical_json(row) for row in result.rows}
        is_new = not rows <= self._seen_rows
        self._seen_rows |= rows
        return self._idled(is_new=is_new)

    def _idled(self, *, is_new: bool) -> WhyEnded | None:
        self._idle = 0 if is_new else self._idle + 1
        return "nothing_new" if self._idle >= agent_rules().idle_steps else None

    def _found(self) -> tuple[list[JsonValue], dict[str, str]]:
        """Return what the planner is told of the steps so far, and texts by others to be fenced.

        The newest results are told with their rows, older ones in a sentence.
        """
        found: list[JsonValue] = []
        texts: dict[str, str] = {}
        left = _MOST_SHOWN
        for number, step in reversed(list(enumerate(self._steps, start=1))):
            told: dict[str, JsonValue] = {"tool": step.call.tool, "arguments": step.call.arguments}
            if step.result is None:
                told["error"] = cut(step.error, 300)
            elif step.result.is_untrusted:
                told |= _counted(step.result)
                if self._loop.is_read_only and left > 0:
                    texts[f"call {number}"] = cut(canonical_json(list(step.result.rows)), left)
                    left -= len(texts[f"call {number}"])
            else:
                rows = canonical_json(list(step.result.rows))
                told["says"] = step.result.says
                if len(rows) <= left:
                    told["rows"] = list(step.result.rows)
                    left -= len(rows)
            found.append(told)
        return found[::-1], texts


def _answer_model(offered: Sequence[OfferedTool]) -> type[NextCall]:
    """Return what a planner may answer: the name of a tool that it may use, or stop."""
    names = (*(tool.definition.name for tool in offered), STOP)
    tool: Any = (Literal[names], ...)
    return create_model("NextCall", __base__=NextCall, tool=tool)


def _counted(result: ToolResult) -> dict[str, JsonValue]:
    """Return what may be told of text by others: how many rows, and their ids."""
    ids: list[JsonValue] = [
        value
        for row in result.rows
        for key, value in row.items()
        if key.endswith("_id") and isinstance(value, str) and is_token(value)
    ]
    return {"rows_by_others": len(result.rows), "ids": ids[:20]}
