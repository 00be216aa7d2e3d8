"""Versions of change requests become changes as they stand, and the states they went through."""

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

PARAMETERS = pl.List(
    pl.Struct({"attribute": pl.String, "value_before": pl.String, "value_after": pl.String})
)
VERSION_SCHEMA: dict[str, pl.DataType] = {
    "change_id": pl.String(),
    "requested_at": TIME,
    "title": pl.String(),
    "description": pl.String(),
    "change_type": pl.String(),
    "state": pl.String(),
    "risk": pl.String(),
    "impact": pl.String(),
    "planned_start": TIME,
    "planned_end": TIME,
    "actual_start": TIME,
    "actual_end": TIME,
    "managed_object_dns": pl.List(pl.String),
    "parameters": PARAMETERS,
    "requester": pl.String(),
    "source_file": pl.String(),
    VERSION_AT: TIME,
}
"""Columns of a delivered version; `version_at` is when it began to hold, null from the start."""

STATE_SCHEMA: dict[str, pl.DataType] = {
    "change_id": pl.String(),
    "changed_at": TIME,
    "state": pl.String(),
    "reason": pl.String(),
    "source_file": pl.String(),
}
_KEYS = ("change_id", "requested_at", VERSION_AT)


def derive(versions: pl.LazyFrame, horizon: datetime | None = None) -> pl.LazyFrame:
    """Return one row a change, as its latest version says that could be known at `horizon`.

    Args:
        versions: columns of `VERSION_SCHEMA`, any absent, in order of delivery.
        horizon: what lies after it is left out, actual times too; None knows all.
    """
    whole = with_columns_of(versions, VERSION_SCHEMA)
    moment = pl.coalesce(VERSION_AT, "requested_at")
    known = known_by(whole.with_columns(moment.alias(VERSION_AT)), VERSION_AT, horizon)
    others = [name for name in VERSION_SCHEMA if name not in _KEYS]
    return latest(known, "change_id", "requested_at", others).with_columns(
        not_before_its_time("actual_start", horizon), not_before_its_time("actual_end", horizon)
    )


def states(told: pl.LazyFrame, versions: pl.LazyFrame) -> pl.LazyFrame:
    """Return the moments at which changes came into a state, each once, in order.

    Args:
        told: state changes that deliveries list, columns of `STATE_SCHEMA`, any absent.
        versions: as `derive` takes them; a version whose state differs from the one before it says
            when the state began, if nothing told it already.
    """
    whole = with_columns_of(versions, VERSION_SCHEMA)
    implied = (
        whole.filter(pl.col("state").is_not_null())
        .with_columns(pl.coalesce(VERSION_AT, "requested_at").alias("changed_at"))
        .sort("changed_at", maintain_order=True)
        .filter(
            (pl.col("state") != pl.col("state").shift().over("change_id")).fill_null(value=True)
        )
    )
    listed = with_columns_of(told, STATE_SCHEMA).filter(pl.col("state").is_not_null())
    quiet = with_columns_of(implied, STATE_SCHEMA).join(
        listed.select("change_id", "state"), on=["change_id", "state"], how="anti"
    )
    return (
        pl.concat([listed, quiet])
        .unique(["change_id", "changed_at", "state"], keep="first", maintain_order=True)
        .sort("change_id", "changed_at", "state")
    )
