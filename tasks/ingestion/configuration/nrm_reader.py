"""Reads configuration as JSON, in the forms that TS 28.532 and TS 28.623 give the NRM.

Objects have `id`, `attributes` and, below keys named after classes, the objects that they
contain; or they stand in a flat list, each with `objectClass` and its whole DN in
`objectInstance`. A `header` says `timestamp`, `purpose` (actual or planned), `dnPrefix`, and in
`baseObjectInstance` which subtrees the document tells whole.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from semantic_layer.errors import InputError
from semantic_layer.identity import normalized_dn
from tasks.ingestion.configuration.object_values import NumberText
from tasks.ingestion.configuration.read_configuration import (
    ObjectCollector,
    Purpose,
    ReadConfiguration,
    moment_of,
    object_dn,
    object_named,
)
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces

LIMITS = ReadingLimits(file_bytes=512 << 20)

_HEADERS = ("header", "fileHeader")
_TIMES = ("timestamp", "dateTime", "collectionBeginTime")
_OWN = ("id", "objectClass", "objectInstance", "attributes")
_PLACE = 200
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)
"""A whole character in two escapes, half a one, or any other escape."""


def read_nrm(path: Path, limits: ReadingLimits = LIMITS) -> ReadConfiguration:
    """Return what a document of configuration says.

    Raises:
        UnreadableFileError: it cannot be opened, is no JSON, or is beyond the limits.
    """
    document, doubled = json_document(b"".join(delivered_pieces(path, limits)))
    return nrm_configuration(document, doubled)


def json_document(content: bytes) -> tuple[Any, tuple[str, ...]]:
    """Return what JSON says, numbers as written, and the names that one object says twice.

    Raises:
        UnreadableFileError: it is no JSON, is cut off, or is nested too deep.
    """
    doubled: dict[str, None] = {}

    def single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(name for name, _ in pairs)
            doubled.update(dict.fromkeys(name for name in found if times[name] > 1))
        return found

    try:
        text = _of_characters(content.decode(json.detect_encoding(content)))
        document = json.loads(
            text,
            parse_int=NumberText,
            parse_float=NumberText,
            parse_constant=NumberText,
            object_pairs_hook=single,
        )
    except json.JSONDecodeError as error:
        is_cut = not text[error.pos :].strip()
        reason = "it ends in the middle, cut off or still being written" if is_cut else error.msg
        raise UnreadableFileError(
            f"The JSON cannot be read: {reason}.", f"line {error.lineno}"
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFileError(f"The JSON cannot be read: {error}.", "line 1") from error
    return document, tuple(doubled)


def _of_characters(text: str) -> str:
    """Return JSON without escapes of half a character (lone surrogates), which no store holds."""
    return _ESCAPE.sub(_whole_character, text) if _HALF.search(text) else text


def _whole_character(found: re.Match[str]) -> str:
    return "\\ufffd" if found["half"] else found[0]


def nrm_configuration(document: object, doubled: Sequence[str] = ()) -> ReadConfiguration:
    """Return what a parsed document says.

    Raises:
        UnreadableFileError: it is nested beyond the limits.
    """
    collector = ObjectCollector()
    for name in doubled:
        collector.remark(
            "", "", f"The name {name[:_PLACE]!r} stands twice in one JSON object; the last counts."
        )
    header = _header(document)
    prefix, declared = _dns(header, "dnPrefix"), _dns(header, "baseObjectInstance")
    for key, problem in (*prefix[1], *declared[1]):
        collector.remark("header", key, problem)
    above = prefix[0][0] if prefix[0] else ""
    stack = list(reversed(list(_tops(document, above, collector))))
    while stack:
        stack.extend(reversed(list(_object(*stack.pop(), collector))))
    taken_at = next((found for name in _TIMES if (found := moment_of(header.get(name)))), None)
    purpose: Purpose = (
        "planned" if str(header.get("purpose", "")).strip().lower() == "planned" else "actual"
    )
    return collector.finished(taken_at, purpose, declared[0])


def _header(document: object) -> dict[str, Any]:
    if not isinstance(document, dict):
        return {}
    found = {name: document[name] for name in (*_TIMES, "purpose") if name in document}
    for name in _HEADERS:
        if isinstance(document.get(name), dict):
            found |= document[name]
    return found


def _dns(header: dict[str, Any], name: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the DNs that a header names, and what is none."""
    told = header.get(name)
    found, problems = [], []
    for text in told if isinstance(told, list) else [] if told is None else [told]:
        try:
            found.append(normalized_dn(str(text)))
        except InputError as error:
            problems.append((str(text)[:_PLACE], f"{name} of the header: {error}"))
    return found, problems


