"""What a session holds: its memory, what its tools gave, and what others wrote in it.

Branches begin with what the session held then, and their own is taken in by order of items.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.agents.grounding import KnownValues, leaves
from tasks.agents.tools import ToolResult
from tasks.agents.untrusted import UntrustedTexts
from tasks.messages.canonical import JsonValue, canonical_json


@dataclass(slots=True)
class SessionState:
    """What one session holds.

    Attributes:
        memory: what the agent asked to be kept.
        known: values that tools gave.
        untrusted: texts by others that were seen.
        is_tainted: whether any such text was seen, however short.
        said_by_models: values in models' typed answers; they are nobody's measurement.
    """

    memory: dict[str, JsonValue] = field(default_factory=dict)
    known: KnownValues = field(default_factory=KnownValues)
    untrusted: UntrustedTexts = field(default_factory=UntrustedTexts)
    is_tainted: bool = False
    said_by_models: set[str] = field(default_factory=set)

    def learn(self, result: ToolResult) -> None:
        """Note what a tool gave."""
        self.known.add(result)
        if result.is_untrusted:
            self.learn_text([*(list(row.values()) for row in result.rows), result.says])

    def learn_text(self, value: JsonValue) -> None:
        """Note text by others, or by a model that had read such text."""
        self.is_tainted = True
        self.untrusted.add(value)

    def learn_answer(self, answer: JsonValue) -> None:
        """Note what a model answered: it becomes no fact by being handed on."""
        self.said_by_models.update(canonical_json(value) for _, value in leaves(answer))

    def add_facts(self, facts: Mapping[str, JsonValue]) -> None:
        """Note what code has worked out: neither text by others nor a model's answer."""
        for key, value in leaves(facts):
            is_text = isinstance(value, str) and self.untrusted.held_in(value) is not None
            if not is_text and canonical_json(value) not in self.said_by_models:
                self.known.add_fact(key, value)

    def branch(self) -> "SessionState":
        """Return the same for a branch, which adds its own."""
        return SessionState(
            dict(self.memory),
            self.known.copy(),
            self.untrusted.copy(),
            self.is_tainted,
            set(self.said_by_models),
        )

    def take_in(self, branch: "SessionState") -> None:
        """Note what a branch remembers and found."""
        self.memory.update(branch.memory)
        self.known.take_in(branch.known)
        self.untrusted.take_in(branch.untrusted)
        self.is_tainted = self.is_tainted or branch.is_tainted
        self.said_by_models |= branch.said_by_models
