"""Alarms of TM Forum TMF642: a resource, and the events that create, change or clear one.

Versions 4 and 5 differ in little: `alarmedObject` may be one object or a list.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from semantic_layer.errors import InputError
from semantic_layer.identity import format_dn, normalized_dn
from tasks.ingestion.alarms.fault_notifications import Envelope, told_of_state
from tasks.ingestion.alarms.notifications import (
    Notification,
    UnusableEventError,
    alarm_type,
    moment,
    moment_or_none,
    needed,
    severity,
    shown,
    text,
)

_TOLD = {
    "alarmcreateevent": "NEW",
    "alarmattributevaluechangeevent": "CHANGED",
    "alarmstatechangeevent": "CHANGED",
    "alarmdeleteevent": "CLEARED",
}


def is_tmf_event(value: dict[str, Any]) -> bool:
    """Tell whether an object is an event of TMF642."""
    return "eventType" in value and isinstance(value.get("event"), dict)


def event_notification(value: dict[str, Any], around: Envelope) -> Notification:
    """Return what an event says of its alarm.

    An event that leaves the alarm cleared tells of clearing, whatever it is called.

    Raises:
        UnusableEventError: the event is not known, or lacks its alarm, time or severity.
    """
    kind = value.get("eventType")
    told = _TOLD.get(kind.lower()) if isinstance(kind, str) else None
    if told is None:
        raise UnusableEventError(f"eventType is {shown(kind)}; no product takes it.")
    alarm = value["event"].get("alarm")
    if not isinstance(alarm, dict):
        raise UnusableEventError(f"The {kind} holds no alarm.")
    if _is_cleared(alarm):
        told = "CLEARED"
    felt = "CLEARED" if told == "CLEARED" else severity(alarm.get("perceivedSeverity"))
    return Notification(
        notified_at=_told_at(value, alarm, told),
        notification_id=f"{around.source_file}#{around.place}",
        notification_type=told,
        perceived_severity=felt,
        received_at=_received_at(alarm),
        **_common(alarm, around),  # type: ignore[arg-type]
    )


def alarm_notifications(alarm: dict[str, Any], around: Envelope) -> Iterator[Notification]:
    """Yield what must have been told of the alarm that a resource describes.

    Raises:
        UnusableEventError: it lacks its id, object, raising time or severity.
    """
    raised_at = moment(alarm.get("alarmRaisedTime"), "alarmRaisedTime")
    is_cleared = _is_cleared(alarm)
    felt = "INDETERMINATE" if is_cleared else severity(alarm.get("perceivedSeverity"))
    if is_cleared and alarm.get("perceivedSeverity") is not None:
        known = severity(alarm["perceivedSeverity"])
        felt = "INDETERMINATE" if known == "CLEARED" else known
    cleared_at = moment_or_none(alarm, "alarmClearedTime")
    changed_at = moment_or_none(alarm, "alarmChangedTime")
    if is_cleared and cleared_at is None:
        cleared_at = changed_at
        if cleared_at is None:
            raise UnusableEventError("The alarm is cleared; alarmClearedTime is missing.")
    yield from told_of_state(
        _common(alarm, around),
        Envelope(around.source_file, around.place, received_at=_received_at(alarm)),
        raised=(raised_at, felt),
        changed=(changed_at, felt),
        acknowledged_at=None,  # TMF642 says who and that, not when
        cleared_at=cleared_at,
    )


def _is_cleared(alarm: dict[str, Any]) -> bool:
    state = alarm.get("state")
    return (isinstance(state, str) and state.lower() == "cleared") or (
        bool(alarm.get("alarmClearedTime"))
    )


def _told_at(value: dict[str, Any], alarm: dict[str, Any], told: str) -> datetime:
    """Return the time of the event in the alarm's own words, else the event's."""
    own = {"NEW": "alarmRaisedTime", "CLEARED": "alarmClearedTime", "CHANGED": "alarmChangedTime"}
    return moment_or_none(alarm, own[told]) or moment(value.get("eventTime"), "eventTime")


def _received_at(alarm: dict[str, Any]) -> datetime | None:
    return moment_or_none(alarm, "alarmReportingTime")


def _common(alarm: dict[str, Any], around: Envelope) -> dict[str, str | None]:
    return {
        "alarm_id": needed(alarm, "id"),
        "managed_object_dn": _alarmed_object(alarm),
        "alarm_type": alarm_type(alarm.get("alarmType")),
        "probable_cause": text(alarm, "probableCause"),
        "specific_problem": text(alarm, "specificProblem"),
        "reporting_entity": text(alarm, "sourceSystemId") or text(alarm, "reportingSystemId"),
        "additional_text": text(alarm, "alarmDetails"),
        "source_file": around.source_file,
    }


def _alarmed_object(alarm: dict[str, Any]) -> str:
    """Return the DN of the first alarmed object; an id that is no DN is one of its type."""
    held = alarm.get("alarmedObject")
    first = held[0] if isinstance(held, list) and held else held
    if not isinstance(first, dict):
        raise UnusableEventError("alarmedObject names no object.")
    name = needed(first, "id")
    if "=" in name:
        try:
            return normalized_dn(name)
        except InputError:
            pass
    kind = text(alarm, "alarmedObjectType") or text(first, "@referredType") or "ManagedElement"
    return format_dn([(kind.replace(",", "").replace("=", ""), name)])
