"""Values of tools' rows: times as ISO text, numbers rounded to what can be told."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite, log10
from typing import cast

import polars as pl

from tasks.messages.canonical import JsonValue

_DIGITS = 4


def told(value: object) -> JsonValue:
    """Return a value as JSON; a number that is not finite is null."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, bool) or value is None or isinstance(value, int | str):
        return value
    if isinstance(value, float):
        return significant(value) if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): told(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [told(one) for one in value]
    return str(value)


def told_rows(rows: pl.DataFrame) -> tuple[Mapping[str, JsonValue], ...]:
    """Return the rows of a frame as JSON values."""
    return tuple(cast("dict[str, JsonValue]", told(row)) for row in rows.to_dicts())


def told_row(**values: object) -> dict[str, JsonValue]:
    """Return one row as JSON values."""
    return {name: told(value) for name, value in values.items()}


def significant(value: float) -> float:
    """Return a number with four significant digits."""
    if value == 0:
        return 0.0
    places = _DIGITS - 1 - int(log10(abs(value)) // 1)
    rounded = round(value, max(places, 0))
    return float(rounded)
