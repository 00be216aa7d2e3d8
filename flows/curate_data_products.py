"""Perceive: measurements become KPIs, and sessions what users had, by granularity."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.curation.steps import (
    newest_published,
    newest_snapshot,
    publish_cell_kpis,
    publish_core_kpis,
    publish_customer_experience,
)
from tasks.step import scheduled_at


@flow(name="curate-data-products")
def curate_data_products(window: Window | None = None) -> list[Snapshot]:
    """Publish what is computed for the window from the newest measurements and sessions."""
    window = window or newest_published("pm_measurements", scheduled_at(), "15min")
    measurements = newest_snapshot("pm_measurements")
    return [
        *publish_cell_kpis(measurements, window),
        *publish_core_kpis(measurements, window),
        *publish_customer_experience(newest_snapshot("service_sessions"), window),
    ]
