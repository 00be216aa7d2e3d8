"""Words of passages and questions, as search by word counts them.

Identifiers, KPI names and DNs stay whole words, beside their parts; other words lose their common
endings.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from semantic_layer.errors import InputError
from semantic_layer.knowledge_rules import KnowledgeRules
from tasks.messages.passages import Passage

_VERSION = 1
"""Raised whenever the same text gives other words: vectors of words made before no longer fit."""

_WHOLE = re.compile(r"\w+(?:[._=/:+-]\w+)*")
_PART = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LONGEST_WORD = 64
_SHORTEST_STEM = 3
_SHORTEST_UNDOUBLED = 4
_ENDINGS = ("ings", "ing", "ies", "ied", "ed", "es", "s")


def terms(text: str) -> list[str]:
    """Return the words that a text counts by, in its order.

    None is left out for being common: headings such as "What to do" hold nothing else, and rarity
    weighs words well enough.

    >>> terms("Dropped calls at NRCellDU=3")
    ['drop', 'call', 'at', 'nrcelldu=3', 'nrcelldu', '3', 'nr', 'cell', 'du']
    """
    return list(_terms(unicodedata.normalize("NFKC", text)))


def passage_terms(passage: Passage) -> list[str]:
    """Return the words of a passage: of its title and its text."""
    return terms(searched_text(passage))


def searched_text(passage: Passage) -> str:
    """Return what a passage is searched by: its title and its text."""
    return f"{passage.title}\n{passage.text}"


def checked_limit(limit: int) -> int:
    """Return how many passages are wanted.

    Raises:
        InputError: none are.
    """
    if limit < 1:
        raise InputError(f"A search for {limit} passages finds nothing; ask for 1 or more.")
    return limit


def passage_weights(words: Iterable[str], rules: KnowledgeRules) -> dict[str, float]:
    """Return how much each word of a passage counts, but for its rarity: BM25's share of it."""
    counts = Counter(words)
    length = sum(counts.values()) / rules.usual_terms
    norm = rules.term_saturation * (1 - rules.length_share + rules.length_share * length)
    return {
        word: count * (rules.term_saturation + 1) / (count + norm) for word, count in counts.items()
    }


def words_version(rules: KnowledgeRules) -> str:
    """Return what vectors of words depend on; those of two versions never mix."""
    told = (rules.term_saturation, rules.length_share, rules.usual_terms)
    return "-".join(map(str, ("words", _VERSION, *told)))


def term_number(word: str) -> int:
    """Return the number of 32 bits that stands for a word in sparse vectors."""
    return int.from_bytes(blake2b(word.encode(), digest_size=4).digest(), "big")


def _terms(text: str) -> Iterator[str]:
    for whole in _WHOLE.findall(text):
        parts = _PART.findall(whole)
        if len(parts) > 1:
            yield whole.casefold()[:_LONGEST_WORD]
        for part in parts:
            yield from _word(part)
        for part in parts:
            yield from _humps(part)


def _word(part: str) -> Iterator[str]:
    yield _stem(part.casefold()[:_LONGEST_WORD])


def _humps(part: str) -> Iterator[str]:
    """Yield the words within a word such as `digitalTilt`."""
    found = _HUMP.split(part[:_LONGEST_WORD])
    if len(found) > 1:
        for piece in found:
            yield from _word(piece)


def _stem(word: str) -> str:
    """Return a word without its common ending; one with a digit stays as it is."""
    if not word.isalpha():
        return word
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        is_plural = ending != "s" or not stem.endswith(("s", "u", "i"))
        if stem != word and len(stem) >= _SHORTEST_STEM and is_plural:
            return _rounded(stem, ending)
    return _without_e(word)


def _rounded(stem: str, ending: str) -> str:
    """Return a stem as its other forms have it: `dropp-ed` as drop, `stud-ies` as study."""
    if ending in ("ies", "ied"):
        return f"{stem}y"
    is_doubled = len(stem) >= _SHORTEST_UNDOUBLED and stem[-1] == stem[-2]
    if is_doubled and ending not in ("s", "es") and stem[-1] not in "lsz":
        return stem[:-1]
    return _without_e(stem)


def _without_e(word: str) -> str:
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM else word
