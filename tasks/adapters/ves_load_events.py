"""VES events of the domain perf3gpp: which period one covers, and what it measured of which object.

Common event format 30.2 (VES 7.2), `perf3gppFields.measDataCollection`. Names that differ between
senders of the same version are all read: `event` around it or not, a flag as text or as a boolean,
values as text (`sValue`), integers or numbers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.ves_load_documents import is_moment, moment_of
from tasks.adapters.ves_load_refusals import Refusals, shown

LONGEST_PERIOD_S = 300
"""Seconds; what covers more is for measurement files, and says nothing of the last minutes."""

_DOMAIN = "perf3gpp"
_TOLERANCE_S = 1.0
_LONGEST_TOLD_S = 1e6


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """One event, as far as it can be read without its values.

    Attributes:
        place: file and event, for people.
        element: DN, or name, of the managed element; may be empty.
        vendor: `nfVendorName`; may be empty.
        sequence: among the events of its source; 0 where it tells none.
        begin: of the period, UTC.
        end: of the period, UTC.
        infos: its `measInfoList`; anything may be in it.
    """

    place: str
    element: str
    vendor: str
    sequence: int
    begin: datetime
    end: datetime
    infos: list[Any]


@dataclass(frozen=True, slots=True)
class MeasuredObject:
    """What was measured of one object.

    Attributes:
        local: its DN below the element, `measObjInstId`.
        is_suspect: whether its values are unreliable.
        results: its `measResults`; anything may be in it.
    """

    local: str
    is_suspect: bool
    results: list[Any]


def load_event(told: object, place: str, window: Window, refused: Refusals) -> LoadEvent | None:
    """Return an event whose period ends within (start, end] of a window; None for any other.

    Args:
        told: what stands in the file.
        place: where.
        window: what is asked for.
        refused: is told why an event that should be one cannot be read.
    """
    event = told["event"] if isinstance(told, dict) and "event" in told else told
    header = _inside(event, "commonEventHeader")
    if not isinstance(header, dict):
        refused.add(place, "this is no VES event: it has no commonEventHeader.")
        return None
    if header.get("domain") != _DOMAIN:
        return None
    place = f"{place} of {shown(header.get('sourceName'))}"
    end = _micros(header.get("lastEpochMicrosec"))
    if end is None:
        refused.add(
            place,
            f"lastEpochMicrosec is {shown(header.get('lastEpochMicrosec'))}, which is no time in "
            "microseconds since 1970.",
        )
    if end is None or not window.start < moment_of(end) <= window.end:
        return None
    collection = _inside(_inside(event, "perf3gppFields"), "measDataCollection")
    return _measured(header, collection, end, place, refused)


def _measured(
    header: dict[str, Any], collection: object, end: int, place: str, refused: Refusals
) -> LoadEvent | None:
    infos = _inside(collection, "measInfoList")
    if not isinstance(collection, dict) or not isinstance(infos, list):
        refused.add(place, "it has no perf3gppFields.measDataCollection with a measInfoList.")
        return None
    begin = _begin(header, collection, end, place, refused)
    if begin is None or end - begin > LONGEST_PERIOD_S * 1_000_000:
        return None
    return LoadEvent(
        place,
        _text(collection.get("measuredEntityDn")) or _text(header.get("sourceName")),
        _text(header.get("nfVendorName")),
        _whole(header.get("sequence")),
        moment_of(begin),
        moment_of(end),
        infos,
    )


def counters_of(info: object, place: str, refused: Refusals) -> tuple[str, ...] | None:
    """Return the names of a measInfo's counters, in the order in which `p` numbers them.

    Integers, which senders agree on outside of VES, are returned as their digits.
    """
    types = _inside(info, "measTypes")
    for key, kind in (("sMeasTypesList", str), ("iMeasTypesList", int)):
        names = _inside(types, key)
        if isinstance(names, list) and all(isinstance(name, kind) for name in names):
            return tuple(str(name) for name in names)
    refused.add(place, "a measInfo lists no measurement types (measTypes.sMeasTypesList).")
    return None


def objects_of(info: object, place: str, refused: Refusals) -> Iterator[MeasuredObject]:
    """Yield what a measInfo tells of objects."""
    values = _inside(info, "measValuesList")
    if not isinstance(values, list):
        refused.add(place, "a measInfo has no measValuesList.")
        return
    for one in values:
        local = one.get("measObjInstId") if isinstance(one, dict) else None
        results = one.get("measResults") if isinstance(one, dict) else None
        if not isinstance(local, str) or not isinstance(results, list):
            refused.add(place, "a measured object has no measObjInstId, or no measResults.")
            continue
        yield MeasuredObject(local, _is_suspect(one.get("suspectFlag")), results)


def number_of(result: dict[str, Any]) -> float | None:
    """Return the value of a measResult; None where it tells that there is none.

    Raises:
        InputError: it tells a value that is no finite number.
    """
    for key in ("sValue", "iValue", "rValue"):
        value = result.get(key)
        if value is not None:
            return _number(value)
    return None


def _number(value: object) -> float | None:
    if isinstance(value, str) and value.strip() in ("", "NIL"):
        return None
    is_number = isinstance(value, int | float | str) and not isinstance(value, bool)
    try:
        # Python reads 1_000 as a thousand; no sender means it so.
        number = float(str(value)) if is_number and "_" not in str(value) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"the value {shown(value)} is no finite number.")
    return number


def _begin(
    header: dict[str, Any], collection: dict[str, Any], end: int, place: str, refused: Refusals
) -> int | None:
    """Return when the period began, in microseconds.

    Some senders put its end, or the moment of sending, in both times of the header: then the
    granularity period says how long it was.
    """
    start = _micros(header.get("startEpochMicrosec"))
    seconds = _seconds(collection.get("granularityPeriod"))
    if seconds is None and start is not None and start < end:
        return start
    if seconds is not None and (start is None or start == end):
        return end - round(seconds * 1e6)
    if seconds is not None and start is not None:
        if abs((end - start) / 1e6 - seconds) <= _TOLERANCE_S:
            return start
        refused.add(
            place,
            f"its header tells a period of {(end - start) / 1e6:g} s, its granularityPeriod "
            f"{seconds:g} s; which holds is not known.",
        )
        return None
    refused.add(place, "it tells no period: neither granularityPeriod nor startEpochMicrosec.")
    return None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    return float(min(value, _LONGEST_TOLD_S))


def _micros(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if is_moment(value) else None


def _inside(value: object, key: str) -> object:
    """Return what stands under a key; None where nothing does."""
    return value.get(key) if isinstance(value, dict) else None


def _is_suspect(flag: object) -> bool:
    """Tell whether a flag is raised; one that says neither yes nor no is no evidence."""
    return str(flag).strip().lower() not in ("false", "none", "")


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
