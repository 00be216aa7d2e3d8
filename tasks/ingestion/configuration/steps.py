"""Steps that bring configuration and topology in: documents become histories of what they tell."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

from data_products.lineage import Snapshot
from data_products.network_configuration.derive import derive
from data_products.network_configuration.drift import drift
from data_products.network_configuration.identities import identities
from data_products.registry import products, table
from semantic_layer.periods import Window, floor_to
from tasks.ingestion.configuration.delivered_configuration import (
    LOOK_SCHEMA,
    PLANNED,
    ConfigurationRead,
    configuration_files,
    findings_of,
    read_configuration_file,
    taken_together,
)
from tasks.ingestion.configuration.delivered_topology import read_topology_file, topology_files
from tasks.ingestion.configuration.site_inventory import inventory_sources
from tasks.ingestion.configuration.state_publishing import (
    days_of,
    inside,
    is_quarantined,
    publish_changed_days,
    quarantined_files,
    standing_rows,
)
from tasks.ingestion.configuration.topology_publishing import (
    LOOKS,
    publish_documents,
    publish_inventory,
)
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_ACTUAL = "network_configuration"
_PLAN = "network_configuration.planned"
_LOOKS = "network_configuration.snapshots"
_REQUESTS = "change_history"


@step
def ingest_configuration(folder: Path, window: Window) -> list[Snapshot]:
    """Publish what the folder's documents say of configuration up to the window's end.

    Configuration is a state: every document that was taken before the window's end and is not
    known yet counts, as of its own time; only changes become rows. One that cannot be used is
    told in the window's first day.
    """
    files = configuration_files(folder)
    if not files:
        return []
    known = _known_files(_LOOKS)
    reads, is_first_day_due = _reads(files, read_configuration_file, known, window, _LOOKS)
    published: list[Snapshot] = []
    sources = {read.source for read in reads} | {file.kind for file in files}
    for source in sorted(sources):
        own = [read for read in reads if read.source == source]
        published += _ingest_source(source, own, window, is_first_day_due=is_first_day_due)
    for source in sorted({file.kind for file in files}):
        published += _publish_derived(source)
    return published


@step
def ingest_topology(folder: Path, window: Window) -> list[Snapshot]:
    """Publish nodes, links and cells of RFC 8345 documents and inventories up to the window's end.

    Topology is a state, as configuration is: what was taken before the window's end and is not
    known yet counts as of its own time.
    """
    engines = (services().tables, services().door)
    published: list[Snapshot] = []
    files = topology_files(folder)
    if files:
        known = _known_files(LOOKS)
        reads, is_first_day_due = _reads(files, read_topology_file, known, window, LOOKS)
        published += publish_documents(
            engines, reads, window, run_id(), is_first_day_due=is_first_day_due
        )
    for source in inventory_sources(folder, services().settings.mapping_folder):
        published += publish_inventory(engines, source, window, run_id())
    return published


class _File(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def content_hash(self) -> str: ...


class _Read(Protocol):
    @property
    def taken_at(self) -> datetime | None: ...


File = TypeVar("File", bound=_File)
Read = TypeVar("Read", bound=_Read)


def _reads(
    files: Sequence[File],
    read: Callable[[File], Read],
    known: Mapping[tuple[str, str], datetime],
    window: Window,
    looks_table: str,
) -> tuple[list[Read], bool]:
    """Return what is new and due, with all else of the same days, and whether today is one.

    The rest of a day is read again because a day's findings are replaced together.
    """
    fresh = [read(file) for file in files if (file.name, file.content_hash) not in known]
    due = [it for it in fresh if it.taken_at is None or it.taken_at < window.end]
    days = {floor_to(it.taken_at, "day") for it in due if it.taken_at is not None}
    today = days_of([window.start])[0]
    told = quarantined_files(services().tables, looks_table, today)
    is_stale = bool(told - {name for name, _ in known})
    is_due = is_stale or any(it.taken_at is None for it in due)
    if is_due:
        days.add(today.start)
    again = [
        read(file)
        for file in files
        if (file.name, file.content_hash) in known
        and floor_to(known[file.name, file.content_hash], "day") in days
    ]
    return [*due, *again], is_due


def _known_files(looks_table: str) -> dict[tuple[str, str], datetime]:
    looks = services().tables.read(looks_table, columns=["source_file", "content_hash", "taken_at"])
    rows = looks.unique().collect().iter_rows()
    return {(name, content): taken_at for name, content, taken_at in rows}


def _ingest_source(
    source: str, reads: Sequence[ConfigurationRead], window: Window, *, is_first_day_due: bool
) -> list[Snapshot]:
    tables, door = services().tables, services().door
    dated = [read for read in reads if read.taken_at is not None]
    seen, looks, doubled = taken_together(dated)
    remarks = [(read, remark) for read in reads for remark in read.remarks] + doubled
    findings = findings_of(remarks, floor_to(window.start, "day"))
    first_day = days_of([window.start])[0]
    due = {*looks["taken_at"].to_list(), *findings["period_start"].to_list()}
    if is_first_day_due and is_quarantined(tables, _LOOKS, source, first_day):
        due.add(first_day.start)
    if not due:
        return []
    shape = table(_PLAN if source.endswith(PLANNED) else _ACTUAL)
    before, known = (
        standing_rows(tables, shape, source),
        standing_rows(tables, table(_LOOKS), source),
    )
    after, times = before, known
    for day in days_of(looks["taken_at"].to_list()):
        new = inside(looks, "taken_at", day)
        after = derive(after, times, inside(seen, "valid_from", day), new)
        times = _looks_together(times, new)
    _LOG.info(
        "%s: %s documents, %s objects' attributes, %s findings.",
        source, len(reads), seen.height, findings.height,
    )  # fmt: skip
    published = publish_changed_days(door, shape, before, after, source, run_id())
    if any(snapshot.verdict == "refused" for snapshot in published):
        return published  # the documents stay unknown, so that the next run takes them again
    for day in days_of(due):
        published.append(
            door.publish(
                _LOOKS,
                day,
                inside(times, "taken_at", day),
                [],
                run_id(),
                inside(findings, "period_start", day),
                {"source": source},
            )
        )
    return published


def _looks_together(known: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    key = ["source_file", "taken_at"]
    kept = known.join(new.select(key).unique(), on=key, how="anti")
    return pl.concat([kept.select(*LOOK_SCHEMA), new.select(*LOOK_SCHEMA)])


def _publish_derived(source: str) -> list[Snapshot]:
    """Publish who was whom, and where the source is not as planned, where that changed."""
    tables, door = services().tables, services().door
    actual = standing_rows(tables, table(_ACTUAL), source)
    if actual.is_empty():
        return []
    looks = tables.read(_LOOKS).collect()
    plan = source + PLANNED
    found = drift(
        actual,
        looks.filter(pl.col("source") == source),
        standing_rows(tables, table(_PLAN), plan),
        looks.filter(pl.col("source") == plan),
        _requests(),
    )
    inputs = [tables.snapshot(name) for name in (_ACTUAL, _PLAN, _LOOKS)]
    published = []
    for name, rows in ((f"{_ACTUAL}.identities", identities(actual)), (f"{_ACTUAL}.drift", found)):
        shape = table(name)
        before = standing_rows(tables, shape, source)
        published += publish_changed_days(door, shape, before, rows, source, run_id(), inputs)
    return published


def _requests() -> pl.DataFrame:
    if _REQUESTS not in products():
        return pl.DataFrame()
    return services().tables.read(_REQUESTS).collect()
