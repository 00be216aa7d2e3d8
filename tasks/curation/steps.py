"""Steps of curation: measurements in, KPIs out; sessions in, the users' experience out."""

from datetime import datetime

import polars as pl

from data_products.cell_kpis.derive import derive as cell_kpis
from data_products.core_kpis.derive import derive as core_kpis
from data_products.customer_experience.derive import derive as customer_experience
from data_products.lineage import Snapshot
from data_products.pm_measurements.derive import derive as completed
from semantic_layer.loading import catalogue
from semantic_layer.periods import GRANULARITIES, Window
from semantic_layer.services import service_catalogue
from tasks.curation.windows import newest_closed
from tasks.step import run_id, step
from tasks.wiring import services


@step
def publish_cell_kpis(measurements: Snapshot, window: Window) -> list[Snapshot]:
    """Publish `cell_kpis` of the window by 15 minutes, hour and day.

    The window grows to whole hours and days, so that an hour or a day that is still filling is
    computed again from all of its measurements.
    """
    found = []
    for name in GRANULARITIES:
        whole = window.widened_to(name)
        kpis = cell_kpis(_measured(measurements, whole), name, catalogue()).collect()
        found.append(_publish("cell_kpis", measurements, whole, kpis, name))
    return found


@step
def publish_core_kpis(measurements: Snapshot, window: Window) -> list[Snapshot]:
    """Publish `core_kpis` of the window by 15 minutes, hour and day; see `publish_cell_kpis`.

    A network that delivers nothing of its core, transport or supply has no such table: where there
    is nothing to publish and nothing to replace, nothing is published.

    Returns:
        A snapshot a granularity; the standing one where nothing was published.
    """
    found = []
    for name in GRANULARITIES:
        whole = window.widened_to(name)
        kpis = core_kpis(_measured(measurements, whole), name, catalogue()).collect()
        found.append(_publish_where_told("core_kpis", measurements, whole, kpis, name))
    return found


@step
def publish_customer_experience(sessions: Snapshot, window: Window) -> list[Snapshot]:
    """Publish `customer_experience` of the window by hour and day, from the sessions sampled.

    Where no probe delivers sessions, nothing is published.
    """
    found = []
    for name in ("hour", "day"):
        whole = window.widened_to(name)
        told = services().tables.read(sessions.table, whole, snapshot_id=sessions.id or None)
        rows = customer_experience(told, name, service_catalogue()).collect()
        found.append(_publish_where_told("customer_experience", sessions, whole, rows, name))
    return found


@step
def newest_snapshot(table: str) -> Snapshot:
    """Return the newest snapshot of a table, for the steps that read it."""
    return services().tables.snapshot(table)


@step
def newest_published(table: str, moment: datetime, granularity: str) -> Window:
    """Return the newest whole period of a table that had ended at `moment`.

    Raises:
        InputError: the table holds nothing that old.
    """
    return newest_closed(table, services().tables.bounds(table), moment, granularity)


def _measured(measurements: Snapshot, window: Window) -> pl.LazyFrame:
    """Return the window's measurements; only what KPIs ask of them is read."""
    rows = services().tables.read(measurements.table, window, snapshot_id=measurements.id or None)
    return completed(rows, catalogue())


def _publish_where_told(
    table: str, source: Snapshot, window: Window, rows: pl.DataFrame, granularity: str
) -> Snapshot:
    """Publish rows, or an empty window where some stood; else return the standing snapshot."""
    if rows.is_empty() and not _stands(table, source.table, window, granularity):
        return services().tables.snapshot(table)
    return _publish(table, source, window, rows, granularity)


def _stands(table: str, source: str, window: Window, granularity: str) -> bool:
    """Tell whether rows were computed for the window before, so that they must be replaced."""
    known = services().tables.read(table, window, columns=["granularity", "source"])
    own = known.filter(pl.col("granularity") == granularity, pl.col("source") == source)
    return not own.head(1).collect().is_empty()


def _publish(
    table: str, source: Snapshot, window: Window, rows: pl.DataFrame, granularity: str
) -> Snapshot:
    """Publish rows computed here; their `source` is the table that they come from."""
    scope = {"granularity": granularity, "source": source.table}
    return services().door.publish(table, window, rows, [source], run_id(), scope=scope)
