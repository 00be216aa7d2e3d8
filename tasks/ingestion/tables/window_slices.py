"""A long window of a large network, cut into shorter ones whose rows memory holds.

Only a window whose files all tell by their footers which times they hold is cut: any other file
would be read whole for each piece.
"""

from datetime import timedelta
from pathlib import Path

from semantic_layer.periods import Window
from tasks.ingestion.tables.delivered_tables import delivered_files, footer_of
from tasks.ingestion.tables.mapping_files import TableMapping

_MOST_ROWS = 2_000_000
"""Rows of one piece: some 2 GB while they are mapped and judged."""


def window_slices(folder: Path, mapping: TableMapping, window: Window) -> list[Window]:
    """Return the window in pieces of whole hours, in order; just the window where that will do.

    Args:
        folder: where the mapping lies, and its files.
        mapping: what the tables mean.
        window: what is to be read.
    """
    hours = list(window.split("hour"))
    rows = dict.fromkeys(hours, 0.0)
    for file in delivered_files(folder, mapping):
        footer = footer_of(file, mapping)
        if footer is None or footer.bounds is None:
            return [window]
        first, last = footer.bounds
        touched = [hour for hour in hours if hour.start <= last and first < hour.end]
        length = max((last - first).total_seconds(), 1.0)
        for hour in touched:
            shared = min(hour.end, last + timedelta(seconds=1)) - max(hour.start, first)
            rows[hour] += footer.rows * min(shared.total_seconds() / length, 1.0)
    found: list[Window] = []
    held = 0.0
    for hour in hours:
        start, end = max(hour.start, window.start), min(hour.end, window.end)
        if found and held + rows[hour] <= _MOST_ROWS:
            found[-1] = Window(found[-1].start, end)
            held += rows[hour]
        else:
            found.append(Window(start, end))
            held = rows[hour]
    return found
