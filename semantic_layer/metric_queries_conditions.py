"""Conditions of a metric query: `band = n78 and not archetype in (rural, "deep rural")`.

    condition   = conjunction { "or" conjunction }
    conjunction = part { "and" part }
    part        = "not" part | "(" condition ")" | comparison
    comparison  = name ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
                | name [ "not" ] "in" "(" value { "," value } ")"
                | name "contains" value
                | name "is" [ "not" ] "null"

A value with spaces, commas or parentheses stands in quotes; within them a quote is doubled. A
condition on null is unknown, `not` of it too, and what is unknown is left out, as in SQL.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from semantic_layer.errors import InputError, did_you_mean

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "is null"]

LONGEST = 10_000
"""Characters that a condition may have."""

_DEEPEST = 40
_MOST = 500
_NAME = re.compile(r"[^\W\d]\w*")
_WORD = re.compile(r"""[^\s,()"'<>!]+""")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"' + r"|'((?:[^']|'')*)'")
_COMPARED = re.compile(r"!=|<=|>=|=|<|>")
_GAP = re.compile(r"\s*")


class ConditionError(InputError):
    """A condition that cannot be read; says what is wrong, and at which character."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a comparison is about.

    Attributes:
        name: ours, as people say it.
        column: of the rows, or of the answer.
        is_number: a KPI's value; everything else is text.
    """

    name: str
    column: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A subject beside values: one, or for `in` any; none for `is null`."""

    subject: Subject
    operator: Operator
    values: tuple[str | float, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple["Condition", ...]


Condition = Comparison | Not | Every | Some


def parsed_condition(text: str, subjects: Mapping[str, Subject]) -> Condition | None:
    """Return a condition; None where the text is blank.

    Args:
        text: as a person wrote it.
        subjects: what may be compared, by every name that it goes by, in lower case.

    Raises:
        ConditionError: it cannot be read, or says a name that nothing has.
    """
    if len(text) > LONGEST:
        raise ConditionError(
            f"A condition has at most {LONGEST} characters; this one has {len(text)}."
        )
    if not text.strip():
        return None
    reader = _Reader(text, subjects)
    found = reader.condition(0)
    reader.expect_end()
    return found


def subjects_of(condition: Condition | None) -> Iterator[Subject]:
    """Yield what a condition compares, as often as it does."""
    match condition:
        case Comparison(subject=subject):
            yield subject
        case Not(part=part):
            yield from subjects_of(part)
        case Every(parts=parts) | Some(parts=parts):
            for part in parts:
                yield from subjects_of(part)


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """Return the parts that must all hold."""
    if condition is None:
        return ()
    return condition.parts if isinstance(condition, Every) else (condition,)


@dataclass(slots=True)
class _Reader:
    """Reads a condition from left to right; what a character may begin depends on the place."""

    text: str
    subjects: Mapping[str, Subject]
    at: int = 0
    compared: int = 0

    def condition(self, depth: int) -> Condition:
        parts = [self.conjunction(depth)]
        while self.took("or"):
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def conjunction(self, depth: int) -> Condition:
        parts = [self.part(depth)]
        while self.took("and"):
            parts.append(self.part(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def part(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} parentheses and nots within each other")
        if self.took("not"):
            return Not(self.part(depth + 1))
        if self.took_mark("("):
            inner = self.condition(depth + 1)
            self.expect_mark(")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        self.compared += 1
        if self.compared > _MOST:
            raise self.error(f"more than {_MOST} comparisons; `in` takes a list")
        subject = self.subject()
        if self.took("is"):
            is_not = self.took("not")
            if not self.took("null"):
                raise self.error("`is` must be followed by `null` or `not null`")
            found = Comparison(subject, "is null")
            return Not(found) if is_not else found
        if self.took("not"):
            if not self.took("in"):
                raise self.error("`not` after a name must be followed by `in`")
            return Not(Comparison(subject, "in", self.values(subject)))
        if self.took("in"):
            return Comparison(subject, "in", self.values(subject))
        return Comparison(subject, self.operator(subject), (self.value(subject),))

    def subject(self) -> Subject:
        self.skip()
        start = self.at
        found = _NAME.match(self.text, start)
        if found is None:
            raise self.error("a dimension or a KPI was expected")
        self.at = found.end()
        name = found[0].casefold()
        if name not in self.subjects:
            near = did_you_mean(name, self.subjects).removesuffix(".")
            self.at = start
            raise self.error(f"no dimension or KPI {found[0]!r}{near}")
        return self.subjects[name]

    def operator(self, subject: Subject) -> Operator:
        if not subject.is_number and self.took("contains"):
            return "contains"
        self.skip()
        found = _COMPARED.match(self.text, self.at)
        if found is None:
            also = "" if subject.is_number else ", contains"
            raise self.error(f"after {subject.name!r} comes one of = != < <= > >= in, is{also}")
        operator = found[0]
        if not subject.is_number and operator not in {"=", "!="}:
            raise self.error(f"{subject.name!r} is text: it can be compared by = != in contains")
        self.at = found.end()
        return operator  # type: ignore[return-value]

    def values(self, subject: Subject) -> tuple[str | float, ...]:
        self.expect_mark("(")
        found = [self.value(subject)]
        while self.took_mark(","):
            found.append(self.value(subject))
        self.expect_mark(")")
        return tuple(found)

    def value(self, subject: Subject) -> str | float:
        self.skip()
        start = self.at
        quoted = _QUOTED.match(self.text, start)
        found = quoted or _WORD.match(self.text, start)
        if found is None:
            if self.text[start : start + 1] in {'"', "'"}:
                raise self.error("a quote was opened here and never closed")
            raise self.error("a value was expected")
        self.at = found.end()
        said = found[0]
        if quoted is not None:
            said = said[1:-1].replace(said[0] * 2, said[0])
        if "\0" in said:
            raise self.error("a value cannot hold a NUL character")
        return self.as_number(said, start, subject) if subject.is_number else said

    def as_number(self, said: str, start: int, subject: Subject) -> float:
        try:
            value = float(said)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.at = start
            raise self.error(f"{subject.name!r} is a number; {said!r} is none")
        return value

    def took(self, keyword: str) -> bool:
        """Take a keyword, in either case, if it comes next."""
        self.skip()
        found = _NAME.match(self.text, self.at)
        if found is None or found[0].casefold() != keyword:
            return False
        self.at = found.end()
        return True

    def took_mark(self, mark: str) -> bool:
        self.skip()
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def expect_mark(self, mark: str) -> None:
        if not self.took_mark(mark):
            raise self.error(f"{mark!r} was expected")

    def expect_end(self) -> None:
        self.skip()
        if self.at < len(self.text):
            raise self.error(
                "`and`, `or` or the end was expected; a value with spaces, commas or parentheses "
                "stands in quotes"
            )

    def skip(self) -> None:
        found = _GAP.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def error(self, says: str) -> ConditionError:
        rest = self.text[self.at : self.at + 20]
        where = f"at character {self.at + 1}, {rest!r}" if rest else "at its end"
        return ConditionError(f"The condition cannot be read {where}: {says}.")
