"""Alarms as 3GPP TS 28.532 tells them: single notifications, and records of an alarm list.

A record is a state, so it becomes what must have been told: that the alarm was raised, changed,
acknowledged, cleared, each at its time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from semantic_layer.errors import InputError
from semantic_layer.identity import normalized_dn
from tasks.ingestion.alarms.notifications import (
    ALARM_TYPES,
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

Told = Literal["NEW", "CHANGED", "CLEARED", "ACKNOWLEDGED"]

_TOLD: dict[str, Told] = {
    "notifynewalarm": "NEW",
    "notifynewsecalarm": "NEW",
    "notifychangedalarm": "CHANGED",
    "notifychangedalarmgeneral": "CHANGED",
    "notifychangedsecalarmgeneral": "CHANGED",
    "notifyclearedalarm": "CLEARED",
    "notifyackstatechanged": "ACKNOWLEDGED",
}
_NO_ALARM = (
    "notifycomments", "notifycorrelatednotificationchanged", "notifyalarmlistrebuilt",
    "notifyalarmlistrebuiltalarm", "notifypotentialfaultyalarmlist",
)  # fmt: skip
_TRENDS = ("moresevere", "nochange", "lesssevere")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a notification from around it.

    Attributes:
        source_file: where it was delivered.
        place: where in the file.
        element: the managed element that sent it, where its own words name no object.
        at: when it was sent, where its own words say no time.
        received_at: when a collector took it.
    """

    source_file: str
    place: str
    element: str | None = None
    at: datetime | None = None
    received_at: datetime | None = None


def is_notification(value: dict[str, Any]) -> bool:
    """Tell whether an object is a fault notification of TS 28.532."""
    return "notificationType" in value


def fault_notification(data: dict[str, Any], around: Envelope) -> Notification:
    """Return what a notification such as notifyNewAlarm says.

    Raises:
        UnusableEventError: it breaks its schema, or names no object or time.
    """
    told = _told(data)
    alarm_id = data.get("alarmId")
    if not isinstance(alarm_id, str) or not alarm_id:
        raise UnusableEventError(f"alarmId is {shown(alarm_id)}, which is no text.")
    for name in ("alarmType", "probableCause", "perceivedSeverity"):
        if data.get(name) is None:
            raise UnusableEventError(f"{data['notificationType']} lacks {name}.")
    _check_trend(data)
    found_type = alarm_type(data["alarmType"])
    if found_type is None:
        raise UnusableEventError(
            f"alarmType is {shown(data['alarmType'])}; it is one of {', '.join(ALARM_TYPES)}."
        )
    felt = severity(data["perceivedSeverity"])
    if told == "CHANGED" and felt == "CLEARED":
        told = "CLEARED"
    return Notification(
        notified_at=_event_time(data, around.at),
        notification_id=f"{around.source_file}#{around.place}",
        alarm_id=needed(data, "alarmId"),
        managed_object_dn=_object_of(data, around.element),
        notification_type=told,
        alarm_type=found_type,
        probable_cause=needed(data, "probableCause"),
        perceived_severity="CLEARED" if told == "CLEARED" else felt,
        specific_problem=text(data, "specificProblem"),
        reporting_entity=text(data, "systemDN"),
        received_at=around.received_at,
        additional_text=text(data, "additionalText"),
        source_file=around.source_file,
    )


