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
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tasks.ingestion.measurement_elements import position_of
from tasks.ingestion.measurement_events import (
    XML_SPACE,
    IntegerArray,
    NumberArray,
    as_numbers,
)

Offsets = npt.NDArray[np.int64]

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
_NOT_XML = re.compile(rb"\xef\xbf[\xbe\xbf]")


@dataclass(frozen=True, slots=True)
class TypeRun:
    """Consecutive measType elements: where they stand, positions and names."""

    start: int
    end: int
    types: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ValueRun:
    """Consecutive measValue elements: where they stand, and what `MeasuredValues` says of them."""

    start: int
    end: int
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
    starts: Offsets
    ends: Offsets
    forms: npt.NDArray[np.int8]
    said: list[str]
    codes: IntegerArray


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
    told = _slices(piece, starts, ends).dictionary_encode()
    tags = told.dictionary.to_pylist()
    codes = told.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    forms_said = [_form(tag) for tag in tags]
    forms = np.array([form for form, _ in forms_said], dtype=np.int8)[codes]
    for at in np.flatnonzero(characters == ord("&")):
        forms[np.searchsorted(starts, at, side="right") - 1] = _OTHER
    for tag in np.flatnonzero(forms[:-1] == _SUSPECT):
        forms[tag] = _flag(piece[ends[tag] : starts[tag + 1]])
    return _Cut(piece, starts, ends, forms, [said for _, said in forms_said], codes)


def _is_text(piece: bytes, characters: npt.NDArray[np.uint8]) -> bool:
    controls = int(np.count_nonzero(characters < ord(" ")))
    if controls != piece.count(b"\n") + piece.count(b"\t") + piece.count(b"\r"):
        return False
    if piece.isascii():
        return True
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _NOT_XML.search(piece) is None


def _form(tag: bytes) -> tuple[int, str]:
    for form, pattern in _PATTERNS:
        match = pattern.fullmatch(tag)
        if match:
            said = next((group for group in match.groups() if group is not None), b"")
            return form, said.decode("utf-8")
    return _OTHER, ""


def _flag(text: bytes) -> int:
    flag = text.strip().lower()
    if flag in {b"true", b"1"}:
        return _SUSPECT_TRUE
    return _SUSPECT if flag in {b"false", b"0", b""} else _OTHER


def _slices(piece: bytes, starts: Offsets, ends: Offsets) -> pa.LargeBinaryArray:
    """Return the slices [start, end) of the piece; they may touch, but not overlap."""
    offsets = np.empty(2 * len(starts), dtype=np.int64)
    offsets[0::2], offsets[1::2] = starts, ends
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(piece)]
    between = pa.Array.from_buffers(pa.large_binary(), max(len(offsets) - 1, 0), buffers)
    return between.take(pa.array(np.arange(0, len(between), 2)))


def _texts(piece: bytes, starts: Offsets, ends: Offsets) -> pl.Series:
    if not len(starts):
        return pl.Series([], dtype=pl.String)
    texts = pl.Series(pl.from_arrow(_slices(piece, starts, ends))).cast(pl.String)
    return texts.str.strip_chars(XML_SPACE)


def _type_runs(cut: _Cut) -> Iterator[TypeRun]:
    begins = np.flatnonzero(cut.forms[:-1] == _TYPE)
    begins = begins[cut.forms[begins + 1] == _TYPE_END]
    if not len(begins):
        return
    positions = [cut.said[code] for code in cut.codes[begins]]
    spans = zip(cut.ends[begins].tolist(), cut.starts[begins + 1].tolist(), strict=True)
    names = [cut.piece[start:end].decode().strip(XML_SPACE) for start, end in spans]
    types = list(zip(positions, names, strict=True))
    for first, last in _stretches(begins, begins + 1):
        start, end = int(cut.starts[begins[first]]), int(cut.ends[begins[last - 1] + 1])
        yield TypeRun(start, end, types[first:last])


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
    is_suspect = _suspects(cut, begins)
    values = _values(cut, begins, ends)
    for first, last in _stretches(begins, ends):
        inside = slice(*np.searchsorted(values.rows, (first, last)).tolist())
        yield ValueRun(
            start=int(cut.starts[begins[first]]),
            end=int(cut.ends[ends[last - 1]]),
            objects=list(objects[first:last]),
            is_suspect=is_suspect[first:last],
            rows=values.rows[inside] - first,
            positions=values.positions[inside],
            texts=values.texts[inside],
            numbers=values.numbers[inside],
            listed_counts=values.listed_counts[first:last],
        )


def _suspects(cut: _Cut, begins: IntegerArray) -> list[bool]:
    flags = np.zeros(len(begins), dtype=bool)
    tags = np.flatnonzero(cut.forms == _SUSPECT_TRUE)
    rows = np.searchsorted(begins, tags, side="right") - 1
    flags[rows[rows >= 0]] = True
    return list(flags.tolist())


@dataclass(frozen=True, slots=True)
class _Values:
    rows: IntegerArray
    positions: IntegerArray
    texts: pl.Series
    numbers: NumberArray
    listed_counts: IntegerArray


def _values(cut: _Cut, begins: IntegerArray, ends: IntegerArray) -> _Values:
    """Return the values of the measValue elements from `begins` to `ends`, in order."""
    depth = np.zeros(len(cut.forms) + 1, dtype=np.int8)
    depth[begins], depth[ends] = 1, -1
    is_inside = np.cumsum(depth)[:-1].astype(bool)
    result = np.flatnonzero(is_inside & ((cut.forms == _R) | (cut.forms == _R_EMPTY)))
    listed = np.flatnonzero(is_inside & (cut.forms == _LIST))
    starts, stops = cut.ends[result], cut.starts[np.minimum(result + 1, len(cut.starts) - 1)]
    stops = np.where(cut.forms[result] == _R_EMPTY, starts, stops)
    rows = np.searchsorted(begins, result, side="right") - 1
    positions = np.array([position_of(said) for said in cut.said], dtype=np.int64)
    counts = np.full(len(begins), -1, dtype=np.int64)
    places = positions[cut.codes[result]]
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
    change = np.diff(np.concatenate(([0], is_word.view(np.int8), [0])))
    starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return starts, stops, np.searchsorted(list_starts, starts, side="right") - 1
