"""SQL as text, safely: identifiers quoted, literals escaped, for DuckDB and ClickHouse.

Whatever a person or a file said passes through here before it stands in a query.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from semantic_layer.errors import InputError

Dialect = Literal["duckdb", "clickhouse"]
"""The engines that KPIs are compiled for."""

_FLOAT = {"duckdb": "DOUBLE", "clickhouse": "Nullable(Float64)"}
_TRUNCATED = {900: "15 MINUTE", 3600: "1 HOUR", 86400: "1 DAY"}


def identifier(name: str, dialect: Dialect) -> str:
    """Return a column's or table's name, quoted.

    >>> identifier('a"b', "duckdb")
    '"a""b"'

    Raises:
        InputError: the name is empty or has a NUL.
    """
    if not name:
        raise InputError("A column without a name cannot stand in a query.")
    _refuse_nul(name)
    if dialect == "clickhouse":
        name = name.replace("\\", "\\\\")
    return '"' + name.replace('"', '""') + '"'


def text(value: str, dialect: Dialect) -> str:
    """Return a text literal, escaped.

    >>> text("it's", "duckdb")
    "'it''s'"

    Raises:
        InputError: the text has a NUL.
    """
    _refuse_nul(value)
    if dialect == "clickhouse":
        value = value.replace("\\", "\\\\")
    return "'" + value.replace("'", "''") + "'"


def texts(values: Sequence[str], dialect: Dialect) -> str:
    """Return a list of text literals in parentheses."""
    return f"({', '.join(text(value, dialect) for value in values)})"


def number(value: float) -> str:
    """Return a number as a double in both dialects, never as a decimal.

    >>> number(0.001)
    '0.001e0'
    >>> number(-2)
    '(-2.0e0)'
    """
    shown = repr(float(value))
    shown = shown if "e" in shown else f"{shown}e0"
    return f"({shown})" if shown.startswith("-") else shown


def as_double(expression: str, dialect: Dialect) -> str:
    """Return an expression as a double; null stays null."""
    return f"CAST({expression} AS {_FLOAT[dialect]})"


def null_double(dialect: Dialect) -> str:
    """Return a null of type double."""
    return as_double("NULL", dialect)


def moment(value: datetime, dialect: Dialect) -> str:
    """Return a time in UTC as a literal of microseconds."""
    if value.utcoffset() is None:
        raise InputError(f"A query needs times with a zone; {value.isoformat()} has none.")
    microseconds = round(value.timestamp() * 1_000_000)
    if dialect == "clickhouse":
        return f"fromUnixTimestamp64Micro(toInt64({microseconds}), 'UTC')"
    return f"make_timestamptz(CAST({microseconds} AS BIGINT))"


def period_of(column: str, seconds: int, dialect: Dialect) -> str:
    """Return the start of the period of a length that a time column lies in, in UTC.

    Raises:
        InputError: no such period is known.
    """
    if seconds not in _TRUNCATED:
        raise InputError(f"No period of {seconds} s; known are {', '.join(map(str, _TRUNCATED))}.")
    name = identifier(column, dialect)
    if dialect == "clickhouse":
        length = _TRUNCATED[seconds]
        return f"toDateTime64(toStartOfInterval({name}, INTERVAL {length}, 'UTC'), 6, 'UTC')"
    length_us = seconds * 1_000_000
    return f"make_timestamptz(epoch_us({name}) - epoch_us({name}) % {length_us})"


def _refuse_nul(value: str) -> None:
    if "\0" in value:
        raise InputError("A text with a NUL character cannot stand in a query.")
