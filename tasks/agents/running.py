"""One run of one agent: rights, budgets, typed answers, votes, checked text, and all on record."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import BaseModel

from semantic_layer.agent_rules import agent_rules
from semantic_layer.errors import AnopsError, InputError
from tasks.agents.answering import WrongAnswerError, answer_of
from tasks.agents.asking import Acting, Asker, Reply
from tasks.agents.budgets import Allowance
from tasks.agents.choosing import Vote, ranked, rotated, vote_model, voted
from tasks.agents.outside import CallOutcome, CallRequest, OfferedTool, Outside
from tasks.agents.prompting import plain, question
from tasks.agents.recording import EventKind, Record, result_of, told_of_call
from tasks.agents.session import SOLVER, AgentSession, Choice, Option, Spoken
from tasks.agents.session_state import SessionState
from tasks.agents.tools import ToolFailedError, ToolRefusedError, ToolResult
from tasks.messages.canonical import JsonValue, digest_of
from tasks.messages.chat import BudgetError, ModelRole

Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item")
Found = TypeVar("Found")

_ERRORS: Mapping[str, type[AnopsError]] = {
    "refused": ToolRefusedError,
    "failed": ToolFailedError,
    "over_budget": BudgetError,
}
_MOST_SAID = 4000
_HELD = "The facts hold text that others wrote, which takes no part in a choice."


class RecordedSession:
    """Implements `AgentSession`; see there.

    Args:
        acting: who, for what.
        outside: tools and models, or the record of a run that is repeated.
        record: where events go.
        allowance: calls and questions that are left.
    """

    def __init__(
        self, acting: Acting, outside: Outside, record: Record, allowance: Allowance
    ) -> None:
        self.acting = acting
        self.record = record
        self.decision: dict[str, Any] | None = None
        self._outside = outside
        self._allowance = allowance
        self.asker = Asker(acting, outside, record, allowance)
        self.state = SessionState()

    @property
    def identity(self) -> str:
        """See `AgentSession.identity`."""
        return self.acting.identity

    @property
    def run_id(self) -> str:
        """See `AgentSession.run_id`."""
        return self.acting.run_id

    @property
    def seed(self) -> int:
        """See `AgentSession.seed`."""
        return self.acting.seed

    @property
    def is_tainted(self) -> bool:
        """Whether text by others has entered this session."""
        return self.state.is_tainted

    def call(self, tool: str, **arguments: JsonValue) -> ToolResult:
        """Call a tool; see `AgentSession.call`."""
        return self.call_planned("", tool, arguments)

    def call_planned(
        self, planned_by: str, tool: str, arguments: Mapping[str, JsonValue]
    ) -> ToolResult:
        """Call a tool as a model planned it; once text by others was seen, none that proposes.

        Args:
            planned_by: the model's route; empty for code's own calls.
            tool: its name.
            arguments: as they were planned.
        """
        began = self.record.now()
        number = self._allowance.take_call()
        request = CallRequest(number, tool, arguments, planned_by, self.state.is_tainted)
        if number:
            outcome = self._outside.call(self.record.place, request)
        else:
            outcome = CallOutcome("over_budget", error="The run has used up its calls of tools.")
        told = told_of_call(request, outcome)
        ended = self.record.now()
        self.record.add(
            "tool_called", told, {"began": began.timestamp(), "ended": ended.timestamp()}
        )
        if outcome.result is None:
            raise _ERRORS[outcome.outcome](outcome.error)
        result = result_of(told)
        self.state.learn(result)
        return result

    def offered(self) -> list[OfferedTool]:
        """Return the tools that this session's identity may call, and record what they are."""
        tools = self._outside.offered(self.record.place)
        self.record.add("tools_offered", {"tools": [tool.to_json() for tool in tools]})
        return tools

    def post(self, kind: EventKind, content: Mapping[str, Any]) -> None:
        """Put a message between roles or agents on record, or a step of planning.

        Raises:
            InputError: the content is not JSON.
        """
        self.record.add(kind, content)

    def ask(
        self,
        role: ModelRole,
        prompt: str,
        facts: Mapping[str, JsonValue],
        answer: type[Answer],
        untrusted: Mapping[str, str] | None = None,
    ) -> Answer | None:
        """Ask a model for a typed answer; see `AgentSession.ask`."""
        return self.reply(role, prompt, facts, answer, untrusted).value

    def reply(
        self,
        role: ModelRole,
        prompt: str,
        facts: Mapping[str, JsonValue],
        answer: type[Answer],
        untrusted: Mapping[str, str] | None = None,
        vote: int = 0,
    ) -> Reply[Answer]:
        """Return a typed answer with its route, or why there is none.

        What a model answers after it was shown text by others is such text itself.
        """
        messages = question(prompt, facts, untrusted)
        schema = answer.model_json_schema()
        reply = self.asker.asked(
            role, prompt, messages, schema, lambda text: answer_of(text, answer), vote
        )
        if reply.value is None:
            return reply
        told = reply.value.model_dump(mode="json")
        self.state.learn_answer(told)
        if untrusted or self.state.untrusted.held_in(facts):
            self.state.learn_text(told)
        return reply

    def choose(
        self,
        role: ModelRole,
        prompt: str,
        facts: Mapping[str, JsonValue],
        options: Sequence[Option],
    ) -> Choice:
        """Choose one of the options; see `AgentSession.choose`."""
        best = ranked(options)[0].option_id
        says: list[JsonValue] = [option.says for option in options]
        if len(options) == 1:
            choice = Choice(best, SOLVER, "There was one option only.")
        elif self.state.untrusted.held_in([facts, says]) is not None:
            choice = Choice(best, SOLVER, _HELD)
        else:
            choice = self._voted(role, prompt, facts, options)
        told = {
            "prompt": prompt,
            "facts": facts,
            "options": [asdict(option) for option in options],
            "choice": asdict(choice),
        }
        self.record.add("chosen", told)
        return choice

    def write(
        self,
        prompt: str,
        facts: Mapping[str, JsonValue],
        fallback: str,
        untrusted: Mapping[str, str] | None = None,
    ) -> Spoken:
        """Have the facts explained; see `AgentSession.write`."""
        fabricated: list[str] = []

        def check(text: str) -> str:
            said = plain(text).strip()
            if len(said) > _MOST_SAID:
                raise WrongAnswerError(f"It is longer than {_MOST_SAID} characters.")
            self.state.add_facts(facts)
            wrong = self.state.known.fabricated(said)
            fabricated.extend(wrong)
            if wrong or not said:
                told = f"{', '.join(wrong)} stand in no fact." if wrong else "It is empty."
                raise WrongAnswerError(f"{told} Use nothing but the facts.")
            return said

        messages = question(prompt, facts, untrusted)
        reply = self.asker.asked("explainer", prompt, messages, {}, check)
        if reply.value is None:
            spoken = Spoken(fallback, SOLVER, reply.why, fabricated_count=len(fabricated))
        else:
            cited = self.state.known.citations_in(reply.value)
            spoken = Spoken(reply.value, reply.route, "", cited, len(fabricated))
        told = {"prompt": prompt, "facts_digest": digest_of(facts), "spoken": asdict(spoken)}
        self.record.add("written", told | {"fabricated": fabricated})
        return spoken

    def explore(
        self, items: Sequence[Item], work: Callable[[AgentSession, Item], Found]
    ) -> list[Found]:
        """Work on several items at once; see `AgentSession.explore`.

        Raises:
            AnopsError: what the first item that failed, in the order of items, failed of.
        """
        shares = self._allowance.shares(len(items))
        records = self.record.branches(len(items))
        branches = [
            self._branch(record, share) for record, share in zip(records, shares, strict=True)
        ]
        most = min(agent_rules().explored_at_once, max(len(items), 1))
        with ThreadPoolExecutor(most) as threads:
            futures = [
                threads.submit(work, branch, item)
                for branch, item in zip(branches, items, strict=True)
            ]
        self._allowance.take_back(shares)
        self.record.take_in(records)
        for branch in branches:
            self._take_in(branch)
        return [future.result() for future in futures]

    def remember(self, key: str, value: JsonValue) -> None:
        """Keep a value; see `AgentSession.remember`."""
        self.record.add("remembered", {"key": key, "value": value})
        self.state.memory[key] = value

    def recall(self, key: str) -> JsonValue:
        """Return a value kept before; see `AgentSession.recall`."""
        return self.state.memory.get(key)

    def decide(self, decision: Mapping[str, Any]) -> None:
        """Put the decision on record; see `AgentSession.decide`.

        Raises:
            InputError: it is the second one, is not JSON, or this is a branch.
        """
        if self.decision is not None or self.record.place:
            raise InputError(f"Run {self.run_id} decides once, and in none of its branches.")
        self.record.add("decided", {"decision": decision})
        self.decision = {**decision}

    def _voted(
        self,
        role: ModelRole,
        prompt: str,
        facts: Mapping[str, JsonValue],
        options: Sequence[Option],
    ) -> Choice:
        model = vote_model(options)

        def vote_of(number: int) -> Reply[Vote] | None:
            if number and self.asker.is_silent(role):
                return None
            offered = rotated(options, number)
            shown: dict[str, JsonValue] = {
                "facts": facts,
                "options": [{"option_id": one.option_id, "says": one.says} for one in offered],
            }
            return self.reply(role, prompt, shown, model, vote=number)

        return voted(options, self.acting.votes, vote_of)

    def _branch(self, record: Record, share: Allowance) -> "RecordedSession":
        branch = RecordedSession(self.acting, self._outside, record, share)
        branch.asker.silent.update(self.asker.silent)
        branch.state = self.state.branch()
        return branch

    def _take_in(self, branch: "RecordedSession") -> None:
        self.asker.silent.update(branch.asker.silent)
        self.state.take_in(branch.state)


def recorded(session: AgentSession) -> RecordedSession:
    """Return an agent's session as what it is, for loops and negotiations to post messages to.

    Raises:
        InputError: it is none of this runtime's.
    """
    if not isinstance(session, RecordedSession):
        raise InputError("That needs a recorded session, as open_session returns it.")
    return session
