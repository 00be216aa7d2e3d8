"""Which times a Parquet file holds, told by its footer: what lies outside a window stays unread."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

_SEEN: OrderedDict[tuple[object, ...], "Footer"] = OrderedDict()
_MOST_SEEN = 10_000


@dataclass(frozen=True, slots=True)
class Footer:
    """What the end of a Parquet file says of it.

    Attributes:
        bounds: the first and the last time of a column of UTC times; None where it is silent.
        rows: in the file.
        schema: its columns.
    """

    bounds: tuple[datetime, datetime] | None
    rows: int
    schema: dict[str, pl.DataType]


def known_footer(path: Path, column: str) -> Footer | None:
    """Return what a file's footer says, remembered while the file stands as it is.

    A file that is none of Parquet tells nothing here; whoever reads it finds out.
    """
    try:
        stat = path.stat()
        key = (path, column, stat.st_mtime_ns, stat.st_size)
        if key not in _SEEN:
            footer = pq.read_metadata(path)
            _SEEN[key] = Footer(
                _bounds(footer, column), footer.num_rows, dict(pl.read_parquet_schema(path))
            )
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError):
        return None
    if len(_SEEN) > _MOST_SEEN:
        _SEEN.popitem(last=False)
    return _SEEN[key]


def _bounds(footer: pq.FileMetaData, column: str) -> tuple[datetime, datetime] | None:
    names = [footer.schema.column(place).path for place in range(footer.num_columns)]
    if column not in names or not footer.num_row_groups:
        return None
    place = names.index(column)
    told = [
        footer.row_group(number).column(place).statistics for number in range(footer.num_row_groups)
    ]
    if any(each is None or not each.has_min_max or each.null_count for each in told):
        return None
    first, last = min(each.min for each in told), max(each.max for each in told)
    if not isinstance(first, datetime) or first.tzinfo is None:
        return None
    return first.astimezone(UTC), last.astimezone(UTC)
