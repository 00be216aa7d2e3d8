"""A frame made ready for its table: typed, complete, inside its window and scope, with lineage.

What every table store does alike stands here; how rows are kept does not.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl
from polars.datatypes import DataTypeClass

from data_products.lineage import LINEAGE_COLUMNS, Lineage
from data_products.product import TIME, ProductTable
from semantic_layer.errors import InputError, did_you_mean
from semantic_layer.periods import Window


class ContractBrokenError(InputError):
    """What is to be published, or what stands published, does not fit its contract."""


HISTORY_SCHEMA: dict[str, pl.DataType] = {
    "snapshot_id": pl.Int64(),
    "committed_at": TIME,
    "run_id": pl.String(),
    "window_start": TIME,
    "window_end": TIME,
    "scope": pl.String(),
    "rows": pl.Int64(),
}
"""What `TableStore.history` returns, whichever store answers."""


def scope_text(scope: Mapping[str, str]) -> str:
    """Return a scope as one text, `granularity=hour,source=pm_measurements`; '' for none."""
    return ",".join(f"{name}={value}" for name, value in scope.items())


def prepared_rows(
    table: ProductTable,
    window: Window,
    scope: Mapping[str, str],
    frame: pl.DataFrame,
    lineage: Lineage,
) -> pl.DataFrame:
    """Return `frame` as the table stores it.

    Columns of the contract that it lacks become nulls; columns beyond the contract come last.
    Lineage columns that the frame brings from its inputs are replaced.

    Raises:
        InputError: a column has another type than the contract says, or rows lie outside the
            window or the scope.
    """
    rows = frame.drop(*LINEAGE_COLUMNS, strict=False)
    rows = typed(table, with_constants(rows, scope))
    _refuse_strangers(table, window, scope, rows)
    own = [name for name in table.schema if name not in LINEAGE_COLUMNS]
    added = [name for name in rows.columns if name not in table.schema]
    absent = {name: table.schema[name] for name in own if name not in rows.columns}
    rows = with_constants(rows, dict.fromkeys(absent), absent)
    rows = with_constants(rows, lineage.columns())
    return rows.select(*own, *lineage.columns(), *added)


def with_constants(
    frame: pl.DataFrame,
    values: Mapping[str, str | None],
    dtypes: Mapping[str, pl.DataType] | None = None,
) -> pl.DataFrame:
    """Return `frame` with a column a value, those that it has left as they are.

    The new columns come in the pieces of the frame's own: beside a column in other pieces, Polars
    copies all that a frame of many pieces holds.
    """
    kinds = dtypes or {}
    lengths = frame.to_series(0).chunk_lengths() if frame.width else [0]
    added = [
        pl.concat(
            [
                pl.repeat(value, length, dtype=kinds.get(name, pl.String()), eager=True)
                for length in lengths
            ],
            rechunk=False,
        ).alias(name)
        for name, value in values.items()
        if name not in frame.columns
    ]
    return frame.with_columns(added)


def typed(table: ProductTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with the contract's types, widened or narrowed without loss.

    Raises:
        InputError: a column's type is another kind, or a value does not fit.
    """
    casts = []
    for name, dtype in frame.schema.items():
        expected = table.schema.get(name)
        if expected is None or dtype == expected:
            continue
        if not _is_kin(dtype, expected):
            raise ContractBrokenError(
                f"Column {name!r} of {table.name!r} is {expected}; the frame brings {dtype}."
            )
        casts.append(pl.col(name).cast(expected))
    try:
        return frame.with_columns(casts) if casts else frame
    except pl.exceptions.InvalidOperationError as error:
        raise ContractBrokenError(
            f"A value does not fit its column in {table.name!r}: {error}."
        ) from error


def require_known_columns(table: ProductTable, frame: pl.DataFrame) -> None:
    """Raise unless every column of `frame` stands in the contract.

    Raises:
        InputError: naming the first unknown column and the nearest known one.
    """
    for name in frame.columns:
        if name not in table.schema:
            raise ContractBrokenError(
                f"The contract of {table.name!r} has no column {name!r}"
                f"{did_you_mean(name, table.schema)}"
            )


def refuse_changed_types(
    table: str, standing: Mapping[str, pl.DataType], brought: Mapping[str, pl.DataType]
) -> None:
    """Raise when a column would change its type.

    Raises:
        InputError: naming the column and both types.
    """
    for name, dtype in brought.items():
        if name in standing and standing[name] != dtype:
            raise ContractBrokenError(
                f"Column {name!r} of {table!r} is {standing[name]} in the table and {dtype} in the "
                "publish; a type never changes, add a column under a new name."
            )


def chosen_columns(table: str, rows: pl.LazyFrame, columns: Sequence[str] | None) -> pl.LazyFrame:
    """Return `rows` with these columns only, all when None.

    Raises:
        InputError: the table has no such column.
    """
    if columns is None:
        return rows
    known = rows.collect_schema().names()
    for name in columns:
        if name not in known:
            raise InputError(f"Table {table!r} has no column {name!r}{did_you_mean(name, known)}")
    return rows.select(columns)


def past_last(rows: pl.LazyFrame, time_column: str) -> Window | None:
    """Return the window from the first to just past the last time of `rows`, None when empty."""
    time = pl.col(time_column)
    bounds = rows.select(time.min().alias("first"), time.max().alias("last")).collect()
    first, last = bounds.row(0)
    return None if first is None else Window(first, last + timedelta(microseconds=1))


def _is_kin(dtype: pl.DataType, expected: pl.DataType | DataTypeClass) -> bool:
    if dtype == pl.Null:
        return True
    if dtype.is_nested() or expected.is_nested():
        return dtype.is_nested() and type(dtype) is type(expected)
    if expected.is_numeric():
        return dtype.is_numeric()
    if isinstance(dtype, pl.Datetime):
        return isinstance(expected, pl.Datetime) and dtype.time_zone is not None
    return isinstance(dtype, pl.Categorical | pl.Enum) and expected == pl.String


def _refuse_strangers(
    table: ProductTable, window: Window, scope: Mapping[str, str], rows: pl.DataFrame
) -> None:
    if rows.is_empty():
        return
    if table.time_column not in rows.columns:
        raise InputError(f"The frame for {table.name!r} lacks its time, {table.time_column!r}.")
    time = pl.col(table.time_column)
    inside = (time >= window.start) & (time < window.end)
    if table.end_column:
        inside &= pl.col(table.end_column) <= window.end
    outside = rows.select((~inside.fill_null(value=False)).sum()).item()
    if outside:
        raise InputError(
            f"{outside} of {rows.height} rows for {table.name!r} lie outside {window}; "
            f"the column is {table.time_column!r}."
        )
    for name, value in scope.items():
        others = rows.select((pl.col(name).ne_missing(pl.lit(value))).sum()).item()
        if others:
            raise InputError(
                f"{others} of {rows.height} rows for {table.name!r} have another {name!r} than "
                f"{value!r}, the one being published."
            )
