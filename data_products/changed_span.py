"""The days on which a table is not what it should be: what has to be published again."""

from datetime import datetime, timedelta

import polars as pl

from semantic_layer.periods import Window

_MOMENT = timedelta(microseconds=1)


def changed_span(before: pl.DataFrame, after: pl.DataFrame, time: str) -> Window | None:
    """Return the whole days from the first to the last on which two tables differ, None if none.

    Args:
        before: rows as they stand.
        after: rows as they should be, of the same columns.
        time: the column of time.
    """
    days = [
        one.join(other, on=after.columns, how="anti", nulls_equal=True)[time]
        for one, other in ((after, before.select(after.columns)), (before, after))
    ]
    changed: list[datetime] = pl.concat(days).to_list()
    if not changed:
        return None
    return Window(min(changed), max(changed) + _MOMENT).widened_to("day")
