"""Reads runs of measType and measValue elements in bulk, ten times faster than one by one.

Most of a measurement file is `<r p="1">234</r>`. A piece of the file is cut at its angle brackets
into tags and the texts between them (NumPy), equal tags are told once (Arrow), and numbers are
read together (Polars). Only what can be proven well-formed by looking at neighbors is taken:

- the piece lies behind the root's start tag of a UTF-8 file whose default namespace is the
  standard's, and holds no comment, CDATA section or processing instruction, nor a stray `<` or `>`;
- every tag in the run is one of the few in `_FORMS`, written in one of the usual ways, and follows
  one that it may follow; a tag, or a text, with a `&` in it is not taken.

The elements so written form a language in which each tag's allowed successors decide membership,
so a run that passes is well-formed. All else goes to expat, which also sees every byte that
surrounds the runs: a document is well-formed exactly if it is without them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tasks.ingestion.measurements.measurement_elements import position_of
from tasks.ingestion.measurements.measurement_events import (
    XML_SPACE,
    IntegerArray,
    NumberArray,
    as_numbers,
)

Offsets = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

(
    _OTHER, _TYPE, _TYPE_END, _VALUE, _VALUE_END, _R, _R_END, _R_EMPTY,
    _LIST, _LIST_END, _SUSPECT, _SUSPECT_END, _SUSPECT_TRUE,
) = range(13)  # fmt: skip

_SPACE = rb"[ \t\r\n]"
_QUOTED = rb"""(?:"([^"<&\t\r\n]*)"|'([^'<&\t\r\n]*)')"""
_FORMS = (
    (_R, rb"<r" + _SPACE + rb"+p" + _SPACE + rb"*=" + _SPACE + rb"*" + _QUOTED, b">"),
    (_R_EMPTY, rb"<r" + _SPACE + rb"+p" + _SPACE + rb"*=" + _SPACE + rb"*" + _QUOTED, b"/>"),
    (_R_END, rb"</r", b">"),
    (
        _VALUE,
        rb"<measValue" + _SPACE + rb"+measObjLdn" + _SPACE + rb"*=" + _SPACE + rb"*" + _QUOTED,
        b">",
    ),
    (_VALUE_END, rb"</measValue", b">"),
    (_TYPE, rb"<measType" + _SPACE + rb"+p" + _SPACE + rb"*=" + _SPACE + rb"*" + _QUOTED, b">"),
    (_TYPE_END, rb"</measType", b">"),
    (_LIST, rb"<measResults", b">"),
    (_LIST_END, rb"</measResults", b">"),
    (_SUSPECT, rb"<suspect", b">"),
    (_SUSPECT_END, rb"</suspect", b">"),
)
_PATTERNS = tuple(
    (form, re.compile(pattern + _SPACE + rb"*" + end)) for form, pattern, end in _FORMS
)
_FLAGS = (_SUSPECT, _SUSPECT_TRUE)
_KEPT_TAG, _KEPT_TYPES = 1 << 8, 1 << 14
"""Longest tags and lists of types that are remembered, in bytes."""
_FOLLOWS = {
    _TYPE: (_TYPE_END,),
    _TYPE_END: (_TYPE,),
    _VALUE: (_R, _R_EMPTY, _LIST, *_FLAGS, _VALUE_END),
    _R: (_R_END,),
    _R_END: (_R, _R_EMPTY, *_FLAGS, _VALUE_END),
    _R_EMPTY: (_R, _R_EMPTY, *_FLAGS, _VALUE_END),
    _LIST: (_LIST_END,),
    _LIST_END: (*_FLAGS, _VALUE_END),
    _SUSPECT: (_SUSPECT_END,),
    _SUSPECT_TRUE: (_SUSPECT_END,),
    _SUSPECT_END: (_VALUE_END,),
}
_MAY_FOLLOW = np.zeros((13, 13), dtype=bool)
for _before, _after in _FOLLOWS.items():
    _MAY_FOLLOW[_before, list(_after)] = True
