"""Definitions as written: YAML entries with the file and line of each key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from semantic_layer.plain_yaml import odd_values_told, require_plain

# The same loader, five times as fast, where PyYAML was built with libyaml.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the definitions."""

    file: str
    line: int
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} {self.suggestion}".rstrip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition as written.

    Attributes:
        file: path, from the catalogue's folder.
        line: where it begins.
        content: its keys and values.
        lines: the line of each key.
        parts: entries of lists of mappings within it, by key.
    """

    file: str
    line: int
    content: Mapping[str, Any]
    lines: Mapping[str, int]
    parts: Mapping[str, tuple["Entry", ...]] = field(default_factory=dict)

    def problem(self, message: str, suggestion: str = "", *, key: str = "") -> Problem:
        """Return a problem of this entry, at the line of `key` where it has that key."""
        return Problem(self.file, self.lines.get(key, self.line), message, suggestion)

    @property
    def name(self) -> str:
        """Its name, or a stand-in that says where it stands."""
        return str(self.content.get("name", f"(line {self.line})"))


def read_entries(path: Path, file: str) -> tuple[list[Entry], list[Problem]]:
    """Return the entries of a file that holds a list of definitions, or one definition."""
    try:
        text = path.read_text(encoding="utf-8")
        loader = _Loader(text)
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        return [], [Problem(file, 1, f"This is not text in UTF-8: {error.reason}.")]
    try:
        require_plain(text)
        node = loader.get_single_node()
        if node is None:
            return [], [Problem(file, 1, "The file is empty.", "Write a list of definitions.")]
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        entries: list[Entry] = []
        problems: list[Problem] = []
        for item in items:
            if isinstance(item, yaml.MappingNode):
                problems.extend(_repeated_keys(item, file))
                entries.append(_entry(loader, item, file))
            else:
                problems.append(
                    Problem(file, _line(item), "A definition is a mapping of keys to values.")
                )
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "it cannot be read"
        return [], [Problem(file, mark.line + 1 if mark else 1, f"This is not YAML: {reason}.")]
    finally:
        loader.dispose()
    return entries, problems


def _entry(loader: yaml.SafeLoader, node: yaml.MappingNode, file: str) -> Entry:
    with odd_values_told():
        held = loader.construct_mapping(node, deep=True)
    content = {str(key): value for key, value in held.items()}
    lines = {str(key.value): _line(key) for key, _ in node.value}
    parts = {
        str(key.value): tuple(
            _entry(loader, item, file) for item in value.value if isinstance(item, yaml.MappingNode)
        )
        for key, value in node.value
        if isinstance(value, yaml.SequenceNode)
        and any(isinstance(item, yaml.MappingNode) for item in value.value)
    }
    return Entry(file, _line(node), content, lines, parts)


def _repeated_keys(node: yaml.Node, file: str) -> Iterator[Problem]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield Problem(
                    file, _line(key), f"Key {name!r} stands twice, first at line {seen[name]}."
                )
            seen[name] = _line(key)
            yield from _repeated_keys(value, file)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item, file)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
