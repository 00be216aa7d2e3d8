"""Reading a goal by rules: expressions and a gazetteer, in English and German, without a model.

What is not understood is never passed over: a number that bounds nothing, a place that nobody
knows or a wish that contradicts another becomes a sentence, and nothing is planned.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.services import service_catalogue
from tasks.energy.goals.barred import barred_wishes
from tasks.energy.goals.goal import DEEPEST, EnergyGoal, GoalError, Objective
from tasks.energy.goals.places import Places, goal_cells
from tasks.energy.goals.quantities import Found, Span, bounds, hours
from tasks.energy.goals.where import whereabouts
from tasks.twin.sleep_modes import SavingMode

_WISH = re.compile(
    r"\b(sav\w*|energy|power|electricity|watts?|kwh|sleep\w*|asleep|switch\w* off|turn\w* off|"
    r"bill|co2|co₂|carbon|emissions?|consumption|consum\w*|costs?|money|strom\w*|energie\w*|spar\w*|"
    r"einspar\w*|schlaf\w*|abschalt\w*|verbrauch\w*|kosten|geld|emission\w*|klima\w*)\b",
    re.IGNORECASE,
)
_OBJECTIVES: Sequence[tuple[Objective, str]] = (
    ("co2", r"\b(co2|co₂|carbon|emissions?|climate|greenhouse|klima\w*|emission\w*)\b"),
    ("money", r"\b(money|costs?|bill|bills|euros?|cheap\w*|expensive|tariff|price|geld|kosten|"
     r"strom\w*rechnung|rechnung|teuer\w*|stromkosten|tarif)\b"),
)  # fmt: skip
_DEPTHS: Sequence[tuple[SavingMode, str]] = (
    ("MICRO_SLEEP", r"\b(?:only|just|nur)\b[^,;.]{0,20}\bmi[ck]ro[ -]?(?:sleep|schlaf)\w*|"
     r"\bmi[ck]ro[ -]?(?:sleep|schlaf)\w* (?:only|at most|höchstens)\b"),
    ("MIMO_MUTED", r"\b(?:only|just|nur)\b[^,;.]{0,25}\b(?:mimo|antennas?|layers|antennen|muting|"
     r"transceivers?)\b|\b(?:mimo muting|antennas?) only\b"),
    ("POWER_REDUCED", r"\b(?:no|not|never|without|don'?t|do not|nothing|none|kein\w*|nichts?|"
     r"ohne)\b[^,;.]{0,40}\b(?:switch\w* (?:\w+ ){0,3}off|turn\w* (?:\w+ ){0,3}off|"
     r"(?:go(?:es)?|goes) off|"
     r"off (?:the )?air|abschalt\w*|"
     r"ausschalt\w*|abgeschaltet|vom netz)\b|\bkeep (?:all|every) (?:cells?|carriers?) on air\b"),
    ("LIGHT_SLEEP", r"\b(?:no|not|never|without|don'?t|kein\w*|ohne)\b[^,;.]{0,15}"
     r"\b(?:deep(?:er)?[ -]?sleep|tiefschlaf|deeper than light)\b|"
     r"\b(?:only|just|nur|at most|höchstens)\b[^,;.]{0,10}"
     r"\b(?:light[ -]?sleep|leichte\w* schlaf)\b|\blight sleep (?:only|at most)\b"),
)  # fmt: skip
_LISTED_SITES = re.compile(
    r"\b(sites|standorte\w*|site|standort)((?:\s*(?:,|and|or|und|oder|&)?\s*(?:and\s+|und\s+)?"
    r"\d+\b(?!\s*(?:%|m\b|km\b|mb|kb|gb|uhr|:|[ap]m)))+)",
    re.IGNORECASE,
)
_SAID_OTHERWISE: Sequence[tuple[str, str]] = (
    (r"\b(?:not|no) (?:before|earlier than)\b|\bnicht vor\b", "from"),
    (r"\b(?:not|no) (?:after|later than)\b|\bnicht (?:nach|länger als bis)\b|\bspätestens\b",
     "until"),
)  # fmt: skip
_OTHER_TIMES = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bweek(?:end|day)?s?\b|\btomorrow\b|"
    r"\b(?:one|two|three|four|an?|\d+) (?:hours?|minutes?|days?|months?)\b|\bmonths?\b|"
    r"\b(?:mon|diens|donners|frei|sams|sonn)tags?\b|\bmittwochs?\b|\bwochen\w*\b|\bwoche\b|"
    r"\bwerktags?\b|(?<!bis )(?<!zum )\bmorgen\b|\b(?:eine|zwei|drei|\d+) (?:stunden?|tage?)\b",
    re.IGNORECASE,
)
_PLAIN_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?")


@dataclass(frozen=True)
class Reading:
    """What a text came to.

    Attributes:
        goal: None where nothing is to be planned.
        problems: why, a sentence each.
        notes: what else the person should know, such as where two readings differed.
        read_by: `rules`, or the rules and the route of a model.
        is_silent: the text says no wish of energy saving that rules could see; nothing worse.
    """

    goal: EnergyGoal | None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    read_by: str = "rules"
    is_silent: bool = False

    def planned(self) -> EnergyGoal:
        """Return the goal.

        Raises:
            GoalError: there is none; it says why.
        """
        if self.goal is None:
            raise GoalError(f"The goal is not planned for. {' '.join(self.problems)}")
        return self.goal


def goal_by_rules(text: str, places: Places, rules: EnergyGoalRules) -> Reading:
    """Return the goal that rules read in a text.

    Args:
        text: as the person wrote it.
        places: of the network.
        rules: of goals.
    """
    problems = [*_too_long(text, rules), *barred_wishes(text), *_other_times(text)]
    if problems:
        return Reading(None, tuple(problems))
    text = _said_plainly(text)
    found = bounds(text, service_catalogue())
    time = hours(text, rules)
    rate = found.spans[0] if found.floor_mbps is not None else (-1, -1)
    where = whereabouts(text, places, rules, rate)
    problems += [*found.problems, *time.problems, *where.problems]
    problems += _unread(text, (*found.spans, *time.spans, *where.spans))
    goal = EnergyGoal(
        where=where.where,
        within=where.within,
        spared=where.spared,
        from_hour=time.from_hour,
        until_hour=time.until_hour,
        floor_mbps=found.floor_mbps,
        objective=_objective(text),
        least_saving_share=found.least_saving_share,
        most_asleep_share=found.most_asleep_share,
        deepest_mode=_deepest(text, where.spans),
    )
    problems += contradictions(goal, places, found)
    if problems:
        return Reading(None, tuple(dict.fromkeys(problems)))
    if not _WISH.search(text):
        silent = "It names no wish to save energy; say for example: save in the west tonight."
        return Reading(None, (silent,), is_silent=True)
    return Reading(goal)


def contradictions(goal: EnergyGoal, places: Places, found: Found | None = None) -> Iterator[str]:
    """Give a sentence for each way in which a goal contradicts itself or names nothing."""
    wants = goal.least_saving_share
    if wants is not None and wants >= 1.0:
        yield "Nothing can save all energy; cells on the air take some."
    if wants and goal.most_asleep_share == 0.0 and found is not None:
        yield "It wants something saved and nothing asleep; say which."
    if goal.from_hour is not None and goal.from_hour == goal.until_hour:
        yield "Its hours leave no time in which cells may save."
    both = {area.name for area in (*goal.where, *goal.within)} & {area.name for area in goal.spared}
    if both:
        told = ", ".join(sorted(both))
        yield f"It wants cells to save and to be spared in the same place: {told}."
    elif (goal.where or goal.spared) and not goal_cells(goal, places):
        yield "No cell of the network is where it lets cells save."


def without_floor_below(goal: EnergyGoal, least_mbps: float) -> EnergyGoal:
    """Return the goal with at least the floor that the rules of planning promise."""
    return replace(goal, floor_mbps=max(goal.floor_mbps or 0.0, least_mbps))


def _objective(text: str) -> Objective:
    found = (name for name, words in _OBJECTIVES if re.search(words, text, re.IGNORECASE))
    return next(found, "energy")


def _deepest(text: str, places: Iterable[Span]) -> SavingMode:
    """Return the deepest mode that a text lets cells take; where it names a place, of that place.

    A wish that nothing be switched off near some place spares that place and bounds no other.
    """
    read = list(places)
    for mode, words in _DEPTHS:
        for found in re.finditer(words, text, re.IGNORECASE):
            clause_end = re.search(r"[,;.](?:\s|$)|\bbut\b|\baber\b", text[found.end() :])
            end = found.end() + clause_end.start() if clause_end else len(text)
            is_of_a_place = any(found.start() <= start < end for start, _ in read)
            if mode != "POWER_REDUCED" or not is_of_a_place:
                return mode
    return DEEPEST


def _said_plainly(text: str) -> str:
    """Return a text with each site of a list called one, and limits of time said one way."""
    for words, instead in _SAID_OTHERWISE:
        text = re.sub(words, instead, text, flags=re.IGNORECASE)
    return _LISTED_SITES.sub(
        lambda found: " " + re.sub(r"\d+", lambda number: f"site {number[0]}", found[2]).strip(),
        text,
    )


def _other_times(text: str) -> list[str]:
    """Return a sentence for each day or length of time: a goal that drops one would be another."""
    return [
        f"{found[0]!r} is not understood; a goal holds every day, between hours of the clock."
        for found in _OTHER_TIMES.finditer(text)
    ]


def _too_long(text: str, rules: EnergyGoalRules) -> list[str]:
    if len(text) <= rules.most_text_chars:
        return []
    return [f"It is longer than {rules.most_text_chars} characters; say it shorter."]


def _unread(text: str, spans: Iterable[Span]) -> list[str]:
    """Return a sentence for each number that nobody has read: it may be a limit."""
    read = list(spans)
    return [
        f"What {found[0]!r} means is not understood; a goal has hours, Mbit/s, shares in %, "
        "distances and sites."
        for found in _PLAIN_NUMBER.finditer(text)
        if not any(first <= found.start() < last for first, last in read)
    ]
