"""Steps of ingestion: what lies in a folder becomes published rows, or quarantined reasons."""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from data_products.cell_kpis.derive import SOURCE as CURATED
from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.ingestion.delivered_time import (
    covered,
    from_first_to_last,
    newest_period,
    not_yet,
    together,
)
from tasks.ingestion.deliveries import batches, delivered_in, deliveries, measurement_files
from tasks.ingestion.measurements.measurement_batches import MeasuredBatch, measured_batch, merged
from tasks.ingestion.tables.mapped_spans import mapped_spans
from tasks.ingestion.tables.mapped_tables import MappedTables, mapped_tables
from tasks.ingestion.tables.mapping_sources import MappingSource, mapping_sources
from tasks.ingestion.tables.state_tables import same_state, state_window
from tasks.step import Progress, run_id, show_table, step
from tasks.twin.sample_network import write_sample_network
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_MEASUREMENTS = "pm_measurements"
_TOPOLOGY = "network_topology"
_FILES = {"source": "measurement_files"}
_SOME = 50


@step
def choose_folder() -> Path:
    """Return the folder of deliveries: the one that is set, or the sample network's.

    The sample network is written on first use; one that stands complete is kept.
    """
    chosen = services().settings
    if chosen.input_folder is not None:
        return chosen.input_folder
    written = write_sample_network(
        chosen.sample_network, chosen.sample_seed, chosen.root / "sample"
    )
    _LOG.info("Sample network %s: %s.", written.folder.name, written.counts)
    return written.folder / "delivered"


@step
def find_deliveries(folder: Path, window: Window) -> list[list[str]]:
    """Return the measurement files that cover any of the window, in batches, in order."""
    return batches(delivered_in(deliveries(measurement_files(folder)), window))


@step
def delivered_window(folder: Path) -> Window | None:
    """Return the time that the folder's files and tables cover; None when they say none."""
    return covered(span for spans in _spans(folder).values() for span in spans)


@step
def newest_window(folder: Path, moment: datetime, granularity: str) -> Window:
    """Return the newest delivered period of `granularity` that had begun at `moment`.

    Raises:
        InputError: nothing was delivered that had begun then.
    """
    delivered = covered(span for spans in _spans(folder).values() for span in spans)
    return newest_period(delivered, moment, granularity)


@step
def unpublished_history(folder: Path, window: Window) -> list[Window]:
    """Return what was delivered before the window and was never published, oldest first.

    Measurements count as published once their KPIs are too: a run that died in between left
    measurements that nobody curated.
    """
    return together(
        [
            piece
            for table, spans in _spans(folder).items()
            for published in _published(table)
            for piece in not_yet({span.start for span in spans}, published, window.start)
        ]
    )


@step
def ingest_measurement_files(delivered: Sequence[Sequence[str]], window: Window) -> Snapshot:
    """Publish what measurement files say of the window, read in parallel, batch by batch."""
    progress = Progress("Reading measurement files")
    empty = measured_batch([], window)
    found = services().workers.map(measured_batch, delivered, shared={"window": window})
    progress.reach(0.8)
    whole = merged([empty, *found])
    _tell(whole, window)
    snapshot = services().door.publish(
        _MEASUREMENTS, window, whole.rows, [], run_id(), whole.findings, _FILES
    )
    progress.reach(1.0)
    return snapshot


@step
def ingest_tables(folder: Path, window: Window) -> list[Snapshot]:
    """Publish what the folder's mapped tables say of the window.

    Topology is a state, not a series: it is published as of its own time when that has come.
    """
    sources = mapping_sources(folder, services().settings.mapping_folder)
    return [_ingest_table(source, window) for source in sources]


def _spans(folder: Path) -> dict[str, list[Window]]:
    """Return the periods that are delivered for each table that is a series."""
    found = deliveries(measurement_files(folder))
    spans = {_MEASUREMENTS: [delivery.span for delivery in found if delivery.span is not None]}
    for source in mapping_sources(folder, services().settings.mapping_folder):
        if source.mapping.into != _TOPOLOGY:
            told = mapped_spans(source.folder, source.mapping)
            spans.setdefault(source.mapping.into, []).extend(told)
    return spans


def _published(table: str) -> list[Window | None]:
    """Return the time that a table covers and, for measurements, the time of their KPIs."""
    tables = services().tables
    if table != _MEASUREMENTS:
        return [tables.bounds(table)]
    kpis = tables.read("cell_kpis", columns=["period_start", "granularity", "source"])
    curated = (
        kpis.filter(pl.col("source") == CURATED, pl.col("granularity") == "15min")
        .select(first=pl.col("period_start").min(), last=pl.col("period_start").max())
        .collect()
    )
    return [tables.bounds(table), from_first_to_last(*curated.row(0))]


def _ingest_table(source: MappingSource, window: Window) -> Snapshot:
    if source.mapping.into == _TOPOLOGY:
        return _ingest_state(source, window)
    read = mapped_tables(source.folder, source.mapping, window)
    if read.rows.is_empty() and read.findings.is_empty() and not _was_told(source, window):
        return services().tables.snapshot(source.mapping.into)
    return _publish_table(source, window, read)


def _was_told(source: MappingSource, window: Window) -> bool:
    """Tell whether the window was judged for this source before, so that it must be replaced."""
    verdicts = services().tables.read("data_quality", window, columns=["table_name", "scope"])
    own = pl.col("scope").str.contains(f"source={source.name}", literal=True)
    told = verdicts.filter(pl.col("table_name") == source.mapping.into, own)
    return not told.head(1).collect().is_empty()


def _ingest_state(source: MappingSource, window: Window) -> Snapshot:
    table = source.mapping.into
    read = mapped_tables(source.folder, source.mapping)
    due = state_window(read.rows, window)
    if due is None:
        return services().tables.snapshot(table)
    inside = read.rows.filter(pl.col("valid_from") < due.end)
    standing = services().tables.read(table, due).filter(pl.col("source") == source.name)
    if same_state(inside, standing):
        return services().tables.snapshot(table)
    return _publish_table(
        source, due, MappedTables(inside, read.findings, read.read, read.replaced)
    )


def _publish_table(source: MappingSource, window: Window, read: MappedTables) -> Snapshot:
    mapping = source.mapping
    scope = {"source": source.name}
    if mapping.into == "cell_kpis":
        scope["granularity"] = str(mapping.granularity)
    _LOG.info(
        "%s: %s rows of %s for %s, %s cannot be used, %s values replaced by later files.",
        source.name, read.rows.height, mapping.into, window, read.findings.height, read.replaced,
    )  # fmt: skip
    return services().door.publish(
        mapping.into, window, read.rows, [], run_id(), read.findings, scope
    )


def _tell(whole: MeasuredBatch, window: Window) -> None:
    _LOG.info(
        "%s measurement files for %s: %s rows, %s files refused, %s findings, %s values replaced "
        "by later files.",
        whole.counts.height, window, whole.rows.height, whole.refused, whole.findings.height,
        whole.replaced,
    )  # fmt: skip
    show_table(
        "measurement-files",
        whole.counts.head(_SOME).to_dicts(),
        f"What the first {_SOME} measurement files held, {window}",
    )
