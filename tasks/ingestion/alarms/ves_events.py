"""VES events: faults become notifications, registrations attributes, measurements counted rows.

Every event ends as a row of a product or as a finding; nothing is dropped in silence.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.ingestion.alarms.fault_notifications import Envelope, fault_notification
from tasks.ingestion.alarms.notifications import (
    Notification,
    ReadEvents,
    UnusableEventError,
    alarm_type,
    epoch_moment,
    needed,
    object_dn,
    severity,
    shown,
    text,
)
from tasks.ingestion.alarms.ves_rules import (
    Event,
    checked_batch,
    checked_header,
    checked_section,
)
from tasks.ingestion.alarms.ves_usage import usage_row

_LONGEST = 2_000
_SCHEMA_NAMES = re.compile(
    r"#.*\bnotify(?:new(?:sec)?alarm|clearedalarm|changed(?:sec)?alarm(?:general)?|ackstatechanged"
    r"|comments|correlatednotificationchanged|potentialfaultyalarmlist|alarmlistrebuilt(?:alarm)?)"
    r"(?:-notiftype)?$",
    re.IGNORECASE,
)
_ATTRIBUTES = (
    "vendorName", "modelNumber", "serialNumber", "softwareVersion", "unitFamily", "unitType",
    "manufactureDate", "lastServiceDate", "macAddress", "oamV4IpAddress", "oamV6IpAddress",
)  # fmt: skip
_ALERTS = {"SET": "NEW", "CONT": "CHANGED", "CLEAR": "CLEARED"}
_COLLECTED = ("%a, %m %d %Y %H:%M:%S %Z", "%a, %d %b %Y %H:%M:%S %Z")


@dataclass(frozen=True, slots=True)
class _Sent:
    """One event with its header and where it stands."""

    header: Event
    fields: Event
    source_file: str
    place: str
    at: datetime

    @property
    def element_dn(self) -> str:
        return object_dn(needed(self.header, "sourceName"))


def is_ves(value: dict[str, Any]) -> bool:
    """Tell whether an object is an event, a batch, or an event of a batch that broke off."""
    if isinstance(value.get("event"), dict) and "commonEventHeader" in value["event"]:
        return True
    return "eventList" in value or "commonEventHeader" in value


def read_ves(value: dict[str, Any], source_file: str, place: str, into: ReadEvents) -> int:
    """Add what an event or batch says to `into`, and return how many events it held."""
    if "eventList" in value:
        return _read_batch(value["eventList"], source_file, place, into)
    event = value.get("event", value)
    read_event(event, source_file, place, into)
    return 1


def _read_batch(events: object, source_file: str, place: str, into: ReadEvents) -> int:
    try:
        found = checked_batch(events)
    except UnusableEventError as error:
        refused = events if isinstance(events, list) and events else [events]
        for number, event in enumerate(refused, 1):
            into.refuse(source_file, f"{place}, event {number}", str(error), event)
        return len(refused)
    for number, event in enumerate(found, 1):
        read_event(event, source_file, f"{place}, event {number}", into)
    return len(found)


def read_event(event: object, source_file: str, place: str, into: ReadEvents) -> None:
    """Add what one event says to `into`: rows, or the reason why there are none."""
    if not isinstance(event, dict):
        into.refuse(source_file, place, "The event is no object.", event)
        return
    at: datetime | None = None
    try:
        header = checked_header(event)
        at = epoch_moment(header["lastEpochMicrosec"], "lastEpochMicrosec")
        began = epoch_moment(header["startEpochMicrosec"], "startEpochMicrosec")
        fields = checked_section(event, header)
        take = _TAKERS.get(header["domain"], _take_nothing)
        take(_Sent(header, fields, source_file, place, at), began, into)
    except UnusableEventError as error:
        into.refuse(source_file, place, str(error), event, _sender(event), at)


def _sender(event: Event) -> str | None:
    header = event.get("commonEventHeader")
    name = header.get("sourceName") if isinstance(header, dict) else None
    return name if isinstance(name, str) else None


def _take_nothing(sent: _Sent, _began: datetime, _into: ReadEvents) -> None:
    raise UnusableEventError(f"No product takes domain {sent.header['domain']}.")


def _take_fault(sent: _Sent, began: datetime, into: ReadEvents) -> None:
    fields = sent.fields
    felt = severity(fields["eventSeverity"], "eventSeverity")
    told = "CLEARED" if felt == "CLEARED" else "CHANGED" if sent.at > began else "NEW"
    cause, problem = needed(fields, "alarmCondition"), needed(fields, "specificProblem")
    local = text(fields, "alarmInterfaceA")
    source = needed(sent.header, "sourceName")
    into.notifications.append(
        Notification(
            notified_at=sent.at,
            notification_id=f"{sent.source_file}#{sent.place}",
            # ITU-T X.733: object, cause and specific problem make one alarm.
            alarm_id="|".join((source, local or "", cause, problem)),
            managed_object_dn=object_dn(source, local),
            notification_type=told,
            alarm_type=alarm_type(fields.get("eventCategory")),
            probable_cause=cause,
            perceived_severity=felt,
            specific_problem=problem,
            reporting_entity=text(sent.header, "reportingEntityName"),
            received_at=_received_at(sent.header),
            additional_text=_additional_text(fields.get("alarmAdditionalInformation")),
            source_file=sent.source_file,
        )
    )


def _take_alert(sent: _Sent, _began: datetime, into: ReadEvents) -> None:
    fields = sent.fields
    action = fields["alertAction"]
    if not isinstance(action, str) or action not in _ALERTS:
        raise UnusableEventError(f"alertAction is {shown(action)}; it is SET, CONT or CLEAR.")
    source, kind = needed(sent.header, "sourceName"), needed(fields, "alertType")
    local = text(fields, "interfaceName")
    into.notifications.append(
        Notification(
            notified_at=sent.at,
            notification_id=f"{sent.source_file}#{sent.place}",
            alarm_id="|".join((source, local or "", kind, needed(sent.header, "eventId"))),
            managed_object_dn=object_dn(source, local),
            notification_type=_ALERTS[action],
            alarm_type="QUALITY_OF_SERVICE_ALARM",
            probable_cause="thresholdCrossed",
            perceived_severity=(
                "CLEARED" if action == "CLEAR" else severity(fields["eventSeverity"])
            ),
            specific_problem=needed(fields, "alertDescription"),
            reporting_entity=text(sent.header, "reportingEntityName"),
            received_at=_received_at(sent.header),
            additional_text=_additional_text(fields.get("additionalFields")),
            source_file=sent.source_file,
        )
    )


def _take_standard(sent: _Sent, _began: datetime, into: ReadEvents) -> None:
    if not text(sent.header, "stndDefinedNamespace"):
        raise UnusableEventError("stndDefinedNamespace is missing or empty.")
    data = sent.fields["data"]
    if not isinstance(data, dict) or not data:
        raise UnusableEventError("stndDefinedFields holds no data.")
    reference = text(sent.fields, "schemaReference")
    if reference is not None and not _SCHEMA_NAMES.search(reference):
        raise UnusableEventError(
            f"schemaReference is {shown(reference)}, which names no notification of faults."
        )
    around = Envelope(
        sent.source_file, sent.place, sent.element_dn, sent.at, _received_at(sent.header)
    )
    found = fault_notification(data, around)
    if found.reporting_entity is None:
        found = found._replace(reporting_entity=text(sent.header, "reportingEntityName"))
    into.notifications.append(found)


def _take_registration(sent: _Sent, _began: datetime, into: ReadEvents) -> None:
    told = {name: text(sent.fields, name) for name in _ATTRIBUTES}
    more = sent.fields.get("additionalFields")
    if isinstance(more, dict):
        told |= {str(name)[:100]: text(more, name) for name in more if name not in told}
    held = {name: value for name, value in told.items() if value is not None}
    if not held:
        raise UnusableEventError("pnfRegistrationFields tells no attribute.")
    dn = sent.element_dn
    into.attributes.extend(
        {
            "managed_object_dn": dn,
            "attribute": name,
            "valid_from": sent.at,
            "value": value,
            "source_file": sent.source_file,
        }
        for name, value in held.items()
    )


def _take_usage(sent: _Sent, _began: datetime, into: ReadEvents) -> None:
    usage, seconds = usage_row(sent.fields)
    into.measurements.append(
        {
            "managed_object_dn": sent.element_dn,
            "period_start": sent.at - timedelta(seconds=seconds),
            "granularity_s": seconds,
            "source_file": sent.source_file,
            **usage,
        }
    )


_TAKERS: dict[str, Callable[[_Sent, datetime, ReadEvents], None]] = {
    "fault": _take_fault,
    "thresholdCrossingAlert": _take_alert,
    "stndDefined": _take_standard,
    "pnfRegistration": _take_registration,
    "measurement": _take_usage,
    "measurementsForVfScaling": _take_usage,
}


def _received_at(header: Event) -> datetime | None:
    """Return when a collector took the event; None when it does not say so in a known form."""
    internal = header.get("internalHeaderFields")
    told = internal.get("collectorTimeStamp") if isinstance(internal, dict) else None
    if not isinstance(told, str):
        return None
    try:
        found = datetime.fromisoformat(told)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return next(_collected(told), None)


def _collected(told: str) -> Iterator[datetime]:
    for layout in _COLLECTED:
        try:
            yield datetime.strptime(told, layout).replace(tzinfo=UTC)
        except ValueError:
            continue


def _additional_text(held: object) -> str | None:
    """Return additional information, a map or a list of names and values, as one text."""
    pairs: list[str] = []
    if isinstance(held, dict):
        pairs = [f"{name}={held[name]}" for name in held]
    elif isinstance(held, list):
        fields = [item for item in held if isinstance(item, dict)]
        pairs = [f"{item.get('name')}={item.get('value')}" for item in fields]
    return text({"alarmAdditionalInformation": "; ".join(pairs)[:_LONGEST]},
                "alarmAdditionalInformation")  # fmt: skip
