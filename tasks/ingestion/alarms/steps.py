"""Steps of alarm ingestion: delivered events become notifications, and notifications alarms.

Order of writes: notifications first, then the alarms that follow from them. A run that dies in
between leaves alarms as they were; the next one of the same window tells them anew.
"""

import logging
from pathlib import Path

import polars as pl

from data_products.alarms.derive import KEY, NEEDED, derive, with_definitions
from data_products.lineage import Snapshot
from data_products.registry import products
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.ingestion.alarms.delivered_alarms import (
    DeliveredAlarms,
    document_alarms,
    table_alarms,
)
from tasks.ingestion.alarms.element_facts import configuration_rows, measurement_rows
from tasks.ingestion.alarms.standing_alarms import (
    ending_in,
    is_same,
    keys_of,
    runs_of,
    touched_days,
    within,
)
from tasks.ingestion.tables.mapped_records import mapped_records
from tasks.ingestion.tables.mapping_sources import record_sources
from tasks.step import run_id, show_table, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_ALARMS = "alarms"
_NOTIFICATIONS = "alarms.notifications"
_CONFIGURATION = "network_configuration"
_MEASUREMENTS = "pm_measurements"


@step
def ingest_alarms(folder: Path, window: Window) -> list[Snapshot]:
    """Publish what the folder says of alarms in the window, and the alarms that this changes.

    A source that says nothing of the window, and never did, is not published.
    """
    told = [*document_alarms(folder, window), *_of_tables(folder, window)]
    found = [snapshot for source in told for snapshot in _publish(source, window)]
    show_table(
        "alarms",
        [
            {
                "source": one.source,
                "files": one.files,
                "notifications": one.notifications.height,
                "findings": one.findings.height,
            }
            for one in told
        ],
        f"What each source said of alarms, {window}",
    )
    return found


def _of_tables(folder: Path, window: Window) -> list[DeliveredAlarms]:
    shelf = services().settings.mapping_folder
    found = []
    for into in (_ALARMS, _NOTIFICATIONS):
        for source in record_sources(folder, shelf, into):
            read = mapped_records(source.folder, source.mapping)
            found.append(table_alarms(source.name, read.rows, read.findings, window))
    return found


def _publish(told: DeliveredAlarms, window: Window) -> list[Snapshot]:
    scope = {"source": told.source}
    rows = with_definitions(told.notifications, catalogue())
    before = _keys_before(window, told.source)
    nothing = rows.is_empty() and told.findings.is_empty()
    published = []
    if not nothing or not before.is_empty() or _was_told(_NOTIFICATIONS, window, told.source):
        published.append(
            services().door.publish(
                _NOTIFICATIONS, window, rows, [], run_id(), told.findings, scope
            )
        )
        unnamed = rows["alarm_name"].null_count()
        _LOG.info(
            "%s: %s notifications of alarms for %s from %s files, %s of them without a definition; "
            "%s cannot be used.",
            told.source, rows.height, window, told.files, unnamed, told.findings.height,
        )  # fmt: skip
        published += _publish_alarms(told.source, window, before, published[0])
    return published + _publish_facts(told, window)


def _keys_before(window: Window, source: str) -> pl.DataFrame:
    """Return the alarms that the window's standing rows may have been about."""
    tables = services().tables
    told = tables.read(_NOTIFICATIONS, window, columns=KEY).filter(pl.col("source") == source)
    columns = [*KEY, "raised_at", "changed_at", "cleared_at"]
    held = ending_in(tables.read(_ALARMS, columns=columns), window)
    of_source = held.filter(pl.col("source") == source).select(KEY)
    return keys_of(pl.concat([told.select(KEY), of_source]).collect())


def _publish_alarms(
    source: str, window: Window, before: pl.DataFrame, told: Snapshot
) -> list[Snapshot]:
    tables = services().tables
    whole = tables.read(_NOTIFICATIONS, columns=NEEDED).filter(pl.col("source") == source)
    standing = tables.read(_ALARMS).filter(pl.col("source") == source)
    of_window = tables.read(_NOTIFICATIONS, window, columns=KEY).filter(pl.col("source") == source)
    keys = keys_of(pl.concat([before, of_window.select(KEY).collect()])).lazy()
    days = touched_days(
        whole.join(keys, on=KEY, how="semi").collect(),
        standing.join(keys, on=KEY, how="semi").collect(),
        window,
        catalogue(),
    )
    day = pl.col("notified_at").dt.truncate("1d")
    involved = whole.filter(day.is_in(days)).select(KEY).unique()
    alarms = derive(whole.join(involved, on=KEY, how="semi").collect(), catalogue())
    found = []
    for run in runs_of(days):
        rows = within(alarms, run)
        held = tables.read(_ALARMS, run).filter(pl.col("source") == source).collect()
        if not is_same(rows, held):
            scope = {"source": source}
            found.append(services().door.publish(_ALARMS, run, rows, [told], run_id(), scope=scope))
    return found


def _publish_facts(told: DeliveredAlarms, window: Window) -> list[Snapshot]:
    """Publish what events said besides alarms, where a product takes it."""
    scope, found = {"source": told.source}, []
    tables, door = services().tables, services().door
    if told.measurements.height or _was_told(_MEASUREMENTS, window, told.source):
        rows = measurement_rows(told.measurements, catalogue()) if told.measurements.height else (
            pl.DataFrame()
        )  # fmt: skip
        found.append(door.publish(_MEASUREMENTS, window, rows, [], run_id(), None, scope))
    if _CONFIGURATION in products() and (
        told.attributes.height or _was_told(_CONFIGURATION, window, told.source)
    ):
        earlier = tables.read(_CONFIGURATION).filter(
            pl.col("source") == told.source, pl.col("valid_from") < window.start
        )
        rows = configuration_rows(told.attributes, earlier.collect())
        found.append(door.publish(_CONFIGURATION, window, rows, [], run_id(), None, scope))
    return found


def _was_told(table: str, window: Window, source: str) -> bool:
    """Tell whether the window was judged for this source before, so that it must be replaced."""
    verdicts = services().tables.read("data_quality", window, columns=["table_name", "scope"])
    own = pl.col("scope") == f"source={source}"
    told = verdicts.filter(pl.col("table_name") == table, own)
    return not told.head(1).collect().is_empty()
