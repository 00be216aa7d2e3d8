"""What every mapping file says first: which files, how they are written; and how it is checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from semantic_layer.errors import InputError, did_you_mean
from semantic_layer.plain_yaml import read_yaml, yaml_text

SUFFIX = ".mapping.yaml"
"""What a mapping file's name ends with."""


class MappingError(InputError):
    """A mapping file cannot be used as it is; the message holds every problem, one a line."""


class Strict(BaseModel):
    """A part of a mapping: no key that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class CsvLayout(Strict):
    """How a CSV file is written."""

    separator: str = Field(",", min_length=1, max_length=1)
    quote: str | None = Field('"', min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    skip_rows: int = Field(0, ge=0)


class TableLayout(Strict):
    """The head of a mapping file.

    Attributes:
        version: of the format.
        files: globs relative to the folder that is read; `archive!member` for files in archives.
        title, source, notes: free text, for people.
        csv: how CSV files are written.
        sheets: of xlsx files; all when None.
        null_values: texts that say nothing, besides empty cells.
    """

    version: Literal[1] = Field(alias="mapping")
    files: tuple[str, ...] = Field(min_length=1)
    title: str = ""
    source: str = ""
    notes: str = ""
    csv: CsvLayout = CsvLayout()
    sheets: tuple[str, ...] | None = None
    null_values: tuple[str, ...] = ()


AnyMapping = TypeVar("AnyMapping", bound=TableLayout)


def known_zone(value: str) -> str:
    """Return the name of a time zone that exists.

    Raises:
        ValueError: none has that name.
    """
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {value!r}; names are like Europe/Berlin") from error
    return value


def mapping_text(path: Path) -> str:
    """Return the text of a mapping file.

    Raises:
        MappingError: it is no text in UTF-8.
    """
    try:
        return yaml_text(path)
    except yaml.MarkedYAMLError as error:
        raise MappingError(f"{path.name}: not YAML: {error.problem}.") from error


def yaml_mapping(text: str, name: str) -> tuple[dict[Any, Any], yaml.Node]:
    """Return what a mapping file holds and where; `name` is its file, for messages.

    Raises:
        MappingError: it is not YAML, or no mapping.
    """
    try:
        node, raw = read_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be read"
        raise MappingError(f"{name}{line}: not YAML: {reason}.") from error
    if not isinstance(raw, dict) or node is None:
        raise MappingError(f"{name}: a mapping file holds `key: value` pairs, this one does not.")
    return raw, node


def checked(
    model: type[AnyMapping], text: str, name: str, parts: Mapping[str, type[BaseModel]]
) -> AnyMapping:
    """Return the mapping that `text` holds.

    Args:
        model: what it must be.
        text: YAML.
        name: its file, for messages.
        parts: the models of its inner keys, for suggestions.

    Raises:
        MappingError: it is not YAML, or something in it is missing, unknown or contradictory.
    """
    raw, node = yaml_mapping(text, name)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"{name}, line {_line(node, problem['loc'])}: {_sentence(problem, model, parts)}"
            for problem in error.errors()
        ]
        raise MappingError("\n".join(lines)) from error


def _line(node: yaml.Node, location: tuple[int | str, ...]) -> int:
    for part in location:
        if isinstance(node, yaml.MappingNode):
            inner = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if inner is None:
                break
            node = inner[1] if not isinstance(inner[1], yaml.ScalarNode) else inner[0]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
    return int(node.start_mark.line) + 1


def _sentence(
    problem: Any,  # noqa: ANN401 - pydantic's ErrorDetails
    model: type[BaseModel],
    parts: Mapping[str, type[BaseModel]],
) -> str:
    location = [str(part) for part in problem["loc"]]
    where = ".".join(location)
    if problem["type"] == "extra_forbidden":
        whose = parts.get(location[0], model) if len(location) > 1 else model
        known = [field.alias or key for key, field in whose.model_fields.items()]
        return f"no key {location[-1]!r} in a mapping{did_you_mean(location[-1], known)}"
    if problem["type"] == "missing":
        return f"`{where}` is missing."
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where + ': ' if where else ''}{message}."
