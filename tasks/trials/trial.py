"""One case made askable: its question, what is right, and what answers where no model is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from semantic_layer.errors import UnknownNameError
from tasks.agents.prompting import question
from tasks.messages.canonical import JsonValue
from tasks.messages.chat import ChatMessage, ModelRole
from tasks.trials.case_files import Case

_FOLDER = Path(__file__).parent / "prompts"
_ANY = "choose_option"


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked: `schema` is empty for plain text."""

    role: ModelRole
    messages: tuple[ChatMessage, ...]
    schema: Mapping[str, Any]


class Trial(Protocol):
    """A case of one kind of work."""

    @property
    def case(self) -> Case:
        """The case."""
        ...

    def question(self, repeat: int, untrusted: Mapping[str, str] | None = None) -> Question:
        """Return the question; options stand in another order for each repeat.

        Args:
            repeat: from 0.
            untrusted: texts by others that a model is shown beside it.
        """
        ...

    def wrong(self, text: str) -> str:
        """Return what is wrong about an answer; empty where it is right.

        Raises:
            WrongAnswerError: it keeps no schema, or claims what nothing gave; it may be asked
                for once more, as agents do.
        """
        ...

    def without_model(self, untrusted: Sequence[str] = ()) -> str:
        """Return what is answered where no model is: by solver, rules, script or template.

        Args:
            untrusted: texts by others; whoever reads them can be misled by them.
        """
        ...

    def by_keywords(self, untrusted: Sequence[str] = ()) -> str:
        """Return what a matcher of words answers, to whom all text is alike."""
        ...


def asked(
    prompt: str, facts: Mapping[str, JsonValue], untrusted: Mapping[str, str] | None
) -> tuple[ChatMessage, ...]:
    """Return the messages of a question by a prompt of trials, written as agents write theirs."""
    _, told = question(_ANY, facts, untrusted)
    return (ChatMessage("system", _prompt_text(prompt)), told)


@cache
def _prompt_text(name: str) -> str:
    known = sorted(path.stem for path in _FOLDER.glob("*.md"))
    if name not in known:
        raise UnknownNameError.of("prompt", name, known, "tasks/trials/prompts")
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()
