"""Reading intent: a message of an operator becomes a typed goal with scope, place and limits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.agents.answering import answer_of
from tasks.trials.answers import UNCLEAR, Intent
from tasks.trials.case_files import IntentCase
from tasks.trials.intent_rules import intent_by_keywords, intent_by_rules
from tasks.trials.trial import Question, asked

_CLASS_WORD = re.compile(r"^(?:cell|site|area|zelle|standort|null)\b[\s_:#-]*|^(?:cell|site)_")


@dataclass(frozen=True)
class IntentTrial:
    """Implements `Trial` for intents."""

    case: IntentCase

    def question(self, repeat: int, untrusted: Mapping[str, str] | None = None) -> Question:  # noqa: ARG002
        """Return the question; nothing in it can be put in another order."""
        messages = asked("read_intent", {"message": self.case.text}, untrusted)
        return Question("reader", messages, Intent.asked_schema())

    def wrong(self, text: str) -> str:
        """Return which fields differ; where no goal is right, only that is compared."""
        told, right = answer_of(text, Intent), self.case.right
        if told.goal not in (right.goal, *self.case.also):
            return f"the goal is {right.goal}, not {told.goal}"
        if right.goal == UNCLEAR:
            return ""
        differing = [name for name, one, other in _compared(told, right) if one != other]
        return f"differs in {', '.join(differing)}" if differing else ""

    def without_model(self, untrusted: Sequence[str] = ()) -> str:  # noqa: ARG002
        """Return what rules read in the message; texts by others are not read."""
        return intent_by_rules(self.case.text).model_dump_json()

    def by_keywords(self, untrusted: Sequence[str] = ()) -> str:
        """Return what keywords tell of all text."""
        return intent_by_keywords(" ".join((self.case.text, *untrusted))).model_dump_json()


def _compared(told: Intent, right: Intent) -> list[tuple[str, object, object]]:
    return [
        ("scope", told.scope, right.scope),
        ("place", _plain(told.place), _plain(right.place)),
        ("limits", frozenset(told.limits), frozenset(right.limits)),
        ("hours", _hours(told), _hours(right)),
    ]


def _plain(place: str) -> str:
    """Return a place without the word for what it is: `Cell 77` and `cell_77` are `77`."""
    return " ".join(_CLASS_WORD.sub("", place.casefold()).split())


def _hours(intent: Intent) -> tuple[int | None, int | None]:
    """Return the hours; the whole day is none, and 24 begins what 0 begins."""
    hours = (intent.from_hour, intent.to_hour)
    if hours == (0, 24):
        return (None, None)
    first, last = (None if hour is None else hour % 24 for hour in hours)
    return first, last
