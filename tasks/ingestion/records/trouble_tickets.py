"""Trouble tickets of TM Forum TMF621 become versions and updates, for `trouble_tickets`.

Any release's names are read: `statusChange` or `statusChangeHistory`, `changeDate` or
`statusChangeDate`. What people wrote is text, whatever it says.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from data_products.record_versions import VERSION_AT
from data_products.trouble_tickets.derive import DONE, UPDATE_SCHEMA, VERSION_SCHEMA
from tasks.ingestion.records.delivered_records import (
    DeliveredRecords,
    findings_frame,
    frame_of,
    resource_findings,
    unusable_finding,
)
from tasks.ingestion.records.resource_values import ResourceReader, object_dn, party_name
from tasks.ingestion.records.resources import Resource, Unusable, resources

_GROUPS = ("assignmentgroup", "assignment group", "assignee", "handler", "owner")
_STATES = {
    state.lower(): state
    for state in (
        "acknowledged", "rejected", "pending", "held", "inProgress", "cancelled", "closed",
        "resolved",
    )
} | {"in progress": "inProgress", "in_progress": "inProgress", "canceled": "cancelled"}  # fmt: skip


def trouble_tickets(folder: Path) -> DeliveredRecords:
    """Return what the folder's TMF621 documents say."""
    return read_tickets(resources(folder, "tmf621", "troubleTicket"))


def read_tickets(found: Iterable[Resource | Unusable]) -> DeliveredRecords:
    """Return what these resources say, in their order."""
    versions: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    findings: list[dict[str, Any]] = []
    for one in found:
        if isinstance(one, Unusable):
            findings.append(unusable_finding(one))
            continue
        reader = ResourceReader(one.content)
        ticket = reader.text("id", "externalId")
        if ticket is None:
            reader.note("id", "The trouble ticket has no id.", one.content)
        else:
            told = list(_updates(reader, ticket))
            versions.append(_version(reader, one, ticket, told))
            updates.extend(told)
        findings.extend(resource_findings(one, ticket, reader.remarks))
    return DeliveredRecords(
        frame_of(versions, VERSION_SCHEMA),
        frame_of(updates, UPDATE_SCHEMA),
        findings_frame(findings),
    )


def _version(
    reader: ResourceReader, resource: Resource, ticket: str, updates: list[dict[str, Any]]
) -> dict[str, Any]:
    objects, alarms = _entities(reader)
    state = _state(reader.text("status", "state"))
    return {
        "ticket_id": ticket,
        "opened_at": reader.time("creationDate", "creationTime"),
        "state": state,
        "severity": reader.text("severity"),
        "priority": reader.text("priority"),
        "category": reader.text("ticketType", "type"),
        "title": reader.text("name"),
        "description": reader.text("description"),
        "resolved_at": reader.time("resolutionDate"),
        "closed_at": None,
        "resolution": _resolution(reader, updates, state),
        "managed_object_dns": objects,
        "alarm_ids": alarms,
        "assignment_group": party_name(reader, _GROUPS),
        "source_file": resource.file,
        VERSION_AT: reader.time("lastUpdate", "lastUpdateDate", "statusChangeDate")
        or reader.time_of(resource.event_time, "eventTime"),
    }


def _state(told: str | None) -> str | None:
    """Return a state as TMF621 spells it; one that it does not know is left to the door."""
    return None if told is None else _STATES.get(told.lower(), told)


def _resolution(
    reader: ResourceReader, updates: list[dict[str, Any]], state: str | None
) -> str | None:
    if state not in DONE:
        return None
    said = [one["note"] for one in updates if one["state"] in DONE and one["note"] is not None]
    return said[-1] if said else reader.text("statusChangeReason")


def _entities(reader: ResourceReader) -> tuple[list[str] | None, list[str] | None]:
    objects: list[str] = []
    alarms: list[str] = []
    for part in reader.parts("relatedEntity", "relatedObject"):
        inner = part.get("entity")
        entity = inner if isinstance(inner, Mapping) else part
        kind = entity.get("@referredType") or entity.get("@type") or ""
        if "alarm" in str(kind).lower() or part.get("role") == "alarm":
            told = reader.text_of(entity.get("id"), "relatedEntity.id")
            alarms += [told] if told is not None else []
        else:
            named = object_dn(reader, entity)
            objects += [named] if named is not None else []
    return list(dict.fromkeys(objects)) or None, list(dict.fromkeys(alarms)) or None


def _updates(reader: ResourceReader, ticket: str) -> Iterator[dict[str, Any]]:
    for part in reader.parts("statusChange", "statusChangeHistory"):
        moment = reader.time_of(part.get("changeDate") or part.get("statusChangeDate"), "status")
        state = _state(reader.text_of(part.get("status"), "status"))
        reason = reader.text_of(
            part.get("changeReason") or part.get("statusChangeReason"), "reason"
        )
        if moment is None or state is None:
            reader.note("statusChange", "A change of state lacks its time or state.", part)
        else:
            yield _update(ticket, moment, state, None, reason)
    for part in reader.parts("note"):
        moment = reader.time_of(part.get("date"), "note.date")
        author = reader.text_of(part.get("author"), "note.author")
        text = reader.text_of(part.get("text"), "note.text")
        if moment is None:
            reader.note("note", "A note lacks its time.", part)
        elif text is not None:
            yield _update(ticket, moment, None, author, text)


def _update(
    ticket: str, moment: object, state: str | None, author: str | None, note: str | None
) -> dict[str, Any]:
    return {
        "ticket_id": ticket,
        "updated_at": moment,
        "update_number": None,
        "state": state,
        "changed_by": author,
        "note": note,
    }
