"""The record of a run: events in an order that no race changes, and the spans beside them.

What an event says (`content`) is the same whenever the run is repeated with the same answers;
what was measured beside it (`measured`: times, tokens, costs) is kept apart and never compared.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from semantic_layer.errors import InputError
from tasks.agents.outside import CallOutcome, CallRequest
from tasks.agents.tools import ToolResult
from tasks.messages.canonical import canonical_json

_MOST_TOLD = 500

SCHEMA_VERSION = 1
"""Of events; a reader that knows another one must not guess."""

EventKind = Literal[
    "run_began",        # schema_version, agent, identity, use_case, run_id, seed, arguments, ...
    "tools_offered",    # tools: definitions and schemas of arguments, as a planner was shown them
    "tool_called",      # call_id, tool, arguments, planned_by, outcome, result or error
    "model_asked",      # request, outcome, answer or error
    "answer_rejected",  # prompt, why, fabricated
    "chosen",           # prompt, facts, options, choice
    "written",          # prompt, facts, spoken
    "planned",          # step, tool, arguments, decided_by, or why planning ended
    "explored",         # branches: their places; the branches' own events follow
    "remembered",       # key, value
    "handed_over",      # from_role, to_role, message
    "negotiated",       # round, message
    "decided",          # decision
    "run_failed",       # error
    "run_ended",        # events: how many there are, this one included
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        place: of the session: empty for the run itself, `1.2` for the third item of its first
            exploration, `1.2/1.0` within that one.
        content: canonical JSON of what follows from the agent, its arguments and others' answers;
            text, so that nobody changes it afterwards.
        measured: JSON values that differ from run to run.
    """

    kind: EventKind
    place: str
    content: str
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Record:
    """The events of one session, its branches' among them.

    Args:
        now: the moment, for what is measured.
        place: of the session, as in `Event`.
    """

    now: Callable[[], datetime]
    place: str = ""
    events: list[Event] = field(default_factory=list)
    explorations: int = 0

    def add(
        self, kind: EventKind, content: Mapping[str, Any], measured: Mapping[str, Any] | None = None
    ) -> None:
        """Add an event of this session.

        Raises:
            InputError: the content is not JSON.
        """
        text = canonical_json(content)
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode()
        self.events.append(Event(kind, self.place, text, measured or {}))

    def branches(self, count: int) -> list["Record"]:
        """Return a record for each branch of a new exploration, and note that it began."""
        self.explorations += 1
        prefix = f"{self.place}/" if self.place else ""
        places = [f"{prefix}{self.explorations}.{number}" for number in range(count)]
        self.add("explored", {"branches": places})
        return [Record(self.now, place) for place in places]

    def take_in(self, branches: list["Record"]) -> None:
        """Add the branches' events, one branch after the other."""
        for branch in branches:
            self.events.extend(branch.events)


def written(events: list[Event]) -> Iterator[dict[str, Any]]:
    """Yield the events as they are stored, numbered from 1."""
    for number, event in enumerate(events, start=1):
        yield {
            "number": number,
            "kind": event.kind,
            "place": event.place,
            "content": json.loads(event.content),
            "measured": event.measured,
        }


def told_of_call(request: CallRequest, outcome: CallOutcome) -> dict[str, Any]:
    """Return a call as an event tells it, in values that come back from a file as they went."""
    told: dict[str, Any] = {
        "call_id": request.call_id,
        "tool": request.tool,
        "arguments": _plain(request.arguments),
        "planned_by": request.planned_by,
        "outcome": outcome.outcome,
        "error": outcome.error,
    }
    if outcome.result is not None:
        result = {one.name: getattr(outcome.result, one.name) for one in fields(outcome.result)}
        told["result"] = json.loads(canonical_json(result))
    return told


def result_of(told: Mapping[str, Any]) -> ToolResult:
    """Return the result that an event tells."""
    result = told["result"]
    rows, sources = tuple(result["rows"]), tuple(result["sources"])
    return ToolResult(**{**result, "rows": rows, "sources": sources})


def _plain(arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Return arguments as JSON; what is none is refused, and told as text."""
    try:
        return json.loads(canonical_json(arguments))
    except InputError:
        return repr(arguments)[:_MOST_TOLD]
