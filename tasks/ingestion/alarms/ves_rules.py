"""What an event of the VES common event format must hold, by version of the format.

Versions 4 (CommonEventFormat 27), 5 (28) and 7 (30) differ in required fields, domains and the
type of their version fields. Fields beyond the format are let pass: an alarm is worth more than
a tidy envelope.

Source: the schemas CommonEventFormat 27.2, 28.4.1 and 30.2.1 of the ONAP VES event listener.
"""

import ipaddress
from dataclasses import dataclass
from typing import Any

from tasks.ingestion.alarms.notifications import UnusableEventError, shown

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """The part of an event that its domain has to itself.

    Attributes:
        name: its key in the event.
        required: fields that it must have, in each version.
        version: its own version field, which versions 5 and 7 must have.
        is_required: an event of the domain must have the section.
    """

    name: str
    required: tuple[str, ...] = ()
    version: str = ""
    is_required: bool = True


_HEADER = (
    "domain", "eventId", "lastEpochMicrosec", "priority", "reportingEntityName", "sequence",
    "sourceName", "startEpochMicrosec",
)  # fmt: skip
_HEADER_OF: dict[int, tuple[str, ...]] = {
    4: (*_HEADER, "functionalRole"),
    5: (*_HEADER, "eventName", "version"),
    7: (*_HEADER, "eventName", "version", "vesEventListenerVersion"),
}
_PRIORITIES = ("High", "Medium", "Normal", "Low")
_VERSIONS = ("4.0", "4.0.1", "4.1")
_LISTENERS = ("7.0", "7.0.1", "7.1", "7.1.1", "7.2", "7.2.1")
_SEVERITIES = ("CRITICAL", "MAJOR", "MINOR", "WARNING", "NORMAL")
_OLD = ("fault", "heartbeat", "measurementsForVfScaling", "mobileFlow", "other", "stateChange",
        "syslog", "thresholdCrossingAlert")  # fmt: skip
_NEW = ("fault", "heartbeat", "measurement", "mobileFlow", "notification", "other", "perf3gpp",
        "pnfRegistration", "sipSignaling", "stateChange", "stndDefined", "syslog",
        "thresholdCrossingAlert", "voiceQuality")  # fmt: skip
_DOMAINS: dict[int, tuple[str, ...]] = {
    4: _OLD,
    5: (*_OLD, "sipSignaling", "voiceQuality"),
    7: _NEW,
}

SECTIONS: dict[str, Section] = {
    "fault": Section(
        "faultFields",
        ("alarmCondition", "eventSeverity", "eventSourceType", "specificProblem", "vfStatus"),
        "faultFieldsVersion",
    ),
    "heartbeat": Section(
        "heartbeatFields", ("heartbeatInterval",), "heartbeatFieldsVersion", is_required=False
    ),
    "measurementsForVfScaling": Section(
        "measurementsForVfScalingFields", ("measurementInterval",),
        "measurementsForVfScalingVersion",
    ),
    "measurement": Section(
        "measurementFields", ("measurementInterval",), "measurementFieldsVersion"
    ),
    "mobileFlow": Section("mobileFlowFields", (), "mobileFlowFieldsVersion"),
    "notification": Section(
        "notificationFields", ("changeIdentifier", "changeType"), "notificationFieldsVersion"
    ),
    "other": Section("otherFields", (), "otherFieldsVersion", is_required=False),
    "perf3gpp": Section("perf3gppFields", ("measDataCollection",), "perf3gppFieldsVersion"),
    "pnfRegistration": Section("pnfRegistrationFields", (), "pnfRegistrationFieldsVersion"),
    "sipSignaling": Section("sipSignalingFields", (), "sipSignalingFieldsVersion"),
    "stateChange": Section(
        "stateChangeFields", ("newState", "oldState", "stateInterface"), "stateChangeFieldsVersion"
    ),
    "stndDefined": Section("stndDefinedFields", ("data",), "stndDefinedFieldsVersion"),
    "syslog": Section(
        "syslogFields", ("eventSourceType", "syslogMsg", "syslogTag"), "syslogFieldsVersion"
    ),
    "thresholdCrossingAlert": Section(
        "thresholdCrossingAlertFields",
        ("additionalParameters", "alertAction", "alertDescription", "alertType",
         "collectionTimestamp", "eventSeverity", "eventStartTimestamp"),
        "thresholdCrossingFieldsVersion",
    ),
    "voiceQuality": Section("voiceQualityFields", (), "voiceQualityFieldsVersion"),
}  # fmt: skip


