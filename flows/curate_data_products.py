"""Perceive: measurements become validated KPIs of each cell, by 15 minutes, hour and day."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.curation.steps import newest_published, newest_snapshot, publish_cell_kpis
from tasks.step import scheduled_at


@flow(name="curate-data-products")
def curate_data_products(window: Window | None = None) -> list[Snapshot]:
    """Publish `cell_kpis` for the window from the newest measurements."""
    window = window or newest_published("pm_measurements", scheduled_at(), "15min")
    return publish_cell_kpis(newest_snapshot("pm_measurements"), window)
