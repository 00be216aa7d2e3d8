"""What deliveries of one kind of record gave: versions, what happened to them, and findings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.records.resource_values import Remark
from tasks.ingestion.records.resources import Resource, Unusable


@dataclass(frozen=True, slots=True)
class DeliveredRecords:
    """What one source delivered of changes or tickets.

    Attributes:
        versions: each delivered version, in order of delivery.
        events: changes of state, or updates.
        findings: what cannot be used.
    """

    versions: pl.DataFrame
    events: pl.DataFrame
    findings: pl.DataFrame


def frame_of(rows: Iterable[Mapping[str, Any]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return rows as a frame of a schema."""
    return pl.DataFrame(list(rows), schema=dict(schema), orient="row")


def resource_findings(
    resource: Resource, key: str | None, remarks: Iterable[Remark]
) -> list[dict[str, Any]]:
    """Return what is wrong with a resource, ready for the quarantine."""
    return [
        {
            "source_file": resource.file,
            "place": f"{resource.place} {remark.key}".strip(),
            "key": key,
            "reason": remark.reason,
            "content": remark.content,
        }
        for remark in remarks
    ]


def unusable_finding(found: Unusable) -> dict[str, Any]:
    """Return a file or place that cannot be used, ready for the quarantine."""
    return {
        "source_file": found.file,
        "place": found.place,
        "key": None,
        "reason": found.remark.reason,
        "content": found.remark.content,
    }


def findings_frame(findings: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return findings as a frame."""
    return frame_of(findings, FINDING_SCHEMA)
