"""Times as spreadsheets write them: ISO, days with dots or strokes, serial numbers."""

import re
from datetime import UTC, datetime, timedelta

from semantic_layer.errors import InputError

_SERIAL = re.compile(r"\d{5}(\.\d{1,12})?")
_SERIAL_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_DAY = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[./-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<s>\d{2}))?(?: ?(?P<half>[AaPp])[Mm])?)?"
)
_WHOLE_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_LAST_SECOND = timedelta(days=1) - timedelta(seconds=1)


def sheet_moment(text: str) -> tuple[datetime, bool]:
    """Return the moment that a cell names, and whether it names only its day.

    A time without a zone is UTC. A day alone is its last second: whatever was done on it had been
    done by then. A spreadsheet's serial number counts days from 1899-12-30.

    >>> sheet_moment("05.06.2025 13:30")
    (datetime.datetime(2025, 6, 5, 13, 30, tzinfo=datetime.timezone.utc), False)

    Raises:
        InputError: it names none, or may be one of two days.
    """
    written = text.strip()
    try:
        if _SERIAL.fullmatch(written):
            return _of_serial(written)
        named = _DAY.fullmatch(written)
        moment = _of_day(named) if named else datetime.fromisoformat(written)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        is_day = named["hour"] is None if named else bool(_WHOLE_DAY.fullmatch(written))
        return (moment + _LAST_SECOND, True) if is_day else (moment, False)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text[:40]!r} is no time; write such as 2025-06-05T13:30Z.") from error


def _of_serial(written: str) -> tuple[datetime, bool]:
    moment = _SERIAL_ZERO + timedelta(seconds=round(float(written) * 86400))
    is_day = "." not in written
    return (moment + _LAST_SECOND, True) if is_day else (moment, False)


def _of_day(named: re.Match[str]) -> datetime:
    """Return the naive moment; with dots the day comes first, with strokes it must be plain."""
    first, second = int(named["first"]), int(named["second"])
    if named["mark"] != "." and first <= 12 and second <= 12 and first != second:
        raise InputError(
            f"{named.group()!r} may be two days; write the year first, such as "
            f"{named['year']}-{second:02}-{first:02}."
        )
    day, month = (first, second) if named["mark"] == "." or first > 12 else (second, first)
    hour = int(named["hour"] or 0)
    if named["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of half a day")
        hour = hour % 12 + (12 if named["half"] in "Pp" else 0)
    return datetime(  # noqa: DTZ001 - the caller gives it its zone
        int(named["year"]), month, day, hour, int(named["minute"] or 0), int(named["s"] or 0)
    )
