"""What a Markdown document says of itself in the YAML above its text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import yaml

from semantic_layer.plain_yaml import read_yaml

KINDS = ("runbook", "procedure", "incident_report", "reference")
UNKNOWN_KIND = "reference"
"""What a document is that does not say what it is."""

_FENCE = "---"
_LONGEST = 1 << 16
_TEXTS = ("title", "domain", "vendor", "language")


@dataclass(slots=True)
class FrontMatter:
    """A document's own words on itself.

    Attributes:
        texts: title, domain, vendor, language, as far as given.
        kind: one of `KINDS`.
        object_classes: that the document is about.
        valid_from: since when it holds; None when it does not say.
        remarks: key and reason of what cannot be used.
    """

    texts: dict[str, str] = field(default_factory=dict)
    kind: str = UNKNOWN_KIND
    object_classes: list[str] | None = None
    valid_from: datetime | None = None
    remarks: list[tuple[str, str]] = field(default_factory=list)


def front_matter(text: str) -> tuple[FrontMatter, str]:
    """Return what stands above the text, and the text below."""
    found = FrontMatter()
    lines = text[:_LONGEST].split("\n")
    if not lines or lines[0].rstrip() != _FENCE:
        return found, text
    ends = (
        number for number, line in enumerate(lines) if number and line.rstrip() in {_FENCE, "..."}
    )
    end = next(ends, None)
    if end is None:
        return found, text
    head = "\n".join(lines[1:end])
    body = text[len("\n".join(lines[: end + 1])) + 1 :]
    _read(head, found)
    return found, body


def _read(head: str, found: FrontMatter) -> None:
    try:
        _, told = read_yaml(head)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "it cannot be read"
        found.remarks.append(("", f"The front matter is not YAML: {problem}."))
        return
    if told is None:
        return
    if not isinstance(told, Mapping):
        found.remarks.append(("", "The front matter holds no `key: value` pairs."))
        return
    for key in _TEXTS:
        words = _text(told.get(key))
        if words is not None:
            found.texts[key] = words
        elif told.get(key) is not None:
            found.remarks.append((key, f"{key} is no text."))
    _read_kind(told, found)
    _read_time(told, found)
    found.object_classes = _names(told.get("object_classes"), found)


def _read_kind(told: Mapping[object, object], found: FrontMatter) -> None:
    kind = told.get("kind")
    if kind is None:
        return
    named = (_text(kind) or "").lower().replace("-", "_").replace(" ", "_")
    if named in KINDS:
        found.kind = named
    else:
        found.remarks.append(("kind", f"kind is none of {', '.join(KINDS)}."))


def _read_time(told: Mapping[object, object], found: FrontMatter) -> None:
    value = told.get("valid_from")
    if value is None:
        return
    try:
        moment = datetime.fromisoformat(
            value.isoformat() if isinstance(value, date) else str(_text(value))
        )
        found.valid_from = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        found.remarks.append(("valid_from", "valid_from is no time."))


def _names(value: object, found: FrontMatter) -> list[str] | None:
    if isinstance(value, str):
        value = value.split(",")
    if value is None:
        return None
    named = [_text(name) for name in value] if isinstance(value, list) else [None]
    if None in named:
        found.remarks.append(("object_classes", "object_classes is no list of names."))
    kept = [name for name in named if name is not None]
    return kept or None


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | date):
        return None
    words = str(value).encode("utf-8", "replace").decode().replace("\x00", "").strip()
    return words or None
