"""The JSON values of a delivered file, one by one: an object, a list's elements, or one a line.

A file that breaks off, or holds something that is no JSON, gives the values before it and says
what is broken. Numbers of any length, NaN, doubled keys, deep nesting and bytes that are not UTF-8
are told or carried, never a crash.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.ingestion.delivered_bytes import ReadingLimits, delivered_pieces

LIMITS = ReadingLimits(file_bytes=1 << 30)
_MOST_BROKEN = 1_000
_LONGEST_INTEGER = 30
_SPACE = re.compile(r"[\s\x00]*")
_LIST_WITHIN = re.compile(r'\{\s*"eventList"\s*:\s*(?=\[)')
_NEXT_LINE = re.compile(r"\n(?=[^\s\x00\]},:\"])")
"""The next line that is no part of a value over many lines: those are indented, or close it."""


@dataclass(frozen=True, slots=True)
class JsonValue:
    """One value of the file and where it begins."""

    place: str
    value: Any
    has_doubled_keys: bool = False


@dataclass(frozen=True, slots=True)
class BrokenJson:
    """What could not be read, and where it begins."""

    place: str
    reason: str
    content: str


class DoubledKeys(dict[str, Any]):
    """An object in which a key stands twice, so that nobody knows which value is meant."""


def json_values(path: Path, limits: ReadingLimits = LIMITS) -> Iterator[JsonValue | BrokenJson]:
    """Yield the values that the file holds.

    Raises:
        UnreadableFileError: it cannot be opened or unpacked, or is larger than allowed.
    """
    yield from values_of(b"".join(delivered_pieces(path, limits)))


def values_of(content: bytes) -> Iterator[JsonValue | BrokenJson]:
    """Yield the values that the bytes hold; a list's elements one by one."""
    encoding = json.detect_encoding(content)
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    reader = _Reader(content.decode(encoding, errors))
    yield from reader.values()


class _Reader:
    """Walks the text once; `at` is where it stands, `line` the line that it stands in."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._doubled = False
        self._broken = 0
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_int=_integer)

    def values(self) -> Iterator[JsonValue | BrokenJson]:
        while self._skip_space():
            if self._text[self._at] == "[":
                yield from self._elements()
                continue
            start, place = self._at, self._place()
            try:
                yield self._next(place)
            except (ValueError, RecursionError) as error:
                within = _LIST_WITHIN.match(self._text, start)
                if within is not None:
                    self._at = within.end()
                    yield from self._elements()
                    continue
                yield self._told(place, start, error)
                if not self._to_next_line(start):
                    return

    def _elements(self) -> Iterator[JsonValue | BrokenJson]:
        """Yield a list's elements; what follows a broken one is not looked for."""
        self._at += 1
        while self._skip_space():
            start, place = self._at, self._place()
            if self._text[start] == "]":
                self._at += 1
                return
            try:
                yield self._next(place)
                self._skip_separator()
            except (ValueError, RecursionError) as error:
                yield self._told(place, start, error)
                self._at = len(self._text)
                return
        yield BrokenJson(self._place(), "The list is cut off; deliver the file again.", "")

    def _next(self, place: str) -> JsonValue:
        self._doubled = False
        value, self._at = self._decoder.raw_decode(self._text, self._at)
        return JsonValue(place, value, self._doubled)

    def _skip_separator(self) -> None:
        if not self._skip_space():
            return
        mark = self._text[self._at]
        if mark == ",":
            self._at += 1
        elif mark != "]":
            raise ValueError(f"a comma was expected, there stands {mark!r}")

    def _skip_space(self) -> bool:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _to_next_line(self, start: int) -> bool:
        self._broken += 1
        found = _NEXT_LINE.search(self._text, start)
        self._at = found.end() if found else len(self._text)
        return self._broken < _MOST_BROKEN

    def _place(self) -> str:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return f"line {self._line}, character {self._at}"

    def _told(self, place: str, start: int, error: ValueError | RecursionError) -> BrokenJson:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else _said(error)
        content = plain_text(self._text[start : start + 200])
        rest = " The rest of the file is not read." if self._broken >= _MOST_BROKEN - 1 else ""
        return BrokenJson(place, f"This is no whole JSON value: {reason}.{rest}", content)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self._doubled = True
        return DoubledKeys(found)


def has_doubled_keys(value: object) -> bool:
    """Tell whether a key stands twice in an object, or in one within it."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, DoubledKeys):
            return True
        if isinstance(found, dict):
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
    return False


def plain_text(text: str) -> str:
    """Return text that every store can hold: what is no character becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def is_storable(text: str) -> bool:
    """Tell whether the text is made of characters; bytes that are not UTF-8 are none."""
    return text.isascii() or plain_text(text) == text


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _said(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]}"
    return str(error)
