"""Which time a delivered file covers: told by its name, or by its own granularity periods.

TS 32.432 names files `A20181002.0000-1000-0015-1000_...`: a type, the start with its offset from
UTC, the end with its own. Clocks of file systems are never asked.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from semantic_layer.periods import Window
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.0+)?S)?)?")
_LONGEST_S = 86_400
_OFFSET = r"([+_-]\d{4})"
_NAME = re.compile(rf"[A-D](\d{{8}})\.(\d{{4}}){_OFFSET}-(?:(\d{{8}})\.)?(\d{{4}}){_OFFSET}(?!\d)")
_GRAN_PERIOD = re.compile(rb"<(?:[\w.-]+:)?granPeriod\b([^<>]*)>")
_ATTRIBUTE = re.compile(rb"(endTime|duration)\s*=\s*[\"']([^\"']*)[\"']")
_LONGEST_TAG = 1 << 12


@dataclass(frozen=True, slots=True)
class GranularityPeriod:
    """A start, in UTC, and a length."""

    start: datetime
    seconds: int

    def nearest_to(self, start: datetime) -> "GranularityPeriod":
        """Return the same period beginning at `start` when that is a clock's inaccuracy away.

        A period that ends at 14:14:30 in a file named 1400-1415 is the one from 14:00.
        """
        apart = abs((self.start - start).total_seconds())
        if not apart:
            return self
        return replace(self, start=start) if apart < min(60, self.seconds / 2) else self

    @property
    def end(self) -> datetime:
        """The first moment behind it."""
        return self.start + timedelta(seconds=self.seconds)


def period_of(end_time: str | None, duration: str | None) -> GranularityPeriod:
    """Return the period that a granPeriod names.

    Raises:
        ValueError: it is missing, unreadable, or names no zone; the message is the reason.
    """
    if end_time is None or duration is None:
        raise ValueError("Its granPeriod lacks an endTime or a duration, or is missing.")
    seconds = duration_s(duration)
    try:
        end = datetime.fromisoformat(end_time.strip())
    except ValueError:
        raise ValueError(f"Its endTime {end_time!r} is no ISO 8601 time.") from None
    if end.tzinfo is None:
        raise ValueError(f"Its endTime {end_time!r} names no time zone.")
    try:
        return GranularityPeriod(end.astimezone(UTC) - timedelta(seconds=seconds), seconds)
    except OverflowError:
        raise ValueError(f"Its endTime {end_time!r} lies beyond the calendar.") from None


def duration_s(text: str) -> int:
    """Return the seconds of an ISO 8601 duration of at most a day.

    Raises:
        ValueError: it is none, or not whole seconds; the message is the reason.
    """
    match = _DURATION.fullmatch(text.strip())
    days, hours, minutes, seconds = (
        (int(part or 0) for part in match.groups()) if match else [0] * 4
    )
    total = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if not 0 < total <= _LONGEST_S:
        raise ValueError(
            f"Its duration {text!r} is no ISO 8601 duration of whole seconds up to a day."
        )
    return total


def span_of_name(name: str) -> Window | None:
    """Return the time that a file's name says it covers; None when it does not, or not in UTC."""
    match = _NAME.match(name)
    if match is None:
        return None
    day, start, start_offset, end_day, end, end_offset = match.groups()
    try:
        begins = _moment(day, start, start_offset)
        ends = _moment(end_day or day, end, end_offset)
    except ValueError:
        return None
    if end_day is None and ends <= begins:
        ends += timedelta(days=1)
    return Window(begins, ends) if begins < ends else None


def span_of_file(path: Path, limits: ReadingLimits) -> Window | None:
    """Return the time that a file covers, by its name or else its content; None if neither tells.

    The content is searched for granPeriod elements, not parsed: whether the file can be used is
    found out when it is read.
    """
    named = span_of_name(path.name)
    if named is not None:
        return named
    periods = _periods(delivered_pieces(path, limits))
    if not periods:
        return None
    return Window(min(period.start for period in periods), max(period.end for period in periods))


def _periods(pieces: Iterable[bytes]) -> set[GranularityPeriod]:
    found: set[GranularityPeriod] = set()
    told: set[bytes] = set()
    rest = b""
    try:
        for piece in pieces:
            text = rest + piece
            told.update(_GRAN_PERIOD.findall(text))
            rest = text[-_LONGEST_TAG:]
    except UnreadableFileError:
        pass  # What came before tells when; that it is damaged is told when it is read.
    for attributes in told:
        said = {name.decode(): value.decode() for name, value in _ATTRIBUTE.findall(attributes)}
        try:
            found.add(period_of(said.get("endTime"), said.get("duration")))
        except ValueError:
            continue
    return found


def _moment(day: str, clock: str, offset: str) -> datetime:
    sign = -1 if offset[0] == "-" else 1
    shift = sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
    moment = datetime.strptime(day + clock, "%Y%m%d%H%M")  # noqa: DTZ007 - zoned at once
    return moment.replace(tzinfo=timezone(shift)).astimezone(UTC)
