"""Runs of agents, opened and closed: what they run on, who acts, and how the run is put on record.

    with open_session(engines, assignment) as session:
        session.decide(agent(session, assignment.arguments))

or `run_agent(engines, assignment, agent)`, which is the same and returns the decision.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from semantic_layer.agent_rules import agent_rules
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from tasks.action_ports import ChatModel, NetworkClock, SpanSink, TranscriptStore
from tasks.agents.asking import Acting
from tasks.agents.budgets import Allowance, Budget, packaged_budget
from tasks.agents.outside import LiveOutside, Outside
from tasks.agents.recording import SCHEMA_VERSION, Record, written
from tasks.agents.run_spans import run_spans
from tasks.agents.running import RecordedSession
from tasks.agents.session import AgentSession
from tasks.agents.tools import Tool
from tasks.messages.canonical import JsonValue, canonical_json

Agent: TypeAlias = Callable[[AgentSession, Mapping[str, Any]], Mapping[str, Any]]
"""What an agent is: a function of its session and arguments that returns a decision, as JSON."""

_MOST_TAKES = 1000


@dataclass(frozen=True, slots=True)
class Engines:
    """What agents run on.

    Attributes:
        tools: by name, as `toolbox` returns them.
        clock: of the machine; it measures, and nothing follows from it but the limit of seconds.
    """

    chat: ChatModel
    transcripts: TranscriptStore
    spans: SpanSink
    tools: Mapping[str, Tool]
    clock: NetworkClock


@dataclass(frozen=True, slots=True)
class Assignment:
    """One run: which agent, for whom, about what.

    Attributes:
        agent: name of the agent's function, by which a replay finds it, such as `heal_cell`.
        identity: who acts; rights are told by it.
        run_id: names the transcript; where that stands already, `-2`, `-3` is added.
        arguments: JSON values, handed to the agent and kept.
        votes: how often a model chooses; as the rules say when None.
        budget: as the rules say when None.
    """

    agent: str
    identity: str
    use_case: str
    run_id: str
    seed: int = 0
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    votes: int | None = None
    budget: Budget | None = None


class OpenedSession(RecordedSession):
    """A recorded session that writes its transcript and spans when its with block ends.

    A run that fails is written too, with what it failed of.
    """

    def __init__(
        self, engines: Engines, assignment: Assignment, outside: Outside, record: Record
    ) -> None:
        budget = assignment.budget or packaged_budget()
        votes = assignment.votes or agent_rules().votes
        acting = Acting(
            assignment.identity, assignment.use_case, assignment.run_id, assignment.seed, votes
        )
        super().__init__(acting, outside, record, Allowance(budget.calls, budget.questions))
        self._engines = engines
        began = record.now()
        record.add(
            "run_began",
            {
                "schema_version": SCHEMA_VERSION,
                **asdict(assignment),
                "votes": votes,
                "budget": asdict(budget),
                "code_version": code_version(),
                "catalogue_version": catalogue().version,
            },
            {"began": began.timestamp(), "began_at": began.isoformat()},
        )

    def __enter__(self) -> Self:
        """Begin; the header stands already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        """Write the transcript, then the spans; an error goes on."""
        if error is not None:
            self.record.add("run_failed", {"error": f"{type(error).__name__}: {error}"})
        ended = self.record.now()
        count = len(self.record.events) + 1
        self.record.add(
            "run_ended",
            {"events": count},
            {"ended": ended.timestamp(), "ended_at": ended.isoformat()},
        )
        events = list(written(self.record.events))
        self._engines.transcripts.append(self.run_id, events)
        self._engines.spans.emit(run_spans(events))
        return False


def open_session(engines: Engines, assignment: Assignment) -> OpenedSession:
    """Return a session for a run; use it in a with block, at whose end it is put on record.

    Raises:
        InputError: the arguments are not JSON, or the run's id cannot be used.
    """
    canonical_json(assignment.arguments)
    budget = assignment.budget or packaged_budget()
    named = _under_a_free_name(engines.transcripts, assignment)
    clock = engines.clock
    began = clock.now()

    def is_late() -> bool:
        return (clock.now() - began).total_seconds() > budget.seconds

    outside = LiveOutside(engines.tools, engines.chat, assignment.identity, is_late)
    return OpenedSession(engines, named, outside, Record(clock.now))


def run_agent(engines: Engines, assignment: Assignment, agent: Agent) -> dict[str, Any]:
    """Run an agent, put its decision and all that led to it on record, and return the decision."""
    with open_session(engines, assignment) as session:
        return decision_of(session, agent, assignment.arguments)


def decision_of(
    session: RecordedSession, agent: Agent, arguments: Mapping[str, JsonValue]
) -> dict[str, Any]:
    """Return what an agent decides, on record; agents may say it themselves, or only return it."""
    decision = dict(agent(session, arguments))
    if session.decision is None:
        session.decide(decision)
    elif canonical_json(session.decision) != canonical_json(decision):
        raise InputError(f"Run {session.run_id} decided one thing and returned another.")
    return decision


@cache
def code_version() -> str:
    """Return the version of anops that is installed, empty where it is not."""
    try:
        return version("anops")
    except PackageNotFoundError:
        return ""


def _under_a_free_name(transcripts: TranscriptStore, assignment: Assignment) -> Assignment:
    """Return the assignment under a run id that no transcript bears yet."""
    for take in range(1, _MOST_TAKES):
        run_id = assignment.run_id if take == 1 else f"{assignment.run_id}-{take}"
        try:
            transcripts.read(run_id)
        except InputError:
            return replace(assignment, run_id=run_id)
    raise InputError(f"Run {assignment.run_id} was repeated {_MOST_TAKES} times; give it a new id.")
