"""Readers of alarms, changes and tickets: JSON that people's systems send."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from data_products.alarms.derive import derive, with_definitions
from data_products.registry import table
from semantic_layer.loading import catalogue
from tasks.ingestion.alarms import notifications
from tasks.ingestion.alarms.alarm_files import read_alarm_file
from tasks.ingestion.alarms.delivered_alarms import ATTRIBUTE_SCHEMA
from tasks.ingestion.alarms.notifications import (
    ReadEvents,
    UnusableEventError,
    finding_frame,
    notification_frame,
)
from tasks.ingestion.delivered_documents import document_kind
from tasks.ingestion.records.change_requests import read_changes
from tasks.ingestion.records.delivered_records import DeliveredRecords
from tasks.ingestion.records.record_states import changes_as_told, tickets_as_told
from tasks.ingestion.records.resources import resources_of
from tasks.ingestion.records.trouble_tickets import read_tickets
from tests.fuzzing.seeds import real, texts, village
from tests.fuzzing.target import Outcome, Target, must
from tests.tasks.ingestion.written import DAY

_HEADER = {
    "version": "4.1", "vesEventListenerVersion": "7.2.1", "domain": "fault", "eventId": "f1",
    "eventName": "Fault_gNB", "sequence": 0, "priority": "High", "sourceName": "ManagedElement=7",
    "reportingEntityName": "collector", "startEpochMicrosec": 1767614400000000,
    "lastEpochMicrosec": 1767614400000000, "timeZoneOffset": "UTC+00:00",
}  # fmt: skip
_FAULT = {
    "faultFieldsVersion": "4.0", "alarmCondition": "lossOfSignal", "eventSeverity": "MAJOR",
    "specificProblem": "Loss of signal", "eventSourceType": "port", "vfStatus": "Active",
    "alarmInterfaceA": "Interface=3", "eventCategory": "COMMUNICATIONS_ALARM",
    "alarmAdditionalInformation": {"a": "b"},
}  # fmt: skip
_USAGE = {
    "measurementFieldsVersion": "4.0", "measurementInterval": 900,
    "cpuUsageArray": [{"cpuIdentifier": "all", "percentUsage": 12.5}],
    "memoryUsageArray": [{"vmIdentifier": "v", "memoryUsed": 1, "memoryConfigured": 2}],
}  # fmt: skip
_REGISTRATION = {"pnfRegistrationFieldsVersion": "2.1", "vendorName": "Acme", "serialNumber": "1"}
_NOTIFICATION = {
    "notificationType": "notifyNewAlarm", "alarmId": "a1", "alarmType": "EQUIPMENT_ALARM",
    "objectInstance": "SubNetwork=1,ManagedElement=7", "notificationId": 1,
    "eventTime": "2026-01-05T12:00:00Z", "systemDN": "DC=1", "probableCause": "powerProblem",
    "perceivedSeverity": "CRITICAL", "specificProblem": "Mains failure",
    "trendIndication": "NO_CHANGE",
}  # fmt: skip
_RECORD = {
    "alarmId": "a1", "objectInstance": "SubNetwork=1,ManagedElement=7", "notificationId": 1,
    "alarmRaisedTime": "2026-01-05T12:00:00Z", "alarmChangedTime": "2026-01-05T12:05:00Z",
    "alarmClearedTime": "2026-01-05T12:10:00Z", "alarmType": "EQUIPMENT_ALARM",
    "probableCause": "powerProblem", "perceivedSeverity": "CLEARED",
    "ackTime": "2026-01-05T12:07:00Z",
    "ackState": "ACKNOWLEDGED",
}  # fmt: skip
_TMF642 = {
    "@type": "Alarm", "id": "t1", "alarmType": "equipmentAlarm", "perceivedSeverity": "major",
    "probableCause": "powerProblem", "specificProblem": "Mains failure", "state": "raised",
    "alarmedObject": {"id": "SubNetwork=1,ManagedElement=7"}, "sourceSystemId": "s",
    "alarmRaisedTime": "2026-01-05T12:00:00Z", "alarmClearedTime": "2026-01-05T13:00:00Z",
}  # fmt: skip
_CHANGE = {
    "@type": "ChangeRequest", "id": "c1", "name": "Tilt", "description": "d",
    "requestType": "normal",
    "requestDate": "2026-01-05T08:00:00Z", "plannedStartTime": "2026-01-05T10:00:00Z",
    "plannedEndTime": "2026-01-05T11:00:00Z", "status": "closed", "risk": "low", "impact": "3",
    "statusChangeDate": "2026-01-05T11:00:00Z", "lastUpdateDate": "2026-01-05T11:00:00Z",
    "targetEntity": [{"id": "SubNetwork=1,ManagedElement=7", "@referredType": "ManagedElement"}],
    "characteristic": [{"name": "digitalTilt", "value": {"valueBefore": 2, "valueAfter": 4}}],
    "relatedParty": [{"role": "requester", "name": "Ada"}],
    "actualStartTime": "2026-01-05T10:01:00Z",
    "statusChangeHistory": [{"status": "planned", "changeDate": "2026-01-05T09:00:00Z"}],
}  # fmt: skip
_TICKET = {
    "@type": "TroubleTicket", "id": "t1", "creationDate": "2026-01-05T08:00:00Z",
    "status": "resolved",
    "severity": "major", "priority": "1", "ticketType": "fault", "name": "Cell down",
    "description": "d",
    "resolutionDate": "2026-01-05T11:00:00Z", "lastUpdate": "2026-01-05T11:00:00Z",
    "statusChange": [{"status": "acknowledged", "changeDate": "2026-01-05T08:05:00Z"},
                     {"status": "resolved", "changeDate": "2026-01-05T11:00:00Z",
                      "changeReason": "x"}],
    "note": [{"author": "Ada", "date": "2026-01-05T09:00:00Z", "text": "looked"}],
    "relatedEntity": [{"id": "ManagedElement=7", "@referredType": "ManagedElement"},
                      {"id": "a1", "@referredType": "Alarm", "role": "alarm"}],
    "relatedParty": [{"role": "assignmentGroup", "name": "RAN"}],
}  # fmt: skip


def _event(domain: str, section: str, fields: object) -> dict[str, Any]:
    return {"commonEventHeader": _HEADER | {"domain": domain}, section: fields}


def _ves() -> list[bytes]:
    events = [
        _event("fault", "faultFields", _FAULT),
        _event("measurement", "measurementFields", _USAGE),
        _event("pnfRegistration", "pnfRegistrationFields", _REGISTRATION),
        _event("stndDefined", "stndDefinedFields",
               {"stndDefinedFieldsVersion": "1.0", "data": _NOTIFICATION}),
    ]  # fmt: skip
    events[3]["commonEventHeader"] |= {"stndDefinedNamespace": "3GPP-FaultSupervision"}
    told = [*({"event": event} for event in events), {"eventList": events}, [{"event": events[0]}]]
    return [
        *texts(map(json.dumps, told)),
        *village("**/alarms-ves*.json"),
        *real("ves_events/**/*.json"),
    ]


def _listed(*told: dict[str, Any]) -> list[bytes]:
    return texts(
        map(json.dumps, [*told, list(told), {"x": told[0]}, {"event": {"alarm": told[0]}}])
    )


def read_alarms(data: bytes, folder: Path) -> Outcome:
    """Read a file of alarms, whichever format, and make alarms of what it says."""
    path = folder / "a.json"
    path.write_bytes(data)
    document_kind(path)
    read = read_alarm_file(path, "a.json")
    frame = notification_frame(read.notifications)
    findings = finding_frame(read.findings)
    pl.DataFrame(read.attributes, schema=ATTRIBUTE_SCHEMA)
    if read.measurements:
        pl.DataFrame(read.measurements)
    if frame.height:
        named = with_definitions(frame, catalogue())
        must(named.height == frame.height, "Definitions lose or double notifications.")
        derived = derive(named.with_columns(pl.lit("f").alias("source")), catalogue())
        lost = frame.join(derived, on=["alarm_id", "managed_object_dn"], how="anti")
        must(lost.is_empty(), "A notification made no alarm.")
    _check_places(data, read)
    told = frame.height + len(read.attributes) + len(read.measurements)
    must(findings.height == len(read.findings), "A finding was lost.")
    return Outcome(told, findings.height)


def _check_places(data: bytes, read: ReadEvents) -> None:
    items = _events_of(data)
    if items is None:
        return
    places = {
        told.notification_id.partition("#")[2].partition(",, ")[0] for told in read.notifications
    }
    whole = len(places) + len(read.findings) + len(read.measurements) + len(read.attributes)
    must(whole >= len(items), f"Of {len(items)} events {whole} are told or found fault with.")


def _events_of(data: bytes) -> list[Any] | None:
    """Return the events of a document that is one JSON value; None where it is none."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return None
    found = []
    for value in whole if isinstance(whole, list) else [whole]:
        inner = value.get("eventList") if isinstance(value, dict) else None
        found.extend(inner if isinstance(inner, list) and inner else [value])
    return found


