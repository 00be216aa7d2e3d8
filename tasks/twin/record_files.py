"""Writes what the sample network's people would deliver: changes, tickets and documents."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.twin.change_requests import change_versions
from tasks.twin.faults import Fault
from tasks.twin.layout import Network
from tasks.twin.operations_texts import operations_documents
from tasks.twin.planned_changes import PlannedChange
from tasks.twin.traffic import Season
from tasks.twin.trouble_tickets import ticket_versions


def write_records(
    network: Network,
    changes: Sequence[PlannedChange],
    faults: Sequence[Fault],
    calendar: Season,
    seed: int,
    folder: Path,
) -> dict[str, int]:
    """Write `changes`, `tickets` and `documents` under a folder of deliveries, and count them.

    Changes and tickets are TMF655 and TMF621 JSON, a file a day of what was new on it; what was new
    before the run stands in the file of its own day.
    """
    requests = change_versions(network, changes, faults, calendar, seed)
    tickets = ticket_versions(network, faults, calendar, seed)
    documents = operations_documents(network, faults, calendar, seed)
    _write_days(requests, folder / "changes", "changes")
    _write_days(tickets, folder / "tickets", "tickets")
    for name, text in documents.items():
        path = folder / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {
        "change_requests": len({request["id"] for _, request in requests}),
        "trouble_tickets": len({ticket["id"] for _, ticket in tickets}),
        "documents": len(documents),
    }


def _write_days(
    versions: Iterable[tuple[datetime, dict[str, Any]]], folder: Path, name: str
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    days: dict[str, list[dict[str, Any]]] = {}
    for moment, version in versions:
        days.setdefault(f"{moment:%Y-%m-%d}", []).append(version)
    for day, told in days.items():
        text = json.dumps(told, indent=1) + "\n"
        (folder / f"{name}-{day}.json").write_text(text, encoding="utf-8")
