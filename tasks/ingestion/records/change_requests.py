"""Change requests of TM Forum TMF655 become versions of changes, for `change_history`.

Any release's names are read: `requestDate`, `plannedStartTime`, `actualStartTime`, `status`,
`statusChangeDate`, `lastUpdateDate`, `targetEntity`, `impactEntity`. What is set, from what to
what, is read from `characteristic`, each `{"name": ..., "value": {"valueBefore", "valueAfter"}}`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data_products.change_history.derive import STATE_SCHEMA, VERSION_SCHEMA
from data_products.record_versions import VERSION_AT
from tasks.ingestion.records.delivered_records import (
    DeliveredRecords,
    findings_frame,
    frame_of,
    resource_findings,
    unusable_finding,
)
from tasks.ingestion.records.resource_values import (
    ResourceReader,
    object_dn,
    party_name,
    shown,
)
from tasks.ingestion.records.resources import Resource, Unusable, resources

_REQUESTERS = ("requester", "requestor", "originator", "initiator", "submitter")


def change_requests(folder: Path) -> DeliveredRecords:
    """Return what the folder's TMF655 documents say."""
    return read_changes(resources(folder, "tmf655", "changeRequest"))


def read_changes(found: Iterable[Resource | Unusable]) -> DeliveredRecords:
    """Return what these resources say, in their order."""
    versions: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    findings: list[dict[str, Any]] = []
    for one in found:
        if isinstance(one, Unusable):
            findings.append(unusable_finding(one))
            continue
        reader = ResourceReader(one.content)
        version = _version(reader, one)
        if version["change_id"] is None:
            reader.note("id", "The change request has no id.", one.content)
        else:
            versions.append(version)
            states.extend(_states(reader, version))
        findings.extend(resource_findings(one, version["change_id"], reader.remarks))
    return DeliveredRecords(
        frame_of(versions, VERSION_SCHEMA),
        frame_of(states, STATE_SCHEMA),
        findings_frame(findings),
    )


def _version(reader: ResourceReader, resource: Resource) -> dict[str, Any]:
    return {
        "change_id": reader.text("id", "externalId"),
        "requested_at": reader.time("requestDate", "creationDate"),
        "title": reader.text("name", "title"),
        "description": reader.text("description"),
        "change_type": reader.text("requestType"),
        "state": reader.text("status", "state"),
        "risk": reader.text("risk"),
        "impact": reader.text("impact"),
        "planned_start": reader.time("plannedStartTime", "scheduledDate"),
        "planned_end": reader.time("plannedEndTime"),
        "actual_start": reader.time("actualStartTime"),
        "actual_end": reader.time("actualEndTime", "completionDate"),
        "managed_object_dns": _objects(reader),
        "parameters": _parameters(reader),
        "requester": party_name(reader, _REQUESTERS),
        "source_file": resource.file,
        VERSION_AT: reader.time("lastUpdateDate", "lastUpdate", "statusChangeDate")
        or reader.time_of(resource.event_time, "eventTime"),
    }


def _objects(reader: ResourceReader) -> list[str] | None:
    told = [object_dn(reader, _entity(part)) for part in reader.parts("targetEntity")]
    told += [object_dn(reader, _entity(part)) for part in reader.parts("impactEntity")]
    named = list(dict.fromkeys(dn for dn in told if dn is not None))
    return named or None


def _entity(part: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = part.get("entity")
    return inner if isinstance(inner, Mapping) else part


def _parameters(reader: ResourceReader) -> list[dict[str, str | None]] | None:
    specified = [part for spec in reader.parts("specification") for part in _listed(spec)]
    found = []
    for part in [*reader.parts("characteristic", "changeRequestCharacteristic"), *specified]:
        attribute = reader.text_of(part.get("name"), "characteristic.name")
        value = part.get("value")
        values = value if isinstance(value, Mapping) else {"valueAfter": value}
        if attribute is None:
            reader.note("characteristic", "A characteristic has no name.", part)
            continue
        found.append(
            {
                "attribute": attribute,
                "value_before": _scalar(values.get("valueBefore")),
                "value_after": _scalar(values.get("valueAfter", values.get("value"))),
            }
        )
    return found or None


def _listed(specification: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = specification.get("characteristic")
    return [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []


def _scalar(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else shown(value)


def _states(reader: ResourceReader, version: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the states that a version lists, or the one that it is in, if it says since when."""
    told = [
        {
            "change_id": version["change_id"],
            "changed_at": reader.time_of(
                part.get("changeDate") or part.get("statusChangeDate"), "statusChange"
            ),
            "state": reader.text_of(part.get("status"), "statusChange"),
            "reason": reader.text_of(
                part.get("changeReason") or part.get("statusChangeReason"), "statusChange"
            ),
            "source_file": version["source_file"],
        }
        for part in reader.parts("statusChange", "statusChangeHistory")
    ]
    own = {
        "change_id": version["change_id"],
        "changed_at": reader.time("statusChangeDate"),
        "state": version["state"],
        "reason": reader.text("statusChangeReason"),
        "source_file": version["source_file"],
    }
    whole = [state for state in told if state["changed_at"] and state["state"]]
    if len(whole) < len(told):
        lost = len(told) - len(whole)
        reason = f"{lost} changes of state lack their time or state."
        reader.note("statusChange", reason, reader.resource.get("statusChange"))
    return [*whole, own] if own["changed_at"] and own["state"] else whole
