"""Perceive: what a window's deliveries say becomes validated rows, or quarantine rows."""

from pathlib import Path

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.ingestion.alarms.steps import ingest_alarms
from tasks.ingestion.configuration.steps import ingest_configuration, ingest_topology
from tasks.ingestion.documents.steps import ingest_documents
from tasks.ingestion.records.steps import ingest_change_requests, ingest_trouble_tickets
from tasks.ingestion.sessions.steps import ingest_service_sessions
from tasks.ingestion.steps import (
    choose_folder,
    find_deliveries,
    ingest_measurement_files,
    ingest_tables,
    newest_window,
)
from tasks.step import scheduled_at


@flow(name="ingest-network-data")
def ingest_network_data(window: Window | None = None, folder: Path | None = None) -> list[Snapshot]:
    """Publish what `folder` delivers for the window, of every kind that anops knows.

    Change requests come before configuration, whose drift is told against them.
    """
    folder = folder or choose_folder()
    window = window or newest_window(folder, scheduled_at(), "15min")
    measured = ingest_measurement_files(find_deliveries(folder, window), window)
    return [
        measured,
        *ingest_tables(folder, window),
        *ingest_topology(folder, window),
        *ingest_change_requests(folder, window),
        *ingest_configuration(folder, window),
        *ingest_alarms(folder, window),
        *ingest_trouble_tickets(folder, window),
        *ingest_documents(folder, window),
        *ingest_service_sessions(folder, window),
    ]
