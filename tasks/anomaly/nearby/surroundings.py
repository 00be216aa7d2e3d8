"""What a network told around the findings of a window: read through one port, narrowed at once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from data_products.registry import products
from semantic_layer.evidence import EvidenceRules
from semantic_layer.periods import Window
from tasks.anomaly.arrays import Schema
from tasks.ports import TableStore

_TIME = pl.Datetime("us", "UTC")
CELLS: Schema = {
    "cell_dn": pl.String,
    "site_id": pl.String,
    "managed_element_dn": pl.String,
    "neighbor_dns": pl.List(pl.String),
}
ALARMS: Schema = {
    "alarm_id": pl.String,
    "managed_object_dn": pl.String,
    "raised_at": _TIME,
    "cleared_at": _TIME,
    "cell_dn": pl.String,
    "alarm_name": pl.String,
    "perceived_severity": pl.String,
    "probable_cause": pl.String,
    "specific_problem": pl.String,
    "is_clear_without_raise": pl.Boolean,
}
CHANGES: Schema = {
    "change_id": pl.String,
    "title": pl.String,
    "actual_start": _TIME,
    "actual_end": _TIME,
    "managed_object_dns": pl.List(pl.String),
}
DRIFT: Schema = {
    "managed_object_dn": pl.String,
    "attribute": pl.String,
    "kind": pl.String,
    "detected_at": _TIME,
    "planned_value": pl.String,
    "actual_value": pl.String,
    "change_id": pl.String,
}
NODES: Schema = {
    "network_id": pl.String,
    "node_id": pl.String,
    "kind": pl.String,
    "layer": pl.String,
    "managed_object_dn": pl.String,
    "site_id": pl.String,
}
LINKS: Schema = {
    "network_id": pl.String,
    "link_id": pl.String,
    "layer": pl.String,
    "from_node_id": pl.String,
    "to_node_id": pl.String,
    "from_dn": pl.String,
    "to_dn": pl.String,
    "delay_ms": pl.Float64,
    "supported_by": pl.List(pl.String),
}
_REQUESTED_BEFORE = timedelta(days=62)
"""How long before its execution a change may have been requested."""


def _none(schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stood or happened around findings, as published; empty frames where nothing came.

    Attributes:
        cells: newest row a cell: its site, element and neighbors.
        alarms: raised in the time that is looked at.
        changes: begun in that time.
        drift: unplanned changes of configuration detected in that time, and up to a dump later.
        nodes, links: the transport network as it was at the window's end.
        known_tables: tables of which anything was ever published.
    """

    cells: pl.DataFrame = field(default_factory=lambda: _none(CELLS))
    alarms: pl.DataFrame = field(default_factory=lambda: _none(ALARMS))
    changes: pl.DataFrame = field(default_factory=lambda: _none(CHANGES))
    drift: pl.DataFrame = field(default_factory=lambda: _none(DRIFT))
    nodes: pl.DataFrame = field(default_factory=lambda: _none(NODES))
    links: pl.DataFrame = field(default_factory=lambda: _none(LINKS))
    known_tables: frozenset[str] = frozenset()


def surroundings(
    tables: TableStore, findings: pl.DataFrame, window: Window, rules: EvidenceRules
) -> Surroundings:
    """Return what was told around the findings of a window.

    Args:
        tables: where to read.
        findings: anomaly_start of each; some may have begun long before the window.
        window: what was scored.
        rules: how far around findings to look.
    """
    begun: list[datetime] = findings["anomaly_start"].to_list()
    hour = timedelta(hours=1)
    since = min([window.start, *begun]) - rules.hours_before * hour
    until = window.end + rules.hours_after * hour
    dumped = until + rules.dump_hours * hour
    is_begun = pl.col("actual_start").is_between(since, until)
    requested = Window(since - _REQUESTED_BEFORE, until)
    named = (
        "network_topology", "alarms", "change_history", "network_configuration.drift",
        "network_topology.nodes", "network_topology.links",
    )  # fmt: skip
    known = {product for each in products().values() for product in each.tables}
    return Surroundings(
        cells=_newest(tables, "network_topology", ("cell_dn",), window, CELLS),
        alarms=_read(tables, "alarms", Window(since, until), ALARMS),
        changes=_read(tables, "change_history", requested, CHANGES).filter(is_begun),
        drift=_read(tables, "network_configuration.drift", Window(since, dumped), DRIFT),
        nodes=_newest(tables, "network_topology.nodes", ("network_id", "node_id"), window, NODES),
        links=_newest(tables, "network_topology.links", ("network_id", "link_id"), window, LINKS),
        known_tables=frozenset(name for name in named if name in known and _has_any(tables, name)),
    )


def _has_any(tables: TableStore, name: str) -> bool:
    return tables.snapshot(name).id != 0


def _read(tables: TableStore, table: str, window: Window, schema: Schema) -> pl.DataFrame:
    found = tables.read(table, window)
    present = set(found.collect_schema().names())
    return shaped(found.select(name for name in schema if name in present).collect(), schema)


def _newest(
    tables: TableStore, table: str, key: tuple[str, ...], window: Window, schema: Schema
) -> pl.DataFrame:
    """Return each thing as it was at the window's end, without those removed."""
    known = tables.read(table, None).filter(pl.col("valid_from") < window.end)
    last = known.sort(*key, "valid_from", "source").unique(key, keep="last", maintain_order=True)
    if "is_removed" in last.collect_schema().names():
        last = last.filter(~pl.col("is_removed"))
    return shaped(last.collect(), schema)


def shaped(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the columns of `schema`, null where the frame has none."""
    return frame.select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in schema.items()
    )
