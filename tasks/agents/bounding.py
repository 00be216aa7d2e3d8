"""Results of tools kept small enough for a prompt: long strings cut, rows dropped from the end."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from typing import cast

from semantic_layer.agent_rules import agent_rules
from tasks.agents.tools import ToolDefinition, ToolResult
from tasks.messages.canonical import JsonValue, canonical_json

CUT = "…"
"""Ends every string that was cut."""

_MOST_DEPTH = 8
_MOST_SAID = 1000
_MOST_SOURCES = 200


def bounded(result: ToolResult, definition: ToolDefinition) -> ToolResult:
    """Return the result within its tool's bounds; what fits already comes back equal.

    Rows beyond `most_rows` go first, then every string is cut to the longest that one may be,
    then rows go from the end until their JSON fits `most_chars`.
    """
    most_string = min(agent_rules().most_string_chars, definition.most_chars // 2)
    kept = [
        row
        if _fits(row, most_string)
        else cast("dict[str, JsonValue]", _cut_value(row, most_string))
        for row in result.rows[: definition.most_rows]
    ]
    sizes = accumulate((len(canonical_json(row)) + 1 for row in kept), initial=1)
    fitting = sum(1 for _ in takewhile(lambda size: size <= definition.most_chars, sizes)) - 1
    rows = tuple(kept[:fitting])
    return replace(
        result,
        rows=rows,
        says=cut(result.says, _MOST_SAID),
        sources=tuple(cut(source, most_string) for source in result.sources[:_MOST_SOURCES]),
        is_cut=result.is_cut or rows != tuple(result.rows),
        is_untrusted=result.is_untrusted or definition.is_untrusted,
    )


def _fits(row: Mapping[str, JsonValue], most: int) -> bool:
    """Tell at a glance that nothing of a row is to be cut: it is flat, and its strings short."""
    return all(
        not isinstance(value, list | tuple | Mapping)
        and (not isinstance(value, str) or (len(value) <= most and value.isascii()))
        for value in row.values()
    ) and all(len(key) <= most and key.isascii() for key in row)


def cut(text: str, most: int) -> str:
    """Return the text, or its beginning with a mark at the end; at most `most` characters.

    Halves of characters that no file can hold are replaced.
    """
    text = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def _cut_value(value: JsonValue, most: int, depth: int = 0) -> JsonValue:
    if isinstance(value, str):
        return cut(value, most)
    if depth > _MOST_DEPTH and isinstance(value, Mapping | Sequence):
        return CUT
    if isinstance(value, Mapping):
        return {cut(str(key), most): _cut_value(one, most, depth + 1) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_cut_value(one, most, depth + 1) for one in value]
    return value
