"""Where each measurement row stood: what the network's topology said of its cell at that time."""

import polars as pl

from semantic_layer.metric_queries_names import Dimension
from semantic_layer.periods import Window

CELL_COLUMNS = ("cell_dn", "managed_element_dn", "valid_from", "source")
"""What a topology must have, beside the columns of the dimensions."""

_KEY = "placed by"
_OBJECT_CLASS = "object_class"
_SUBNETWORK = "subnetwork"


def placed(
    rows: pl.LazyFrame,
    topology: pl.DataFrame,
    dimensions: tuple[Dimension, ...],
    window: Window,
) -> pl.LazyFrame:
    """Return rows with a column for each placed dimension.

    A cell stands where the last state before the row's period began says; before the first state
    its place is unknown, and so null. An element stands where all its cells do, by their last
    states in the window, and nowhere where they differ. A row that topology does not place takes
    its subnetwork from its own name.

    Args:
        rows: with cell_dn, managed_element_dn and period_start.
        topology: rows of `network_topology`.
        dimensions: those that are placed give a column; others are left out here.
        window: the time that rows are of.
    """
    columns = [item.column for item in dimensions if item.is_placed]
    if not columns:
        return rows
    known = (
        topology.filter(pl.col("cell_dn").is_not_null(), pl.col("valid_from") < window.end)
        .sort("valid_from", "source")
        .unique(["cell_dn", "valid_from"], keep="last", maintain_order=True)
    )
    in_the_window = pl.col("valid_from") > window.start
    of_cells = known.select(pl.col("cell_dn").alias(_KEY), "valid_from", *columns)
    states = pl.concat([of_cells, _of_elements(known, columns, window)]).sort("valid_from")
    keyed = rows.with_columns(pl.coalesce("cell_dn", "managed_element_dn").alias(_KEY))
    if states.select(in_the_window.any()).item():
        found = keyed.sort("period_start").join_asof(
            states.lazy(),
            left_on="period_start",
            right_on="valid_from",
            by=_KEY,
            strategy="backward",
            check_sortedness=False,
        )
    else:
        newest = states.unique(_KEY, keep="last", maintain_order=True).drop("valid_from")
        found = keyed.join(newest.lazy(), on=_KEY, how="left")
    if _SUBNETWORK in columns:
        own = pl.col("managed_element_dn").str.extract(r"^(.+?),(?:MeContext|ManagedElement)=", 1)
        found = found.with_columns(pl.coalesce(_SUBNETWORK, own))
    return found.drop(_KEY, "valid_from", strict=False)


def with_technology(rows: pl.LazyFrame, technologies: dict[str, str]) -> pl.LazyFrame:
    """Return rows with the technology of their object class."""
    return rows.with_columns(
        pl.col(_OBJECT_CLASS)
        .replace_strict(technologies, default=None, return_dtype=pl.String)
        .alias("technology")
    )


def _of_elements(known: pl.DataFrame, columns: list[str], window: Window) -> pl.DataFrame:
    """Return what all cells of an element agree in, as if it had always been so."""
    newest = known.unique("cell_dn", keep="last", maintain_order=True)
    return (
        newest.filter(pl.col("managed_element_dn").is_not_null())
        .group_by(pl.col("managed_element_dn").alias(_KEY))
        .agg(
            pl.col("valid_from").min().clip(upper_bound=pl.lit(window.start)),
            *(pl.when(pl.col(it).n_unique() == 1).then(pl.col(it).first()) for it in columns),
        )
        .select(_KEY, "valid_from", *columns)
    )
