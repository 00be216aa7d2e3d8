"""A run once more, from its transcript: the same agent, the same answers, and so the same decision.

Tools and models answer from the record; everything else (rights, bounds, votes, checks of text) is
done again by the code as it is now. Where the agent asks for something else than it did then, the
first difference is told.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from semantic_layer.errors import AnopsError, InputError
from tasks.agents.asking import Acting
from tasks.agents.budgets import Allowance
from tasks.agents.opening import Agent, decision_of
from tasks.agents.outside import AskOutcome, CallOutcome, CallRequest, OfferedTool
from tasks.agents.recording import SCHEMA_VERSION, Event, Record, result_of, told_of_call, written
from tasks.agents.running import RecordedSession
from tasks.messages.canonical import canonical_json
from tasks.messages.chat import ChatAnswer, ChatRequest

_FROM_OUTSIDE = ("tool_called", "model_asked", "tools_offered")
_VERSIONS = ("code_version", "catalogue_version")
_MOST_SHOWN = 120
_EPOCH = datetime.fromtimestamp(0, UTC)


class ReplayDiffersError(AnopsError):
    """A repeated run asked for what the record does not hold; tells the first difference."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a repeated run gave.

    Attributes:
        recorded: the decision on record, as canonical JSON; empty where the run failed.
        repeated: the decision now, as canonical JSON; empty where it failed.
        difference: first place in which the runs differ; empty where they are the same.
        versions: of code and definitions, where they are not those of the record.
    """

    run_id: str
    agent: str
    recorded: str
    repeated: str
    difference: str
    versions: Mapping[str, tuple[str, str]]

    @property
    def is_same(self) -> bool:
        """Whether decision and every event are the same, byte by byte."""
        return not self.difference and self.recorded == self.repeated


class RecordedOutside:
    """Implements `Outside` by the events of a run; each session's own, in their order."""

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        self.difference = ""
        self._lock = Lock()
        self._left: dict[str, deque[Mapping[str, Any]]] = defaultdict(deque)
        for event in events:
            if event["kind"] in _FROM_OUTSIDE and _is_from_outside(event["content"]):
                self._left[event["place"]].append(event)

    def call(self, place: str, request: CallRequest) -> CallOutcome:
        """Return what became of the call then; see `Outside.call`."""
        content = self._next(place, "tool_called")["content"]
        asked = told_of_call(request, CallOutcome("answered"))
        names = ("tool", "arguments", "call_id", "planned_by")
        self._compare(
            place, {name: content[name] for name in names}, {name: asked[name] for name in names}
        )
        result = result_of(content) if "result" in content else None
        return CallOutcome(content["outcome"], result, content["error"])

    def ask(self, place: str, request: ChatRequest) -> AskOutcome:
        """Return what was answered then; see `Outside.ask`."""
        event = self._next(place, "model_asked")
        content, measured = event["content"], event["measured"]
        self._compare(place, content["request"], asdict(request))
        if "answer" not in content:
            return AskOutcome(content["outcome"], error=content["error"])
        spent = {name: value for name, value in measured.items() if name not in ("began", "ended")}
        return AskOutcome(content["outcome"], ChatAnswer(**content["answer"], **spent))

    def offered(self, place: str) -> list[OfferedTool]:
        """Return the tools that were offered then; see `Outside.offered`."""
        content = self._next(place, "tools_offered")["content"]
        return [OfferedTool.from_json(told) for told in content["tools"]]

    def _next(self, place: str, kind: str) -> Mapping[str, Any]:
        left = self._left[place]
        if not left or left[0]["kind"] != kind:
            then = f"event {left[0]['number']} ({left[0]['kind']})" if left else "nothing more"
            raise self._differing(f"{_named(place)} comes to {kind}; the record has {then}.")
        return left.popleft()

    def _compare(self, place: str, recorded: object, now: object) -> None:
        difference = first_difference(recorded, now)
        if difference:
            raise self._differing(f"{_named(place)} asks otherwise: {difference}.")

    def _differing(self, says: str) -> ReplayDiffersError:
        with self._lock:
            self.difference = self.difference or says
        return ReplayDiffersError(says)


