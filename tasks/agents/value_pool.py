"""Values that texts may hold: numbers to their shown digits, names of objects, moments, links."""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasks.agents.claims import Claim, claims, normal
from tasks.messages.canonical import JsonValue

_PERCENT_KEYS = ("_pct", "percent")
_TOO_LARGE = 10**300
_SHARE_KEYS = ("_share", "probability")
_STEP = re.compile(r"(?<!\\),")
_LABELS = frozenset({
    "cell", "cells", "site", "sites", "sector", "gnb", "enb", "element", "carrier", "relation",
    "neighbor", "neighbors", "neighbour", "nrcelldu", "nrcellcu", "eutrancellfdd",
    "managedelement", "nrsectorcarrier", "subnetwork",
})  # fmt: skip


@dataclass(slots=True)
class ValuePool:
    """Values of one tier: of facts, or of one source that others wrote."""

    numbers: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    percents: set[float] = field(default_factory=set)
    dns: set[str] = field(default_factory=set)
    moments: set[tuple[str, str]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    labels: set[float] = field(default_factory=set)

    def add(self, value: JsonValue, key: str = "") -> None:
        """Note a value, and whatever it holds."""
        if isinstance(value, bool):
            return
        if isinstance(value, str):
            self._add_text(value)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                self.add(inner, str(name))
        elif isinstance(value, Sequence):
            for inner in value:
                self.add(inner, key)
        elif isinstance(value, int | float) and abs(value) < _TOO_LARGE:
            self._add_number(float(value), key)

    def sort(self) -> None:
        """Make the numbers ready to be looked up."""
        self.numbers.sort()
        self.shares.sort()

    def holds(self, claim: Claim) -> bool:
        """Tell whether what a text claims is known; citations are not looked for here."""
        match claim.kind:
            case "dn":
                return claim.text in self.dns
            case "moment":
                return any(_is_moment(claim, date, clock) for date, clock in self.moments)
            case "number":
                is_name = claim.word_before in _LABELS and claim.value in self.labels
                return is_name or self._has_number(claim)
            case "link":
                return claim.text in self.links
        return claim.text.casefold() in self.names

    def _add_number(self, value: float, key: str) -> None:
        (self.shares if key.endswith(_SHARE_KEYS) else self.numbers).append(abs(value))
        if key.endswith(_PERCENT_KEYS):
            self.percents.add(abs(value))

    def _add_text(self, text: str) -> None:
        text = normal(text)
        self.names.update(word.casefold().strip(".,;:()") for word in (text, *text.split()))
        for claim in claims(text.replace("[", " ").replace("]", " ")):
            match claim.kind:
                case "dn":
                    self._add_dn(claim.text)
                case "moment":
                    self.moments.add((claim.date, claim.clock))
                    self.numbers.extend(float(part) for part in claim.date.split("-")[:1] if part)
                case "number":
                    self._add_number(claim.value, "percent" if claim.is_percent else "")
                case "link":
                    self.links.add(claim.text)
                case _:
                    self.names.add(claim.text.casefold())

    def _add_dn(self, dn: str) -> None:
        """Note the object, those above it, and the short forms of its name."""
        steps = _STEP.split(dn)
        for start in range(len(steps)):
            for end in range(start + 1, len(steps) + 1):
                self.dns.add(",".join(steps[start:end]))
        for step in steps:
            value = step.partition("=")[2]
            self.names.add(value.casefold())
            if value.isdecimal():
                self.labels.add(float(value))

    def _has_number(self, claim: Claim) -> bool:
        value = abs(claim.value)
        if _is_near(self.numbers, value, claim.decimals):
            return True
        if claim.is_percent:
            held = (self.shares, self.numbers)
            return any(_is_near(one, value / 100, claim.decimals + 2) for one in held)
        if _is_near(self.shares, value, claim.decimals):
            return True
        slack = _slack(claim.decimals)
        return any(abs(one / 100 - value) <= slack for one in self.percents)


def _is_near(numbers: Sequence[float], value: float, decimals: int) -> bool:
    """Tell whether one of the sorted numbers rounds to the value at so many decimals."""
    slack = _slack(decimals)
    place = bisect_left(numbers, value - slack)
    return place < len(numbers) and numbers[place] <= value + slack


def _slack(decimals: int) -> float:
    """Return how far a known value may lie from one that shows so many decimals."""
    return 0.5 * 10.0**-decimals * (1 + 1e-9)


def _is_moment(claim: Claim, date: str, clock: str) -> bool:
    is_date = not claim.date or date.endswith(claim.date)
    return is_date and (not claim.clock or clock.startswith(claim.clock))
