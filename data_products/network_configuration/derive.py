"""From dumps of configuration to the history of every attribute of every object.

A dump says how whole subtrees were at one moment: what it holds is so, and what it lacks below
its roots is not there.
"""

from datetime import datetime

import polars as pl

from data_products.network_configuration.history import (
    Snapshots,
    StateShape,
    revised_history,
    state_at,
)
from semantic_layer.identity import object_class_expression
from semantic_layer.periods import Window

EXISTENCE = "objectClass"
"""The attribute that every object has; its rows say since when the object exists."""

SHAPE = StateShape(("managed_object_dn", "attribute"), ("value",))
"""Columns of a configuration's history."""

_RDN = r"[^,=\\]+=(?:\\.|[^,\\])*"
_ALONE = "\talone"
_DN = "managed_object_dn"


def derive(
    standing: pl.DataFrame,
    standing_looks: pl.DataFrame,
    seen: pl.DataFrame,
    looks: pl.DataFrame,
) -> pl.DataFrame:
    """Return the whole history of a source once new dumps are taken into account.

    Args:
        standing: the history so far, as published.
        standing_looks: `root_dn`, `taken_at`, `is_whole`, `source_file` of the dumps that it came
            from.
        seen: managed_object_dn, attribute, valid_from (when the dump was taken), value; of one
            time, a later row wins.
        looks: as `standing_looks`, of the new dumps.

    Returns:
        Columns of the contract without `source`, each attribute's rows in order of time.
    """
    columns = ["root_dn", "taken_at", "is_whole", "source_file"]
    every = pl.concat([standing_looks.select(columns), looks.select(columns)])
    dns = pl.concat([standing.select(_DN), seen.select(_DN)]).unique()
    history = revised_history(
        standing.select(SHAPE.columns),
        _scoped(standing_looks),
        Snapshots(seen, _scoped(looks), scopes_of(dns, _scoped(every))),
        SHAPE,
    )
    return completed(_with_file(history, every))


def completed(history: pl.DataFrame) -> pl.DataFrame:
    """Return the history with the columns that follow from others."""
    number = pl.col("value").cast(pl.Float64, strict=False)
    return history.with_columns(
        object_class_expression(_DN).alias("object_class"),
        pl.when(number.is_finite()).then(number).alias("value_number"),
    )


def configuration_at(history: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return the attributes that objects have at a moment, one row each."""
    return state_at(history, SHAPE, moment)


def scope_name() -> pl.Expr:
    """Return what a look covers as one text: a whole subtree, or its root alone."""
    return (
        pl.when("is_whole")
        .then(pl.col("root_dn"))
        .otherwise(pl.concat_str(pl.col("root_dn"), pl.lit(_ALONE)))
    )


def scopes_of(dns: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """Return which of the scopes each object belongs to: managed_object_dn, scope."""
    wanted = scopes.select("scope").unique()
    names = dns.unique().with_columns(pl.col(_DN).str.extract_all(_RDN).alias("\tsteps"))
    depth = max(names["\tsteps"].list.len().to_list(), default=0)
    parts = [
        names.select(_DN, pl.concat_str(pl.col(_DN), pl.lit(_ALONE)).alias("scope")).join(
            wanted, on="scope"
        )
    ]
    for count in range(1, depth + 1):
        above = names.filter(pl.col("\tsteps").list.len() >= count).select(
            _DN, pl.col("\tsteps").list.head(count).list.join(",").alias("scope")
        )
        parts.append(above.join(wanted, on="scope"))
    return pl.concat(parts)


def whole_days(times: pl.Series) -> list[Window]:
    """Return the days that hold the times, those that touch as one window, in order."""
    days = times.dt.truncate("1d").unique().sort().to_frame("day")
    gap = (pl.col("day").diff() > pl.duration(days=1)).fill_null(value=False)
    spans = days.group_by(gap.cum_sum().alias("\tspan"), maintain_order=True).agg(
        pl.col("day").min().alias("start"),
        (pl.col("day").max() + pl.duration(days=1)).alias("end"),
    )
    return [Window(start, end) for start, end in spans.select("start", "end").iter_rows()]


def _with_file(history: pl.DataFrame, looks: pl.DataFrame) -> pl.DataFrame:
    """Add the document that shows each change; of several the one with the later name."""
    named = looks.select(scope_name().alias("scope"), "taken_at", "source_file")
    covered = scopes_of(history.select(_DN), named).join(named, on="scope")
    files = covered.group_by(_DN, pl.col("taken_at").alias("valid_from")).agg(
        pl.col("source_file").max()
    )
    return history.join(files, on=[_DN, "valid_from"], how="left", maintain_order="left")


def _scoped(looks: pl.DataFrame) -> pl.DataFrame:
    return looks.select(scope_name().alias("scope"), "taken_at").unique()