def record_notifications(record: dict[str, Any], around: Envelope) -> Iterator[Notification]:
    """Yield what must have been told of the alarm that a record describes.

    Raises:
        UnusableEventError: the record lacks its object, raising time or severity.
    """
    felt = severity(record.get("perceivedSeverity"))
    raised_at = moment(record.get("alarmRaisedTime"), "alarmRaisedTime")
    common = {
        "alarm_id": needed(record, "alarmId"),
        "managed_object_dn": _object_of(record, around.element),
        "alarm_type": alarm_type(record.get("alarmType")),
        "probable_cause": text(record, "probableCause"),
        "specific_problem": text(record, "specificProblem"),
        "reporting_entity": text(record, "systemDN") or around.element,
        "additional_text": text(record, "additionalText"),
        "source_file": around.source_file,
    }
    first = severity(record.get("originalSeverity") or record.get("perceivedSeverity"))
    first = "INDETERMINATE" if first == "CLEARED" else first
    cleared_at = moment_or_none(record, "alarmClearedTime")
    yield from told_of_state(
        common,
        around,
        raised=(raised_at, first),
        changed=(moment_or_none(record, "alarmChangedTime"), first if felt == "CLEARED" else felt),
        acknowledged_at=_acknowledged_at(record),
        cleared_at=cleared_at,
    )


def told_of_state(
    common: dict[str, str | None],
    around: Envelope,
    *,
    raised: tuple[datetime, str],
    changed: tuple[datetime | None, str],
    acknowledged_at: datetime | None,
    cleared_at: datetime | None,
) -> Iterator[Notification]:
    """Yield one notification a moment of an alarm's life that its state tells.

    A change at the moment of raising or clearing is that, and no change of its own.
    """
    raised_at, first = raised
    changed_at, since = changed
    if changed_at in (raised_at, cleared_at):
        changed_at = None
    moments: tuple[tuple[Told, datetime | None, str], ...] = (
        ("NEW", raised_at, first),
        ("CHANGED", changed_at, since),
        ("ACKNOWLEDGED", acknowledged_at, since),
        ("CLEARED", cleared_at, "CLEARED"),
    )
    for told, at, felt in moments:
        if at is not None:
            yield Notification(
                notified_at=at,
                notification_id=f"{around.source_file}#{around.place}.{told.lower()}",
                notification_type=told,
                perceived_severity=felt,
                received_at=around.received_at,
                **common,  # type: ignore[arg-type]
            )


def _told(data: dict[str, Any]) -> Told:
    kind = data.get("notificationType")
    word = kind.lower() if isinstance(kind, str) else ""
    if word in _NO_ALARM:
        raise UnusableEventError(f"No product takes the notification {kind}.")
    if word not in _TOLD:
        raise UnusableEventError(f"notificationType is {shown(kind)}, which is not known.")
    told = _TOLD[word]
    is_taken_back = told == "ACKNOWLEDGED" and data.get("ackState") == "UNACKNOWLEDGED"
    return "CHANGED" if is_taken_back else told


def _check_trend(data: dict[str, Any]) -> None:
    trend = data.get("trendIndication")
    if trend is None:
        return
    word = trend.lower().replace("_", "").replace(" ", "") if isinstance(trend, str) else ""
    if word not in _TRENDS:
        raise UnusableEventError(
            f"trendIndication is {shown(trend)}; it is MORE_SEVERE, NO_CHANGE or LESS_SEVERE."
        )


def _event_time(data: dict[str, Any], otherwise: datetime | None) -> datetime:
    try:
        return moment(data.get("eventTime"), "eventTime")
    except UnusableEventError:
        if otherwise is None:
            raise
        return otherwise


def _acknowledged_at(record: dict[str, Any]) -> datetime | None:
    if record.get("ackState") != "ACKNOWLEDGED":
        return None
    return moment_or_none(record, "ackTime")


def _object_of(data: dict[str, Any], element: str | None) -> str:
    """Return the object's DN, from a DN or a URI made of one; else the sender's."""
    for name in ("objectInstance", "href", "uri"):
        value = data.get(name)
        if isinstance(value, str) and "=" in value:
            found = _dn_in(text(data, name) or "")
            if found is not None:
                return found
    if element is None:
        raise UnusableEventError(
            f"objectInstance is {shown(data.get('objectInstance'))}, which names no object."
        )
    return element


def _dn_in(value: str) -> str | None:
    if "://" in value:
        steps = [step for step in value.split("/") if "=" in step]
        value = ",".join(steps)
    try:
        return normalized_dn(value)
    except InputError:
        return None
