"""Spans of an agent's run, named and described by OpenTelemetry's conventions for generative AI."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AgentSpan:
    """One piece of work with its time.

    Attributes:
        trace_id: 32 hexadecimal digits, one a run.
        span_id: 16 hexadecimal digits.
        parent_id: of the span around it, empty for the run.
        name: such as `invoke_agent healing_agent`, `chat qwen`, `execute_tool read_kpis`.
        started_ns, ended_ns: since the epoch, in nanoseconds.
        attributes: `gen_ai.*` and our own; never the text of a prompt or answer.
        error: its kind and sentence, empty when it went well.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    started_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    error: str = ""
