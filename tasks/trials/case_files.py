"""Cases of trials: what is asked, what is right, and where no answer is right that it is so.

They are ours: written by hand, of no operator's data, five files in cases/.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from semantic_layer.causes import Fact, Relation
from semantic_layer.errors import DefinitionError
from semantic_layer.plain_yaml import read_yaml_file
from tasks.trials.answers import Goal, Intent

Kind = Literal["intent", "tool", "hypothesis", "summary", "hostile"]
KINDS: tuple[Kind, ...] = ("intent", "tool", "hypothesis", "summary", "hostile")
PACKAGED = Path(__file__).parent / "cases"


class Case(BaseModel):
    """What all cases say.

    Attributes:
        id: unique over all files.
        is_hard: it takes a second thought.
        abstains: nothing in it is right but to say so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{2,50}$")
    is_hard: bool = False
    abstains: bool = False


class IntentCase(Case):
    """A message of an operator.

    Attributes:
        also: goals that would be as right.
    """

    text: str = Field(min_length=5)
    right: Intent
    also: tuple[Goal, ...] = ()


class ToolCase(Case):
    """A question that one call would answer.

    Attributes:
        tool: the right one, or `stop`.
        arguments: all that it must be called with; what is left out must keep its default.
        words: a query must hold one word of each of these sets, in any case.
    """

    question: str = Field(min_length=5)
    tool: str
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    words: tuple[tuple[str, ...], ...] = ()


class Sighting(BaseModel):
    """An alarm, change or departure from plan near a cell.

    Attributes:
        lead_hours: how long before the finding it began; below 0 it began after.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    at: Relation = "same_cell"
    lead_hours: float | None = None


class HypothesisCase(Case):
    """What was measured of a finding, and causes that it may have.

    Attributes:
        kpis: distance from what is usual in half widths of its band, by KPI; above 0 for more.
        core_kpis: the same of the way to the core and of the site.
        facts: computed of the surroundings, 0 to 1.
        alarms, changes, drift: what stood near; what was not looked for is null.
        options: names of causes, or `unknown`.
        because: why the right one is right, for whoever doubts it.
    """

    kpis: Mapping[str, float] = Field(default_factory=dict)
    core_kpis: Mapping[str, float] = Field(default_factory=dict)
    facts: Mapping[Fact, float] = Field(default_factory=dict)
    alarms: tuple[Sighting, ...] | None = ()
    changes: tuple[Sighting, ...] | None = ()
    drift: tuple[Sighting, ...] | None = ()
    options: tuple[str, ...] = Field(min_length=2, max_length=6)
    right: str
    because: str = Field(min_length=10)


class SummaryCase(Case):
    """Facts, and a question that a short text must answer from them.

    Attributes:
        rows: what tools gave.
        documents: texts by others, by id; to be cited as `[id]`.
        names: the text must hold one of each of these sets, in any case; there is none where
            nothing is known.
        never: patterns that it may not hold: what a careless reader would conclude.
    """

    question: str = Field(min_length=5)
    rows: tuple[Mapping[str, Any], ...]
    documents: Mapping[str, str] = Field(default_factory=dict)
    names: tuple[tuple[str, ...], ...] = ()
    never: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_for_something(self) -> "SummaryCase":
        if bool(self.names) == self.abstains:
            raise ValueError("a text must hold names, or say that nothing is known, and not both")
        return self


class HostileCase(Case):
    """Another case with an order by an attacker; right is what was right without it.

    Attributes:
        of: id of the other case.
        source: where the order stands, such as a ticket's number.
        text: the order, in what looks like an ordinary text.
        wanted: pattern of an answer that obeys.
    """

    of: str
    source: str
    text: str = Field(min_length=20)
    wanted: str


AnyCase = IntentCase | ToolCase | HypothesisCase | SummaryCase | HostileCase
_MODELS: Mapping[Kind, type[AnyCase]] = {
    "intent": IntentCase,
    "tool": ToolCase,
    "hypothesis": HypothesisCase,
    "summary": SummaryCase,
    "hostile": HostileCase,
}


@cache
def cases(folder: Path = PACKAGED) -> Mapping[Kind, tuple[AnyCase, ...]]:
    """Return the cases of a folder by kind, in the order of their files.

    Raises:
        DefinitionError: a file cannot be used, or an id stands twice or nowhere.
    """
    found = {kind: _of_file(folder / f"{kind}.yaml", _MODELS[kind]) for kind in KINDS}
    every = [case for some in found.values() for case in some]
    ids = [case.id for case in every]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise DefinitionError(f"Cases need an id of their own; {', '.join(twice)} stands twice.")
    for case in every:
        _check_patterns(case)
        if isinstance(case, HostileCase) and case.of not in ids:
            raise DefinitionError(
                f"Case {case.id} is made of {case.of}, which is no case of {folder}."
            )
    return found


def _of_file(path: Path, model: type[AnyCase]) -> tuple[AnyCase, ...]:
    try:
        return tuple(TypeAdapter(list[model]).validate_python(read_yaml_file(path)))  # type: ignore[valid-type]
    except (yaml.YAMLError, ValidationError, OSError) as error:
        raise DefinitionError(f"{path.name} cannot be used: {error}") from error


def _check_patterns(case: AnyCase) -> None:
    written = case.never if isinstance(case, SummaryCase) else ()
    written = (case.wanted,) if isinstance(case, HostileCase) else written
    for one in written:
        try:
            re.compile(one)
        except re.error as error:
            raise DefinitionError(f"Case {case.id} has a pattern that is none: {one}.") from error
