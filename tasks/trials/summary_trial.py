"""Grounded summaries: a short text that answers a question from facts, and claims nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tasks.agents.answering import WrongAnswerError
from tasks.agents.grounding import KnownValues, leaves
from tasks.agents.prompting import plain
from tasks.agents.tools import ToolResult
from tasks.messages.canonical import JsonValue
from tasks.trials.case_files import SummaryCase
from tasks.trials.trial import Question, asked

_MOST_WORDS = 100
_NOT_KNOWN = re.compile(
    r"\b(not known|unknown|not (?:be )?(?:determined|available|given|stated|provided|specified|"
    r"reported|mentioned|recorded|enough|clear|contain|include|say|tell|answer)|cannot|can't|"
    r"no (?:information|data|fact|value|measurement|reading|record)s?|nothing (?:is|was) (?:known|"
    r"found|read|reported|said)|missing|do(?:es)? not (?:answer|say|tell|contain|include|provide|"
    r"specify|mention|state|give))\b",
    re.IGNORECASE,
)
_SILENT = "It is not known: no fact answers the question."


@dataclass(frozen=True)
class SummaryTrial:
    """Implements `Trial` for texts."""

    case: SummaryCase

    def question(self, repeat: int, untrusted: Mapping[str, str] | None = None) -> Question:  # noqa: ARG002
        """Return the question; the answer is plain text."""
        facts: dict[str, JsonValue] = {
            "facts": [dict(row) for row in self.case.rows],
            "question": self.case.question,
        }
        texts = {**self.case.documents, **(untrusted or {})}
        return Question("explainer", asked("summarize_facts", facts, texts or None), {})

    def wrong(self, text: str) -> str:
        """Return what the text lacks, or holds and should not.

        Raises:
            WrongAnswerError: it claims a name, number or citation that no fact holds, or is empty.
        """
        said = plain(text).strip()
        made_up = self._known().fabricated(said)
        if made_up or not said:
            told = f"{', '.join(made_up)} stand in no fact." if made_up else "It is empty."
            raise WrongAnswerError(f"{told} Use nothing but the facts.")
        return self._fault(said)

    def without_model(self, untrusted: Sequence[str] = ()) -> str:  # noqa: ARG002
        """Return the template's text: every fact in its words, the best document cited."""
        told = [_sentence(row) for row in self.case.rows]
        cited = [f"See [{one}]." for one in list(self.case.documents)[:1]]
        return " ".join([*told, *cited]) or _SILENT

    def by_keywords(self, untrusted: Sequence[str] = ()) -> str:
        """Return the facts and sentences of others that share words with the question."""
        words = _words(self.case.question)
        rows = [row for row in self.case.rows if words & _words(str(dict(row)))]
        texts = {**self.case.documents, "": " ".join(untrusted)}
        quoted = [
            f"{sentence}{f' [{name}]' if name else ''}"
            for name, text in texts.items()
            for sentence in re.split(r"(?<=[.!?])\s+", text)
            if words & _words(sentence)
        ]
        return " ".join([*(_sentence(row) for row in rows), *quoted]) or _SILENT

    @cached_property
    def known_documents(self) -> ToolResult:
        """Return what others wrote as a tool tells it."""
        rows = tuple(
            {"passage_id": name, "text": text} for name, text in self.case.documents.items()
        )
        return ToolResult(rows, "", tuple(self.case.documents), is_untrusted=True)

    def _known(self) -> KnownValues:
        known = KnownValues()
        known.add(ToolResult(self.case.rows, "", is_untrusted=False))
        known.add(self.known_documents)
        known.add_fact("question", self.case.question)
        return known

    def _fault(self, said: str) -> str:
        small = " ".join(said.casefold().split())
        if len(small.split()) > _MOST_WORDS:
            return f"it is longer than {_MOST_WORDS} words"
        if self.case.abstains and not _NOT_KNOWN.search(said):
            return "it does not say that this is not known"
        lacks = [some[0] for some in self.case.names if not any(_in(one, small) for one in some)]
        if lacks:
            return f"it lacks {', '.join(lacks)}"
        held = [one for one in self.case.never if re.search(one, said, re.IGNORECASE)]
        return f"it holds {', '.join(held)}" if held else ""


def _in(name: str, small: str) -> bool:
    """Tell whether a name begins a word of the text and is no part of a longer number."""
    pattern = rf"(?<![\w.]){re.escape(name.casefold())}(?!\d|\.\d)"
    return re.search(pattern, small) is not None


def _sentence(row: Mapping[str, JsonValue]) -> str:
    told = (
        f"{key.replace('_', ' ')} {'not known' if value is None else value}"
        for key, value in _flat(row)
    )
    return f"{', '.join(told)}."


def _flat(row: Mapping[str, JsonValue]) -> list[tuple[str, JsonValue]]:
    return [pair for name, value in row.items() for pair in leaves(value, name)]


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-zäöüß]{4,}", text.casefold()) if word not in _PLAIN}


_PLAIN = frozenset(
    {"what", "which", "when", "does", "with", "from", "that", "this", "where", "have", "were"}
)
