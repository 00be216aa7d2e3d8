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
from tasks.ingestion.delivered_parts import ALARMS, MEASUREMENT_FILES, SESSIONS, TABLES
from tasks.step import scheduled_at


@flow(name="curate-data-products")
def curate_data_products(
    window: Window | None = None, kinds: list[str] | None = None
) -> list[Snapshot]:
    """Publish what is computed for the window from the newest measurements and sessions.

    Args:
        window: the newest measured quarter of an hour when None.
        kinds: of deliveries that changed; what follows from others is left as it stands.
    """
    window = window or newest_published("pm_measurements", scheduled_at(), "15min")
    published: list[Snapshot] = []
    if kinds is None or {MEASUREMENT_FILES, TABLES, ALARMS} & {*kinds}:
        measurements = newest_snapshot("pm_measurements")
        published += publish_cell_kpis(measurements, window)
        published += publish_core_kpis(measurements, window)
    if kinds is None or SESSIONS in kinds:
        published += publish_customer_experience(newest_snapshot("service_sessions"), window)
    return published
