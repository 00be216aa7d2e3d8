"""Delivered files that nobody reads: each is told, with what would help."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from semantic_layer.errors import InputError
from tasks.ingestion.configuration.inventory_layout import SUFFIX as INVENTORY
from tasks.ingestion.configuration.site_inventory import inventory_sources
from tasks.ingestion.delivered_documents import documents_among
from tasks.ingestion.deliveries import measurement_files_among
from tasks.ingestion.documents.document_files import documents_to_read
from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.inventory import FoundFile, found_files
from tasks.ingestion.tables.delivered_tables import delivered_files
from tasks.ingestion.tables.mapping_sources import mapping_sources, record_sources
from tasks.ingestion.tables.record_mappings import RECORDS
from tasks.ingestion.tables.table_layout import SUFFIX as MAPPING

_TABLES = (".csv", ".csv.gz", ".parquet", ".xlsx", ".xls", ".zip", ".tar", ".tar.gz", ".tgz")
_FOR_PEOPLE = ("markdown", "alarm_classes", "unknown")
_SHOWN = 200


def unread_files(folder: Path, shelf: Path | None) -> pl.DataFrame:
    """Return a finding for each of the folder's files that no reader takes; none has a time.

    Args:
        folder: of deliveries.
        shelf: mapping files kept elsewhere.
    """
    files = found_files(folder)
    read = {*_documents(files), *_tables(folder, shelf)}
    rows = [
        (None, file.name, None, None, _reason(file), _beginning(file.path))
        for file in files
        if file.path not in read and not file.name.endswith((MAPPING, INVENTORY))
    ]
    return pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")


def _documents(files: list[FoundFile]) -> Iterator[Path]:
    yield from measurement_files_among(files)
    yield from (it.path for it in documents_among(files) if it.kind not in _FOR_PEOPLE)
    yield from (it.path for it in documents_to_read(files))


def _tables(folder: Path, shelf: Path | None) -> Iterator[Path]:
    sources = [(source.folder, source.mapping) for source in mapping_sources(folder, shelf)]
    records = [source for into in RECORDS for source in record_sources(folder, shelf, into)]
    for place, mapping in [*sources, *((source.folder, source.mapping) for source in records)]:
        try:
            yield from (file.path for file in delivered_files(place, mapping))
        except InputError:
            continue  # That no file fits is told where the mapping is used.
    for source in inventory_sources(folder, shelf):
        yield from (source.folder / name for name in source.layout.files)


def _reason(file: FoundFile) -> str:
    name = file.name.lower()
    if not file.size:
        return "Nobody reads this file: it is empty; deliver it again."
    if name.endswith(_TABLES):
        return (
            "Nobody reads this table: no mapping names it. Put a mapping file beside it "
            "(tasks/ingestion/tables/mapping_files.py says how)."
        )
    return (
        "Nobody reads this file: it begins like no format that is known "
        "(tasks/ingestion/README.md lists them). Deliver one of those, or take it out."
    )


def _beginning(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            head = stream.read(_SHOWN)
    except OSError:
        return None
    text = head.decode("utf-8", "replace")
    return text if text.isprintable() or text.strip().replace("\n", "").isprintable() else None
