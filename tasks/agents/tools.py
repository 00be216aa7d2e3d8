"""Tools: typed functions that agents may call, each described by a few lines of YAML.

A tool reads, simulates or drafts a proposal. None writes to the network: there is no such class of
risk, and no tool is given the way in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.errors import AnopsError
from tasks.messages.canonical import JsonValue

ToolRisk = Literal["read", "simulate", "propose"]


class ToolRefusedError(AnopsError):
    """A call that is not allowed: unknown tool, no right to it, or arguments that are none."""


class ToolFailedError(AnopsError):
    """A tool could not answer; the sentence tells the query, the window and the reason."""


class ToolDefinition(BaseModel):
    """What is told about a tool, and what it may do.

    Attributes:
        name: verb and object, such as `read_cell_kpis`.
        description: for the model, one or two sentences.
        risk: class of risk.
        callers: identities that may call it.
        reaches: published tables, collections or services that it may read.
        most_rows: rows of a result beyond which it is cut, and says so.
        most_chars: of the result as JSON, beyond which rows are dropped from the end.
        is_untrusted: its results hold text that others wrote (tickets, alarms, documents).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z_]{2,40}$")
    description: str = Field(min_length=10, max_length=400)
    risk: ToolRisk
    callers: tuple[str, ...] = Field(min_length=1)
    reaches: tuple[str, ...]
    most_rows: int = Field(50, ge=1, le=1000)
    most_chars: int = Field(8000, ge=200, le=40000)
    is_untrusted: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave.

    Attributes:
        rows: values that code has read or computed; the only source of DNs and numbers.
        says: a sentence that sums it up, built by code.
        sources: snapshots, passages and objects that it came from.
        is_cut: rows were left out to keep it small.
        is_untrusted: it holds text that others wrote.
        call_id: number of the call within its run, from 1; 0 before it is recorded.
    """

    rows: tuple[Mapping[str, JsonValue], ...]
    says: str
    sources: tuple[str, ...] = ()
    is_cut: bool = False
    is_untrusted: bool = False
    call_id: int = 0


@dataclass(frozen=True)
class Tool:
    """A function with its definition; `arguments` is a pydantic model that forbids extras."""

    definition: ToolDefinition
    arguments: type[BaseModel]
    function: Callable[[Any], ToolResult] = field(repr=False)
