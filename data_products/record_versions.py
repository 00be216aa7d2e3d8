"""Records that are delivered again and again, each time as they stand: what the latest one says."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

VERSION_AT = "version_at"
"""The moment since which a version holds, by its own word."""


def known_by(rows: pl.LazyFrame, moment: str, horizon: datetime | None) -> pl.LazyFrame:
    """Return the rows that could be known at `horizon`; all of them when None."""
    return rows if horizon is None else rows.filter(pl.col(moment) < horizon)


def not_before_its_time(column: str, horizon: datetime | None) -> pl.Expr:
    """Return a column of times without those that lie after what could be known."""
    time = pl.col(column)
    return time if horizon is None else pl.when(time < horizon).then(time).alias(column)


def latest(versions: pl.LazyFrame, key: str, started: str, columns: Sequence[str]) -> pl.LazyFrame:
    """Return one row a record: of each column what its latest version says that says anything.

    Args:
        versions: in order of delivery, with `VERSION_AT`; of versions of one moment the one
            delivered last counts.
        key: the column that names a record.
        started: the column of which the first version counts, so that the record does not move.
        columns: all others.
    """
    ordered = versions.sort(VERSION_AT, maintain_order=True, nulls_last=False)
    return ordered.group_by(key, maintain_order=True).agg(
        pl.col(started).drop_nulls().first(),
        *(pl.col(name).drop_nulls().last() for name in columns),
    )


def with_columns_of(rows: pl.LazyFrame, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    """Return the rows with these columns only; those that lack are null."""
    there = rows.collect_schema().names()
    return rows.select(
        pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in schema.items()
    )