def replayed(
    events: Sequence[Mapping[str, Any]], agent: Agent, versions: Mapping[str, str]
) -> Replay:
    """Return what a run gives when it is done again from its transcript.

    Args:
        events: of the whole run, as its transcript holds them.
        agent: the function of the name that the record tells.
        versions: `code_version` and `catalogue_version` of today.

    Raises:
        InputError: the events are no whole run, or of a schema that this code does not know.
    """
    header = _header(events)
    acting = Acting(
        header["identity"], header["use_case"], header["run_id"], header["seed"], header["votes"]
    )
    outside = RecordedOutside(events)
    record = Record(lambda: _EPOCH)
    allowance = Allowance(header["budget"]["calls"], header["budget"]["questions"])
    session = RecordedSession(acting, outside, record, allowance)
    record.add("run_began", header)
    try:
        decision_of(session, agent, header["arguments"])
    except AnopsError as error:
        record.add("run_failed", {"error": f"{type(error).__name__}: {error}"})
    record.add("run_ended", {"events": len(record.events) + 1})
    return Replay(
        header["run_id"],
        header["agent"],
        _decision(events),
        "" if session.decision is None else canonical_json(session.decision),
        outside.difference or _first_differing(events, record.events),
        {
            name: (str(header[name]), versions[name])
            for name in _VERSIONS
            if str(header[name]) != versions[name]
        },
    )


def first_difference(recorded: object, now: object, where: str = "") -> str:
    """Return where two JSON values first differ, with both values; empty when they don't.

    >>> first_difference({"a": [1, 2]}, {"a": [1, 3]})
    'a.1 was 2 and is 3'
    """
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        pairs = [(key, recorded.get(key), now.get(key)) for key in sorted({*recorded, *now})]
    elif _is_list(recorded) and _is_list(now):
        most = max(len(recorded), len(now))  # type: ignore[arg-type]
        pairs = [(str(place), _at(recorded, place), _at(now, place)) for place in range(most)]
    elif canonical_json(recorded) == canonical_json(now):
        return ""
    else:
        return f"{where or 'value'} was {_shown(recorded)} and is {_shown(now)}"
    told = (first_difference(one, other, f"{where}.{key}".lstrip(".")) for key, one, other in pairs)
    return next(filter(None, told), "")


def _header(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not events or events[0]["kind"] != "run_began" or events[-1]["kind"] != "run_ended":
        raise InputError(
            "A run can be repeated from its whole transcript, from `run_began` to `run_ended`; "
            "these events are not that."
        )
    header: dict[str, Any] = events[0]["content"]
    if header.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"The transcript is of schema {header.get('schema_version')!r}; this code repeats "
            f"{SCHEMA_VERSION}."
        )
    return header


def _decision(events: Sequence[Mapping[str, Any]]) -> str:
    decided = [event["content"]["decision"] for event in events if event["kind"] == "decided"]
    return canonical_json(decided[0]) if decided else ""


def _first_differing(recorded: Sequence[Mapping[str, Any]], now: list[Event]) -> str:
    """Return the first event that differs, with the difference."""
    again = list(written(now))
    for number in range(max(len(recorded), len(again))):
        then, today = _compared(recorded, number), _compared(again, number)
        difference = first_difference(then, today)
        if difference:
            return f"Event {number + 1}: {difference}."
    return ""


def _compared(events: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    if number >= len(events):
        return {}
    return {name: events[number][name] for name in ("kind", "place", "content")}


def _is_from_outside(content: Mapping[str, Any]) -> bool:
    """Tell whether an event came from outside: not what the session's own budget refused."""
    return "request_digest" not in content and content.get("call_id") != 0


def _named(place: str) -> str:
    return f"Branch {place}" if place else "The run"


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _at(values: Any, place: int) -> Any:  # noqa: ANN401 - any JSON value
    return values[place] if place < len(values) else None


def _shown(value: object) -> str:
    text = canonical_json(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
