"""A goal as a language model reads it, checked against the text, and beside the reading by rules.

The model fills in a form. Every number and every place of it must stand in the person's text, and
places mean what the gazetteer says. Where both readings differ the stricter counts: a model can
make a goal smaller, never larger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.services import service_catalogue
from tasks.energy.goals.goal import Area, EnergyGoal
from tasks.energy.goals.places import Places, plain_phrase
from tasks.energy.goals.quantities import clock_hours, hours, rates_and_shares
from tasks.energy.goals.reading import Reading, contradictions
from tasks.energy.goals.stricter import is_as_wide, stricter
from tasks.twin.sleep_modes import SavingMode

PROMPT = "read_energy_goal"
_NEAR = -1.0


class AreaAnswer(BaseModel):
    """A place in the words of the text; see the prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    words: str = Field(min_length=1, max_length=80)
    within_m: float = Field(0.0, ge=_NEAR, le=1e6)


class GoalAnswer(BaseModel):
    """The form that a model fills in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    where: tuple[AreaAnswer, ...] = Field((), max_length=20)
    spared: tuple[AreaAnswer, ...] = Field((), max_length=20)
    time_words: str = Field("", max_length=40)
    from_hour: float | None = Field(None, ge=0, le=24)
    until_hour: float | None = Field(None, ge=0, le=24)
    floor_mbps: float | None = Field(None, ge=0)
    services: tuple[str, ...] = Field((), max_length=5)
    objective: Literal["energy", "money", "co2"] = "energy"
    least_saving_pct: float | None = Field(None, ge=0, le=100)
    most_asleep_pct: float | None = Field(None, ge=0, le=100)
    deepest_mode: SavingMode = "DEEP_SLEEP"


def may_be_asked(by_rules: Reading) -> bool:
    """Tell whether a model may be asked too: what rules refuse stays refused."""
    return by_rules.goal is not None or by_rules.is_silent


def settled(
    by_rules: Reading, answer: GoalAnswer, text: str, places: Places, rules: EnergyGoalRules
) -> Reading:
    """Return what both readings of a text come to.

    A form that claims what the text does not say is left aside, and the reading says so.

    Args:
        by_rules: the reading by rules.
        answer: the form that a model filled in.
        text: of the person.
        places: the gazetteer.
        rules: of goals.
    """
    if not may_be_asked(by_rules):
        return by_rules
    wrong = list(_unfounded(answer, text, places))
    if wrong:
        note = f"A model's reading was left aside: {' '.join(wrong)}"
        return replace(by_rules, notes=(*by_rules.notes, note))
    by_model = _goal(answer, text, places, rules)
    if by_rules.goal is None:
        return _sound(by_model, (), places)
    if by_rules.goal.within and not is_as_wide(by_rules.goal, by_model, places):
        return Reading(None, ("Where cells may save is read in two ways; say it in fewer words.",))
    goal, notes = stricter(by_rules.goal, by_model, places)
    return _sound(goal, notes, places)


def _sound(goal: EnergyGoal, notes: Sequence[str], places: Places) -> Reading:
    problems = tuple(contradictions(goal, places))
    read_by = "rules and a model"
    if problems:
        return Reading(None, (*problems, *notes), tuple(notes), read_by)
    return Reading(goal, (), tuple(notes), read_by)


def _unfounded(answer: GoalAnswer, text: str, places: Places) -> Iterator[str]:
    """Give a sentence for each thing in a model's form that the text does not say."""
    plain = plain_phrase(text)
    areas = (*answer.where, *answer.spared)
    for area in areas:
        if f" {plain_phrase(area.words)} " not in f" {plain} ":
            yield f"The text does not say {area.words!r}."
        elif not list(places.mentions(area.words)):
            yield f"The network knows no place {area.words!r}."
    if plain_phrase(answer.time_words) not in plain:
        yield f"The text does not say {answer.time_words!r}."
    unknown = set(answer.services) - set(service_catalogue().by_name)
    if unknown:
        yield f"No service is called {', '.join(sorted(unknown))}."
    yield from _unfounded_numbers(answer, text)


def _unfounded_numbers(answer: GoalAnswer, text: str) -> Iterator[str]:
    distances = (area.within_m for area in (*answer.where, *answer.spared) if area.within_m > 0)
    for said, numbers in (
        (
            rates_and_shares(text),
            (answer.floor_mbps, answer.least_saving_pct, answer.most_asleep_pct, *distances),
        ),
        (clock_hours(text), (answer.from_hour, answer.until_hour)),
    ):
        for number in numbers:
            if number is not None and not _is_among(number, said):
                yield f"The text does not say {number:g}."


def _is_among(number: float, said: Sequence[float]) -> bool:
    return any(abs(number - one) <= 0.01 * max(abs(one), 1e-9) for one in said)


def _goal(answer: GoalAnswer, text: str, places: Places, rules: EnergyGoalRules) -> EnergyGoal:
    time = hours(answer.time_words or text, rules)
    is_clock = answer.from_hour is not None and answer.until_hour is not None
    needs = [service_catalogue().service(one).floor_throughput_dl_mbps for one in answer.services]
    floors = [*needs, *([answer.floor_mbps] if answer.floor_mbps is not None else [])]
    return EnergyGoal(
        where=_areas(answer.where, places, rules),
        spared=_areas(answer.spared, places, rules),
        from_hour=answer.from_hour if is_clock else time.from_hour,
        until_hour=answer.until_hour if is_clock else time.until_hour,
        floor_mbps=max(floors) if floors else None,
        objective=answer.objective,
        least_saving_share=_share(answer.least_saving_pct),
        most_asleep_share=_share(answer.most_asleep_pct),
        deepest_mode=answer.deepest_mode,
    )


def _areas(told: Sequence[AreaAnswer], places: Places, rules: EnergyGoalRules) -> tuple[Area, ...]:
    found = [
        Area(mention.name, rules.near_m if one.within_m == _NEAR else one.within_m)
        for one in told
        for mention in places.mentions(one.words)
    ]
    return tuple(dict.fromkeys(found))


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100.0
