"""Alarms of transport as events of TMF642, and those of the core as alarm records of TS 28.532."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tasks.twin.alarm_delivery import SentNotification

_TYPES = {
    "EQUIPMENT_ALARM": "equipmentAlarm",
    "COMMUNICATIONS_ALARM": "communicationsAlarm",
    "PROCESSING_ERROR_ALARM": "processingErrorAlarm",
    "QUALITY_OF_SERVICE_ALARM": "qualityOfServiceAlarm",
    "ENVIRONMENTAL_ALARM": "environmentalAlarm",
}
_EVENTS = {
    "NEW": "AlarmCreateEvent",
    "CHANGED": "AlarmAttributeValueChangeEvent",
    "CLEARED": "AlarmStateChangeEvent",
}
_TIMES = {"NEW": "alarmRaisedTime", "CHANGED": "alarmChangedTime", "CLEARED": "alarmClearedTime"}
_STATES = {"NEW": "raised", "CHANGED": "updated", "CLEARED": "cleared"}


def tmf_events(sent: Sequence[SentNotification], first: int = 1) -> list[dict[str, Any]]:
    """Return one event a notification, in order of arrival, numbered from `first`."""
    return [
        {
            "eventId": f"E{one.received_at:%Y%m%d}-{number:06d}",
            "eventTime": _iso(one.told_at),
            "eventType": _EVENTS[one.kind],
            "event": {"alarm": _alarm(one)},
        }
        for number, one in enumerate(sent, first)
    ]


def alarm_number(sent: SentNotification) -> str:
    """Return the id that transport gives an alarm; it is the same whenever it is raised."""
    return f"T{sent.life.number:06d}"


def record_id(sent: SentNotification) -> str:
    """Return the id that the core gives an alarm; each raising has its own."""
    return f"C{sent.life.number:06d}-{sent.life.raised_at:%H%M%S%f}"


def alarm_records(sent: Sequence[SentNotification]) -> list[dict[str, Any]]:
    """Return one record a raising, as it stood in the end; what was lost is not in it."""
    told: dict[str, dict[str, SentNotification]] = {}
    for one in sent:
        told.setdefault(record_id(one), {}).setdefault(one.kind, one)
    return [_record(name, parts) for name, parts in told.items() if "NEW" in parts]


def records_notifications(sent: Sequence[SentNotification]) -> int:
    """Return how many moments the records of these alarms tell."""
    told = {(record_id(one), one.kind) for one in sent}
    raised = {name for name, kind in told if kind == "NEW"}
    return sum(name in raised for name, _ in told)


def _alarm(sent: SentNotification) -> dict[str, Any]:
    definition = sent.life.definition
    alarm: dict[str, Any] = {
        "@type": "Alarm",
        "id": alarm_number(sent),
        "alarmType": _TYPES[definition.alarm_type],
        "probableCause": definition.probable_cause,
        "specificProblem": definition.specific_problem,
        "perceivedSeverity": "cleared" if sent.kind == "CLEARED" else sent.severity.lower(),
        "state": _STATES[sent.kind],
        "alarmedObjectType": sent.life.dn.rpartition(",")[2].partition("=")[0],
        "alarmedObject": [{"id": sent.life.dn}],
        "sourceSystemId": sent.reporter,
        "serviceAffecting": definition.is_service_affecting,
        "alarmRaisedTime": _iso(sent.began_at),
        "alarmReportingTime": _iso(sent.received_at),
    }
    alarm[_TIMES[sent.kind]] = _iso(sent.told_at)
    return alarm


def _record(name: str, parts: dict[str, SentNotification]) -> dict[str, Any]:
    first = parts["NEW"]
    definition = first.life.definition
    changed, cleared = parts.get("CHANGED"), parts.get("CLEARED")
    now = "CLEARED" if cleared else (changed or first).severity
    return {
        "alarmId": name,
        "objectInstance": first.life.dn,
        "systemDN": first.reporter,
        "alarmType": definition.alarm_type,
        "probableCause": definition.probable_cause,
        "specificProblem": definition.specific_problem,
        "perceivedSeverity": now,
        "originalSeverity": first.severity,
        "alarmRaisedTime": _iso(first.told_at),
        "alarmChangedTime": _iso(changed.told_at) if changed else None,
        "alarmClearedTime": _iso(cleared.told_at) if cleared else None,
        "ackState": "UNACKNOWLEDGED",
        "additionalText": f"{definition.specific_problem} at {first.life.dn}",
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
