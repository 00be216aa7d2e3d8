"""What a measurement file's events mean: whose values, of which period, under which counter.

Nothing is lost: what cannot be used becomes a `Finding`, which goes to the quarantine with its
place and reason, and the rest of the file is read on.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from tasks.ingestion.measurements.delivered_periods import GranularityPeriod, period_of
from tasks.ingestion.measurements.measurement_elements import position_of
from tasks.ingestion.measurements.measurement_events import (
    XML_SPACE,
    Event,
    FileHeader,
    IntegerArray,
    MeasInfo,
    MeasuredValues,
    NumberArray,
    Remark,
)

_SAYS_NOTHING = frozenset({"", "nil", "null", "nan", "n/a"})
_MOST_CELLS = 4_000_000
_DENSE_POSITIONS = 1 << 20
_KEPT_TYPES, _KEPT_DIGITS = 1_000, 4
"""Most types of a measInfo, and digits of their positions, whose columns are remembered."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a file that cannot be used: where, what, why, and the thing itself."""

    place: str
    key: str
    reason: str
    content: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredBlock:
    """Values of some objects of one measInfo, as numbers.

    Attributes:
        place: where the measInfo stands.
        period: the granularity period.
        element: localDn of the managed element, as the file writes it.
        counters: names, in the order of the columns of `numbers`.
        objects: measObjLdn of each row of `numbers`.
        is_suspect: flag of each row.
        numbers: one row an object, one column a counter; NaN where there is no single number.
        vectors: by row and column, values of several numbers.
    """

    place: str
    period: GranularityPeriod
    element: str
    counters: tuple[str, ...]
    objects: list[str]
    is_suspect: list[bool]
    numbers: NumberArray
    vectors: dict[tuple[int, int], list[float | None]]


@dataclass(slots=True)
class FileCounts:
    """How much of what a file held."""

    meas_infos: int = 0
    meas_values: int = 0
    types: int = 0
    values: int = 0
    vectors: int = 0
    empty: int = 0
    suspects: int = 0


