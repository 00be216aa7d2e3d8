"""Everything that a folder says about alarms in a window, by source. Pure: files in, frames out.

Each file is read once; a file whose times are known from an earlier window of the same process and
lie elsewhere is not read again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from data_products.product import TIME
from semantic_layer.periods import Window
from tasks.ingestion.alarms.alarm_files import ALARM_KINDS, read_alarm_file
from tasks.ingestion.alarms.mapped_alarms import notifications_of_rows
from tasks.ingestion.alarms.notifications import (
    NOTIFICATION_SCHEMA,
    ReadEvents,
    finding_frame,
    notification_frame,
)
from tasks.ingestion.delivered_documents import delivered_documents
from tasks.ingestion.findings import no_findings

ATTRIBUTE_SCHEMA: dict[str, pl.DataType] = {
    "managed_object_dn": pl.String(),
    "attribute": pl.String(),
    "valid_from": TIME,
    "value": pl.String(),
    "source_file": pl.String(),
}
"""Columns of what an element said about itself when it registered."""

_MOST_KNOWN = 500_000


@dataclass(frozen=True, slots=True)
class _Times:
    """The time that a file covers, and whether everything in it has one."""

    span: Window | None
    is_whole: bool

    def is_elsewhere(self, window: Window) -> bool:
        span = self.span if self.is_whole else None
        return span is not None and (span.end <= window.start or window.end <= span.start)


_known: dict[tuple[str, int, int], _Times] = {}


@dataclass(frozen=True, slots=True)
class DeliveredAlarms:
    """What one source says of a window.

    Attributes:
        source: the kind of document, or the mapping's name.
        notifications: columns of `NOTIFICATION_SCHEMA`.
        attributes: columns of `ATTRIBUTE_SCHEMA`.
        measurements: `managed_object_dn`, `period_start`, `granularity_s`, `source_file` and a
            column a measurement, by the definition's name.
        findings: what cannot be used, of the window or of no time.
        files: how many files were read for it.
    """

    source: str
    notifications: pl.DataFrame
    attributes: pl.DataFrame
    measurements: pl.DataFrame
    findings: pl.DataFrame
    files: int = 1


def document_alarms(folder: Path, window: Window) -> list[DeliveredAlarms]:
    """Return what the folder's documents say of the window, one entry a kind of document."""
    paths: dict[str, list[Path]] = {}
    for document in delivered_documents(folder, ALARM_KINDS):
        paths.setdefault(document.kind, []).append(document.path)
    return [_of_kind(kind, of_kind, folder, window) for kind, of_kind in sorted(paths.items())]


def table_alarms(
    source: str, rows: pl.DataFrame, findings: pl.DataFrame, window: Window
) -> DeliveredAlarms:
    """Return what a mapped table says of the window."""
    told = _inside(notifications_of_rows(rows), "notified_at", window)
    return DeliveredAlarms(
        source, told, _frame([], ATTRIBUTE_SCHEMA), pl.DataFrame(), _told_of(findings, window)
    )


def span_of_alarms(path: Path, name: str) -> Window | None:
    """Return the time that a document covers, of what in it has a time; None when nothing has.

    Args:
        path: of the document.
        name: what findings call it.
    """
    key = _identity(path)
    if key not in _known:
        _remember(key, read_alarm_file(path, name))
    return _known[key].span


def _of_kind(kind: str, paths: Iterable[Path], folder: Path, window: Window) -> DeliveredAlarms:
    notifications, findings = [_frame([], NOTIFICATION_SCHEMA)], [no_findings()]
    attributes, measurements = [_frame([], ATTRIBUTE_SCHEMA)], [pl.DataFrame()]
    files = 0
    for read in _read(paths, folder, window):
        files += 1
        told = notification_frame(read.notifications)
        notifications.append(_inside(told, "notified_at", window))
        attributes.append(_inside(_frame(read.attributes, ATTRIBUTE_SCHEMA), "valid_from", window))
        if read.measurements:
            counted = pl.DataFrame(read.measurements).with_columns(
                pl.col("period_start").cast(TIME)
            )
            measurements.append(_inside(counted, "period_start", window))
        findings.append(_told_of(finding_frame(read.findings), window))
    return DeliveredAlarms(
        kind,
        pl.concat(notifications),
        pl.concat(attributes),
        pl.concat(measurements, how="diagonal"),
        pl.concat(findings),
        files,
    )


def _read(paths: Iterable[Path], folder: Path, window: Window) -> Iterator[ReadEvents]:
    for path in paths:
        key = _identity(path)
        times = _known.get(key)
        if times is not None and times.is_elsewhere(window):
            continue
        read = read_alarm_file(path, _name(path, folder))
        _remember(key, read)
        yield read


def _remember(key: tuple[str, int, int], read: ReadEvents) -> None:
    """Keep the time that a file covers."""
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    times: list[datetime] = [told.notified_at for told in read.notifications]
    times += [row["valid_from"] for row in read.attributes]
    times += [row["period_start"] for row in read.measurements]
    dated = [finding[0] for finding in read.findings]
    times += [at for at in dated if at is not None]
    span = Window(min(times), max(times) + timedelta(microseconds=1)) if times else None
    _known[key] = _Times(span, is_whole=None not in dated)


def _identity(path: Path) -> tuple[str, int, int]:
    told = path.stat()
    return str(path), told.st_size, told.st_mtime_ns


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _frame(rows: list[dict[str, object]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)


def _inside(rows: pl.DataFrame, time: str, window: Window) -> pl.DataFrame:
    return rows.filter(pl.col(time) >= window.start, pl.col(time) < window.end)


def _told_of(findings: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return findings of the window and those of no time, which every window must know."""
    at = pl.col("period_start")
    return findings.filter(at.is_null() | ((at >= window.start) & (at < window.end)))
