"""A delivered file of alarms, whichever format it speaks, read once from end to end.

What a value is, is told by what it holds, so a file may mix formats.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tasks.ingestion.alarms.fault_notifications import (
    Envelope,
    fault_notification,
    is_notification,
    record_notifications,
)
from tasks.ingestion.alarms.notifications import ReadEvents, UnusableEventError
from tasks.ingestion.alarms.tmf_alarms import (
    alarm_notifications,
    event_notification,
    is_tmf_event,
)
from tasks.ingestion.alarms.ves_events import is_ves, read_ves
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError
from tasks.ingestion.delivered_json import (
    LIMITS,
    BrokenJson,
    JsonValue,
    has_doubled_keys,
    json_values,
)

AlarmKind = Literal["ves", "alarm_records", "tmf642"]
ALARM_KINDS: tuple[AlarmKind, ...] = ("ves", "alarm_records", "tmf642")
"""Kinds of documents that may hold alarms."""

_DOUBLED = "A key stands twice in it, so nobody knows which value is meant."


def read_alarm_file(path: Path, name: str, limits: ReadingLimits = LIMITS) -> ReadEvents:
    """Return what the file says; `name` is what rows and findings call it."""
    into = ReadEvents()
    try:
        for found in json_values(path, limits):
            read_value(found, name, into)
    except UnreadableFileError as error:
        into.refuse(name, error.place, error.reason)
    return into


def read_value(found: JsonValue | BrokenJson, name: str, into: ReadEvents) -> int:
    """Add what one value of a file says to `into`, and return how many events it held."""
    if isinstance(found, BrokenJson):
        into.refuse(name, found.place, found.reason, found.content)
        return 1
    value = found.value
    if not isinstance(value, dict):
        into.refuse(name, found.place, "The value is no object, so it is no alarm.", value)
        return 1
    if found.has_doubled_keys and "eventList" not in value:
        into.refuse(name, found.place, _DOUBLED, value)
        return 1
    if is_ves(value):
        return _read_ves(found, value, name, into)
    return _read_alarms(value, name, found.place, into)


def _read_ves(found: JsonValue, value: dict[str, Any], name: str, into: ReadEvents) -> int:
    events = value.get("eventList")
    if not found.has_doubled_keys or not isinstance(events, list):
        return read_ves(value, name, found.place, into)
    doubled = [event for event in events if has_doubled_keys(event)]
    for event in doubled:
        into.refuse(name, found.place, _DOUBLED, event)
    sound = [event for event in events if not has_doubled_keys(event)]
    return len(doubled) + (read_ves({"eventList": sound}, name, found.place, into) if sound else 0)


def _read_alarms(value: dict[str, Any], name: str, place: str, into: ReadEvents) -> int:
    reader = _reader_of(value)
    if reader is not None:
        _add(reader, value, Envelope(name, place), into)
        return 1
    # TS 28.532: an alarm list may be an object of records by their alarmId.
    records = [(key, it) for key, it in value.items() if isinstance(it, dict) and _reader_of(it)]
    if not records or len(records) < len(value):
        into.refuse(name, place, "The object is no alarm of a known format.", value)
        return 1
    for number, (key, record) in enumerate(records, 1):
        around = Envelope(name, f"{place}, record {number}")
        _add(_reader_of(record) or _read_record, {"alarmId": key} | record, around, into)
    return len(records)


_Reader = Callable[[dict[str, Any], Envelope, ReadEvents], None]


def _reader_of(value: dict[str, Any]) -> _Reader | None:
    if is_notification(value):
        return _read_notification
    if is_tmf_event(value):
        return _read_tmf_event
    if "objectInstance" in value and ("alarmId" in value or "perceivedSeverity" in value):
        return _read_record
    if "alarmedObject" in value or "sourceSystemId" in value or value.get("@type") == "Alarm":
        return _read_tmf_alarm
    return None


def _add(reader: _Reader, value: dict[str, Any], around: Envelope, into: ReadEvents) -> None:
    try:
        reader(value, around, into)
    except UnusableEventError as error:
        key = value.get("alarmId") or value.get("id")
        named = key if isinstance(key, str) else None
        into.refuse(around.source_file, around.place, str(error), value, named)


def _read_notification(value: dict[str, Any], around: Envelope, into: ReadEvents) -> None:
    into.notifications.append(fault_notification(value, around))


def _read_record(value: dict[str, Any], around: Envelope, into: ReadEvents) -> None:
    into.notifications.extend(list(record_notifications(value, around)))


def _read_tmf_event(value: dict[str, Any], around: Envelope, into: ReadEvents) -> None:
    into.notifications.append(event_notification(value, around))


def _read_tmf_alarm(value: dict[str, Any], around: Envelope, into: ReadEvents) -> None:
    into.notifications.extend(list(alarm_notifications(value, around)))
