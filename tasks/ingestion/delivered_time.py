"""Which time a folder covers, and which window of it a run takes. Pure: paths and windows only."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from semantic_layer.errors import InputError
from semantic_layer.periods import GRANULARITIES, Window, floor_to

_SHORTEST_PIECE_DAYS = 7
_MOST_PIECES = 26


def covered(spans: Iterable[Window | None]) -> Window | None:
    """Return the time from the first start to the last end; None when nothing covers any."""
    known = [span for span in spans if span is not None]
    if not known:
        return None
    return Window(min(span.start for span in known), max(span.end for span in known))


def newest_period(delivered: Window | None, moment: datetime, granularity: str) -> Window:
    """Return the newest period of `granularity` that was delivered and had begun at `moment`.

    A period that is delivered whole is preferred; when there is none, the one that holds the
    newest delivered time.

    Raises:
        InputError: nothing was delivered, or nothing that had begun at `moment`.
    """
    if delivered is None:
        raise InputError("Nothing that was delivered says which time it covers; name a window.")
    if delivered.start >= moment:
        raise InputError(
            f"All that was delivered ({delivered}) lies after {moment.isoformat()}, for which the "
            "run was scheduled; name a window."
        )
    end = min(delivered.end, moment)
    length = timedelta(seconds=GRANULARITIES[granularity])
    whole_end = floor_to(end, granularity)
    if whole_end - length >= floor_to(delivered.start, granularity):
        return Window(whole_end - length, whole_end)
    start = floor_to(end - timedelta(microseconds=1), granularity)
    return Window(start, start + length)


def together(windows: Sequence[Window]) -> list[Window]:
    """Return windows in order, those that touch as one, in pieces of a week or more."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return [piece for window in merged for piece in _pieces(window.start, window.end)]


def _pieces(start: datetime, end: datetime) -> list[Window]:
    """Return the time in pieces that memory can hold, of whole days, and not too many of them."""
    days = -(-(end - start) // timedelta(days=1))
    length = timedelta(days=max(_SHORTEST_PIECE_DAYS, -(-days // _MOST_PIECES)))
    found = []
    while start < end:
        stop = min(start + length, end)
        found.append(Window(start, stop))
        start = stop
    return found
