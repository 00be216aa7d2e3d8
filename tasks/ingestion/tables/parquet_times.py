"""Which times a Parquet file holds, told by its footer: what lies outside a window stays unread."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def time_bounds(path: Path, column: str) -> tuple[datetime, datetime] | None:
    """Return the first and the last time of a column of UTC times; None where the footer is silent.

    A file that is none of Parquet tells nothing here; whoever reads it finds out.
    """
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return None
    names = [footer.schema.column(place).path for place in range(footer.num_columns)]
    if column not in names or not footer.num_row_groups:
        return None
    place = names.index(column)
    told = [
        footer.row_group(number).column(place).statistics for number in range(footer.num_row_groups)
    ]
    if any(each is None or not each.has_min_max for each in told):
        return None
    first, last = min(each.min for each in told), max(each.max for each in told)
    if not isinstance(first, datetime) or first.tzinfo is None:
        return None
    return first.astimezone(UTC), last.astimezone(UTC)
