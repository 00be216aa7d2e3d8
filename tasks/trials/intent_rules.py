"""Reading intent without a model: rules of expressions and words, in English and German.

Beside them stands a plain matcher of keywords, the least that anything better must beat.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from tasks.trials.answers import UNCLEAR, Bound, Goal, Intent, Limit, Quantity, Scope

_GOALS: Sequence[tuple[Goal, str]] = (
    ("explain_problem", r"\b(why|what caused|reason for|explain|warum|wieso|weshalb|woran)\b"),
    ("protect_service", r"\b(protect|keep .* safe|hands off|do not touch|don't touch|untouched|"
     r"must not (fail|go down)|schütz\w*|nicht anfassen|finger weg|hospital|emergency)\b"),
    ("restore_service", r"\b(restore|bring .* back|back (on air|up)|is (down|dead|out)|off air|"
     r"outage|wieder (in betrieb|hoch|ans netz)|ausgefallen|tot|entstör\w*)\b"),
    ("save_energy", r"\b(energy|power (bill|consumption)|electricity|kwh|sleep|switch off|"
     r"strom\w*|energie\w*|abschalten|einsparen|schlafen)\b"),
    ("balance_load", r"\b(balance|offload|shift (users|traffic|load)|spread|move (users|traffic)|"
     r"verteil\w*|umverteil\w*|entlast\w*|last ausgleich\w*)\b"),
    ("reduce_drops", r"\b(drop(s|ped)?( rate)?|call(s)? (break|cut)\w*|abbr[uü]ch\w*|"
     r"abbrechen|gesprächsabbr\w*)\b"),
    ("improve_coverage", r"\b(coverage|signal|no bars|dead (spot|zone)|reach|abdeckung|"
     r"versorgung|empfang|funkloch\w*)\b"),
    ("raise_throughput", r"\b(throughput|faster|speed|mbit/?s?|mbps|slow|schneller|langsam|"
     r"durchsatz|datenrate)\b"),
)  # fmt: skip
_PLACES: Sequence[tuple[Scope, str]] = (
    ("cell", r"\b(?i:cell|zelle)\s+([\w-]*\d[\w/-]*)"),
    ("site", r"\b(?i:site|standort)\s+([\w-]*\d[\w-]*|[A-ZÄÖÜ][\w-]+)"),
    ("area", r"\b(?i:in|im|around|at|near|of|for|along|am|um|bei|entlang)\s+"
     r"(?:(?:the|der|dem|den)\s+)?([A-ZÄÖÜ][\wäöüß-]*)"),
)  # fmt: skip
_NETWORK = (
    r"\b(network|everywhere|all (cells|sites)|whole (net|country)|netz\w*|überall|landesweit)\b"
)
_NUMBER = r"(\d+(?:[.,]\d+)?)\s*"
_QUANTITIES: Sequence[tuple[Quantity, str]] = (
    ("throughput_mbps", r"(?:mbit/?s?|mbps|megabit\w*)"),
    ("latency_ms", r"(?:ms|milliseconds|millisekunden)\b"),
    ("cell_count", r"(?:cells|zellen)\b"),
)
_PERCENT: Sequence[tuple[Quantity, str]] = (
    ("drop_rate_pct", r"drop|abbr[uü]ch|abbrech"),
    ("availability_pct", r"availab|verfügbar"),
    ("energy_pct", r"energy|power|electric|strom|energie|kwh|consum|verbrauch"),
    ("load_pct", r"load|utili[sz]|prb|auslast|last\b"),
)
_NEXT = r"\W+(\w+\W+){0,2}$"
_AT_LEAST = (
    r"(at least|no less|above|over|more than|minimum|mindestens|über|"
    rf"stay above){_NEXT}"
)
_AT_MOST = (
    r"(at most|no more|below|under|less than|maximum|max|höchstens|maximal|unter|nicht über|"
    r"keine zelle über|no cell goes above|never above|not above|not exceed|up to)" + _NEXT
)
_NO_LESS = rf"(never below|not below|no less than|nicht unter){_NEXT}"
_HOURS = re.compile(
    r"(?:between|from|von|zwischen)\s+(\d{1,2})(?::00)?(?:\s*(?:uhr|am|pm))?\s*"
    r"(?:and|to|until|bis|und|-)\s*(\d{1,2})(?::00)?",
    re.IGNORECASE,
)
_KEYWORDS: Mapping[Goal, tuple[str, ...]] = {
    "save_energy": ("energy", "sleep", "strom", "energie"),
    "raise_throughput": ("throughput", "speed", "mbit", "durchsatz"),
    "reduce_drops": ("drop", "abbr"),
    "improve_coverage": ("coverage", "signal", "versorgung"),
    "balance_load": ("balance", "load", "last"),
    "restore_service": ("restore", "down", "outage", "ausgefallen"),
    "protect_service": ("protect", "hospital", "schütz"),
    "explain_problem": ("why", "warum", "explain"),
}


def intent_by_rules(text: str) -> Intent:
    """Return the goal that rules read in a message; `unclear` where none applies."""
    goal = next((name for name, words in _GOALS if re.search(words, text, re.IGNORECASE)), UNCLEAR)
    scope, place = _place(text)
    hours = _HOURS.search(text)
    first, last = (int(hours[1]), int(hours[2])) if hours else (None, None)
    limits = tuple(_limits(text))
    if _contradict(limits) or any(hour is not None and hour > 24 for hour in (first, last)):
        goal, first, last = UNCLEAR, None, None
    return Intent(
        goal=goal, scope=scope, place=place, limits=limits[:4], from_hour=first, to_hour=last
    )


def intent_by_keywords(text: str) -> Intent:
    """Return the goal whose keywords occur most often, and the first number as cell or site."""
    small = text.casefold()
    counts = {goal: sum(small.count(word) for word in words) for goal, words in _KEYWORDS.items()}
    best = max(counts, key=lambda goal: counts[goal])
    goal: Goal = best if counts[best] else UNCLEAR
    scope: Scope = "network"
    if "cell" in small or "zelle" in small:
        scope = "cell"
    elif "site" in small or "standort" in small:
        scope = "site"
    number = re.search(r"\d+", text)
    return Intent(goal=goal, scope=scope, place=number[0] if number and scope != "network" else "")


def _place(text: str) -> tuple[Scope, str]:
    for scope, words in _PLACES:
        found = re.search(words, text)
        if found:
            return scope, found[1]
    if re.search(_NETWORK, text, re.IGNORECASE):
        return "network", ""
    return "unclear", ""


def _limits(text: str) -> Iterable[Limit]:
    for quantity, unit in _QUANTITIES:
        for found in re.finditer(_NUMBER + unit, text, re.IGNORECASE):
            bound = _bound(text[: found.start()], default=_USUAL.get(quantity))
            if bound is not None:
                yield Limit(quantity=quantity, bound=bound, value=_value(found[1]))
    for found in re.finditer(_NUMBER + r"(?:%|percent|prozent)", text, re.IGNORECASE):
        near = text[max(0, found.start() - 50) : found.end() + 25]
        meant = [name for name, words in _PERCENT if re.search(words, near, re.IGNORECASE)]
        bound = _bound(text[: found.start()], default=None)
        if meant and bound is not None:
            yield Limit(quantity=meant[0], bound=bound, value=_value(found[1]))


_USUAL: Mapping[Quantity, Bound] = {"throughput_mbps": "at_least", "latency_ms": "at_most"}


def _bound(before: str, default: Bound | None) -> Bound | None:
    if re.search(_NO_LESS, before, re.IGNORECASE):
        return "at_least"
    if re.search(_AT_MOST, before, re.IGNORECASE):
        return "at_most"
    if re.search(_AT_LEAST, before, re.IGNORECASE):
        return "at_least"
    return default


def _value(digits: str) -> float:
    return float(digits.replace(",", "."))


def _contradict(limits: Sequence[Limit]) -> bool:
    """Tell whether something must be less than it must at least be."""
    return any(
        one.quantity == other.quantity
        and (one.bound, other.bound) == ("at_least", "at_most")
        and one.value > other.value
        for one in limits
        for other in limits
    )
