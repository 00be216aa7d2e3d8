"""Tables that say how things are, since when: published as of their own time, once."""

from datetime import timedelta

import polars as pl

from semantic_layer.periods import Window, floor_to


def state_window(rows: pl.DataFrame, window: Window) -> Window | None:
    """Return the days in which the states due before the window's end begin; None without any."""
    due = rows["valid_from"].filter(rows["valid_from"] < window.end).to_list()
    if not due:
        return None
    return Window(floor_to(min(due), "day"), floor_to(max(due), "day") + timedelta(days=1))


def same_state(rows: pl.DataFrame, standing: pl.LazyFrame) -> bool:
    """Tell whether what stands is what the rows say, in whatever order."""
    told = standing.select(rows.columns).collect().sort("cell_dn", "valid_from")
    return rows.sort("cell_dn", "valid_from").equals(told.cast(dict(rows.schema)))  # type: ignore[arg-type]
