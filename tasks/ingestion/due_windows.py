"""Which time must be brought in, and what of it is remembered once it is. Pure: frames and windows.

A part is due where it lies outside of what was read of it before: because no run owned that time,
because it came late, or because its file was mended or taken back by one of the same name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from semantic_layer.periods import Window, floor_to
from tasks.ingestion.delivered_time import together
from tasks.ingestion.findings import FINDING_SCHEMA

_MOST_EXACT = 24
_KEY = ["kind", "source_file", "covers_start"]


class Part(NamedTuple):
    """A part that is due, in plain values; without a fingerprint it is there no more."""

    kind: str
    source_file: str
    covers_start: datetime
    covers_end: datetime
    fingerprint: str
    stamp: str


@dataclass(frozen=True, slots=True)
class DueWindow:
    """A window to bring in, and which kinds of series of it."""

    window: Window
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LatePart:
    """A part for a time between others that were published, and what keeps it from being read."""

    part: Part
    covers: Window
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """What a run must bring in, and remember.

    Attributes:
        windows: before its own one, in order.
        late: what lies between times that were published.
        parts: all that are due, to be remembered.
        is_newest: no run has read anything behind this one's window.
    """

    windows: tuple[DueWindow, ...] = ()
    late: tuple[LatePart, ...] = ()
    parts: tuple[Part, ...] = ()
    is_newest: bool = True


def due(delivered: pl.DataFrame, remembered: pl.DataFrame, own: Window) -> Due:
    """Return what must be brought in for a run that owns a window.

    What lies before or behind all that was remembered of its kind is brought in by whole days and
    weeks; what lies between is late, and just its own windows are. A late part is left where files
    that its window was published from are no longer delivered: they would be lost with it.

    Args:
        delivered: parts that the folder holds, as `delivered_parts` returns them.
        remembered: rows of `data_quality.deliveries`.
        own: the run's window.
    """
    bounds = _bounds(remembered)
    needs = _split(_needs(delivered, remembered), bounds)
    missing = remembered.join(delivered, on=["kind", "source_file"], how="anti")
    late: list[LatePart] = []
    for part, covers in needs:
        known = bounds.get(part.kind)
        if known is not None and known.start <= covers.start < min(known.end, own.start):
            covered = Window(covers.start, min(covers.end, own.start))
            late.append(LatePart(part, covered, _touching(missing, part.kind, covered)))
    left = {it.part for it in late if it.gone}
    past = _exact([(it.covers, it.part.kind) for it in late if not it.gone])
    past += _outside(needs, bounds, own.start)
    windows = [
        DueWindow(window, _kinds(past, window)) for window in together([at for at, _ in past])
    ]
    parts = dict.fromkeys(part for part, _ in needs if part not in left)
    is_newest = all(known.end <= own.end for known in bounds.values())
    return Due(tuple(windows), tuple(late), tuple(parts), is_newest)


def remembered_after(
    remembered: pl.DataFrame, parts: Iterable[Part], windows: Sequence[Window]
) -> pl.DataFrame:
    """Return rows of `data_quality.deliveries` once windows were brought in.

    Args:
        remembered: the rows before.
        parts: those that were due, as they were before the windows were read.
        windows: that were read, in order.
    """
    before = {row[:3]: row for row in remembered.select(*_COLUMNS).iter_rows()}
    after = dict(before)
    for part in parts:
        key = part[:3]
        after.pop(key, None)
        if part.fingerprint:
            old = before.get(key)
            same = old is not None and old[3:5] == (part.covers_end, part.fingerprint)
            read = (old[6], old[7]) if old is not None and same else (part.covers_start,) * 2
            for window in windows:
                read = _extended(read, part, window)
            after[key] = (*part, *read)
    schema = {name: remembered.schema[name] for name in _COLUMNS}
    return pl.DataFrame(list(after.values()), schema=schema, orient="row")


def too_late(late: Iterable[LatePart]) -> pl.DataFrame:
    """Return a finding for each late part whose window cannot be published again."""
    rows = [
        (None, it.part.source_file, str(it.covers), None, _too_late(it.gone[0]), None)
        for it in late
        if it.gone
    ]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")


def _too_late(gone: str) -> str:
    return (
        f"It came late, and {gone!r}, of which the same time was published, is no longer "
        "delivered; deliver both again, or rows that stand would be lost."
    )


_COLUMNS = [*Part._fields, "read_from", "read_until"]


def _needs(delivered: pl.DataFrame, remembered: pl.DataFrame) -> list[tuple[Part, Window]]:
    """Return the parts that are due and the time of each that is, in order of time."""
    both = delivered.join(remembered, on=_KEY, how="left", suffix="_known")
    same = (pl.col("fingerprint") == pl.col("fingerprint_known")) & (
        pl.col("covers_end") == pl.col("covers_end_known")
    )
    both = both.with_columns(same.fill_null(value=False).alias("same"))
    whole = ~pl.col("same") | (pl.col("read_from") >= pl.col("read_until"))
    start, end = pl.col("covers_start"), pl.col("covers_end")
    replaced = remembered.join(delivered, on=["kind", "source_file"], how="semi").join(
        delivered, on=_KEY, how="anti"
    )
    pieces = [
        both.filter(whole).with_columns(at=start, to=end),
        both.filter(~whole, start < pl.col("read_from")).with_columns(at=start, to="read_from"),
        both.filter(~whole, pl.col("read_until") < end).with_columns(at="read_until", to=end),
        # A part that ended otherwise before: what was read of it behind its new end.
        both.filter(~pl.col("same"), pl.col("read_until") > end).with_columns(
            at=end, to="read_until"
        ),
        replaced.filter(pl.col("read_from") < pl.col("read_until")).with_columns(
            pl.lit("").alias("fingerprint"), at="read_from", to="read_until"
        ),
    ]
    told = pl.concat([piece.select(*Part._fields, "at", "to") for piece in pieces])
    return [
        (Part(*row[:6]), Window(row[6], row[7]))
        for row in told.sort("at", "source_file").iter_rows()
    ]


def _bounds(remembered: pl.DataFrame) -> dict[str, Window]:
    """Return, for each kind, the time from the first to the last that was read of it."""
    told = remembered.filter(pl.col("read_from") < pl.col("read_until"))
    ends = told.group_by("kind").agg(pl.col("read_from").min(), pl.col("read_until").max())
    return {kind: Window(first, last) for kind, first, last in ends.iter_rows()}


def _split(
    needs: Iterable[tuple[Part, Window]], bounds: dict[str, Window]
) -> list[tuple[Part, Window]]:
    """Return what is due in pieces that lie before, in or behind what was read of their kind."""
    found = []
    for part, covers in needs:
        known = bounds.get(part.kind)
        cuts = [known.start, known.end] if known is not None else []
        edges = [covers.start, *(at for at in cuts if covers.start < at < covers.end), covers.end]
        found += [(part, Window(start, end)) for start, end in pairwise(edges)]
    return found


def _touching(missing: pl.DataFrame, kind: str, window: Window) -> tuple[str, ...]:
    found = missing.filter(
        pl.col("kind") == kind,
        pl.col("read_from") < window.end,
        pl.col("read_until") > window.start,
    )
    return tuple(found["source_file"].unique().sort().head(3).to_list())


def _exact(late: list[tuple[Window, str]]) -> list[tuple[Window, str]]:
    """Return late windows as they are, or by whole days where they are too many."""
    if len(together([window for window, _ in late])) <= _MOST_EXACT:
        return late
    return [(window.widened_to("day"), kind) for window, kind in late]


def _outside(
    needs: Sequence[tuple[Part, Window]], bounds: dict[str, Window], before: datetime
) -> list[tuple[Window, str]]:
    """Return the time that lies before or behind everything remembered, gaps in it included."""
    starts: dict[str, list[datetime]] = {}
    for part, covers in needs:
        if covers.start < before:
            starts.setdefault(part.kind, []).append(covers.start)
    found: list[tuple[Window, str]] = []
    for kind, told in starts.items():
        known = bounds.get(kind)
        early = [at for at in told if known is None or at < known.start]
        behind = [at for at in told if known is not None and at >= known.end]
        if early:
            end = before if known is None else min(known.start, before)
            found.append((Window(floor_to(min(early), "day"), end), kind))
        if behind:
            found.append((Window(min(behind), before), kind))
    return found


def _kinds(past: Iterable[tuple[Window, str]], window: Window) -> tuple[str, ...]:
    touching = {kind for at, kind in past if at.start < window.end and window.start < at.end}
    return tuple(sorted(touching))


def _extended(
    read: tuple[datetime, datetime], part: Part, window: Window
) -> tuple[datetime, datetime]:
    """Return what was read of a part once a window was; a gap between is not read."""
    start, end = max(part.covers_start, window.start), min(part.covers_end, window.end)
    if start >= end:
        return read
    if read[0] >= read[1]:
        return start, end
    if start > read[1] or end < read[0]:
        return read
    return min(read[0], start), max(read[1], end)
