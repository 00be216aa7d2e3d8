"""Columns of odd types, as Parquet may hold them, become text or lists that every reader knows."""

import polars as pl

_PLAIN = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Null)


def plain_types(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with columns of texts, numbers, flags, dates, times, and lists of those.

    Bytes become text where they are UTF-8, and hexadecimal digits where not; lengths and times of
    day become text, as do structures.
    """
    odd = [name for name, dtype in rows.schema.items() if not _is_plain(dtype)]
    return rows.with_columns(_plain(rows[name]) for name in odd) if odd else rows


def _is_plain(dtype: pl.DataType) -> bool:
    inner = dtype.inner if isinstance(dtype, pl.List) else dtype
    return inner.is_numeric() or isinstance(inner, _PLAIN)


def _plain(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Binary):
        said = [None if value is None else _text(value) for value in column.to_list()]
        return pl.Series(column.name, said, dtype=pl.String)
    if isinstance(dtype, pl.Array) and _is_plain(pl.List(dtype.inner)):
        return column.arr.to_list()
    if isinstance(dtype, pl.Duration):
        return column.dt.to_string("iso")
    texts = [None if value is None else str(value) for value in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
