"""Who reads published tables, as `consumers.yaml` declares: flows, reports, detectors, agents."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from semantic_layer.errors import DefinitionError
from semantic_layer.plain_yaml import read_yaml_file

PACKAGED = Path(__file__).parent / "consumers.yaml"


class Reading(BaseModel):
    """One table that a consumer reads, and which of its columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    columns: Literal["all", "scored"] | tuple[str, ...] = "all"


class Consumer(BaseModel):
    """One reader of published tables.

    Attributes:
        name: as people say it; unique.
        kind: what it is: flow, report, detector, agent or command.
        run_by: the flow or command that runs it.
        reads: what it needs.
        writes: tables that follow from what it read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["flow", "report", "detector", "agent", "command"]
    run_by: str
    reads: tuple[Reading, ...]
    writes: tuple[str, ...] = ()


@cache
def consumers_declared() -> Mapping[str, Consumer]:
    """Return the packaged consumers by name."""
    return load_consumers(PACKAGED)


def load_consumers(path: Path) -> dict[str, Consumer]:
    """Return the consumers that a file declares, by name.

    Raises:
        DefinitionError: an entry cannot be read, or a name stands twice.
    """
    try:
        declared = TypeAdapter(list[Consumer]).validate_python(read_yaml_file(path))
    except (yaml.YAMLError, ValidationError) as error:
        raise DefinitionError(f"{path.name} cannot be used: {error}") from error
    names = [each.name for each in declared]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionError(f"{path.name} declares {', '.join(map(repr, twice))} twice.")
    return {each.name: each for each in declared}
