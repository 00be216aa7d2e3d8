"""Steps of curation: measurements in, KPIs out; sessions in, the users' experience out."""

from collections.abc import Callable, Sequence
from datetime import datetime

import polars as pl

from data_products.cell_kpis import derive as cells
from data_products.core_kpis import derive as core
from data_products.customer_experience.derive import derive as customer_experience
from data_products.lineage import Snapshot
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from semantic_layer.services import service_catalogue
from tasks.curation.kpi_pieces import KpiProduct, kpis_by_piece, reach_of
from tasks.curation.roll_ups import QUARTER, pieces, roll_ups
from tasks.curation.windows import newest_closed
from tasks.step import run_id, step
from tasks.wiring import services


@step
def publish_cell_kpis(measurements: Snapshot, window: Window) -> list[Snapshot]:
    """Publish `cell_kpis` of the window by 15 minutes, and of the hours and days that are due.

    An hour is due when what is measured reaches its end, when it was rolled up before, and when
    time passed by it; so is a day. Otherwise it waits. See `roll_ups`.

    Returns:
        A snapshot a publish: a long window of a large network takes several a granularity.
    """
    product = KpiProduct(
        "cell_kpis", cells.needed_rows, cells.shape_of(catalogue()), cells.told, catalogue()
    )
    return _publish_kpis(product, measurements, window, _publish)


@step
def publish_core_kpis(measurements: Snapshot, window: Window) -> list[Snapshot]:
    """Publish `core_kpis` of the window as `publish_cell_kpis` does.

    A network that delivers nothing of its core, transport or supply has no such table: where there
    is nothing to publish and nothing to replace, nothing is published.

    Returns:
        A snapshot a publish; the standing one where nothing was published.
    """
    product = KpiProduct(
        "core_kpis", core.needed_rows, core.shape_of(catalogue()), core.told, catalogue()
    )
    return _publish_kpis(product, measurements, window, _publish_where_told)


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


def _publish_kpis(
    product: KpiProduct,
    measurements: Snapshot,
    window: Window,
    publish: Callable[[str, Snapshot, Window, pl.DataFrame, str], Snapshot],
) -> list[Snapshot]:
    """Publish what a window changes of a product, in pieces that memory holds."""
    tables = services().tables

    def read(piece: Window, columns: Sequence[str] | None = None) -> pl.LazyFrame:
        return tables.read(
            measurements.table, piece, columns=columns, snapshot_id=measurements.id or None
        )

    quarters = window.widened_to(QUARTER)
    reach = reach_of(read(quarters, ["period_start", "granularity_s"]), quarters)
    plan = roll_ups(quarters, reach, tables.history(product.table), measurements.table)
    rows_by_hour: dict[datetime, int] = {}
    for span in plan.spans:
        rows_by_hour |= product.rows_by_hour(read(span))
    found = []
    for name, piece, rows in kpis_by_piece(product, plan, pieces(plan, rows_by_hour), read):
        found.append(publish(product.table, measurements, piece, rows, name))
    return found


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
