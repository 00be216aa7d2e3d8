"""Values of managed objects, flattened: a structure becomes paths, plain values become text."""

import json
from collections.abc import Iterator

from tasks.ingestion.delivered_bytes import UnreadableFileError

MOST_LEVELS = 32
"""How deep a structure may lie inside an attribute; deeper ones are no configuration."""


class NumberText(str):
    """A number as it was written, so that nothing of it is lost."""

    __slots__ = ()


def flattened(value: object, path: str, level: int = 0) -> Iterator[tuple[str, str | None]]:
    """Yield the paths under an attribute, each with its text; null for a JSON null.

    A list of plain values stays one text, as JSON; structures in a list are numbered from 1. The
    text beside a structure's elements has the key '' and keeps the structure's own path.

    >>> list(flattened({"plmn": [{"mcc": NumberText("262")}], "taiList": ["1", "2"]}, "info"))
    [('info.plmn[1].mcc', '262'), ('info.taiList', '["1","2"]')]

    Raises:
        UnreadableFileError: it is nested beyond `MOST_LEVELS`.
    """
    if level > MOST_LEVELS:
        raise UnreadableFileError(
            f"An attribute is nested more than {MOST_LEVELS} deep.", path[:200]
        )
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from flattened(part, f"{path}.{name}" if name else path, level + 1)
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        for number, part in enumerate(value, 1):
            yield from flattened(part, f"{path}[{number}]", level + 1)
    else:
        yield path, _text(value)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ",".join(_quoted(part) for part in value) + "]"
    return "{}"


def _quoted(value: object) -> str:
    if isinstance(value, NumberText):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
