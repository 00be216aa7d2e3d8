"""Blocks of many files become rows of `pm_measurements`: one row an object and period.

A cell's halves are one row. Where two files say the same of one row, the later file counts (files
are given in order of delivery, by name); where one file says two things, the first counts and the
other is a finding. Nothing is guessed: a value without a definition is kept in the quarantine.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import polars as pl

from data_products.product import TIME
from semantic_layer.derivations import with_derived
from semantic_layer.errors import InputError
from semantic_layer.identity import (
    cell_dn_expression,
    joined_dn,
    managed_element_expression,
    object_class_expression,
    object_class_of,
)
from semantic_layer.managed_objects import row_dn
from semantic_layer.periods import Window
from tasks.ingestion.measurements.counter_plans import CounterPlan, CounterPlans
from tasks.ingestion.measurements.measured_blocks import Finding, MeasuredBlock
from tasks.ingestion.measurements.measurement_events import FileHeader, IntegerArray, NumberArray
from tasks.ingestion.measurements.row_columns import RowColumns, plain_name, raw_column
from tasks.ingestion.measurements.vendor_values import fill_from_vendor

_SOME = 5

RowKey = tuple[str, datetime, int]


@dataclass(frozen=True, slots=True)
class MeasuredObject:
    """A measured object: the row that it counts on, and its own class."""

    row: str
    object_class: str


@dataclass(frozen=True, slots=True)
class _Placed:
    """What a file says of some rows."""

    rows: IntegerArray
    columns: list[str]
    numbers: NumberArray


@dataclass(slots=True)
class _FileRows:
    """Everything that one file says, kept apart until the file is known to be whole."""

    name: str
    placed: list[_Placed] = field(default_factory=list)
    vectors: list[tuple[int, str, list[float | None]]] = field(default_factory=list)
    suspects: set[int] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


class MeasurementRows:
    """Gathers blocks, file by file, and gives one frame.

    Args:
        plans: which counters are which measurements.
        window: periods outside of it are left to other runs.
    """

    def __init__(self, plans: CounterPlans, window: Window) -> None:
        self._plans = plans
        self._window = window
        self._rows: dict[RowKey, int] = {}
        self._objects: dict[tuple[str, str, str], MeasuredObject | str] = {}
        self._files: list[_FileRows] = []
        self._open: _FileRows | None = None
        self._vendors: set[str] = set()

    def begin(self, name: str) -> None:
        """A file begins."""
        self._open = _FileRows(name)

    def drop(self) -> None:
        """Forget what the open file said: it is not whole."""
        self._open = None

    def keep(self) -> None:
        """The open file is whole: what it said counts."""
        if self._open is not None:
            self._files.append(self._open)
        self._open = None

    def report(self, finding: Finding) -> None:
        """Keep a finding with the open file."""
        if self._open is not None:
            self._open.findings.append(finding)

    def add(self, header: FileHeader, block: MeasuredBlock, span: Window | None) -> None:
        """Place a block of the open file; `span` is what the file says that it covers."""
        if self._open is None:
            return
        period = block.period if span is None else block.period.nearest_to(span.start)
        if period is not block.period:
            block = replace(block, period=period)
        if not self._window.covers(block.period.start):
            if span is None or not span.covers(block.period.start):
                self.report(_astray(block, span))
            return
        by_class: dict[str, list[tuple[int, MeasuredObject]]] = {}
        for index, local in enumerate(block.objects):
            found = self._object(header.dn_prefix, block.element, local)
            if isinstance(found, str):
                content = json.dumps({local: _said(block, index, range(len(block.counters)))})
                place = f"{block.place}, object {local!r}"
                self.report(Finding(place, local, found, content))
            else:
                by_class.setdefault(found.object_class, []).append((index, found))
        for object_class, members in by_class.items():
            self._place(header.vendor_name, object_class, block, members)

    def frame(self) -> tuple[pl.DataFrame, list[tuple[str, Finding]], int]:
        """Return rows, findings by file, and how many values a later file replaced."""
        told = [name for file in self._files for placed in file.placed for name in placed.columns]
        columns = RowColumns(len(self._rows), told, [file.name for file in self._files])
        findings = [(file.name, finding) for file in self._files for finding in file.findings]
        names = list(self._rows)
        for number, file in enumerate(self._files):
            for placed in file.placed:
                for row, column, kept, other in columns.place(
                    number, placed.rows, placed.columns, placed.numbers
                ):
                    reason = f"The file says {kept:g} and {other:g} of it; the first counts."
                    place = f"object {names[row][0]!r}, {names[row][1].isoformat()}"
                    finding = Finding(place, plain_name(column), reason, repr(other))
                    findings.append((file.name, finding))
            columns.place_vectors(number, file.vectors)
            columns.mark_suspect(number, file.suspects)
        for vendor in sorted(self._vendors):
            vendor_map = self._plans.vendor_map(vendor)
            if vendor_map is not None:
                filled = fill_from_vendor(columns, vendor_map, self._plans.catalogue)
                findings.extend(("", finding) for finding in filled)
        return self._framed(columns), findings, columns.replaced

    def _object(self, prefix: str, element: str, local: str) -> MeasuredObject | str:
        key = (prefix, element, local)
        if key not in self._objects:
            try:
                dn = joined_dn(prefix, element, local)
                row = row_dn(dn, self._plans.catalogue.object_classes)
                self._objects[key] = MeasuredObject(row, object_class_of(dn))
            except InputError as error:
                self._objects[key] = str(error)
        return self._objects[key]

    def _place(
        self,
        vendor_name: str,
        object_class: str,
        block: MeasuredBlock,
        members: Sequence[tuple[int, MeasuredObject]],
    ) -> None:
        assert self._open is not None  # noqa: S101 - `add` returns without an open file
        plan = self._plans.plan(vendor_name, object_class, block.counters)
        if plan.vendor_counters:
            self._vendors.add(vendor_name)
        indices = [index for index, _ in members]
        self._report_left_over(plan, block, indices)
        targets = [
            *plan.scalars,
            *((at, raw_column(object_class, name)) for at, name in plan.vendor_counters),
        ]
        vectors = dict(plan.vectors)
        if not targets and not vectors:
            return
        rows = [self._row(found.row, block) for _, found in members]
        self._open.suspects.update(
            row for row, index in zip(rows, indices, strict=True) if block.is_suspect[index]
        )
        places = [at for at, _ in targets]
        numbers = block.numbers[np.array(indices)[:, np.newaxis], np.array(places, dtype=np.int64)]
        self._open.placed.extend(
            _Placed(turn, [name for _, name in targets], numbers[inside])
            for turn, inside in _apart(np.array(rows, dtype=np.int64))
        )
        raw = {at: raw_column(object_class, name) for at, name in plan.vendor_counters}
        for row, index in zip(rows, indices, strict=True):
            for at, column in vectors.items():
                vector = block.vectors.get((index, at))
                if vector is None and not np.isnan(block.numbers[index, at]):
                    vector = [float(block.numbers[index, at])]
                if vector is not None:
                    self._open.vectors.append((row, column, vector))
        if block.vectors:
            self._place_vectors(plan, raw, block, dict(zip(indices, rows, strict=True)))

    def _place_vectors(
        self,
        plan: CounterPlan,
        raw: dict[int, str],
        block: MeasuredBlock,
        row_of: dict[int, int],
    ) -> None:
        """Keep vectors of vendor counters, and report those where one number is defined."""
        assert self._open is not None  # noqa: S101 - `add` returns without an open file
        scalars = dict(plan.scalars)
        for (index, at), vector in block.vectors.items():
            if index not in row_of:
                continue
            if at in raw:
                self._open.vectors.append((row_of[index], raw[at], vector))
            elif at in scalars:
                reason = f"{len(vector)} numbers where one is defined ({scalars[at]})."
                place = f"{block.place}, object {block.objects[index]!r}"
                self.report(Finding(place, block.counters[at], reason, json.dumps(vector)))

    def _report_left_over(
        self, plan: CounterPlan, block: MeasuredBlock, indices: Sequence[int]
    ) -> None:
        for reason, places in plan.left_over.items():
            names = [block.counters[at] for at in places]
            some = ", ".join(names[:_SOME]) + (", ..." if len(names) > _SOME else "")
            content = {
                "counters": names,
                "objects": {block.objects[index]: _said(block, index, places) for index in indices},
            }
            text = f"{len(names)} counters ({some}): {reason}."
            self.report(Finding(block.place, names[0], text, json.dumps(content)))

    def _row(self, dn: str, block: MeasuredBlock) -> int:
        key = (dn, block.period.start, block.period.seconds)
        return self._rows.setdefault(key, len(self._rows))

    def _framed(self, columns: RowColumns) -> pl.DataFrame:
        keys = list(self._rows)
        used = columns.used_rows()
        frame = pl.DataFrame(
            {
                "managed_object_dn": pl.Series([dn for dn, _, _ in keys], dtype=pl.String),
                "period_start": pl.Series([start for _, start, _ in keys], dtype=TIME),
                "granularity_s": pl.Series([length for _, _, length in keys], dtype=pl.Int32),
                "is_suspect": pl.Series(columns.suspects(), dtype=pl.Boolean),
                "source_file": pl.Series(columns.source_files(), dtype=pl.String),
            },
        )
        order = {item.column: item.shape for item in self._plans.catalogue.measurements.values()}
        values = [
            columns.vector_series(name) if shape == "vector" else columns.series(name)
            for name, shape in order.items()
            if columns.has(name)
        ]
        whole = frame.hstack(values).filter(used)
        derived = with_derived(whole.lazy(), self._plans.catalogue).collect()
        return with_identity(derived)


def with_identity(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows with what their `managed_object_dn` says: class, cell and managed element."""
    return with_objects([frame], objects_named([frame]))[0]


