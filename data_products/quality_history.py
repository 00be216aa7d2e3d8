"""How well a table kept its contract over time: one row a published window, from its verdicts."""

import polars as pl

from data_products.product import TIME

HISTORY: dict[str, pl.DataType] = {
    "window_start": TIME,
    "window_end": TIME,
    "scope": pl.String(),
    "checks": pl.Int64(),
    "failed_checks": pl.Int64(),
    "rows": pl.Int64(),
    "worst_failed_share": pl.Float64(),
    "is_accepted": pl.Boolean(),
    "broken": pl.List(pl.String()),
}


def quality_history(verdicts: pl.LazyFrame, table: str) -> pl.DataFrame:
    """Return one row a published window and scope of `table`, oldest first.

    Args:
        verdicts: rows of `data_quality`.
        table: full name.

    Returns:
        window, scope, checks, failed_checks, rows (the most that one check judged),
        worst_failed_share (of checks on rows), is_accepted and the ids of broken checks.
    """
    by = ["window_start", "window_end", "scope"]
    found = (
        verdicts.filter(pl.col("table_name") == table)
        .group_by(by)
        .agg(
            pl.len().cast(pl.Int64).alias("checks"),
            (~pl.col("is_passed")).sum().cast(pl.Int64).alias("failed_checks"),
            pl.col("evaluated_count").max().alias("rows"),
            pl.col("failed_share").max().alias("worst_failed_share"),
            pl.col("is_accepted").all(),
            pl.col("check_id").filter(~pl.col("is_passed")).sort().alias("broken"),
        )
        .select(*HISTORY)
        .sort(by)
    )
    return found.collect()
