"""Which events stand near which findings: by where their objects are, and when they happened.

An object is on the finding's own cell; at its site; upstream, on the site's way through the
transport network to the core; at a site that a neighbor cell stands at; or nowhere in particular:
a function of the core, or what contains all sites. The nearest relation that holds counts.
"""

from datetime import timedelta

import polars as pl

from data_products.network_topology.ways_to_core import ways_to_core
from semantic_layer.evidence import EvidenceRules
from semantic_layer.identity import cell_dn_expression, managed_element_expression
from tasks.anomaly.arrays import Schema
from tasks.anomaly.nearby.surroundings import Surroundings

RELATIONS = ("same_cell", "same_site", "upstream", "neighbor_site", "network")
"""The nearest first."""
NEAR: Schema = {
    "finding": pl.UInt32,
    "event": pl.UInt32,
    "object_dn": pl.String,
    "relation": pl.String,
    "lead_hours": pl.Float64,
}
_CORE = "core"
_DAY = timedelta(days=1)


def placed_findings(findings: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return findings with a number and their cell's site, element and neighbors.

    Args:
        findings: cell_dn, anomaly_start and whatever else; kept.
        cells: `surroundings.CELLS`. Where no site is known its element stands for it.
    """
    located = cells.unique("cell_dn", keep="first", maintain_order=True)
    numbered = findings.with_row_index("finding")
    placed = numbered.join(located, on="cell_dn", how="left", maintain_order="left")
    element = pl.coalesce("managed_element_dn", managed_element_expression("cell_dn"))
    return placed.with_columns(managed_element_dn=element).with_columns(
        site=pl.coalesce("site_id", "managed_element_dn")
    )


def near(
    placed: pl.DataFrame, events: pl.DataFrame, around: Surroundings, rules: EvidenceRules
) -> pl.DataFrame:
    """Return a row a finding and event near it: `NEAR`, unordered.

    Args:
        placed: as `placed_findings` returns them.
        events: `near_events.EVENTS`.
        around: topology.
        rules: how long before and after a finding's start to look.
    """
    days = _with_days(placed, events, rules)
    objects = _located(events, around).with_columns(_day=pl.col("happened_at").dt.truncate("1d"))
    pairs = [
        days.join(objects, left_on=[mine, "_day"], right_on=[theirs, "_day"]).select(
            "finding", "event", "object_dn", pl.lit(rank).alias("_rank"),
            "anomaly_start", "happened_at", "hours_late",
        )
        for rank, mine, theirs, days in _ways_to_be_near(days, around)
    ]  # fmt: skip
    lead = (pl.col("anomaly_start") - pl.col("happened_at")).dt.total_seconds() / 3600
    found = (
        pl.concat(pairs)
        .with_columns(lead_hours=lead)
        .filter(
            pl.col("lead_hours") <= rules.hours_before,
            pl.col("lead_hours") >= -(rules.hours_after + pl.col("hours_late")),
        )
        .sort("finding", "event", "_rank", "object_dn")
        .unique(["finding", "event"], keep="first", maintain_order=True)
    )
    relation = pl.col("_rank").replace_strict(
        range(len(RELATIONS)), RELATIONS, return_dtype=pl.String
    )
    named = found.with_columns(relation=relation)
    return named.select(pl.col(name).cast(dtype) for name, dtype in NEAR.items())


def _with_days(placed: pl.DataFrame, events: pl.DataFrame, rules: EvidenceRules) -> pl.DataFrame:
    """Return findings once for each day in which something near may have happened."""
    latest = rules.hours_after + float(events["hours_late"].max() or 0.0)  # type: ignore[arg-type]
    start = pl.col("anomaly_start")
    first = (start - timedelta(hours=rules.hours_before)).dt.truncate("1d")
    last = (start + timedelta(hours=latest)).dt.truncate("1d")
    return placed.select(
        "finding", "cell_dn", "site", "neighbor_dns", "anomaly_start",
        pl.datetime_ranges(first, last, _DAY).alias("_day"),
    ).explode("_day")  # fmt: skip


def _ways_to_be_near(
    days: pl.DataFrame, around: Surroundings
) -> list[tuple[int, str, str, pl.DataFrame]]:
    """Return rank, key of the finding, key of the object and findings with that key."""
    neighbors = _neighbor_sites(days, around.cells)
    everywhere = days.with_columns(_all=pl.lit(value=True))
    return [
        (0, "cell_dn", "_cell", days),
        (1, "site", "_site", days),
        (2, "_upstream", "_object", _upstream(days, around)),
        (3, "_neighbor_site", "_site", days.join(neighbors, on="cell_dn")),
        (4, "_all", "_is_network", everywhere),
    ]


def _neighbor_sites(days: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return the findings' cells with each other site at which a neighbor of theirs stands."""
    site_of = cells.select(
        pl.col("cell_dn").alias("neighbor_dns"),
        pl.coalesce("site_id", "managed_element_dn").alias("_neighbor_site"),
    )
    beside = days.select("cell_dn", "site", "neighbor_dns").unique("cell_dn", maintain_order=True)
    found = beside.explode("neighbor_dns").join(site_of, on="neighbor_dns")
    others = found.filter(pl.col("site") != pl.col("_neighbor_site"))
    return others.select("cell_dn", "_neighbor_site").unique()


def _upstream(days: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    sites = days["site"].drop_nulls().unique().sort().to_list()
    ways = ways_to_core(around.nodes, around.links, sites)
    rows = [(site, dn) for site, dns in sorted(ways.items()) for dn in sorted(dns)]
    table = pl.DataFrame(rows, schema={"site": pl.String, "_upstream": pl.String}, orient="row")
    return days.join(table, on="site")


def _located(events: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    """Return events with the cell and site of their object, and whether it serves all sites."""
    objects = events.select("object_dn").unique()
    element = managed_element_expression("object_dn")
    site_of_cell = around.cells.select(
        pl.col("cell_dn").alias("_cell"),
        pl.coalesce("site_id", "managed_element_dn").alias("_site"),
    ).unique("_cell", keep="first")
    nodes = around.nodes.filter(pl.col("managed_object_dn").is_not_null())
    of_core = nodes.filter(pl.col("layer") == _CORE)["managed_object_dn"]
    core_elements = of_core.to_frame().select(managed_element_expression("managed_object_dn"))
    known = (
        objects.with_columns(
            _object="object_dn", _cell=cell_dn_expression("object_dn"), _element=element
        )
        .join(site_of_cell, on="_cell", how="left")
        .join(_site_of_element(around, nodes), on="_element", how="left")
        .with_columns(
            _site=pl.coalesce("_site", "_site_of_element"),
            _is_network=pl.col("_element").is_in(core_elements.to_series().drop_nulls().to_list())
            | (pl.col("_element").is_null() & pl.col("object_dn").str.starts_with("SubNetwork=")),
        )
    )
    located = events.join(known.drop("_element", "_site_of_element"), on="object_dn")
    return located.with_columns(_cell=pl.coalesce("_cell", "cell_dn")).drop("cell_dn")


def _site_of_element(around: Surroundings, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return the site of each managed element: of cells, and of nodes that stand at a site."""
    of_cells = around.cells.select(
        pl.col("managed_element_dn").alias("_element"),
        pl.coalesce("site_id", "managed_element_dn").alias("_site_of_element"),
    )
    of_nodes = nodes.select(
        managed_element_expression("managed_object_dn").alias("_element"),
        pl.col("site_id").alias("_site_of_element"),
    )
    every = pl.concat([of_cells, of_nodes]).drop_nulls()
    return every.unique("_element", keep="first", maintain_order=True)
