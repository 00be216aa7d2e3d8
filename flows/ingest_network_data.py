"""Perceive: what a window's deliveries say becomes validated rows, or quarantine rows."""

from collections.abc import Sequence
from pathlib import Path

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.ingestion.alarms.steps import ingest_alarms
from tasks.ingestion.configuration.steps import ingest_configuration, ingest_topology
from tasks.ingestion.delivered_parts import (
    ALARMS,
    MEASUREMENT_FILES,
    SERIES,
    SESSIONS,
    TABLES,
)
from tasks.ingestion.documents.steps import ingest_documents
from tasks.ingestion.records.steps import ingest_change_requests, ingest_trouble_tickets
from tasks.ingestion.sessions.steps import ingest_service_sessions
from tasks.ingestion.steps import (
    choose_folder,
    due_before,
    find_deliveries,
    ingest_measurement_files,
    ingest_tables,
    newest_window,
    remember_deliveries,
    tell_late_files,
    tell_unread_files,
)
from tasks.step import scheduled_at

STATES = "states"
"""Topology, changes, configuration, tickets and documents: what holds until it is otherwise."""


@flow(name="ingest-network-data")
def ingest_network_data(
    window: Window | None = None,
    folder: Path | None = None,
    kinds: list[str] | None = None,
) -> list[Snapshot]:
    """Publish what `folder` delivers for the window, of every kind that anops knows.

    A run that names `kinds` is a part of another one, which remembers what was read. One that does
    not stands alone: it tells of files for times before its window, for runs of their own.
    """
    folder = folder or choose_folder()
    window = window or newest_window(folder, scheduled_at(), "15min")
    if kinds is not None:
        return _ingested(folder, window, kinds)
    due = due_before(folder, window)
    published = _ingested(folder, window, [*SERIES, STATES])
    tell_late_files(due, window)
    tell_unread_files(folder, due, window)
    remember_deliveries(folder, due, [window], window)
    return published


def _ingested(folder: Path, window: Window, kinds: Sequence[str]) -> list[Snapshot]:
    """Publish what the kinds say; changes first, as drift of configuration is told against them."""
    published: list[Snapshot] = []
    if MEASUREMENT_FILES in kinds:
        published.append(ingest_measurement_files(find_deliveries(folder, window), window))
    if TABLES in kinds:
        published += ingest_tables(folder, window)
    if ALARMS in kinds:
        published += ingest_alarms(folder, window)
    if SESSIONS in kinds:
        published += ingest_service_sessions(folder, window)
    if STATES in kinds:
        published += ingest_topology(folder, window)
        published += ingest_change_requests(folder, window)
        published += ingest_configuration(folder, window)
        published += ingest_trouble_tickets(folder, window)
        published += ingest_documents(folder, window)
    return published
