"""What else strays near a finding: at the same time on its site, in neighbors, in the network.

Only findings of the same scored window are looked at: what a later window showed was not known.
"""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl

from semantic_layer.identity import managed_element_expression
from tasks.anomaly.arrays import Floats, Integers, Schema

PLACES: Schema = {
    "cell_dn": pl.String,
    "site_id": pl.String,
    "neighbor_dns": pl.List(pl.String),
}
"""Where cells stand and who their neighbors are, one row a cell."""

NEARBY = (
    "site_findings",
    "site_share",
    "neighbor_findings",
    "neighbor_share",
    "network_share_beginning",
    "network_share_ongoing",
)
"""The features of the neighborhood; a share is of the cells that stand there, 0 to 1."""

_KEY = ["anomaly_id", "window_start"]


def places_of(cells: pl.Series, topology: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return `PLACES` of cells: by their newest row of the topology, else by their DN alone.

    A cell that the topology lacks stands on its managed element and has no known neighbor.

    Args:
        cells: DNs of all judged cells; repeated ones count once.
        topology: cell_dn, site_id, neighbor_dns, valid_from of `network_topology`.
    """
    named = pl.DataFrame({"cell_dn": cells.drop_nulls().unique().sort()}, {"cell_dn": pl.String})
    told = pl.DataFrame(schema=PLACES)
    if topology is not None:
        told = (
            topology.drop_nulls("cell_dn")
            .sort("cell_dn", "valid_from")
            .unique("cell_dn", keep="last", maintain_order=True)
            .select(list(PLACES))
        )
    nobody = pl.lit([], pl.List(pl.String))
    return named.join(told, on="cell_dn", how="left", maintain_order="left").with_columns(
        pl.coalesce("site_id", managed_element_expression("cell_dn")).alias("site_id"),
        pl.coalesce("neighbor_dns", nobody).alias("neighbor_dns"),
    )


def nearby_features(found: pl.DataFrame, places: pl.DataFrame, within: timedelta) -> pl.DataFrame:
    """Return anomaly_id, window_start and `NEARBY`, one row a finding, in the order of `found`.

    Args:
        found: anomaly_id, window_start, cell_dn, anomaly_start, anomaly_end.
        places: as `places_of` returns them, of all judged cells.
        within: findings that begin so close in time are counted together.
    """
    rows = found.select(*_KEY, "cell_dn", "anomaly_start", "anomaly_end").join(
        places, on="cell_dn", how="left", maintain_order="left"
    )
    sizes = places.group_by("site_id").len("site_cells")
    counted = (
        rows.join(_on_site(rows, within), on=_KEY, how="left", maintain_order="left")
        .join(_in_neighbors(rows, within), on=_KEY, how="left", maintain_order="left")
        .join(sizes, on="site_id", how="left", maintain_order="left")
        .with_columns(pl.col("site_findings", "neighbor_findings").fill_null(0))
    )
    beginning, ongoing = _in_network(rows, within, max(places.height, 1))
    others = pl.max_horizontal(pl.col("site_cells").fill_null(1) - 1, 1)
    neighbors = pl.max_horizontal(pl.col("neighbor_dns").list.len().fill_null(0), 1)
    return counted.with_columns(
        (pl.col("site_findings") / others).alias("site_share"),
        (pl.col("neighbor_findings") / neighbors).alias("neighbor_share"),
        pl.Series("network_share_beginning", beginning),
        pl.Series("network_share_ongoing", ongoing),
    ).select(*_KEY, *(pl.col(name).cast(pl.Float64) for name in NEARBY))


def close_pairs(rows: pl.DataFrame, places: pl.DataFrame, within: timedelta) -> pl.DataFrame:
    """Return anomaly_id and other_id of findings that may have one cause, each pair once or twice.

    They stand on one site or in neighbor cells and begin within `within` of each other.

    Args:
        rows: anomaly_id, window_start, cell_dn, anomaly_start.
        places: as `places_of` returns them.
        within: of each other's beginning.
    """
    placed = rows.select(*_KEY, "cell_dn", "anomaly_start").join(
        places, on="cell_dn", how="left", maintain_order="left"
    )
    pairs = [_site_pairs(placed, within), _neighbor_pairs(placed, within)]
    return pl.concat(pair.select("anomaly_id", "other_id") for pair in pairs).unique(
        maintain_order=True
    )


def _site_pairs(rows: pl.DataFrame, within: timedelta) -> pl.DataFrame:
    return _close(rows, _others(rows, {"site_id": "site_id"}), "site_id", within)


def _neighbor_pairs(rows: pl.DataFrame, within: timedelta) -> pl.DataFrame:
    asking = rows.explode("neighbor_dns", empty_as_null=True, keep_nulls=True).drop_nulls(
        "neighbor_dns"
    )
    return _close(asking, _others(rows, {"cell_dn": "neighbor_dns"}), "neighbor_dns", within)


def _others(rows: pl.DataFrame, also: Mapping[str, str]) -> pl.DataFrame:
    renamed = {"anomaly_id": "other_id", "cell_dn": "other_dn", "anomaly_start": "other_start"}
    columns = [pl.col(name).alias(new) for name, new in renamed.items()]
    return rows.select("window_start", *columns, *(pl.col(n).alias(new) for n, new in also.items()))


def _close(
    asking: pl.DataFrame, others: pl.DataFrame, place: str, within: timedelta
) -> pl.DataFrame:
    return asking.join(others, on=["window_start", place], how="inner").filter(
        pl.col("other_dn") != pl.col("cell_dn"),
        (pl.col("other_start") - pl.col("anomaly_start")).abs() <= within,
    )


def _on_site(rows: pl.DataFrame, within: timedelta) -> pl.DataFrame:
    pairs = _site_pairs(rows, within)
    return pairs.group_by(_KEY).agg(pl.col("other_dn").n_unique().alias("site_findings"))


def _in_neighbors(rows: pl.DataFrame, within: timedelta) -> pl.DataFrame:
    pairs = _neighbor_pairs(rows, within)
    return pairs.group_by(_KEY).agg(pl.col("other_dn").n_unique().alias("neighbor_findings"))


def _in_network(rows: pl.DataFrame, within: timedelta, cells: int) -> tuple[Floats, Floats]:
    """Return the share of cells whose findings begin close by, and whose last at the beginning."""
    window = rows["window_start"].dt.timestamp("us").to_numpy()
    start = rows["anomaly_start"].dt.timestamp("us").to_numpy()
    end = rows["anomaly_end"].dt.timestamp("us").to_numpy()
    beginning, ongoing = np.zeros(rows.height), np.zeros(rows.height)
    reach = int(within.total_seconds() * 1_000_000)
    for number in np.unique(window):
        mine = np.flatnonzero(window == number)
        starts, ends = np.sort(start[mine]), np.sort(end[mine])
        at = start[mine]
        beginning[mine] = _between(starts, at - reach, at + reach) - 1
        ongoing[mine] = np.searchsorted(starts, at, "right") - np.searchsorted(ends, at, "right")
    return beginning / cells, np.maximum(ongoing - 1, 0) / cells


def _between(ordered: Integers, low: Integers, high: Integers) -> Integers:
    return np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left")