@dataclass(slots=True)
class Interpreter:
    """Turns events of one file into blocks and findings, and counts.

    Attributes:
        header: the file's header, once it was read.
        counts: so far.
    """

    header: FileHeader | None = None
    counts: FileCounts = field(default_factory=FileCounts)
    _info: MeasInfo | None = None
    _period: GranularityPeriod | None = None
    _counters: tuple[str, ...] = ()
    _has_begun: bool = False
    _columns: IntegerArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    _refusal: str = ""

    def interpret(self, event: Event) -> Iterator[MeasuredBlock | Finding]:
        """Yield what the event means."""
        if isinstance(event, MeasuredValues):
            yield from self._values(event)
        elif isinstance(event, MeasInfo):
            self.finish()
            self.counts.meas_infos += 1
            self._info, self._has_begun, self._refusal = event, False, ""
        elif isinstance(event, FileHeader):
            self.header = event
        elif isinstance(event, Remark):
            yield Finding(event.place, "", event.text)

    def finish(self) -> None:
        """Count the types of the last measInfo."""
        if self._info is not None:
            self.counts.types += len(_type_names(self._info))
        self._info = None

    def _values(self, values: MeasuredValues) -> Iterator[MeasuredBlock | Finding]:
        self._count(values)
        names = _type_names(values.info)
        if not self._has_begun or names != self._counters:
            self._begin(values.info, names)
        if self._refusal:
            key = values.info.meas_info_id
            yield Finding(values.info.place, key, self._refusal, _content(values))
            return
        for part in _parts(values, max(1, _MOST_CELLS // max(len(names), 1))):
            yield from self._block(part)

    def _begin(self, info: MeasInfo, names: tuple[str, ...]) -> None:
        if self._has_begun:
            self._refusal = "A measType follows a measValue; whose names count cannot be told."
            return
        self._has_begun, self._counters = True, names
        if info.element_dn is None:
            self._refusal = "Its measData has no managedElement or measEntity."
            return
        try:
            self._period = period_of(info.end_time, info.duration)
        except ValueError as error:
            self._refusal = str(error)
            return
        self._columns, self._refusal = _column_of_position(tuple(info.types), info.listed_types)

    def _block(self, values: MeasuredValues) -> Iterator[MeasuredBlock | Finding]:
        width = len(self._counters)
        inside = np.clip(values.positions, 0, len(self._columns) - 1)
        columns = np.where(values.positions == inside, self._columns[inside], -1)
        if _is_full(values, columns, width):
            rows, kept = values.rows, np.arange(len(values.rows))
            usable = np.ones(len(values.objects), dtype=bool)
            numbers = values.numbers.reshape(len(values.objects), width)
        else:
            findings, usable = _unusable_rows(values, width)
            yield from findings
            yield from _strays(values, columns, usable)
            kept = np.flatnonzero(usable[values.rows] & (columns >= 0))
            rows, columns = values.rows[kept], columns[kept]
            numbers = np.full((len(values.objects), width), np.nan)
            numbers[rows, columns] = values.numbers[kept]
        vectors: dict[tuple[int, int], list[float | None]] = {}
        for index in np.flatnonzero(np.isnan(values.numbers[kept])):
            text = str(values.texts[int(kept[index])])
            place = (int(rows[index]), int(columns[index]))
            if "," in text and (vector := _vector(text)) is not None:
                vectors[place] = vector
            elif text.lower() not in _SAYS_NOTHING:
                reason = f"The value {text[:80]!r} is no number."
                yield _finding(values, place[0], self._counters[place[1]], reason, text)
        for row, column in _repeated(rows, columns, width):
            numbers[row, column] = np.nan
            vectors.pop((row, column), None)
            reason = "The object has two values for one position; neither is used."
            counter = self._counters[column]
            yield _finding(values, row, counter, reason, _object_content(values, row))
        yield self._usable_block(values, numbers, vectors, np.flatnonzero(usable))

    def _usable_block(
        self,
        values: MeasuredValues,
        numbers: NumberArray,
        vectors: dict[tuple[int, int], list[float | None]],
        chosen: IntegerArray,
    ) -> MeasuredBlock:
        assert self._period is not None  # noqa: S101 - `_begin` set it, or refused
        is_whole = len(chosen) == len(values.objects)
        return MeasuredBlock(
            place=values.info.place,
            period=self._period,
            element=values.info.element_dn or "",
            counters=self._counters,
            objects=[values.objects[row] or "" for row in chosen.tolist()],
            is_suspect=[values.is_suspect[row] for row in chosen.tolist()],
            numbers=numbers if is_whole else numbers[chosen],
            vectors=vectors if is_whole else _renumbered(vectors, chosen),
        )

    def _count(self, values: MeasuredValues) -> None:
        counts = self.counts
        counts.meas_values += len(values.objects)
        counts.values += len(values.rows)
        counts.suspects += sum(values.is_suspect)
        for index in np.flatnonzero(np.isnan(values.numbers)).tolist():
            text = values.texts[index]
            counts.empty += text == ""
            counts.vectors += "," in text


def _type_names(info: MeasInfo) -> tuple[str, ...]:
    return _names(tuple(info.types), info.listed_types)


def _names(types: tuple[tuple[str, str], ...], listed: str | None) -> tuple[str, ...]:
    return tuple(name for _, name in types) if listed is None else tuple(listed.split())


def _column_of_position(
    types: tuple[tuple[str, str], ...], listed: str | None
) -> tuple[IntegerArray, str]:
    """Return, for each position, the column of its counter (-1: none); or why it cannot be told.

    What files repeat is kept, unless it is so large that a few of it would fill the memory.
    """
    is_large = len(types) > _KEPT_TYPES or len(listed or "") > 64 * _KEPT_TYPES
    if is_large or any(len(position) > _KEPT_DIGITS for position, _ in types):
        return _columns_of(types, listed)
    return _known_columns(types, listed)


@lru_cache(maxsize=1 << 8)
def _known_columns(
    types: tuple[tuple[str, str], ...], listed: str | None
) -> tuple[IntegerArray, str]:
    return _columns_of(types, listed)


def _columns_of(types: tuple[tuple[str, str], ...], listed: str | None) -> tuple[IntegerArray, str]:
    none = np.empty(0, dtype=np.int64)
    names = _names(types, listed)
    if not names:
        return none, "It names no measTypes, so its values have no meaning."
    if len(set(names)) < len(names):
        times = Counter(names)
        twice = next(name for name in names if times[name] > 1)
        return none, f"It names the counter {twice!r} twice; which values count cannot be told."
    if listed is not None and types:
        return none, "It has measTypes and measType; which of them counts cannot be told."
    positions = [position_of(p) for p, _ in types] or list(range(1, len(names) + 1))
    highest = max(positions)
    if min(positions) < 0 or highest > _DENSE_POSITIONS or len(set(positions)) < len(positions):
        return none, "The positions p of its measTypes are missing, repeated or no numbers."
    columns = np.full(highest + 1, -1, dtype=np.int64)
    columns[positions] = np.arange(len(positions))
    return columns, ""


def _is_full(values: MeasuredValues, columns: IntegerArray, width: int) -> bool:
    """Tell whether every object has one value for every counter, in order: the usual case."""
    if len(columns) != len(values.objects) * width or None in values.objects:
        return False
    cells = values.rows * width + columns
    return bool((cells == np.arange(len(cells))).all())


def _unusable_rows(
    values: MeasuredValues, types: int
) -> tuple[list[Finding], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return findings on whole measValue elements, and which can be used."""
    is_nameless = np.array([name is None for name in values.objects], dtype=bool)
    counts = values.listed_counts
    is_misfit = (counts >= 0) & (counts != types)
    findings = []
    for row in np.flatnonzero(is_nameless | is_misfit):
        reason = (
            "The measValue has no measObjLdn."
            if is_nameless[row]
            else f"It has {counts[row]} values for {types} types; which belong together cannot "
            "be told."
        )
        findings.append(_finding(values, int(row), "", reason, _object_content(values, int(row))))
    return findings, ~(is_nameless | is_misfit)


def _strays(
    values: MeasuredValues,
    columns: IntegerArray,
    usable: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Iterator[Finding]:
    """Yield one finding for each object with values whose position has no measType."""
    is_stray = (columns < 0) & usable[values.rows]
    for row in np.unique(values.rows[is_stray]):
        at = np.flatnonzero(is_stray & (values.rows == row))
        content = {str(values.positions[index]): values.texts[int(index)] for index in at}
        positions = ", ".join(content)
        reason = f"No measType has the position {positions} of {len(at)} of its values."
        yield _finding(values, int(row), "", reason, json.dumps(content))


def _repeated(rows: IntegerArray, columns: IntegerArray, width: int) -> list[tuple[int, int]]:
    cells = rows * width + columns
    if len(cells) < 2 or bool((np.diff(cells) > 0).all()):
        return []
    told, times = np.unique(cells, return_counts=True)
    return [divmod(int(cell), width) for cell in told[times > 1]]


def _vector(text: str) -> list[float | None] | None:
    """Return the numbers of a comma-separated text; None when a part is none."""
    if "_" in text:
        return None
    try:
        plain = list(map(float, text.split(",")))
    except ValueError:
        plain = [math.nan]
    if math.isfinite(sum(plain)):
        return list(plain)
    numbers: list[float | None] = []
    for part in text.split(","):
        if part.strip(XML_SPACE).lower() in _SAYS_NOTHING:
            numbers.append(None)
            continue
        try:
            number = float(part)
        except ValueError:
            return None
        if not math.isfinite(number):
            return None
        numbers.append(number)
    return numbers


def _renumbered(
    vectors: dict[tuple[int, int], list[float | None]], chosen: IntegerArray
) -> dict[tuple[int, int], list[float | None]]:
    if not vectors:
        return vectors
    new = {int(row): index for index, row in enumerate(chosen)}
    return {(new[row], column): vector for (row, column), vector in vectors.items()}


def _parts(values: MeasuredValues, most_rows: int) -> Iterator[MeasuredValues]:
    """Yield the values in pieces of at most so many objects."""
    if len(values.objects) <= most_rows:
        yield values
        return
    for first in range(0, len(values.objects), most_rows):
        inside = slice(first, first + most_rows)
        bounds = np.searchsorted(values.rows, (first, first + most_rows))
        within = slice(*bounds.tolist())
        yield MeasuredValues(
            info=values.info,
            objects=values.objects[inside],
            is_suspect=values.is_suspect[inside],
            rows=values.rows[within] - first,
            positions=values.positions[within],
            texts=values.texts[within],
            numbers=values.numbers[within],
            listed_counts=values.listed_counts[inside],
        )


def _finding(values: MeasuredValues, row: int, counter: str, reason: str, content: str) -> Finding:
    place = f"{values.info.place}, object {values.objects[row]!r}"
    return Finding(place, counter, reason, content)


def _object_content(values: MeasuredValues, row: int) -> str:
    at = np.flatnonzero(values.rows == row)
    pairs = [[int(values.positions[index]), values.texts[int(index)]] for index in at]
    return json.dumps({"object": values.objects[row], "values": pairs})


def _content(values: MeasuredValues) -> str:
    """Return the values as JSON: names of types, and by object position and text."""
    objects: dict[str, list[list[int | str]]] = {str(name): [] for name in values.objects}
    for row, position, text in zip(
        values.rows.tolist(), values.positions.tolist(), values.texts, strict=True
    ):
        objects[str(values.objects[row])].append([position, text])
    return json.dumps({"counters": _type_names(values.info), "objects": objects})
