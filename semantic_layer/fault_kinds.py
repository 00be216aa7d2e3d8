"""Kinds of fault that a person may name when judging a finding, and what is no fault at all.

The vocabulary is the product's own: what operators say, not what a simulation injected.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from semantic_layer.errors import DefinitionError, UnknownNameError
from semantic_layer.plain_yaml import read_yaml_file

PACKAGED = Path(__file__).parent / "catalogue" / "fault_kinds.yaml"


class NamedFault(BaseModel):
    """One kind that a finding may be said to be.

    Attributes:
        name: ours; unique.
        title: for people; may stand for the name wherever people write it.
        is_fault: something is broken or wrong; false for what only looks so.
        description: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    is_fault: bool
    description: str = Field(min_length=1)


FaultKinds = Mapping[str, NamedFault]
"""Kinds by name, in the order of their file."""


@cache
def fault_kinds() -> FaultKinds:
    """Return the packaged kinds by name.

    >>> fault_kinds()["event"].is_fault
    False
    """
    return load_fault_kinds(PACKAGED)


def load_fault_kinds(path: Path) -> dict[str, NamedFault]:
    """Return the kinds that a file defines, by name.

    Raises:
        DefinitionError: an entry cannot be read, a name or title stands twice, or kinds of one
            side (fault, no fault) are missing.
    """
    try:
        listed = TypeAdapter(list[NamedFault]).validate_python(read_yaml_file(path))
    except (yaml.YAMLError, ValidationError) as error:
        raise DefinitionError(f"{path.name} cannot be used: {error}") from error
    words = [word for kind in listed for word in {kind.name, _folded(kind.title)}]
    for word in sorted({word for word in words if words.count(word) > 1}):
        raise DefinitionError(f"{path.name} defines {word!r} twice.")
    if {kind.is_fault for kind in listed} != {True, False}:
        raise DefinitionError(f"{path.name} must define faults and what is none.")
    return {kind.name: kind for kind in listed}


def fault_kind(word: str, kinds: FaultKinds) -> NamedFault:
    """Return the kind that a person's word means: a name or a title, in any case.

    >>> fault_kind("Sleeping cell", fault_kinds()).name
    'sleeping_cell'

    Raises:
        UnknownNameError: none is called so.
    """
    meant = _folded(word)
    for kind in kinds.values():
        if meant in (kind.name, _folded(kind.title)):
            return kind
    raise UnknownNameError.of("fault kind", word, kinds)


def _folded(word: str) -> str:
    return "_".join(word.casefold().replace("-", " ").replace("_", " ").split())
