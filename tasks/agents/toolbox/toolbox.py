"""All tools by name: each function with its definition in tools.yaml and its typed arguments."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from semantic_layer.errors import DefinitionError
from semantic_layer.plain_yaml import read_yaml_file
from tasks.agents.toolbox import arguments
from tasks.agents.toolbox.change_tools import simulate_change
from tasks.agents.toolbox.event_tools import (
    describe_alarm,
    read_alarms,
    read_changes,
    read_tickets,
)
from tasks.agents.toolbox.finding_tools import compare_with_usual, read_evidence, read_finding
from tasks.agents.toolbox.knowledge_tools import search_cases, search_documents
from tasks.agents.toolbox.kpi_tools import describe_kpi, read_cell_kpis, read_core_kpis
from tasks.agents.toolbox.network_tools import (
    compare_with_neighbors,
    read_configuration,
    read_neighbors,
)
from tasks.agents.toolbox.sources import ToolSources
from tasks.agents.tools import Tool, ToolDefinition, ToolResult

PACKAGED = Path(__file__).parent / "tools.yaml"

_Function = Callable[[ToolSources, Any], ToolResult]
_TOOLS: tuple[tuple[_Function, type[BaseModel]], ...] = (
    (read_finding, arguments.OfFinding),
    (read_evidence, arguments.OfFinding),
    (compare_with_usual, arguments.OfCellAndTime),
    (read_cell_kpis, arguments.OfCellKpis),
    (read_core_kpis, arguments.OfCellAndTime),
    (describe_kpi, arguments.OfName),
    (read_alarms, arguments.OfCellAndTime),
    (read_changes, arguments.OfCellAndTime),
    (read_tickets, arguments.OfCellAndTime),
    (describe_alarm, arguments.OfName),
    (read_neighbors, arguments.OfCell),
    (compare_with_neighbors, arguments.OfCellAndTime),
    (read_configuration, arguments.OfCellConfiguration),
    (search_documents, arguments.OfWords),
    (search_cases, arguments.OfWords),
    (simulate_change, arguments.OfChange),
)


def toolbox(sources: ToolSources) -> dict[str, Tool]:
    """Return every tool over the sources of one run, by name."""
    defined = tool_definitions(PACKAGED)
    return {
        function.__name__: Tool(defined[function.__name__], model, partial(function, sources))
        for function, model in _TOOLS
    }


@cache
def tool_definitions(path: Path) -> dict[str, ToolDefinition]:
    """Return the definitions in a file by the tool's name.

    Raises:
        DefinitionError: one cannot be read, stands twice, or is not of exactly one function.
    """
    try:
        listed = TypeAdapter(list[ToolDefinition]).validate_python(read_yaml_file(path))
    except (yaml.YAMLError, ValidationError) as error:
        raise DefinitionError(f"{path.name} cannot be used: {error}") from error
    names = [one.name for one in listed]
    functions = [function.__name__ for function, _ in _TOOLS]
    if sorted(names) != sorted(functions):
        odd = sorted({*names, *functions} - ({*names} & {*functions})) or [
            "a name that stands twice"
        ]
        raise DefinitionError(
            f"{path.name} must define each tool once; it differs in {', '.join(odd)}."
        )
    return {one.name: one for one in listed}