_ONE_TYPE = re.compile(b"<measType[^=]*=" + _SPACE + b"*" + _QUOTED + b"[^>]*>([^<]*)<")
_NOT_XML = re.compile(rb"\xef\xbf[\xbe\xbf]")


@dataclass(frozen=True, slots=True)
class TypeRun:
    """Consecutive measType elements: where they stand, positions and names."""

    start: int
    end: int
    lines: int
    types: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ValueRun:
    """Consecutive measValue elements: where they stand, and what `MeasuredValues` says of them."""

    start: int
    end: int
    lines: int
    objects: list[str | None]
    is_suspect: list[bool]
    rows: IntegerArray
    positions: IntegerArray
    texts: pl.Series
    numbers: NumberArray
    listed_counts: IntegerArray


@dataclass(frozen=True, slots=True)
class _Cut:
    """A piece of the file, cut at its tags; `forms` says what each tag is."""

    piece: bytes
    line_ends: npt.NDArray[np.bool_]
    starts: Offsets
    ends: Offsets
    forms: npt.NDArray[np.int8]
    said: list[str]
    positions: IntegerArray
    codes: IntegerArray

    def lines(self, start: int, end: int) -> int:
        """Return how many lines end in the slice."""
        return int(np.count_nonzero(self.line_ends[start:end]))


def runs(piece: bytes) -> Iterator[TypeRun | ValueRun]:
    """Yield the runs in a piece that ends with `>` and begins outside of any tag, in order."""
    cut = _cut(piece)
    if cut is None:
        return
    found: list[TypeRun | ValueRun] = [*_type_runs(cut), *_value_runs(cut)]
    yield from sorted(found, key=lambda run: run.start)


def _cut(piece: bytes) -> _Cut | None:
    characters = np.frombuffer(piece, dtype=np.uint8)
    starts = np.flatnonzero(characters == ord("<"))
    ends = np.flatnonzero(characters == ord(">")) + 1
    if len(starts) < 2 or len(starts) != len(ends) or not _is_text(piece, characters):
        return None
    if not ((starts < ends).all() and (ends[:-1] <= starts[1:]).all()):
        return None
    told = _slices(piece, starts, ends, pa.binary()).dictionary_encode()
    tags = told.dictionary.to_pylist()
    codes = told.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    read = [_form(tag) for tag in tags]
    forms = np.array([form for form, _, _ in read], dtype=np.int8)[codes]
    for at in np.flatnonzero(characters == ord("&")):
        forms[np.searchsorted(starts, at, side="right") - 1] = _OTHER
    for tag in np.flatnonzero(forms[:-1] == _SUSPECT):
        forms[tag] = _flag(piece[ends[tag] : starts[tag + 1]])
    positions = np.array([position for _, _, position in read], dtype=np.int64)
    line_ends = characters == ord("\n")
    said = [said for _, said, _ in read]
    return _Cut(piece, line_ends, starts, ends, forms, said, positions, codes)


def _is_text(piece: bytes, characters: npt.NDArray[np.uint8]) -> bool:
    controls = np.count_nonzero(characters < ord(" "))
    if controls != sum(np.count_nonzero(characters == space) for space in b"\t\n\r"):
        return False
    if piece.isascii():
        return True
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _NOT_XML.search(piece) is None


def _form(tag: bytes) -> tuple[int, str, int]:
    """Return what a tag is, the value of its attribute, and the position that this says."""
    return _known_form(tag) if len(tag) <= _KEPT_TAG else _form_of(tag)


@lru_cache(maxsize=1 << 16)
def _known_form(tag: bytes) -> tuple[int, str, int]:
    return _form_of(tag)


def _form_of(tag: bytes) -> tuple[int, str, int]:
    for form, pattern in _PATTERNS:
        match = pattern.fullmatch(tag)
        if match:
            said = next((group for group in match.groups() if group is not None), b"").decode()
            return form, said, position_of(said)
    return _OTHER, "", -1