def read_alarm_values(data: bytes, _folder: Path) -> Outcome:
    """Read single values of an alarm: times, numbers, severities, names."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = data.decode(errors="surrogateescape")
    readers = [
        lambda: notifications.moment(value, "t"),
        lambda: notifications.epoch_moment(value, "t"),
        lambda: notifications.severity(value),
        lambda: notifications.alarm_type(value),
        lambda: notifications.text({"a": value}, "a"),
        lambda: notifications.needed({"a": value}, "a"),
        lambda: notifications.moment_or_none({"a": value}, "a"),
        lambda: notifications.object_dn(value) if isinstance(value, str) and value else None,
        lambda: notifications.object_dn("7", value) if isinstance(value, str) else None,
        lambda: notifications.content_text(value),
    ]
    told = faults = 0
    for read in readers:
        try:
            told += read() is not None
        except UnusableEventError as error:
            must(bool(str(error)), "An error says nothing.")
            faults += 1
    return Outcome(told, faults)


def read_change_requests(data: bytes, folder: Path) -> Outcome:
    """Read changes and make states and rows of them."""
    read = _resources(data, folder, "changeRequest", read_changes)
    nothing = pl.DataFrame(schema=table("change_history").schema)
    states = pl.DataFrame(schema=table("change_history.states").schema)
    told = changes_as_told(read, nothing, states, DAY.end)
    _check_ids(read, told["change_history"], "change_id", "requested_at")
    return Outcome(read.versions.height, read.findings.height)


def read_trouble_tickets(data: bytes, folder: Path) -> Outcome:
    """Read tickets and make updates and rows of them."""
    read = _resources(data, folder, "troubleTicket", read_tickets)
    nothing = pl.DataFrame(schema=table("trouble_tickets").schema)
    updates = pl.DataFrame(schema=table("trouble_tickets.updates").schema)
    told = tickets_as_told(read, nothing, updates, DAY.end)
    _check_ids(read, told["trouble_tickets"], "ticket_id", "opened_at")
    return Outcome(read.versions.height, read.findings.height)


def _resources(data: bytes, folder: Path, name: str, read: Any) -> DeliveredRecords:
    path = folder / "r.json"
    path.write_bytes(data)
    document_kind(path)
    found: DeliveredRecords = read(resources_of(path, "r.json", name))
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return found
    items = _leaves(whole if isinstance(whole, list) else [whole])
    known = found.versions.height + found.findings.height
    must(known >= items, f"Of {items} resources {known} are told or found fault with.")
    return found


def _leaves(values: Iterable[Any]) -> int:
    return sum(not isinstance(value, list) or bool(value) for value in values)


def _check_ids(
    read: DeliveredRecords, told: tuple[pl.DataFrame, pl.DataFrame], key: str, start: str
) -> None:
    rows, findings = told
    known = Counter([*rows[key], *findings["key"].drop_nulls()])
    begun = read.versions.filter(pl.col(start).is_null() | (pl.col(start) < DAY.end))
    # A version without its start may belong to a record that has not begun yet.
    later = set(read.versions.filter(pl.col(start) >= DAY.end)[key])
    lost = [name for name in begun[key].unique() if name not in known and name not in later]
    must(not lost, f"Neither a row nor a finding says {lost[:3]}.")


_VES_WORDS = (
    *_HEADER, *_FAULT, *_USAGE, "commonEventHeader", "eventList", "event", "faultFields",
    "heartbeat",
    "measurementFields", "measurementsForVfScalingFields", "pnfRegistrationFields", "stndDefined",
    "thresholdCrossingAlert", "thresholdCrossingAlertFields", "alertAction", "CLEAR", "SET",
    "NORMAL",
    "1.0.1", "7.2", "CRITICAL",
)  # fmt: skip
_FAULT_WORDS = (
    *_NOTIFICATION, *_RECORD, "notifyClearedAlarm", "notifyChangedAlarm", "notifyAckStateChanged",
    "notifyComments", "CLEARED", "INDETERMINATE", "MORE_SEVERE",
)  # fmt: skip
_TMF_WORDS = (*_TMF642, "AlarmCreateEvent", "AlarmStateChangeEvent", "event", "eventType",
              "eventTime",
              "alarm", "href", "cleared", "acknowledged", "ackState")  # fmt: skip

ALARM_TARGETS = (
    Target("ves", "json", read_alarms, _ves, _VES_WORDS),
    Target("alarm_records", "json", read_alarms,
           lambda: [*_listed(_NOTIFICATION, _RECORD), *village("**/alarms-records*.json")],
           _FAULT_WORDS),
    Target("tmf642", "json", read_alarms,
           lambda: [*_listed(_TMF642), *village("**/alarms-tmf642*.json")], _TMF_WORDS),
    Target("alarm_values", "json", read_alarm_values,
           lambda: texts(['"2026-01-05T12:00:00Z"', "1767614400000000", '"MAJOR"',
                          '"ManagedElement=7"',
                          '"equipmentAlarm"', "1.5e300", "true", '""', "{}"]), longest=400),
    Target("tmf655", "json", read_change_requests,
           lambda: [*_listed(_CHANGE), *village("**/*change*.json")], (*_CHANGE, "changeRequest",
                                                                       "eventTime")),
    Target("tmf621", "json", read_trouble_tickets,
           lambda: [*_listed(_TICKET), *village("**/*ticket*.json")], (*_TICKET, "troubleTicket",
                                                                       "eventTime")),
)  # fmt: skip
