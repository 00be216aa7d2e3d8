"""What a session holds: its memory, what its tools gave, and what others wrote in it.

Branches begin with what the session held then, and their own is taken in by order of items.
"""

from dataclasses import dataclass, field

from tasks.agents.grounding import KnownValues
from tasks.agents.tools import ToolResult
from tasks.agents.untrusted import UntrustedTexts
from tasks.messages.canonical import JsonValue


@dataclass(slots=True)
class SessionState:
    """What one session holds.

    Attributes:
        memory: what the agent asked to be kept.
        known: values that tools gave.
        untrusted: texts by others that were seen.
        is_tainted: whether any such text was seen, however short.
    """

    memory: dict[str, JsonValue] = field(default_factory=dict)
    known: KnownValues = field(default_factory=KnownValues)
    untrusted: UntrustedTexts = field(default_factory=UntrustedTexts)
    is_tainted: bool = False

    def learn(self, result: ToolResult) -> None:
        """Note what a tool gave."""
        self.known.add(result)
        if result.is_untrusted:
            self.learn_text([*(list(row.values()) for row in result.rows), result.says])

    def learn_text(self, value: JsonValue) -> None:
        """Note text by others, or by a model that had read such text."""
        self.is_tainted = True
        self.untrusted.add(value)

    def branch(self) -> "SessionState":
        """Return the same for a branch, which adds its own."""
        return SessionState(
            dict(self.memory), self.known.copy(), self.untrusted.copy(), self.is_tainted
        )

    def take_in(self, branch: "SessionState") -> None:
        """Note what a branch remembers and found."""
        self.memory.update(branch.memory)
        self.known.take_in(branch.known)
        self.untrusted.take_in(branch.untrusted)
        self.is_tainted = self.is_tainted or branch.is_tainted