def _flag(text: bytes) -> int:
    flag = text.strip().lower()
    if flag in {b"true", b"1"}:
        return _SUSPECT_TRUE
    return _SUSPECT if flag in {b"false", b"0", b""} else _OTHER


def _slices(piece: bytes, starts: Offsets, ends: Offsets, kind: pa.DataType) -> pa.Array:
    """Return the slices [start, end) of the piece, in order; they may touch, but not overlap."""
    offsets = np.empty(2 * len(starts), dtype=np.int32)
    offsets[0::2], offsets[1::2] = starts, ends
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(piece)]
    between = pa.Array.from_buffers(kind, len(offsets) - 1, buffers)
    return between.take(pa.array(np.arange(0, len(between), 2, dtype=np.int32)))


def _texts(piece: bytes, starts: Offsets, ends: Offsets) -> pl.Series:
    """Return the slices as stripped text; the piece is known to be UTF-8."""
    if not len(starts):
        return pl.Series([], dtype=pl.String)
    texts = pl.Series(pl.from_arrow(_slices(piece, starts, ends, pa.string())))
    characters = np.frombuffer(piece, dtype=np.uint8)
    is_padded = (characters[starts] <= ord(" ")) | (characters[ends - 1] <= ord(" "))
    if (is_padded & (ends > starts)).any():
        return texts.str.strip_chars(XML_SPACE)
    return texts


def _type_runs(cut: _Cut) -> Iterator[TypeRun]:
    begins = np.flatnonzero(cut.forms[:-1] == _TYPE)
    begins = begins[cut.forms[begins + 1] == _TYPE_END]
    if not len(begins):
        return
    for first, last in _stretches(begins, begins + 1):
        start, end = int(cut.starts[begins[first]]), int(cut.ends[begins[last - 1] + 1])
        yield TypeRun(start, end, cut.lines(start, end), _types(cut.piece[start:end]))


def _types(run: bytes) -> tuple[tuple[str, str], ...]:
    """Return positions and names; files repeat their lists of types, so they are kept."""
    return _known_types(run) if len(run) <= _KEPT_TYPES else _types_of(run)


@lru_cache(maxsize=1 << 8)
def _known_types(run: bytes) -> tuple[tuple[str, str], ...]:
    return _types_of(run)


def _types_of(run: bytes) -> tuple[tuple[str, str], ...]:
    return tuple(
        ((double or single).decode(), name.decode().strip(XML_SPACE))
        for double, single, name in _ONE_TYPE.findall(run)
    )


def _stretches(begins: IntegerArray, ends: IntegerArray) -> Iterator[tuple[int, int]]:
    """Yield the half-open ranges of elements that follow each other at once."""
    gaps = np.flatnonzero(begins[1:] != ends[:-1] + 1) + 1
    bounds = [0, *gaps.tolist(), len(begins)]
    yield from pairwise(bounds)


def _value_runs(cut: _Cut) -> Iterator[ValueRun]:
    begins = np.flatnonzero(cut.forms == _VALUE)
    closes = np.flatnonzero(cut.forms == _VALUE_END)
    at = np.searchsorted(closes, begins)
    begins, at = begins[at < len(closes)], at[at < len(closes)]
    ends = closes[at]
    broken = np.concatenate(([0], np.cumsum(~_MAY_FOLLOW[cut.forms[:-1], cut.forms[1:]])))
    is_whole = broken[ends] == broken[begins]
    begins, ends = begins[is_whole], ends[is_whole]
    if not len(begins):
        return
    objects = [cut.said[code] for code in cut.codes[begins]]
    is_inside = _inside(cut, begins, ends)
    is_suspect = _suspects(cut, begins, is_inside)
    values = _values(cut, begins, is_inside)
    stretches = list(_stretches(begins, ends))
    bounds = np.searchsorted(values.rows, [*(first for first, _ in stretches), len(begins)])
    for (first, last), begin, stop in zip(stretches, bounds, bounds[1:], strict=False):
        start, end = int(cut.starts[begins[first]]), int(cut.ends[ends[last - 1]])
        yield ValueRun(
            start=start,
            end=end,
            lines=cut.lines(start, end),
            objects=list(objects[first:last]),
            is_suspect=is_suspect[first:last],
            rows=values.rows[begin:stop] - first,
            positions=values.positions[begin:stop],
            texts=values.texts.slice(begin, stop - begin),
            numbers=values.numbers[begin:stop],
            listed_counts=values.listed_counts[first:last],
        )


