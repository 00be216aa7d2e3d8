"""Entries of the ledger become rows, and the last one of each day its head."""

import polars as pl

from data_products.product import TIME

ENTRY_SCHEMA: dict[str, pl.DataType] = {
    "number": pl.Int64(),
    "kind": pl.String(),
    "subject_id": pl.String(),
    "actor": pl.String(),
    "at": TIME,
    "recorded_at": TIME,
    "payload": pl.String(),
    "entry_key": pl.String(),
    "previous_hash": pl.String(),
    "entry_hash": pl.String(),
    "signature": pl.String(),
}
"""Columns of the product, before its lineage."""

HEAD_SCHEMA: dict[str, pl.DataType] = {
    "day_start": TIME,
    "entries_count": pl.Int64(),
    "last_number": pl.Int64(),
    "last_hash": pl.String(),
    "last_signature": pl.String(),
}
"""Columns of the table of heads, before its lineage."""


def derive(entries: pl.DataFrame) -> pl.DataFrame:
    """Return entries as rows, by number; an entry that is told twice is one.

    Args:
        entries: columns of `ENTRY_SCHEMA`, in any order.
    """
    return (
        entries.select(*ENTRY_SCHEMA)
        .cast(ENTRY_SCHEMA)  # type: ignore[arg-type]
        .unique("number", keep="first", maintain_order=True)
        .sort("number")
    )


def heads(decisions: pl.DataFrame) -> pl.DataFrame:
    """Return the newest entry of each day of the network, as its number, hash and signature.

    Args:
        decisions: rows of the product.
    """
    newest = pl.col("number").arg_max()
    return (
        decisions.group_by(pl.col("at").dt.truncate("1d").alias("day_start"))
        .agg(
            pl.len().alias("entries_count"),
            pl.col("number").max().alias("last_number"),
            pl.col("entry_hash").get(newest).alias("last_hash"),
            pl.col("signature").get(newest).alias("last_signature"),
        )
        .sort("day_start")
        .select(*HEAD_SCHEMA)
        .cast(HEAD_SCHEMA)  # type: ignore[arg-type]
    )
