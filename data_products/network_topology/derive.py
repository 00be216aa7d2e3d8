"""From documents of topology to the history of nodes and links, and the topology of a moment."""

from datetime import datetime

import polars as pl

from data_products.network_configuration.history import (
    Snapshots,
    StateShape,
    revised_history,
    state_at,
)

NODES = StateShape(
    ("network_id", "node_id"),
    (
        "kind", "layer", "name", "managed_object_dn", "site_id", "latitude_deg", "longitude_deg",
        "supported_by",
    ),
)  # fmt: skip
"""Columns of the nodes' history."""

LINKS = StateShape(
    ("network_id", "link_id"),
    (
        "layer", "from_node_id", "to_node_id", "from_dn", "to_dn", "capacity_mbps", "length_km",
        "delay_ms", "supported_by",
    ),
)  # fmt: skip
"""Columns of the links' history."""


def derive(
    standing: pl.DataFrame,
    standing_looks: pl.DataFrame,
    seen: pl.DataFrame,
    looks: pl.DataFrame,
    shape: StateShape,
) -> pl.DataFrame:
    """Return the whole history of nodes or links once new documents are taken into account.

    Args:
        standing: the history so far, as published.
        standing_looks: `network_id`, `taken_at`, `source_file` of the documents that it came from.
        seen: the shape's columns without `is_removed`; a document tells all of its networks.
        looks: as `standing_looks`, of the new documents.
        shape: `NODES` or `LINKS`.
    """
    columns = ["network_id", "taken_at", "source_file"]
    every = pl.concat([standing_looks.select(columns), looks.select(columns)])
    named = every.select("network_id", pl.col("network_id").alias("scope"))
    history = revised_history(
        standing.select(shape.columns),
        _scoped(standing_looks),
        Snapshots(seen, _scoped(looks), named.unique()),
        shape,
    )
    files = every.group_by("network_id", pl.col("taken_at").alias("valid_from")).agg(
        pl.col("source_file").max()
    )
    return history.join(files, on=["network_id", "valid_from"], how="left", maintain_order="left")


def topology_at(
    nodes: pl.DataFrame, links: pl.DataFrame, cells: pl.DataFrame, moment: datetime
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the nodes, links and cells that stood at a moment, one row each.

    Args:
        nodes: rows of `network_topology.nodes`.
        links: rows of `network_topology.links`.
        cells: rows of `network_topology`.
        moment: with its zone.

    Returns:
        In each source the last row of each; links whose ends both stand. A cell stands from its
        `valid_from` on: inventories do not say when one went.
    """
    standing = _of_sources(nodes, NODES, moment)
    ends = standing.select("source", "network_id", "node_id")
    carried = _of_sources(links, LINKS, moment)
    for end in ("from_node_id", "to_node_id"):
        carried = carried.join(
            ends, left_on=["source", "network_id", end], right_on=ends.columns, how="semi"
        )
    due = cells.filter(pl.col("valid_from") <= moment).sort("valid_from", maintain_order=True)
    newest = due.unique(["source", "cell_dn"], keep="last", maintain_order=True)
    return standing, carried, newest.sort("source", "cell_dn")


def _of_sources(history: pl.DataFrame, shape: StateShape, moment: datetime) -> pl.DataFrame:
    whole = StateShape(("source", *shape.key), shape.values)
    return state_at(history, whole, moment).sort(whole.key)


def _scoped(looks: pl.DataFrame) -> pl.DataFrame:
    return looks.select(pl.col("network_id").alias("scope"), "taken_at").unique()