def _inside(cut: _Cut, begins: IntegerArray, ends: IntegerArray) -> Flags:
    """Return which tags stand inside one of the elements; elements between them are not ours."""
    depth = np.zeros(len(cut.forms) + 1, dtype=np.int8)
    depth[begins], depth[ends] = 1, -1
    return np.cumsum(depth)[:-1].astype(bool)


def _suspects(cut: _Cut, begins: IntegerArray, is_inside: Flags) -> list[bool]:
    flags = np.zeros(len(begins), dtype=bool)
    tags = np.flatnonzero(is_inside & (cut.forms == _SUSPECT_TRUE))
    flags[np.searchsorted(begins, tags, side="right") - 1] = True
    return list(flags.tolist())


@dataclass(frozen=True, slots=True)
class _Values:
    rows: IntegerArray
    positions: IntegerArray
    texts: pl.Series
    numbers: NumberArray
    listed_counts: IntegerArray


def _values(cut: _Cut, begins: IntegerArray, is_inside: Flags) -> _Values:
    """Return the values of the measValue elements that begin at `begins`, in order."""
    result = np.flatnonzero(is_inside & ((cut.forms == _R) | (cut.forms == _R_EMPTY)))
    listed = np.flatnonzero(is_inside & (cut.forms == _LIST))
    starts, stops = cut.ends[result], cut.starts[np.minimum(result + 1, len(cut.starts) - 1)]
    stops = np.where(cut.forms[result] == _R_EMPTY, starts, stops)
    rows = np.searchsorted(begins, result, side="right") - 1
    counts = np.full(len(begins), -1, dtype=np.int64)
    places = cut.positions[cut.codes[result]]
    if len(listed):
        word_starts, word_stops, of_list = _words(cut, listed)
        list_rows = np.searchsorted(begins, listed, side="right") - 1
        per_list = np.bincount(of_list, minlength=len(listed))
        counts[list_rows] = per_list
        firsts = np.cumsum(per_list) - per_list
        order = np.argsort(np.concatenate((starts, word_starts)), kind="stable")
        rows = np.concatenate((rows, list_rows[of_list]))[order]
        nth = np.arange(len(of_list)) - firsts[of_list] + 1
        places = np.concatenate((places, nth))[order]
        starts = np.concatenate((starts, word_starts))[order]
        stops = np.concatenate((stops, word_stops))[order]
    texts = _texts(cut.piece, starts, stops)
    return _Values(rows, places, texts, as_numbers(texts), counts)


def _words(cut: _Cut, listed: IntegerArray) -> tuple[Offsets, Offsets, IntegerArray]:
    """Return where words of measResults texts start and stop, and which list each is of."""
    characters = np.frombuffer(cut.piece, dtype=np.uint8)
    edges = np.zeros(len(characters) + 1, dtype=np.int8)
    list_starts, list_stops = cut.ends[listed], cut.starts[listed + 1]
    np.add.at(edges, list_starts, 1)
    np.add.at(edges, list_stops, -1)
    is_word = (np.cumsum(edges[:-1], dtype=np.int8) > 0) & (characters > ord(" "))
    padded = np.zeros(len(is_word) + 2, dtype=bool)
    padded[1:-1] = is_word
    change = np.flatnonzero(padded[1:] != padded[:-1])
    starts, stops = change[0::2], change[1::2]
    return starts, stops, np.searchsorted(list_starts, starts, side="right") - 1