def checked_header(event: Event) -> Event:
    """Return the event's header.

    Raises:
        UnusableEventError: there is none, or it lacks something or holds it in another form.
    """
    header = event.get("commonEventHeader")
    if not isinstance(header, dict):
        raise UnusableEventError("The event has no commonEventHeader.")
    version = format_version(header)
    _require(header, _HEADER_OF[version], "commonEventHeader")
    _one_of(header, "domain", _DOMAINS[version])
    _one_of(header, "priority", _PRIORITIES)
    for name in ("eventId", "sourceName", "reportingEntityName"):
        if not isinstance(header[name], str):
            raise UnusableEventError(f"{name} is {shown(header[name])}, which is no text.")
    if not isinstance(header["sequence"], int) or isinstance(header["sequence"], bool):
        raise UnusableEventError(f"sequence is {shown(header['sequence'])}, which is no integer.")
    if version == 7:
        _one_of(header, "version", _VERSIONS)
        _one_of(header, "vesEventListenerVersion", _LISTENERS)
    return header


def checked_section(event: Event, header: Event) -> Event:
    """Return the part of the event that its domain has to itself; empty when it may be missing.

    Raises:
        UnusableEventError: it is missing, or lacks something or holds it in another form.
    """
    section = SECTIONS[header["domain"]]
    fields = event.get(section.name)
    if fields is None and not section.is_required:
        return {}
    if not isinstance(fields, dict):
        raise UnusableEventError(f"The event has no {section.name}, which its domain demands.")
    version = format_version(header)
    own = (section.version,) if version > 4 and section.version else ()
    _require(fields, (*section.required, *own), section.name)
    if "eventSeverity" in section.required:
        _one_of(fields, "eventSeverity", _SEVERITIES)
    if header["domain"] == "pnfRegistration":
        _check_addresses(fields)
    return fields


def format_version(header: Event) -> int:
    """Return the version of the format that the header is written in: 4, 5 or 7."""
    told = header.get("version")
    if isinstance(told, str) or (told is None and "vesEventListenerVersion" in header):
        return 7
    if "functionalRole" in header or (isinstance(told, int | float) and told < 2):
        return 4
    return 5


def checked_batch(events: object) -> list[Any]:
    """Return the events of a batch.

    Raises:
        UnusableEventError: it is no list, is empty, or mixes namespaces of standards.
    """
    if not isinstance(events, list) or not events:
        raise UnusableEventError("eventList is no list of events.")
    namespaces = {
        event["commonEventHeader"].get("stndDefinedNamespace")
        for event in events
        if isinstance(event, dict) and isinstance(event.get("commonEventHeader"), dict)
        and event["commonEventHeader"].get("domain") == "stndDefined"
        and isinstance(event["commonEventHeader"].get("stndDefinedNamespace"), str)
    }  # fmt: skip
    if len(namespaces) > 1:
        raise UnusableEventError(
            f"The batch mixes the namespaces {', '.join(sorted(map(shown, namespaces)))}; "
            "a batch holds events of one."
        )
    return events


def _require(fields: Event, names: tuple[str, ...], where: str) -> None:
    missing = [name for name in names if fields.get(name) is None]
    if missing:
        raise UnusableEventError(f"{where} lacks {', '.join(missing)}.")


def _one_of(fields: Event, name: str, allowed: tuple[str, ...]) -> None:
    if fields[name] not in allowed:
        raise UnusableEventError(f"{name} is {shown(fields[name])}; it is {' or '.join(allowed)}.")


def _check_addresses(fields: Event) -> None:
    for name, kind in (("oamV4IpAddress", 4), ("oamV6IpAddress", 6)):
        address = fields.get(name)
        if address is None:
            continue
        if not isinstance(address, str) or not _is_address(address, kind):
            raise UnusableEventError(f"{name} is {shown(address)}, which is no IPv{kind} address.")


def _is_address(address: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(address).version == version
    except ValueError:
        return False
