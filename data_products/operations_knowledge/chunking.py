"""Text becomes passages: bounded, cut where sense ends, and shown without what no reader sees."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CUTS = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n(?=[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t])|\n(?=[ \t]*\|)"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?])\s+"),
    re.compile(r"\s+"),
)
"""Where text may be cut, the best place first: paragraphs, list items and table rows, lines,
sentences, words."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT = frozenset("\n\t")
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u115f\u1160\u3164\uffa0\u034f]")
_PRINTABLE = re.compile(r"[\n\t\x20-\x7e]*")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """Text as it is shown, and how many characters of the original are not."""

    text: str
    hidden: int


def shown(original: str) -> Shown:
    r"""Return text without control, bidirectional, zero-width and other invisible characters.

    >>> shown("Lock\u200b the\u202e cell")
    Shown(text='Lock the cell', hidden=2)
    """
    if _PRINTABLE.fullmatch(original):
        return Shown(original, 0)
    kept = [letter for letter in original if _is_shown(letter)]
    return Shown("".join(kept), len(original) - len(kept))


def passage_spans(text: str, most: int) -> list[Span]:
    """Return where passages begin and end: at most `most` characters, cut where sense ends.

    Paragraphs, lists and tables stay whole where they fit, then list items and rows, then
    sentences, then words; a line that ends with a colon goes with what follows it. Spans are in
    order, never overlap, and leave out nothing but white space between them.
    """
    whole = _trimmed(text, 0, len(text))
    return [] if whole is None else _packed(text, list(_units(text, whole, most, 0)), most)


def _units(text: str, span: Span, most: int, level: int) -> Iterator[Span]:
    """Yield pieces of a span that fit, each as large as its place of cutting allows."""
    start, end = span
    if end - start <= most and level > 0:
        yield span
    elif level == len(_CUTS):
        yield from ((at, min(at + most, end)) for at in range(start, end, most))
    else:
        for piece in _cut(text, span, _CUTS[level]):
            yield from _units(text, piece, most, level + 1)


def _cut(text: str, span: Span, where: re.Pattern[str]) -> Iterator[Span]:
    at, end = span
    for gap in where.finditer(text, at, end):
        piece = _trimmed(text, at, gap.start())
        if piece is not None:
            yield piece
        at = gap.end()
    piece = _trimmed(text, at, end)
    if piece is not None:
        yield piece


def _packed(text: str, units: Sequence[Span], most: int) -> list[Span]:
    """Return units put together as long as they fit."""
    packed: list[list[Span]] = []
    for unit in units:
        if packed and unit[1] - packed[-1][0][0] <= most:
            packed[-1].append(unit)
        elif packed and len(packed[-1]) > 1 and _leads_in(text, packed[-1][-1], unit, most):
            packed.append([packed[-1].pop(), unit])
        else:
            packed.append([unit])
    return [(group[0][0], group[-1][1]) for group in packed]


def _leads_in(text: str, last: Span, unit: Span, most: int) -> bool:
    return text[last[1] - 1] == ":" and unit[1] - last[0] <= most


def _trimmed(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _is_shown(letter: str) -> bool:
    if letter in _KEPT:
        return True
    return unicodedata.category(letter) not in _HIDDEN and not _VARIATIONS.match(letter)
