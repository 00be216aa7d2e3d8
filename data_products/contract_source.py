"""A contract as text: YAML read with the line of each entry, checked against the ODCS model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from open_data_contract_standard.model import (
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    ServiceLevelAgreementProperty,
)
from pydantic import BaseModel, ValidationError

from semantic_layer.errors import DefinitionError, did_you_mean
from semantic_layer.plain_yaml import read_yaml, yaml_text
from semantic_layer.yaml_source import Problem

Keys = tuple[str | int, ...]
"""The way to an entry: keys and positions from the top of the file."""

_MODELS: dict[str, type[BaseModel]] = {
    "schema": SchemaObject,
    "properties": SchemaProperty,
    "quality": DataQuality,
    "slaProperties": ServiceLevelAgreementProperty,
}


class ContractError(DefinitionError):
    """Contracts that cannot be kept as they are written; every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(slots=True)
class ContractSource:
    """A parsed contract, the line of each of its entries, and the problems found so far."""

    file: str
    model: OpenDataContractStandard
    lines: Mapping[Keys, int]
    problems: list[Problem] = field(default_factory=list)

    def line(self, *path: str | int) -> int:
        """Return the line of the entry at `path`, or of its nearest written ancestor."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def place(self, *path: str | int) -> str:
        """Return `file:line` of an entry."""
        return f"{self.file}:{self.line(*path)}"

    def report(self, message: str, *path: str | int) -> None:
        """Note a problem at an entry."""
        self.problems.append(Problem(self.file, self.line(*path), message))


def read_contract(path: Path) -> ContractSource:
    """Read a contract file.

    Raises:
        ContractError: it is no YAML, or no ODCS document.
    """
    file = f"{path.parent.name}/{path.name}"
    try:
        node, content = read_yaml(yaml_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        reason = getattr(error, "problem", None) or "it cannot be read"
        raise ContractError([Problem(file, line, f"This is not YAML: {reason}.")]) from error
    if not isinstance(content, dict):
        raise ContractError([Problem(file, 1, "A contract is a mapping of keys.")])
    lines = dict(_lines(node, ()))
    try:
        model = OpenDataContractStandard.model_validate(content)
    except ValidationError as error:
        raise ContractError(_validation_problems(file, lines, error)) from error
    source = ContractSource(file, model, lines)
    _report_unknown_keys(source, content, OpenDataContractStandard, ())
    return source


def _lines(node: yaml.Node | None, path: Keys) -> list[tuple[Keys, int]]:
    if node is None:
        return []
    found = [(path, node.start_mark.line + 1)]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found.append(((*path, key.value), key.start_mark.line + 1))
            found += _lines(value, (*path, key.value))[1:]
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            found += _lines(item, (*path, index))
    return found


def _validation_problems(
    file: str, lines: Mapping[Keys, int], error: ValidationError
) -> list[Problem]:
    known = [item.alias or name for name, item in OpenDataContractStandard.model_fields.items()]
    problems = []
    for detail in error.errors():
        path: Keys = tuple(detail["loc"])
        near = path
        while near and near not in lines:
            near = near[:-1]
        name = ".".join(str(part) for part in path)
        message = (
            f"ODCS has no key {name!r}{did_you_mean(name, known)}"
            if detail["type"] == "extra_forbidden"
            else f"{name}: {detail['msg']}."
        )
        problems.append(Problem(file, lines.get(near, 1), message))
    return problems


def _report_unknown_keys(
    source: ContractSource, content: object, model: type[BaseModel], path: Keys
) -> None:
    """Report keys that the model would silently drop, such as `primarykey`."""
    if not isinstance(content, Mapping):
        return
    known = [item.alias or name for name, item in model.model_fields.items()]
    for key, value in content.items():
        if key not in known:
            source.report(f"ODCS has no key {key!r} here{did_you_mean(key, known)}", *path, key)
        elif key == "items":
            _report_unknown_keys(source, value, SchemaProperty, (*path, key))
        elif key in _MODELS and isinstance(value, list):
            for index, item in enumerate(value):
                _report_unknown_keys(source, item, _MODELS[key], (*path, key, index))
