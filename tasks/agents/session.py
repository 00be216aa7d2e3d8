"""What an agent's own code may do: call tools, ask models, explore, post messages, say a decision.

Agents are plain functions `agent(session, arguments) -> decision`. All that they learn comes
through the session, which checks rights and budgets and writes everything down; so a run can be
repeated from its transcript, bit by bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from tasks.agents.tools import ToolResult
from tasks.messages.canonical import JsonValue
from tasks.messages.chat import ModelRole

Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item")
Found = TypeVar("Found")

SOLVER = "solver"
"""Who decided where no model did: the structured model's own ranking."""


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate that code has built and ranked; a model may only ever name its id.

    Attributes:
        option_id: short, such as `restart_cell`; stable within the choice.
        says: a sentence built by code from facts.
        score: the solver's, higher is better.
    """

    option_id: str
    says: str
    score: float


@dataclass(frozen=True, slots=True)
class Choice:
    """Which option was taken.

    Attributes:
        option_id: of the options given.
        decided_by: `solver`, or the name of the route.
        why_solver: why no model decided; empty where one did.
        votes: how many asked in rotated order named each option.
    """

    option_id: str
    decided_by: str
    why_solver: str = ""
    votes: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """Text by a model that passed the checks, or by code where none did.

    Attributes:
        text: DNs and numbers in it occur in results of this run's tool calls.
        said_by: `solver`, or the name of the route.
        why_solver: why no model's text was taken; empty where one was.
        citations: passage ids that it cites, all of them found in this run.
        fabricated_count: DNs, numbers and citations in rejected answers that no tool had given.
    """

    text: str
    said_by: str
    why_solver: str = ""
    citations: tuple[str, ...] = ()
    fabricated_count: int = 0


class AgentSession(Protocol):
    """One run of one agent: its identity, rights, budget and record."""

    @property
    def identity(self) -> str:
        """Who acts; rights are told by it."""
        ...

    @property
    def run_id(self) -> str:
        """Of this agent's run; names its transcript."""
        ...

    @property
    def seed(self) -> int:
        """Of everything random in the run."""
        ...

    def call(self, tool: str, **arguments: JsonValue) -> ToolResult:
        """Call a tool.

        Raises:
            ToolRefusedError: unknown tool, no right to it, or arguments that are none.
            ToolFailedError: it could not answer, and why.
            BudgetError: no calls are left.
        """
        ...

    def ask(
        self,
        role: ModelRole,
        prompt: str,
        facts: Mapping[str, JsonValue],
        answer: type[Answer],
        untrusted: Mapping[str, str] | None = None,
    ) -> Answer | None:
        """Return a model's typed answer; None when no route answers or it fails the schema twice.

        Args:
            role: which kind of work.
            prompt: name of a prompt file, such as `rank_hypotheses`.
            facts: put into the prompt as JSON.
            answer: what the answer must be.
            untrusted: texts by others, fenced off from the rest.
        """
        ...

    def choose(
        self,
        role: ModelRole,
        prompt: str,
        facts: Mapping[str, JsonValue],
        options: Sequence[Option],
    ) -> Choice:
        """Return one of the options: by agreement of a model's votes, or the solver's first.

        Untrusted text never takes part in a choice: `facts` are values from tools.
        """
        ...

    def write(
        self,
        prompt: str,
        facts: Mapping[str, JsonValue],
        fallback: str,
        untrusted: Mapping[str, str] | None = None,
    ) -> Spoken:
        """Return an explanation of the facts by the role `explainer`, or `fallback`.

        DNs, numbers and citations that no tool gave are found by code; such an answer is rejected,
        counted, and asked for once more.
        """
        ...

    def explore(
        self, items: Sequence[Item], work: Callable[["AgentSession", Item], Found]
    ) -> list[Found]:
        """Return what `work` finds for each item, several at a time, in the order of items.

        Each gets a session of its own within this run; the record is the same however they race.
        """
        ...

    def remember(self, key: str, value: JsonValue) -> None:
        """Keep a value for the rest of the run."""
        ...

    def recall(self, key: str) -> JsonValue:
        """Return a value kept before, None when there is none."""
        ...

    def decide(self, decision: Mapping[str, Any]) -> None:
        """Put the run's decision on record; replaying compares it byte by byte. Once a run."""
        ...
