"""Steps of ingestion: what lies in a folder becomes published rows, or quarantined reasons."""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zlib import crc32

import polars as pl

from data_products.lineage import LINEAGE_COLUMNS, Snapshot
from semantic_layer.periods import Window
from tasks.ingestion.delivered_parts import delivered_parts
from tasks.ingestion.delivered_time import covered, newest_period
from tasks.ingestion.deliveries import batches, delivered_in, deliveries, measurement_files
from tasks.ingestion.due_windows import Due, due, remembered_after, too_late
from tasks.ingestion.findings import no_findings
from tasks.ingestion.measurements.measurement_batches import MeasuredBatch, measured_batch, merged
from tasks.ingestion.records.steps import publish_changed_days, standing_rows
from tasks.ingestion.tables.mapped_spans import mapped_spans
from tasks.ingestion.tables.mapped_tables import MappedTables, mapped_tables
from tasks.ingestion.tables.mapping_sources import MappingSource, mapping_sources
from tasks.ingestion.tables.state_tables import same_state, state_window
from tasks.ingestion.tables.window_slices import window_slices
from tasks.ingestion.unread_files import unread_files
from tasks.step import Progress, run_id, show_table, step, tell_late_file
from tasks.twin.nation import write_nation
from tasks.twin.sample_network import write_sample_network
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_MEASUREMENTS = "pm_measurements"
_TOPOLOGY = "network_topology"
_DELIVERIES = "data_quality.deliveries"
_UNREAD = "unrecognised"
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
    shelf = chosen.root / "sample"
    if chosen.sample_network == "nation":
        nation = write_nation(chosen.sample_seed, shelf)
        _LOG.info("Sample network %s: %s.", nation.folder.name, nation.counts)
        return nation.delivered
    written = write_sample_network(chosen.sample_network, chosen.sample_seed, shelf)
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
def due_before(folder: Path, window: Window) -> Due:
    """Return what must be brought in before a run's own window, and what of it came late.

    What was read of each delivered file stands in `data_quality.deliveries`; it is written by
    `remember_deliveries` once all that follows from a window was published, so a run that dies
    leaves its windows due.
    """
    remembered = standing_rows(_DELIVERIES, _place(folder))
    shelf = services().settings.mapping_folder
    found = due(delivered_parts(folder, shelf, remembered), remembered, window)
    for it in found.late:
        told = f"left, {it.gone[0]} is gone" if it.gone else "its window is published again"
        _LOG.info("%s came late for %s: %s.", it.part.source_file, it.covers, told)
    return found


@step
def remember_deliveries(
    folder: Path, found: Due, windows: Sequence[Window], own: Window
) -> list[Snapshot]:
    """Remember what was due, once it was read in these windows and published.

    Args:
        folder: of deliveries.
        found: as `due_before` returned it before they were read.
        windows: that were read, in order.
        own: the run's window, for what has no other time.
    """
    place = _place(folder)
    rows = remembered_after(standing_rows(_DELIVERIES, place), found.parts, windows)
    return publish_changed_days(_DELIVERIES, place, (rows, no_findings()), own)


@step
def tell_unread_files(folder: Path, found: Due, window: Window) -> list[Snapshot]:
    """Tell of files that nobody reads, or that came too late to be used, once each.

    What is told stands in the quarantine of `data_quality.deliveries` under the source
    `unrecognised`, at the window of the run that saw it first, and goes when the file does.
    """
    told = unread_files(folder, services().settings.mapping_folder)
    findings = pl.concat([told, too_late(found.late)])
    if findings.height:
        _LOG.warning("%s delivered files are not read; see the quarantine.", findings.height)
    nothing = services().tables.read(_DELIVERIES).head(0).collect()
    rows = nothing.drop("source", *LINEAGE_COLUMNS, strict=False)
    return publish_changed_days(_DELIVERIES, _UNREAD, (rows, findings), window)


@step
def tell_late_files(found: Due, window: Window) -> int:
    """Tell automations of files for times before the run's window, for runs that stand alone.

    Only the run of the newest window tells, so that runs for late files do not tell of each other.
    """
    usable = [it for it in found.late if not it.gone and found.is_newest]
    for it in usable:
        tell_late_file(it.part.source_file, it.covers, window)
    return len(usable)


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
    """Publish what the folder's mapped tables say of the window, a snapshot a publish.

    A long window of a large network is published in pieces, each replaced exactly.
    Topology is a state, not a series: it is published as of its own time when that has come.
    """
    sources = mapping_sources(folder, services().settings.mapping_folder)
    return [_ingest_table(source, piece) for source in sources for piece in _pieces(source, window)]


def _spans(folder: Path) -> dict[str, list[Window]]:
    """Return the periods that are delivered for each table that is a series."""
    found = deliveries(measurement_files(folder))
    spans = {_MEASUREMENTS: [delivery.span for delivery in found if delivery.span is not None]}
    for source in mapping_sources(folder, services().settings.mapping_folder):
        if source.mapping.into != _TOPOLOGY:
            told = mapped_spans(source.folder, source.mapping)
            spans.setdefault(source.mapping.into, []).extend(told)
    return spans


def _place(folder: Path) -> str:
    """Return what a folder of deliveries is called: two of one name are told apart."""
    return f"{folder.name} {crc32(str(folder.resolve()).encode()):08x}"


def _pieces(source: MappingSource, window: Window) -> list[Window]:
    """Return a series' window in pieces that memory holds, each published by itself."""
    if source.mapping.into == _TOPOLOGY:
        return [window]
    return window_slices(source.folder, source.mapping, window)


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
    told = services().tables.snapshot(table)
    if read.rows.is_empty() and not read.findings.is_empty():
        rows = standing_rows(table, source.name).drop("source")
        kept = publish_changed_days(table, source.name, (rows, read.findings), window)
        return kept[-1] if kept else told
    due = None if read.rows.is_empty() else state_window(read.rows, window)
    if due is None:
        return told
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
