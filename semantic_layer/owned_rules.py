"""Rules as definitions with an owner: entries of name, value, unit, owner and description in YAML.

What the values must be is told by a pydantic model; code that reads them holds no threshold.
"""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from semantic_layer.errors import DefinitionError
from semantic_layer.plain_yaml import read_yaml_file

Rules = TypeVar("Rules", bound=BaseModel)

_SAID = ("name", "value", "unit", "owner", "description")


def load_rules(path: Path, model: type[Rules], what: str = "the house") -> Rules:
    """Return the rules in a file.

    Args:
        path: a YAML list of entries.
        model: its fields are the entries' names.
        what: what the rules are of, as errors name it.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or values contradict.
    """
    try:
        entries: Any = read_yaml_file(path)
    except yaml.YAMLError as error:
        raise DefinitionError(f"{path.name} is not YAML: {error}") from error
    if not isinstance(entries, list):
        raise DefinitionError(f"{path.name} must be a list of entries with name and value.")
    values: dict[str, object] = {}
    for number, entry in enumerate(entries, start=1):
        lacking = [key for key in _SAID if not isinstance(entry, dict) or entry.get(key) is None]
        if lacking:
            raise DefinitionError(
                f"Entry {number} of {path.name} lacks {', '.join(lacking)}; every rule of {what} "
                "says its value, unit, owner and meaning."
            )
        name = str(entry["name"])
        if name in values:
            raise DefinitionError(f"{path.name} defines {name!r} twice.")
        values[name] = entry["value"]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'rules'}: {detail['msg']}"
            for detail in error.errors()
        )
        raise DefinitionError(f"{path.name} cannot be used: {told}.") from error
