"""Text that others wrote, as a terminal, a form or a page may show it: in one line, and short."""

import unicodedata
from datetime import datetime

from tasks.messages.canonical import JsonValue, canonical_json

_MARKDOWN = str.maketrans(
    {sign: f"\\{sign}" for sign in "\\`*_{}[]()#+-.!|~:@"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}  # harmless even where backslashes are not known
)


def plain(text: object, longest: int = 400) -> str:
    """Return text in one line of at most `longest` characters, an ellipsis where it was cut.

    Characters that nobody sees (control, direction, surrogate, unassigned) become spaces.
    """
    told = str(text)[: 4 * longest]
    if not told.isprintable():
        told = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in told)
    line = " ".join(told.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def markdown(text: object, longest: int = 400) -> str:
    """Return text as Markdown that says the same and nothing else: no link, image or heading."""
    return plain(text, longest).translate(_MARKDOWN)


def moment(at: datetime | None) -> str:
    """Return a moment to the minute, UTC; a dash where there is none."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}Z"


def value_text(value: JsonValue) -> str:
    """Return a value of an attribute as one reads it; whole objects as their attributes."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return plain(value, 300)
    return plain(canonical_json(value), 600)


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"
