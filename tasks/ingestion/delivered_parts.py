"""What a folder delivers, part by part: which file speaks about which time, and a fingerprint.

Only series count here: measurement files, tables, alarms and sessions, whose windows are published
again when a part of them comes late. States (configuration, topology, changes, tickets, documents)
are compared with what stands at every run, whenever they come.

A file that stands as it was remembered (`stamp`) is not opened: its parts are the remembered ones.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import file_digest
from pathlib import Path
from zlib import crc32

import polars as pl

from data_products.product import TIME
from data_products.registry import table as product_table
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ingestion.alarms.alarm_files import ALARM_KINDS
from tasks.ingestion.alarms.delivered_alarms import span_of_alarms
from tasks.ingestion.alarms.mapped_alarms import notifications_of_rows
from tasks.ingestion.delivered_documents import documents_among
from tasks.ingestion.deliveries import deliveries, measurement_files_among
from tasks.ingestion.inventory import FoundFile, found_files
from tasks.ingestion.tables.archived_files import DeliveredFile
from tasks.ingestion.tables.delivered_tables import LINE, delivered_files, opened_tables
from tasks.ingestion.tables.mapped_records import mapped_records
from tasks.ingestion.tables.mapped_tables import period_lengths
from tasks.ingestion.tables.mapped_values import START, starts
from tasks.ingestion.tables.mapping_files import TableMapping
from tasks.ingestion.tables.mapping_sources import (
    MappingSource,
    RecordSource,
    mapping_sources,
    record_sources,
)

PART_SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "source_file": pl.String(),
    "covers_start": TIME,
    "covers_end": TIME,
    "fingerprint": pl.String(),
    "stamp": pl.String(),
}
"""Columns of a part; see `data_quality.deliveries`."""

MEASUREMENT_FILES, TABLES, ALARMS, SESSIONS = "measurement_files", "tables", "alarms", "sessions"
SERIES = (MEASUREMENT_FILES, TABLES, ALARMS, SESSIONS)
_RECORDS = {"alarms": ALARMS, "alarms.notifications": ALARMS, "service_sessions": SESSIONS}
_Wanted = tuple[str, str, str, Callable[[], pl.DataFrame]]
_FILE = ["kind", "source_file", "stamp"]


def delivered_parts(folder: Path, shelf: Path | None, remembered: pl.DataFrame) -> pl.DataFrame:
    """Return every part that the folder delivers, columns of `PART_SCHEMA`.

    Args:
        folder: of deliveries.
        shelf: mapping files kept elsewhere.
        remembered: parts as they were known before; of files that stand as they were.
    """
    files = found_files(folder)
    wanted: list[_Wanted] = [*_measurements(files), *_alarms(files)]
    wanted += [of for source in mapping_sources(folder, shelf) for of in _tables(source, folder)]
    for into in _RECORDS:
        wanted += [_records(source, folder) for source in record_sources(folder, shelf, into)]
    named = pl.DataFrame(
        [(kind, name, stamp, at) for at, (kind, name, stamp, _) in enumerate(wanted)],
        schema={**dict.fromkeys(_FILE, pl.String), "at": pl.Int64},
        orient="row",
    )
    known = remembered.select(*PART_SCHEMA).join(named, on=_FILE, how="semi")
    fresh = named.join(known, on=_FILE, how="anti")["at"].to_list()
    found = [wanted[at][3]().select(*PART_SCHEMA) for at in fresh]
    whole: pl.DataFrame = pl.concat([known, *found])
    return whole


def _measurements(files: Iterable[FoundFile]) -> Iterator[_Wanted]:
    by_path = {file.path: file for file in files}
    for delivery in deliveries(measurement_files_among(by_path.values())):
        if delivery.span is not None:
            yield _of_file(MEASUREMENT_FILES, by_path[delivery.path], delivery.span)


def _alarms(files: Iterable[FoundFile]) -> Iterator[_Wanted]:
    by_path = {file.path: file for file in files}
    for document in documents_among(by_path.values(), ALARM_KINDS):
        yield _of_file(ALARMS, by_path[document.path], None)


def _of_file(kind: str, file: FoundFile, span: Window | None) -> _Wanted:
    stamp = f"{file.size} {file.modified_ns}"

    def parts() -> pl.DataFrame:
        covers = span or span_of_alarms(file.path, file.name)
        rows = [] if covers is None else [
            (kind, file.name, covers.start, covers.end, _hash(file.path), stamp)
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=PART_SCHEMA, orient="row")

    return kind, file.name, stamp, parts


def _tables(source: MappingSource, folder: Path) -> Iterator[_Wanted]:
    if source.mapping.into == "network_topology":
        return
    words = crc32(source.mapping.model_dump_json().encode())
    for file in delivered_files(source.folder, source.mapping):
        name = f"{_name(file, folder)} ({source.name})"
        stamp = f"{_stamp(file)} {words}"

        def parts(file: DeliveredFile = file, name: str = name, stamp: str = stamp) -> pl.DataFrame:
            told = list(_times(file, source.mapping))
            if not told:
                return pl.DataFrame(schema=PART_SCHEMA)
            return _hours(TABLES, name, stamp, pl.concat(told), words)

        yield TABLES, name, stamp, parts


def _times(file: DeliveredFile, mapping: TableMapping) -> Iterator[pl.DataFrame]:
    """Yield when each line of a table begins and a hash of it; none where it cannot be read."""
    try:
        for table in opened_tables(file, mapping):
            began = starts(table, mapping, period_lengths(table, mapping))
            yield pl.DataFrame([began, _hashed(table.rows)])
    except InputError:
        return  # Told when it is read.


def _records(source: RecordSource, folder: Path) -> _Wanted:
    kind = _RECORDS[source.mapping.into]
    words = crc32(source.mapping.model_dump_json().encode())
    try:
        files = delivered_files(source.folder, source.mapping)
    except InputError:
        files = []  # Told when it is read.
    stamp = f"{crc32(' '.join(f'{_name(file, folder)} {_stamp(file)}' for file in files).encode())}"
    name = f"{source.name}.mapping.yaml"

    def parts() -> pl.DataFrame:
        rows = mapped_records(source.folder, source.mapping).rows
        time = product_table(source.mapping.into).time_column
        if kind == ALARMS:
            rows, time = notifications_of_rows(rows), "notified_at"
        told = pl.DataFrame([rows[time].alias(START), _hashed(rows)])
        return _hours(kind, name, f"{stamp} {words}", told, words)

    return kind, name, f"{stamp} {words}", parts


def _hours(kind: str, name: str, stamp: str, told: pl.DataFrame, words: int) -> pl.DataFrame:
    """Return a part for each hour in which something of a table begins."""
    hour = pl.col(START).dt.truncate("1h")
    return (
        told.filter(pl.col(START).is_not_null())
        .group_by(hour.alias("covers_start"), maintain_order=True)
        .agg(pl.col("hash").sum(), pl.len().alias("rows"))
        .select(
            pl.lit(kind).alias("kind"),
            pl.lit(name).alias("source_file"),
            pl.col("covers_start").cast(TIME),
            (pl.col("covers_start") + pl.duration(hours=1)).cast(TIME).alias("covers_end"),
            pl.format("{} {} {}", "rows", "hash", pl.lit(words)).alias("fingerprint"),
            pl.lit(stamp).alias("stamp"),
        )
    )


def _hashed(rows: pl.DataFrame) -> pl.Series:
    return rows.select(pl.exclude(LINE)).hash_rows(seed=7).rename("hash")


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()[:32]
    except OSError:
        return ""


def _name(file: DeliveredFile, folder: Path) -> str:
    within = file.path.relative_to(folder) if file.path.is_relative_to(folder) else file.path.name
    return f"{within}!{file.member}" if file.member else str(within)


def _stamp(file: DeliveredFile) -> str:
    told = file.path.stat()
    return f"{told.st_size} {told.st_mtime_ns}"
