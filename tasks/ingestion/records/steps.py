"""Steps of people's records: change requests and trouble tickets become published rows."""

import logging
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from data_products.lineage import LINEAGE_COLUMNS, Snapshot
from data_products.registry import table as product_table
from semantic_layer.periods import Window
from tasks.ingestion.records.change_requests import change_requests
from tasks.ingestion.records.changed_days import changed_days
from tasks.ingestion.records.delivered_records import DeliveredRecords
from tasks.ingestion.records.record_states import (
    changes_as_told,
    mapped_versions,
    observations_as_told,
    tickets_as_told,
)
from tasks.ingestion.records.trouble_tickets import trouble_tickets
from tasks.ingestion.tables.mapped_records import mapped_records
from tasks.ingestion.tables.mapped_tables import MappedTables
from tasks.ingestion.tables.mapping_sources import record_sources
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)


@step
def ingest_change_requests(folder: Path, window: Window) -> list[Snapshot]:
    """Publish the days on which changes differ from what deliveries say at the window's end."""
    found = []
    for source, delivered in _delivered_changes(folder):
        standing = standing_rows("change_history", source)
        states = standing_rows("change_history.states", source)
        for table, told in changes_as_told(delivered, standing, states, window.end).items():
            found += publish_changed_days(table, source, told, window)
    for source, read in _mapped(folder, "change_history.observations"):
        standing = standing_rows("change_history.observations", source)
        said = observations_as_told(read.rows, read.findings, standing, window.end)
        for table, told in said.items():
            found += publish_changed_days(table, source, told, window)
    return found


@step
def ingest_trouble_tickets(folder: Path, window: Window) -> list[Snapshot]:
    """Publish the days on which tickets differ from what deliveries say at the window's end."""
    found = []
    for source, delivered in _delivered_tickets(folder):
        standing = standing_rows("trouble_tickets", source)
        updates = standing_rows("trouble_tickets.updates", source)
        for table, told in tickets_as_told(delivered, standing, updates, window.end).items():
            found += publish_changed_days(table, source, told, window)
    return found


def standing_rows(table: str, source: str) -> pl.DataFrame:
    """Return a source's published rows, without where they come from."""
    rows = services().tables.read(table).filter(pl.col("source") == source)
    return rows.drop(*LINEAGE_COLUMNS, strict=False).collect()


def publish_changed_days(
    table: str, source: str, told: tuple[pl.DataFrame, pl.DataFrame], window: Window
) -> list[Snapshot]:
    """Publish the days on which a source's rows or findings differ from what stands.

    Args:
        table: full name.
        source: whose rows.
        told: all rows of the source, without `source`, and all its findings.
        window: of the run; a finding that names no time stands at its start.
    """
    shape = product_table(table)
    kept = (
        services()
        .tables.read("data_quality.quarantine")
        .filter(pl.col("table_name") == table, pl.col("scope") == f"source={source}")
        .collect()
    )
    changed = changed_days(shape, source, told, (standing_rows(table, source), kept), window.start)
    if changed.windows:
        _LOG.info(
            "%s of %s: %s rows, %s cannot be used; %s windows differ from what stands.",
            table, source, told[0].height, told[1].height, len(changed.windows),
        )  # fmt: skip
    return [
        services().door.publish(table, days, rows, [], run_id(), findings, {"source": source})
        for days in changed.windows
        for rows, findings in [changed.of(days, shape.time_column)]
    ]


def _delivered_changes(folder: Path) -> Iterator[tuple[str, DeliveredRecords]]:
    yield "tmf655", change_requests(folder)
    for name, read in _mapped(folder, "change_history"):
        yield name, mapped_versions(read.rows, read.findings, "changed_at")


def _delivered_tickets(folder: Path) -> Iterator[tuple[str, DeliveredRecords]]:
    yield "tmf621", trouble_tickets(folder)
    for name, read in _mapped(folder, "trouble_tickets"):
        yield name, mapped_versions(read.rows, read.findings, "updated_at", "update_number")


def _mapped(folder: Path, into: str) -> Iterator[tuple[str, MappedTables]]:
    for source in record_sources(folder, services().settings.mapping_folder, into):
        yield source.name, mapped_records(source.folder, source.mapping)