# above, class by the key, the object as delivered, where it stands
_Found = tuple[str, str, Any, str]


def _tops(document: object, above: str, collector: ObjectCollector) -> Iterator[_Found]:
    if isinstance(document, list):
        for number, item in enumerate(document, 1):
            yield above, "", item, f"[{number}]"
        return
    if not isinstance(document, dict):
        collector.remark("", "", "The document is neither a JSON object nor a list.", document)
        return
    if "id" in document or "attributes" in document:
        yield above, "", document, "document"
        return
    for key, value in document.items():
        if key in (*_HEADERS, *_TIMES, "purpose"):
            continue
        # `objects` and the like name no class: each object says its own.
        by_key = key if key[:1].isupper() else ""
        if isinstance(value, list | dict):
            yield from _listed(above, by_key, value, key)
        else:
            collector.remark(key, "", f"{key!r} is neither an object nor a header.", value)


def _listed(
    above: str, by_key: str, value: list[Any] | dict[str, Any], place: str
) -> Iterator[_Found]:
    if isinstance(value, dict):
        yield above, by_key, value, place
        return
    for number, item in enumerate(value, 1):
        yield above, by_key, item, f"{place}[{number}]"


def _object(
    above: str, by_key: str, told: object, place: str, collector: ObjectCollector
) -> Iterator[_Found]:
    """Add an object and yield those that it contains."""
    if not isinstance(told, dict):
        collector.remark(place[-_PLACE:], above, "An object is a JSON object with an id.", told)
        collector.lacks(above)
        return
    try:
        dn, object_class = _named(above, by_key, told)
    except InputError as error:
        collector.remark(
            place[-_PLACE:], above, f"{error} It and what it contains is left out.", told
        )
        collector.lacks(above)
        return
    collector.add(dn, object_class)
    _attributes(dn, told.get("attributes"), place, collector)
    for key, value in told.items():
        if key in _OWN:
            continue
        if key[:1].isupper() and isinstance(value, list | dict):
            yield from _listed(dn, key, value, f"{place}.{key}")
        else:
            collector.remark(
                place[-_PLACE:],
                dn,
                f"{key!r} is neither an attribute nor a contained object.",
                value,
            )


def _named(above: str, by_key: str, told: dict[str, Any]) -> tuple[str, str]:
    instance, value = told.get("objectInstance"), told.get("id")
    if isinstance(instance, str) and instance.strip():
        return object_named(instance)
    if not isinstance(value, str):
        raise InputError("An object has neither objectInstance nor an id.")
    told_class = told.get("objectClass")
    object_class = told_class if isinstance(told_class, str) and told_class else by_key
    if not object_class:
        if "=" in value:
            return object_named(value)
        raise InputError(f"The object with the id {value[:_PLACE]!r} says no objectClass.")
    if by_key and object_class != by_key:
        raise InputError(f"An object under {by_key!r} says that it is a {object_class!r}.")
    return object_dn(above, object_class, value)


def _attributes(dn: str, told: object, place: str, collector: ObjectCollector) -> None:
    if told is None:
        return
    if not isinstance(told, dict):
        collector.remark(place[-_PLACE:], dn, "`attributes` is no JSON object.", told)
        return
    for name, value in told.items():
        collector.tell(dn, name, value, place[-_PLACE:])
