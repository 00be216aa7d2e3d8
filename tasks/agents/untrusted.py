"""Which strings of a run were written by others, and whether a value holds any of them.

A text counts as held where it stands whole or where several of its words follow one another,
whatever the case, spacing and punctuation: agents build sentences around what they read. Short
tokens, such as `CRITICAL` or a ticket's number, and DNs of short names are no text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from tasks.messages.canonical import JsonValue

_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[\w.:+/=-]{1,24}")
_SHORT_DN = re.compile(r"(?:[A-Za-z]{1,40}=[\w.-]{1,16},)*[A-Za-z]{1,40}=[\w.-]{1,16}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_RUN = 5


class UntrustedTexts:
    """What others wrote, as far as one session has seen it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._runs: set[tuple[str, ...]] = set()
        self._indexed = 0

    def __bool__(self) -> bool:
        """Tell whether any text by others was seen."""
        return bool(self.texts)

    def add(self, value: JsonValue) -> None:
        """Note every string in the value, keys included."""
        self.texts.extend(text for text in strings_in(value) if not is_token(text))

    def copy(self) -> "UntrustedTexts":
        """Return the same texts for a branch, which adds its own."""
        other = UntrustedTexts()
        other.texts = list(self.texts)
        return other

    def take_in(self, other: "UntrustedTexts") -> None:
        """Note what a branch has seen."""
        known = set(self.texts)
        self.texts.extend(text for text in other.texts if text not in known)

    def held_in(self, value: JsonValue) -> str | None:
        """Return the first string of the value that holds text by others, None when none does."""
        self._index()
        for text in strings_in(value):
            words = _words(text)
            if any(run in self._runs for run in _runs_to_look_up(words)):
                return text
        return None

    def _index(self) -> None:
        for text in self.texts[self._indexed :]:
            words = _words(text)
            self._runs.update(_runs(words, min(_RUN, len(words))))
        self._indexed = len(self.texts)


def strings_in(value: JsonValue) -> Iterator[str]:
    """Yield every string in a JSON value, keys of mappings included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from strings_in(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from strings_in(inner)


def is_token(text: str) -> bool:
    """Tell whether a string is a short token, DN or moment: too little to say anything with."""
    patterns = (_TOKEN, _SHORT_DN, _MOMENT)
    return not text.strip() or any(pattern.fullmatch(text) for pattern in patterns)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


def _runs(words: tuple[str, ...], length: int) -> set[tuple[str, ...]]:
    if not length:
        return set()
    return {words[start : start + length] for start in range(len(words) - length + 1)}


def _runs_to_look_up(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for length in range(1, _RUN + 1):
        yield from _runs(words, length)
