"""Words of the field and what they mean here: which definitions a text names.

Definitions are found by their names, titles and synonyms, whole words only, the longest first.
No word is guessed: what no definition or synonym says, names nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["kpi", "measurement", "alarm", "object_class"]
KINDS: tuple[Kind, ...] = ("kpi", "alarm", "measurement", "object_class")
"""Kinds of definitions that a text may name; the first comes first where several share a name."""

_WORD = re.compile(r"[^\W_]+")
_SINGULAR_ENDINGS = ("ss", "us", "is")
_SHORTEST_PLURAL = 4


class Synonym(BaseModel):
    """One term of the field.

    Attributes:
        name: the term.
        also: other ways to say it.
        means: definitions that it names, as `kpi/cell_drop_rate`; none for a bare abbreviation.
        description: one sentence; what the term says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    also: tuple[str, ...] = ()
    means: tuple[str, ...] = ()
    description: str = ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """The term and its synonyms."""
        return (self.name, *self.also)


class Named(NamedTuple):
    """A definition that a text names.

    Attributes:
        kind: kpi, measurement, alarm or object_class.
        name: the definition's.
        words: the words of the text that name it, as written there.
    """

    kind: Kind
    name: str
    words: str


Phrase = tuple[str, ...]
Phrases = Mapping[Phrase, tuple[tuple[Kind, str], ...]]
"""Which definitions a phrase of plain words names."""


def plain_words(text: str) -> Phrase:
    """Return a text's words without case, marks and plural.

    >>> plain_words("Drop rates of NRCellDU: cell_drop_rate")
    ('drop', 'rate', 'of', 'nrcelldu', 'cell', 'drop', 'rate')
    """
    return tuple(_plain(word) for word in _WORD.findall(text))


def reference(text: str) -> tuple[Kind, str] | None:
    """Return kind and name of a reference such as `kpi/cell_drop_rate`, if it is one."""
    written, _, name = text.partition("/")
    for kind in KINDS:
        if kind == written and name:
            return kind, name
    return None


def phrases(
    titles: Iterable[tuple[Kind, str, Sequence[str]]], synonyms: Iterable[Synonym]
) -> Phrases:
    """Return every phrase that names something.

    Args:
        titles: kind, name and further texts of each definition.
        synonyms: terms with the definitions that they mean.
    """
    found: dict[Phrase, dict[tuple[Kind, str], None]] = {}
    for kind, name, texts in titles:
        for text in (name, *texts):
            found.setdefault(plain_words(text), {})[kind, name] = None
    for synonym in synonyms:
        for text in synonym.spellings:
            for target in filter(None, map(reference, synonym.means)):
                found.setdefault(plain_words(text), {})[target] = None
    found.pop((), None)
    return {phrase: tuple(sorted(named, key=_rank)) for phrase, named in found.items()}


def named_in(text: str, known: Phrases) -> list[Named]:
    """Return the definitions that a text names, in its order; each once.

    At each word the longest phrase that begins there counts, and its words count no further.
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    words = [_plain(text[start:end]) for start, end in spans]
    longest = max(map(len, known), default=0)
    found: dict[tuple[Kind, str], Named] = {}
    at = 0
    while at < len(words):
        length = _longest(words, at, longest, known)
        if length:
            written = text[spans[at][0] : spans[at + length - 1][1]]
            for kind, name in known[tuple(words[at : at + length])]:
                found.setdefault((kind, name), Named(kind, name, written))
        at += length or 1
    return list(found.values())


def _longest(words: Sequence[str], at: int, longest: int, known: Phrases) -> int:
    most = min(longest, len(words) - at)
    return next(
        (length for length in range(most, 0, -1) if tuple(words[at : at + length]) in known), 0
    )


def _plain(word: str) -> str:
    plain = word.casefold()
    is_plural = (
        len(plain) >= _SHORTEST_PLURAL
        and plain.endswith("s")
        and not plain.endswith(_SINGULAR_ENDINGS)
    )
    return plain[:-1] if is_plural else plain


def _rank(target: tuple[Kind, str]) -> tuple[int, str]:
    return KINDS.index(target[0]), target[1]
