"""Columns that need no interpretation, taken all at once: numbers that stand as numbers already.

A table of a hundred columns and some thousand rows is read a column at a time only where a column
has text, lists, another unit, or numbers that are none.
"""

from collections.abc import Mapping

import polars as pl

from tasks.ingestion.tables.mapped_values import Target


def plain_columns(rows: pl.DataFrame, targets: Mapping[str, Target]) -> list[pl.Series]:
    """Return the columns that are numbers as their targets want them, each under its target's name.

    A column with an infinite number or NaN is not plain: somebody must be told of those.
    """
    found = {
        column: target
        for column, target in targets.items()
        if target.dtype == pl.Float64
        and target.factor == 1.0
        and target.complement_of is None
        and rows.schema[column].is_numeric()
    }
    if not found:
        return []
    numbers = rows.select(
        pl.col(column).cast(pl.Float64).alias(target.name) for column, target in found.items()
    )
    is_whole = numbers.select(pl.all().is_finite().all())
    return [
        numbers[name]
        for name, whole in zip(is_whole.columns, is_whole.row(0), strict=True)
        if whole
    ]
