"""Ranking hypotheses: which of a few causes the facts of a finding speak for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from semantic_layer.causes import causes, explaining_rules
from semantic_layer.errors import DefinitionError
from tasks.agents.answering import answer_of
from tasks.agents.choosing import Vote, ranked, rotated, vote_model
from tasks.agents.prompting import question
from tasks.agents.session import Option
from tasks.messages.canonical import JsonValue
from tasks.trials.case_files import HypothesisCase, Sighting
from tasks.trials.cause_scores import UNKNOWN, cause_scores
from tasks.trials.trial import Question

_NONE_SAYS = "None of the others: the facts speak for no cause of this list."


@dataclass(frozen=True)
class HypothesisTrial:
    """Implements `Trial` for causes."""

    case: HypothesisCase

    def __post_init__(self) -> None:
        known = (*causes(), UNKNOWN)
        odd = [one for one in self.case.options if one not in known]
        if odd or self.case.right not in self.case.options:
            raise DefinitionError(
                f"Case {self.case.id} needs options that are causes, the right one among them; "
                f"unknown: {', '.join(odd) or 'none'}, right: {self.case.right}."
            )

    @cached_property
    def options(self) -> list[Option]:
        """Return the options as the solver scores them, in words of the definitions."""
        scores = cause_scores(self.case, causes(), explaining_rules())
        return [Option(name, _says(name), scores[name]) for name in self.case.options]

    def question(self, repeat: int, untrusted: Mapping[str, str] | None = None) -> Question:
        """Return the question as votes are asked, options begun at another one each time."""
        shown: dict[str, JsonValue] = {
            "facts": self._facts(),
            "options": [
                {"option_id": one.option_id, "says": one.says}
                for one in rotated(self.options, repeat)
            ],
        }
        messages = question("rank_hypotheses", shown, untrusted)
        return Question("judge", messages, vote_model(self.options).model_json_schema())

    def wrong(self, text: str) -> str:
        """Return which option was named instead of the right one."""
        told: Vote = answer_of(text, vote_model(self.options))
        return "" if told.option_id == self.case.right else f"{told.option_id} is not the cause"

    def without_model(self, untrusted: Sequence[str] = ()) -> str:  # noqa: ARG002
        """Return the solver's first; texts by others take no part in it."""
        return Vote(option_id=ranked(self.options)[0].option_id).model_dump_json()

    def by_keywords(self, untrusted: Sequence[str] = ()) -> str:
        """Return the option whose words occur most often in names of what was seen."""
        case = self.case
        some = (*(case.alarms or ()), *(case.changes or ()), *(case.drift or ()))
        names = [*case.kpis, *case.core_kpis, *case.facts, *(one.name for one in some), *untrusted]
        seen = " ".join(names).casefold()
        counts = {
            one: sum(seen.count(word) for word in one.split("_") if len(word) > 3)
            for one in sorted(case.options)
        }
        return Vote(option_id=max(counts, key=lambda one: counts[one])).model_dump_json()

    def _facts(self) -> dict[str, JsonValue]:
        case = self.case
        told: dict[str, JsonValue] = {
            "kpi_distance_in_bands": dict(case.kpis),
            "facts": {str(name): value for name, value in case.facts.items()},
        }
        if case.core_kpis:
            told["core_kpi_distance_in_bands"] = dict(case.core_kpis)
        near = {"alarms": case.alarms, "changes": case.changes, "departures_from_plan": case.drift}
        for name, seen in near.items():
            told[name] = "could not be read" if seen is None else [_row(one) for one in seen]
        return told


def _row(one: Sighting) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {"name": one.name, "where": one.at}
    if one.lead_hours is not None:
        row["hours_before_finding"] = one.lead_hours
    return row


def _says(name: str) -> str:
    if name == UNKNOWN:
        return _NONE_SAYS
    cause = causes()[name]
    return f"{cause.title}: {cause.description}"
