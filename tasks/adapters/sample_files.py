"""The files by which the sample network and its gateway speak: what is reported, what was written.

Below `live`: `configuration.json` is the network as planned, `now.json` its time and how it
departs from the plan, and `writes.ndjson` what has been written to it. `now.json` is replaced
whole, so time and report always agree. Writes are only appended, by one process at a time, and a
line that a crash cut off counts as never written.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from semantic_layer.errors import InputError
from semantic_layer.periods import floor_to
from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import Operation

Told = tuple[str, dict[str, Any]]
"""Class and attributes of an object."""


@dataclass(frozen=True, slots=True)
class StandingWrite:
    """One write that the network took.

    Attributes:
        number: 1 for the first.
        at: the network's time. Saving of energy acts from then on, all else from the period that
            begins then or next after it.
        before: what stood; null for what did not exist.
    """

    number: int
    at: datetime
    operation: Operation
    before: JsonValue


@dataclass(frozen=True, slots=True)
class LiveReport:
    """What the network says of itself.

    Attributes:
        now: its time, a whole minute.
        writes: how many writes the report holds already: those of the quarters counted.
        departures: objects that are not as planned, by DN; None for one that is missing; as they
            were when the last quarter of an hour ended.
    """

    now: datetime
    writes: int
    departures: Mapping[str, Told | None]

    @property
    def counted_until(self) -> datetime:
        """The end of the last quarter of an hour that has been counted and delivered."""
        return floor_to(self.now, "15min")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time write to a sample network, or let time pass in it.

    Args:
        folder: of the network; the death of a process lets the next in.
    """
    with (folder / "live" / ".lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def planned_path(folder: Path) -> Path:
    """Return the file of the network as planned."""
    return folder / "live" / "configuration.json"


def report_path(folder: Path) -> Path:
    """Return the file of the network's time and departures."""
    return folder / "live" / "now.json"


def journal_path(folder: Path) -> Path:
    """Return the file of writes."""
    return folder / "live" / "writes.ndjson"


def read_planned(folder: Path) -> dict[str, Told]:
    """Return every object as planned, by DN."""
    told = json.loads(planned_path(folder).read_text("utf-8"))
    return {dn: (name, attributes) for dn, (name, attributes) in told.items()}


def write_planned(folder: Path, objects: Mapping[str, Told]) -> None:
    """Write every object as planned."""
    replace_text(planned_path(folder), json.dumps(objects, separators=(",", ":")))


def read_report(folder: Path) -> LiveReport:
    """Return what the network says of itself."""
    told = json.loads(report_path(folder).read_text("utf-8"))
    departures = {
        dn: None if one is None else (one[0], one[1]) for dn, one in told["departures"].items()
    }
    return LiveReport(datetime.fromisoformat(told["now"]), told["writes"], departures)


def write_report(folder: Path, report: LiveReport) -> None:
    """Replace what the network says of itself, whole."""
    told = {
        "now": report.now.isoformat(),
        "writes": report.writes,
        "departures": dict(sorted(report.departures.items())),
    }
    replace_text(report_path(folder), json.dumps(told, separators=(",", ":")))


def read_writes(folder: Path) -> list[StandingWrite]:
    """Return all writes, oldest first; a line that was cut off is none.

    Raises:
        InputError: a whole line is no write.
    """
    path = journal_path(folder)
    if not path.is_file():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [_standing_write(line, path) for line in whole.splitlines()]


def append_write(folder: Path, at: datetime, operation: Operation, before: JsonValue) -> None:
    """Add a write, durably, before this returns; call it inside `alone_in`."""
    path = journal_path(folder)
    number = len(read_writes(folder)) + 1
    told = {
        "number": number,
        "at": at.isoformat(),
        "operation": operation.to_json(),
        "before": before,
    }
    line = json.dumps(told, separators=(",", ":")).encode() + b"\n"
    with path.open("ab") as journal:
        journal.truncate(_whole_bytes(path))
        journal.write(line)
        journal.flush()
        os.fsync(journal.fileno())


def replace_text(path: Path, text: str) -> None:
    """Replace a file whole: who reads it finds the old text or the new one."""
    half = path.with_name(f".{path.name}.half")
    with half.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def _whole_bytes(path: Path) -> int:
    """Return how long a journal is without a last line that was cut off."""
    whole, newline, _ = path.read_bytes().rpartition(b"\n")
    return len(whole) + len(newline)


def _standing_write(line: bytes, path: Path) -> StandingWrite:
    try:
        told = json.loads(line)
        operation = Operation.from_json(told["operation"])
        at = datetime.fromisoformat(told["at"])
        return StandingWrite(int(told["number"]), at, operation, told["before"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} has a line that is no write: {line[:80]!r}; restore the file, or remove the "
            "sample network's folder to begin anew."
        ) from error
