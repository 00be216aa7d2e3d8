"""What a cell's neighbors do: those of its site, of its radio neighborhood, of its kind of place.

Where the inventory says nothing of a cell, its neighbors are unknown and it leans on nobody.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tasks.profiling.arrays import Booleans, Floats, Integers
from tasks.profiling.cell_grouping import Neighborhood

COLUMNS = ("cell_dn", "site_id", "archetype", "subnetwork", "neighbor_dns", "valid_from")
"""What is read of `network_topology`."""

_SCOPES = {"site_id": 4.0, "neighbor_dns": 3.0, "region": 1.0}
"""Kinds of neighbors, and how much each says; a cell's site shares its users."""


def neighborhood(topology: pl.DataFrame, cells: Sequence[str]) -> Neighborhood | None:
    """Return how the neighbors of cells are asked; None where the inventory knows none of them.

    Args:
        topology: the columns of `COLUMNS`; of two rows of a cell the later valid one counts.
        cells: DNs, in the order of the arrays that will be asked about.
    """
    places = pl.DataFrame(
        {"cell_dn": cells, "place": np.arange(len(cells))}, schema_overrides={"cell_dn": pl.String}
    )
    known = (
        topology.sort("valid_from")
        .unique("cell_dn", keep="last", maintain_order=True)
        .join(places, on="cell_dn")
        .with_columns(region=pl.concat_str("archetype", pl.lit("\n"), "subnetwork"))
    )
    if known.is_empty():
        return None

    def asked(profile: Integers, is_sure: Booleans, count: int) -> Floats:
        told = pl.DataFrame({"place": np.arange(len(cells)), "profile": profile})
        sure = told.filter(pl.Series(is_sure))
        total = np.zeros((len(cells), count), np.float32)
        weight = np.zeros((len(cells), 1), np.float32)
        for scope, says in _SCOPES.items():
            followed = _followed(known, places, sure, scope)
            votes = np.zeros((len(cells), count), np.float32)
            np.add.at(votes, (followed[:, 0], followed[:, 1]), followed[:, 2])
            cast = votes.sum(axis=1, keepdims=True)
            total += np.float32(says) * votes / np.maximum(cast, 1)
            weight += np.float32(says) * (cast > 0)
        return np.asarray(total / np.maximum(weight, 1e-9), np.float32)

    return asked


def _followed(
    known: pl.DataFrame, places: pl.DataFrame, sure: pl.DataFrame, scope: str
) -> Integers:
    """Return rows of cell, pattern and how many of its neighbors in a scope follow it."""
    if scope == "neighbor_dns":
        pairs = (
            known.select("place", neighbor="neighbor_dns")
            .explode("neighbor")
            .drop_nulls()
            .join(places.rename({"cell_dn": "neighbor", "place": "other"}), on="neighbor")
        )
        votes = pairs.join(sure, left_on="other", right_on="place")
        counted = votes.group_by("place", "profile").len()
    else:
        shared = known.select("place", scope).drop_nulls()
        by_group = shared.join(sure, on="place").group_by(scope, "profile").len()
        counted = shared.join(by_group, on=scope).select("place", "profile", "len")
    return np.asarray(counted.select(pl.all().cast(pl.Int64)).to_numpy(), np.int64)
