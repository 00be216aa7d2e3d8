"""Perceive: delivered files of a window become validated measurement rows, or quarantine rows."""

from pathlib import Path

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
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
    """Publish what `folder` delivers for the window: measurements, mapped tables, topology."""
    folder = folder or choose_folder()
    window = window or newest_window(folder, scheduled_at(), "15min")
    deliveries = find_deliveries(folder, window)
    measured = ingest_measurement_files(deliveries, window)
    return [measured, *ingest_tables(folder, window)]
