"""How values read on a page: numbers with units, times, durations, counts, names of cells.

Everything a file delivered is untrusted: `clean` takes out what could reorder or hide text; the
pages escape what remains. Nothing here knows HTML or Markdown.
"""

import math
import re
from datetime import UTC, datetime, timedelta

NO_DATA = "no data"
_ALMOST_SURE = 0.99
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_UNIT_WORDS = {"1": "", "prb": "PRB", "bit/J": "bit/J"}


def clean(text: object) -> str:
    """Return `text` in one line, without control, zero-width and direction-changing characters."""
    return " ".join(_UNSEEN.sub("\ufffd", "" if text is None else str(text)).split())


def clipped(text: object, length: int = 120) -> str:
    """Return clean `text` of at most `length` characters, with an ellipsis where it was cut."""
    shown = clean(text)
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + "…"


def number(value: float | None, unit: str = "1") -> str:
    """Return `value` in four significant digits with its unit, or `no data`.

    >>> number(81.2345, "%"), number(1234567, "1"), number(0.00012, "1/s"), number(None, "%")
    ('81.23 %', '1,234,567', '0.00012 1/s', 'no data')
    """
    if value is None or not math.isfinite(value):
        return NO_DATA
    word = _UNIT_WORDS.get(unit, unit)
    return f"{digits(value)} {word}".rstrip()


def digits(value: float) -> str:
    """Return a finite number in about four significant digits, with thousands separated."""
    size = abs(value)
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}" if size < 1e15 else f"{value:.3g}"
    if size >= 0.001:
        places = max(0, 3 - math.floor(math.log10(size)))
        text = f"{value:.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.2g}"


def percent(share: float | None) -> str:
    """Return a share of 0 to 1 as a percentage; a tiny one is not rounded away to nothing."""
    if share is None or not math.isfinite(share):
        return NO_DATA
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{digits(round(100 * share, 1))} %"


def chance(probability: float | None) -> str:
    """Return a probability as a percentage; nothing is called certain.

    >>> chance(0.42), chance(0.998), chance(None)
    ('42 %', 'over 99 %', '')
    """
    if probability is None:
        return ""
    return percent(probability) if probability < _ALMOST_SURE else f"over {percent(_ALMOST_SURE)}"


def count(many: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in the right form: `1 cell`, `12 cells`, `no cells`."""
    word = noun if many == 1 else plural or f"{noun}s"
    return f"{many:,} {word}" if many else f"no {word}"


def moment(at: datetime | None) -> str:
    """Return a time as `2026-03-01 14:15`, in UTC; pages say once that all times are UTC."""
    return NO_DATA if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def duration(length: timedelta | None) -> str:
    """Return a length of time in its two largest units: `2 d 3 h`, `1 h 45 min`, `15 min`."""
    if length is None:
        return NO_DATA
    minutes = round(length.total_seconds() / 60)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def listed(names: list[str], limit: int = 3) -> str:
    """Return names as a clause: `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def cell_label(cell_dn: str, site_name: str | None = None) -> str:
    """Return what a person calls the cell: its site, or managed element, and its own last part.

    >>> cell_label("SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3", "Oldtown")
    'Oldtown · NRCellDU=3'
    """
    parts = [clean(part) for part in cell_dn.split(",")]
    element = next((part for part in parts if part.startswith("ManagedElement=")), parts[0])
    owner = clean(site_name) or (element if len(parts) > 1 else "")
    return f"{clipped(owner, 48)} · {clipped(parts[-1], 48)}" if owner else clipped(parts[-1], 72)
