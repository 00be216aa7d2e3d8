"""Which places of a goal may save and which are spared: the words around each mention tell.

A text is cut into clauses. Within a clause a word such as `nothing` or `except` turns what follows
it, until another wish begins; a list goes on over commas.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semantic_layer.energy_goals import EnergyGoalRules
from tasks.energy.goals.goal import Area
from tasks.energy.goals.places import Mention, Places
from tasks.energy.goals.quantities import Span, distances

_CUT = re.compile(
    r"[;:!?]|,|\.(?=\s|$)|\b(?:but|however|aber|sondern|while|während)\b", re.IGNORECASE
)
_SPARE = (
    r"nothing|nowhere|not|no|none|never|don'?t|except|excepting|excluding|exclude|besides|"
    r"apart from|other than|without|spares?(?=\s+(?:the|sites?|s\d|cells))|leave|avoid|"
    r"protect|skip|"
    r"away from|far from|outside|beyond|off limits|"
    r"hands off|außerhalb|fern von|außer|ausser|ausgenommen|ohne|nichts?|nirgends|kein\w*|"
    r"verschon\w*|schütz\w*|mit ausnahme|finger weg|nie"
)
_WISH = (
    r"save|saving|reduce|cut|sleep|asleep|only|put|lower|optimi[sz]e|as much|as you can|sparen|"
    r"spar\w*|senk\w*|reduzier\w*|nur|schlafen|drossel\w*|so viel|möglichst"
)
_AND = r"and|und|then|dann"
_TURN = re.compile(
    rf"\b(?:(?P<spare>{_SPARE})|(?P<wish>{_WISH})|(?P<join>{_AND}))\b", re.IGNORECASE
)
_BOUND = re.compile(
    r"\b(?:no|not|never|nicht|nie|nobody|niemand\w*|kein\w*)\b[^,;.]{0,40}?"
    r"\b(?:more|less|below|under|worse|fewer|mehr|weniger|unter|only|nur)\b"
    r"|\bno (?:deeper|deep)\b|\bnot only\b|\bnicht nur\b",
    re.IGNORECASE,
)
_LET_BE = re.compile(
    r"\b(alone|untouched|awake|on air|on the air|as (?:it|they|is|usual|normal)|active|fully|"
    r"running|out of (?:it|this)|in ruhe|wach|aktiv|unberührt|ausgenommen|außen vor|"
    r"unangetastet|eingeschaltet|off limits|is protected|are protected|tabu)\b|\ban\s*$"
    r"|\b(?:stays?|keep|kept|bleib\w*) (?:up|on|an)\b|\bon\s*$",
    re.IGNORECASE,
)
_PLACED = re.compile(
    r"\b(?:in|at|on|of|to|within|only|site|sites|im|am|an|auf|of the|für|for)\b[^,;.]*$",
    re.IGNORECASE,
)
_JOINED = re.compile(r",|&|\b(?:and|or|plus|as well as|und|oder|sowie)\b", re.IGNORECASE)
_THAT_BE = re.compile(
    r"\b(?:keep|leave|let|lass\w*|halt\w*)\s+(?:it|them|that|those|sie|es|ihn|das)\b"
    r"|\b(?:it|they|das|es|sie) (?:must|should|has to|have to|shall|muss|soll|müssen)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"^\W*(?:\w+\W+){0,3}?(?:nichts?|niemand\w*|kein\w*|nothing|nobody|no cells?|never|do not|"
    r"don'?t)\b",
    re.IGNORECASE,
)
_NEAR = re.compile(
    r"\b(?:near|nearby|around|close to|next to|far from|by|beside|surrounding|bei|beim|nahe|nähe|"
    r"rund um|um|umkreis|within|neben|closer than)\b[^,;.]*$",
    re.IGNORECASE,
)
_UNKNOWN_AFTER = re.compile(
    r"\b(?i:near|nearby|around|close to|next to|bei|beim|rund um|in|im|at|am|außer|except)\s+"
    r"(?P<article>(?i:the|der|dem|den|das|die|a)\s+)?(?P<word>[^\W\d_][\w-]*)"
)
_ALWAYS_PLACES = re.compile(
    r"\b(?:near|nearby|around|close to|next to|bei|beim|rund um)\s", re.IGNORECASE
)
_CELL = re.compile(r"\b(?:cell|zelle)\s+[\w/-]*\d[\w/-]*", re.IGNORECASE)


@dataclass(frozen=True)
class Whereabouts:
    """Areas that a text names.

    Attributes:
        where: in which cells may save.
        within: in which they must lie as well, as `the western suburbs`.
        spared: in which none may.
        problems: sentences about places that nobody knows, or whose part is not understood.
        spans: characters that were read.
    """

    where: tuple[Area, ...]
    within: tuple[Area, ...]
    spared: tuple[Area, ...]
    problems: tuple[str, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    end: int
    text: str


def whereabouts(text: str, places: Places, rules: EnergyGoalRules, about: Span) -> Whereabouts:
    """Return the areas that a text names, each as one where cells may save or may not.

    Args:
        text: of the goal.
        places: the gazetteer.
        rules: how far `near` reaches.
        about: characters of what users shall keep; a place in that clause bounds nothing.
    """
    mentions = list(places.mentions(text))
    found = _Found()
    is_spared = False
    for clause in _clauses(text):
        inside = [one for one in mentions if clause.start <= one.start < clause.end]
        turns = _turns(clause.text)
        if not inside and _THAT_BE.search(clause.text):
            found.spare_last()
        for one in inside:
            area, used = _area(clause, one, rules)
            found.spans += [(one.start, one.end), *used]
            if _is_spared(clause, turns, one, is_inherited=is_spared):
                found.spared.append(area)
            elif not clause.start <= about[0] < clause.end or turns:
                found.let_save(area, clause, one, is_told=bool(turns))
        if turns or not inside:
            is_spared = bool(turns) and turns[-1][1] == "spare"
    problems = (*found.problems, *_unknown(text, mentions, places, rules))
    return Whereabouts(
        _once(found.where), _once(found.within), _once(found.spared), problems, tuple(found.spans)
    )


class _Found:
    """Areas read so far, and how they hang together."""

    def __init__(self) -> None:
        self.where: list[Area] = []
        self.within: list[Area] = []
        self.spared: list[Area] = []
        self.problems: list[str] = []
        self.spans: list[Span] = []
        self._last: Mention | None = None
        self._clause = -1

    def let_save(self, area: Area, clause: _Clause, one: Mention, *, is_told: bool) -> None:
        """Note an area where cells may save: beside those before it, or within the last one."""
        at = one.start - clause.start
        before = clause.text[:at]
        if (
            not is_told
            and not _PLACED.search(before)
            and not _NEAR.search(before)
            and not self._last
        ):
            self.problems.append(f"Whether cells may save at {area.says} is not understood.")
            return
        last, is_same = self._last, self._clause == clause.start
        self._last, self._clause = one, clause.start
        if last is None or not is_same or _JOINED.search(clause.text[last.end - clause.start : at]):
            self.where.append(area)
            return
        self.within.append(area)
        if len(self.where) > 1 or len(self.within) > 1:
            self.problems.append(
                f"How {area.says} goes together with the other places is not understood."
            )

    def spare_last(self) -> None:
        """Spare what was named last: `in the arena is a concert, keep it out`."""
        if self.where:
            self.spared.append(self.where.pop())


def _clauses(text: str) -> Iterator[_Clause]:
    start = 0
    for found in _CUT.finditer(text):
        yield _Clause(start, found.start(), text[start : found.start()])
        start = found.end()
    yield _Clause(start, len(text), text[start:])


def _turns(clause: str) -> list[tuple[int, str]]:
    """Return where a clause turns: `spare` or `wish`, by position; bounds turn nothing."""
    plain = _BOUND.sub(lambda found: " " * len(found[0]), clause)
    turns: list[tuple[int, str]] = []
    is_joined = False
    for found in _TURN.finditer(plain):
        kind = str(found.lastgroup)
        if kind == "join":
            is_joined = True
        elif kind == "spare" or not turns or turns[-1][1] != "spare" or is_joined:
            turns.append((found.start(), kind))
            is_joined = False
    return turns


def _is_spared(
    clause: _Clause, turns: Sequence[tuple[int, str]], one: Mention, *, is_inherited: bool
) -> bool:
    at = one.start - clause.start
    before = [kind for place, kind in turns if place < at]
    if before and before[-1] == "spare":
        return True
    after = clause.text[one.end - clause.start :]
    if _LET_BE.search(after):
        return True
    if before:
        return False
    return bool(_NEGATED.match(after)) or (is_inherited and not turns)


def _area(clause: _Clause, one: Mention, rules: EnergyGoalRules) -> tuple[Area, list[Span]]:
    """Return the area that a mention means in its clause, and the characters of its distance."""
    at = one.start - clause.start
    before = clause.text[:at]
    near = _NEAR.search(before)
    told = [
        (value, (clause.start + span[0], clause.start + span[1]))
        for value, span in distances(clause.text)
    ]
    is_near = near is not None and (at - near.start()) < 60
    if told:
        closest = min(told, key=lambda each: abs(each[1][0] - one.start))
        return Area(one.name, closest[0]), [closest[1]]
    is_direction = one.name in rules.directions
    return Area(one.name, rules.near_m if is_near and not is_direction else 0.0), []


def _unknown(
    text: str, mentions: Sequence[Mention], places: Places, rules: EnergyGoalRules
) -> Iterator[str]:
    """Give a sentence for each place that is named and that nobody knows."""
    for cell in _CELL.finditer(text):
        yield f"{cell[0]!r} names one cell; name its site, a kind of ground or a direction."
    known = [(one.start, one.end) for one in mentions]
    for found in _UNKNOWN_AFTER.finditer(text):
        start, word = found.start("word"), found["word"]
        is_place = bool(_ALWAYS_PLACES.match(found[0])) or bool(found["article"])
        is_named = word[0].isupper() or is_place
        if not is_named or word.casefold() in rules.no_places or _is_hour(word, rules):
            continue
        rest = _phrase_at(text, start)
        if any(first < start + len(rest) and start < last for first, last in known):
            continue
        yield _says_unknown(rest, places)
    yield from _unknown_sites(text, known, places, rules)


def _unknown_sites(
    text: str, known: Sequence[Span], places: Places, rules: EnergyGoalRules
) -> Iterator[str]:
    words = "|".join(sorted(map(re.escape, rules.site_words), key=len, reverse=True))
    for found in re.finditer(rf"\b(?:{words})\s+\w*\d\w*|\b[A-Z]\d{{2,}}\b", text, re.IGNORECASE):
        if not any(first < found.end() and found.start() < last for first, last in known):
            yield _says_unknown(found[0], places)


def _says_unknown(words: str, places: Places) -> str:
    near = places.nearest_name(words)
    hint = f"did you mean {near!r}?" if near else "name a site, a kind of ground or a direction."
    return f"The network knows no place {words!r}; {hint}"


def _phrase_at(text: str, start: int) -> str:
    """Return the word at a place, with the capitalized words that go on from it."""
    found = re.match(r"[\w-]+(?:\s+[A-ZÄÖÜ][\w-]*)*", text[start:])
    return found[0] if found else ""


def _is_hour(word: str, rules: EnergyGoalRules) -> bool:
    return any(word.casefold() in told.words for told in rules.hours.values())


def _once(areas: Sequence[Area]) -> tuple[Area, ...]:
    return tuple(dict.fromkeys(areas))
