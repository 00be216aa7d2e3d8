"""Publishes topology: documents of networks as histories, inventories as nodes and cells."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from data_products.lineage import Snapshot
from data_products.network_topology.derive import LINKS, NODES, derive
from data_products.registry import table
from semantic_layer.periods import Window, floor_to
from tasks.ingestion.configuration.delivered_topology import (
    LOOK_SCHEMA,
    TopologyRead,
    seen_rows,
    told_together,
    topology_findings,
)
from tasks.ingestion.configuration.site_inventory import InventorySource, read_inventory
from tasks.ingestion.configuration.state_publishing import (
    days_of,
    inside,
    is_quarantined,
    publish_changed_days,
    standing_rows,
)
from tasks.ports import Door, TableStore

DOCUMENTS = "topology_documents"
"""The source of what RFC 8345 documents tell."""

LOOKS = "network_topology.snapshots"
Engines = tuple[TableStore, Door]
_TABLES = (("network_topology.nodes", NODES), ("network_topology.links", LINKS))
_CELLS = "network_topology"


def publish_documents(
    services: Engines,
    reads: Sequence[TopologyRead],
    window: Window,
    run_id: str,
    *,
    is_first_day_due: bool,
) -> list[Snapshot]:
    """Publish what documents say, of which each that is new changes its own time.

    Args:
        services: where it is published.
        reads: what is new, and everything else of the days that something new is about.
        window: of the run; what has no time is told in its first day.
        run_id: the run that publishes.
        is_first_day_due: something is told there that is no longer so.
    """
    tables, door = services
    dated = [read for read in reads if read.taken_at is not None]
    seen, doubled = told_together(dated)
    findings = topology_findings(reads, doubled, floor_to(window.start, "day"))
    due = {*seen.looks["taken_at"].to_list(), *findings["period_start"].to_list()}
    first_day = days_of([window.start])[0]
    if is_first_day_due and is_quarantined(tables, LOOKS, DOCUMENTS, first_day):
        due.add(first_day.start)
    if not due:
        return []
    known = standing_rows(tables, table(LOOKS), DOCUMENTS)
    published: list[Snapshot] = []
    for (name, shape), rows in zip(_TABLES, (seen.nodes, seen.links), strict=True):
        before = standing_rows(tables, table(name), DOCUMENTS)
        after = derive(before, known, rows, seen.looks, shape)
        published += publish_changed_days(door, table(name), before, after, DOCUMENTS, run_id)
    if any(snapshot.verdict == "refused" for snapshot in published):
        return published  # the documents stay unknown, so that the next run takes them again
    key = ["source_file", "taken_at"]
    kept = known.join(seen.looks.select(key).unique(), on=key, how="anti")
    times = pl.concat([kept.select(*LOOK_SCHEMA), seen.looks])
    for day in days_of(due):
        rows, told = inside(times, "taken_at", day), inside(findings, "period_start", day)
        published.append(door.publish(LOOKS, day, rows, [], run_id, told, {"source": DOCUMENTS}))
    return published


def publish_inventory(
    services: Engines, source: InventorySource, window: Window, run_id: str
) -> list[Snapshot]:
    """Publish an inventory as of its own time, once that has come and where it says otherwise."""
    tables, door = services
    since = source.layout.since
    if since >= window.end:
        return []
    read = read_inventory(source)
    day = Window(floor_to(since, "day"), floor_to(since, "day") + timedelta(days=1))
    scope = {"source": source.name}
    published = _publish_nodes(tables, door, source, read.nodes, run_id)
    standing = inside(standing_rows(tables, table(_CELLS), source.name), "valid_from", day)
    same = _sorted(standing.select(read.cells.columns)).equals(_sorted(read.cells))
    if same and not (read.findings.height or is_quarantined(tables, _CELLS, source.name, day)):
        return published
    return [
        *published,
        door.publish(_CELLS, day, read.cells, [], run_id, read.findings, scope),
    ]


def _publish_nodes(
    tables: TableStore, door: Door, source: InventorySource, nodes: pl.DataFrame, run_id: str
) -> list[Snapshot]:
    shape = table("network_topology.nodes")
    before = standing_rows(tables, shape, source.name)
    since = source.layout.since
    rows = nodes.with_columns(
        pl.lit(source.name).alias("network_id"), pl.lit("ran").alias("layer")
    ).to_dicts()
    seen = seen_rows(rows, NODES, since)
    file = source.layout.sites.file
    looks = pl.DataFrame(
        {"network_id": [source.name], "taken_at": [since], "source_file": [file]},
        schema={name: LOOK_SCHEMA[name] for name in ("network_id", "taken_at", "source_file")},
    )
    after = derive(before, _times(before, since), seen, looks, NODES)
    return publish_changed_days(door, shape, before, after, source.name, run_id)


def _times(before: pl.DataFrame, since: datetime) -> pl.DataFrame:
    """Return when the inventory was told before: each time that something became otherwise."""
    other = before.filter(pl.col("valid_from") != since)
    return other.select(
        "network_id", pl.col("valid_from").alias("taken_at"), "source_file"
    ).unique()


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("cell_dn", "valid_from")
