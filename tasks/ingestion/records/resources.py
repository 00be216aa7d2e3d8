"""The TM Forum resources of delivered files: alone, listed, one a line, or inside of events."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError
from tasks.ingestion.delivered_documents import DocumentKind, delivered_documents
from tasks.ingestion.delivered_json import BrokenJson, json_values
from tasks.ingestion.records.resource_values import Remark, shown

LIMITS = ReadingLimits(file_bytes=256 << 20)
_DEPTH = 4
_WHOLE = 4_000
_EVENT_KEYS = ("event", "eventTime")


@dataclass(frozen=True, slots=True)
class Resource:
    """One delivered version of a resource: where it stands, and when an event told it."""

    file: str
    place: str
    content: Mapping[str, Any]
    event_time: object = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file, a place in it, or a resource that cannot be used."""

    file: str
    place: str
    remark: Remark


def resources(folder: Path, kind: DocumentKind, name: str) -> Iterator[Resource | Unusable]:
    """Yield the resources that the folder's documents of a kind hold, by file name and place.

    Args:
        folder: of deliveries.
        kind: of documents, such as `tmf655`.
        name: under which an event carries the resource, such as `changeRequest`.
    """
    for document in delivered_documents(folder, [kind]):
        yield from resources_of(document.path, document.path.relative_to(folder).as_posix(), name)


def resources_of(path: Path, file: str, name: str) -> Iterator[Resource | Unusable]:
    """Yield the resources of one file; `file` is what it is called in findings."""
    try:
        for found in json_values(path, LIMITS):
            if isinstance(found, BrokenJson):
                remark = Remark("", found.reason, found.content)
                yield Unusable(file, found.place, remark)
            elif found.has_doubled_keys:
                reason = "A key stands twice in an object, so nobody knows which value is meant."
                yield Unusable(file, found.place, Remark("", reason, _whole(found.value)))
            else:
                yield from _within(found.value, Resource(file, found.place, {}), name, _DEPTH)
    except UnreadableFileError as error:
        yield Unusable(file, error.place, Remark("", error.reason, ""))


def _within(value: object, about: Resource, name: str, depth: int) -> Iterator[Resource | Unusable]:
    if isinstance(value, list) and depth:
        for number, element in enumerate(value):
            inner = Resource(about.file, f"{about.place}[{number}]", {}, about.event_time)
            yield from _within(element, inner, name, depth - 1)
    elif isinstance(value, Mapping) and depth and (name in value or _is_event(value)):
        inside = value.get(name, value.get("event"))
        moment = value.get("eventTime", about.event_time)
        inner = Resource(about.file, about.place, {}, moment)
        yield from _within(inside, inner, name, depth - 1)
    elif isinstance(value, Mapping):
        yield Resource(about.file, about.place, value, about.event_time)
    else:
        remark = Remark("", f"What stands here is no {name}.", shown(value))
        yield Unusable(about.file, about.place, remark)


def _is_event(value: Mapping[str, Any]) -> bool:
    return all(key in value for key in _EVENT_KEYS) and "id" not in value


def _whole(value: object) -> str:
    return shown(json.dumps(value, ensure_ascii=True)[:_WHOLE])
