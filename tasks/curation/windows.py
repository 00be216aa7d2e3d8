"""Which window a run takes when nobody names one."""

from datetime import datetime, timedelta

from semantic_layer.errors import InputError
from semantic_layer.periods import GRANULARITIES, Window, floor_to, last_closed


def newest_closed(table: str, bounds: Window | None, moment: datetime, granularity: str) -> Window:
    """Return the newest whole period of `granularity` with rows, that had ended at `moment`.

    Args:
        table: its name, for the message.
        bounds: from the first to just past the last time of its rows; None when it is empty.
        moment: what the run was scheduled for.
        granularity: length of the period.

    Raises:
        InputError: the table is empty, or its first rows are later than `moment`.
    """
    if bounds is None:
        raise InputError(f"Table {table!r} holds nothing yet; publish it first.")
    closed = last_closed(granularity, moment)
    last = floor_to(bounds.end - timedelta(microseconds=1), granularity)
    newest = min(closed.start, last)
    if newest < floor_to(bounds.start, granularity):
        raise InputError(
            f"Table {table!r} begins at {bounds.start.isoformat()}, and no {granularity} of it had "
            f"ended at {moment.isoformat()}."
        )
    return Window(newest, newest + timedelta(seconds=GRANULARITIES[granularity]))
