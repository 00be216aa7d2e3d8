"""Versions of trouble tickets, and their updates, become the tickets as they stand."""

from datetime import datetime

import polars as pl

from data_products.product import TIME
from data_products.record_versions import (
    VERSION_AT,
    known_by,
    latest,
    not_before_its_time,
    with_columns_of,
)

DONE = ("resolved", "closed", "cancelled", "rejected")
"""States in which nobody works on a ticket any more."""

VERSION_SCHEMA: dict[str, pl.DataType] = {
    "ticket_id": pl.String(),
    "opened_at": TIME,
    "state": pl.String(),
    "severity": pl.String(),
    "priority": pl.String(),
    "category": pl.String(),
    "title": pl.String(),
    "description": pl.String(),
    "resolved_at": TIME,
    "closed_at": TIME,
    "resolution": pl.String(),
    "managed_object_dns": pl.List(pl.String),
    "alarm_ids": pl.List(pl.String),
    "assignment_group": pl.String(),
    "source_file": pl.String(),
    VERSION_AT: TIME,
}
"""Columns of a delivered version; `version_at` is when it began to hold, null from the start."""

UPDATE_SCHEMA: dict[str, pl.DataType] = {
    "ticket_id": pl.String(),
    "updated_at": TIME,
    "update_number": pl.Int64(),
    "state": pl.String(),
    "changed_by": pl.String(),
    "note": pl.String(),
}
_KEYS = ("ticket_id", "opened_at", VERSION_AT)


def numbered(updates: pl.LazyFrame) -> pl.LazyFrame:
    """Return updates, each once, in order; numbered within a moment where the source numbers none.

    Args:
        updates: columns of `UPDATE_SCHEMA`, any absent.
    """
    order = ["ticket_id", "updated_at", "state", "note", "changed_by"]
    once = with_columns_of(updates, UPDATE_SCHEMA).unique(maintain_order=True)
    place = pl.int_range(pl.len(), dtype=pl.Int64).over("ticket_id", "updated_at")
    return (
        once.sort(order, nulls_last=True)
        .with_columns(pl.coalesce("update_number", place).alias("update_number"))
        .sort("ticket_id", "updated_at", "update_number")
    )


def derive(
    versions: pl.LazyFrame, updates: pl.LazyFrame, horizon: datetime | None = None
) -> pl.LazyFrame:
    """Return one row a ticket, as its latest version says that could be known at `horizon`.

    Times of resolution and closing are those that a version names, else those at which its state
    became so; a ticket that is open again has neither.

    Args:
        versions: columns of `VERSION_SCHEMA`, any absent, in order of delivery.
        updates: as `numbered` returns them.
        horizon: what lies after it is left out; None knows all.
    """
    whole = with_columns_of(versions, VERSION_SCHEMA)
    moment = pl.coalesce(VERSION_AT, "opened_at")
    known = known_by(whole.with_columns(moment.alias(VERSION_AT)), VERSION_AT, horizon)
    others = [name for name in VERSION_SCHEMA if name not in _KEYS]
    tickets = latest(known, "ticket_id", "opened_at", others)
    counted = _counted(known_by(updates, "updated_at", horizon))
    is_done, is_closed = pl.col("state").is_in(DONE), pl.col("state") == "closed"
    return (
        tickets.with_columns(
            not_before_its_time("resolved_at", horizon), not_before_its_time("closed_at", horizon)
        )
        .join(counted, on="ticket_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(is_done).then(pl.coalesce("resolved_at", "became_done")).alias("resolved_at"),
            pl.when(is_closed).then(pl.coalesce("closed_at", "became_closed")).alias("closed_at"),
            pl.col("updates_count", "reopened_count").fill_null(0),
        )
        .drop("became_done", "became_closed")
    )


def _counted(updates: pl.LazyFrame) -> pl.LazyFrame:
    """Return what a ticket's updates say of it together; an update without a state changes none."""
    state = pl.col("state").forward_fill().over("ticket_id")
    ordered = updates.sort("ticket_id", "updated_at", "update_number").with_columns(state)
    is_done = pl.col("state").is_in(DONE).fill_null(value=False)
    was_done = is_done.shift(fill_value=False).over("ticket_id")
    is_closed = (pl.col("state") == "closed").fill_null(value=False)
    was_closed = is_closed.shift(fill_value=False).over("ticket_id")
    marked = ordered.with_columns(
        (is_done & ~was_done).alias("done"),
        (was_done & ~is_done).alias("reopened"),
        (is_closed & ~was_closed).alias("closed"),
    )
    at = pl.col("updated_at")
    return marked.group_by("ticket_id").agg(
        pl.len().cast(pl.Int64).alias("updates_count"),
        pl.col("reopened").sum().cast(pl.Int64).alias("reopened_count"),
        at.filter(pl.col("done")).last().alias("became_done"),
        at.filter(pl.col("closed")).last().alias("became_closed"),
    )