def objects_named(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return what each `managed_object_dn` of the frames says, a row a name."""
    names = [frame.select(pl.col(_NAME).unique()) for frame in frames]
    return (
        pl.concat(names)
        .unique()
        .drop_nulls()
        .with_columns(
            object_class_expression(_NAME).alias("object_class"),
            cell_dn_expression(_NAME).alias("cell_dn"),
            managed_element_expression(_NAME).alias("managed_element_dn"),
        )
    )


def with_objects(frames: Sequence[pl.DataFrame], objects: pl.DataFrame) -> list[pl.DataFrame]:
    """Return rows with what `objects` says of their names.

    Joined on the name alone, since a join of all columns would copy every one of them; and once
    for all frames, since `objects` is as long as the network.
    """
    names = pl.concat([frame.select(_NAME) for frame in frames])
    told = names.join(objects, on=_NAME, how="left", maintain_order="left").drop(_NAME).rechunk()
    found, start = [], 0
    for frame in frames:
        found.append(frame.with_columns(told.slice(start, frame.height).get_columns()))
        start += frame.height
    return found


_NAME = "managed_object_dn"


def _apart(rows: IntegerArray) -> list[tuple[IntegerArray, IntegerArray]]:
    """Return rows and their places in groups that name no row twice, in order."""
    places = np.arange(len(rows))
    if len(set(rows.tolist())) == len(rows):
        return [(rows, places)]
    seen: Counter[int] = Counter()
    turns = []
    for row in rows.tolist():
        turns.append(seen[row])
        seen[row] += 1
    turn = np.array(turns)
    return [(rows[turn == at], places[turn == at]) for at in range(max(turns) + 1)]


def _said(
    block: MeasuredBlock, index: int, places: Iterable[int]
) -> list[float | list[float | None] | None]:
    """Return what the block says of an object, as JSON has it: null where nothing."""
    said: list[float | list[float | None] | None] = []
    for at in places:
        number = float(block.numbers[index, at])
        said.append(block.vectors.get((index, at)) if np.isnan(number) else number)
    return said


def _astray(block: MeasuredBlock, span: Window | None) -> Finding:
    reason = (
        f"Its period begins at {block.period.start.isoformat()}, outside of "
        f"{span or 'the window'}, which the file's name or header gives."
    )
    everything = range(len(block.counters))
    content = {
        "counters": block.counters,
        "objects": {
            local: _said(block, index, everything) for index, local in enumerate(block.objects)
        },
    }
    return Finding(block.place, "", reason, json.dumps(content))
