"""Which days of `alarms` must be told anew after notifications came, and how. Pure: frames only.

An alarm's row stands on the day that it was raised, so a clearing changes a day that is long past.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl

from data_products.alarms.derive import KEY, derive
from semantic_layer.loading import Catalogue
from semantic_layer.periods import Window

_DAY = timedelta(days=1)
_SKEW = "clock_skew_s"


def keys_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return which alarms the rows are about."""
    return rows.select(KEY).unique()


def ending_in(alarms: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """Return the alarms that were raised, changed or ended in the window."""
    times = ("raised_at", "changed_at", "cleared_at")
    return alarms.filter(
        pl.any_horizontal(
            ((pl.col(name) >= window.start) & (pl.col(name) < window.end)).fill_null(value=False)
            for name in times
        )
    )


def touched_days(
    told: pl.DataFrame, standing: pl.DataFrame, window: Window, catalogue: Catalogue
) -> list[datetime]:
    """Return the days of raising whose rows are no longer what notifications say, in order.

    Args:
        told: every notification of the alarms that the window may have changed.
        standing: the published rows of the same alarms.
        window: what was ingested; its own days always count.
        catalogue: as for `derive`.
    """
    found = derive(told, catalogue)
    # The skew of other days is told by notifications that are not here.
    held = [name for name in found.columns if name != _SKEW]
    now, before = found.select(held), standing.select(held)
    on = {"on": held, "how": "anti", "nulls_equal": True}
    changed = pl.concat([now.join(before, **on), before.join(now, **on)])  # type: ignore[arg-type]
    days = set(changed["raised_at"].dt.truncate("1d").to_list())
    return sorted(days | set(_days(window)))


def runs_of(days: list[datetime]) -> Iterator[Window]:
    """Yield days in a row as one window each."""
    start = end = None
    for day in days:
        if start is not None and day != end:
            yield Window(start, end or start)
            start = None
        start = day if start is None else start
        end = day + _DAY
    if start is not None and end is not None:
        yield Window(start, end)


def within(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return the alarms that were raised in the window."""
    at = pl.col("raised_at")
    return rows.filter(at >= window.start, at < window.end)


def is_same(rows: pl.DataFrame, standing: pl.DataFrame) -> bool:
    """Tell whether the published rows say what the new ones do."""
    held = rows.columns
    return rows.sort(held).equals(standing.select(held).sort(held))


def _days(window: Window) -> Iterator[datetime]:
    day = window.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < window.end:
        yield day
        day += _DAY
