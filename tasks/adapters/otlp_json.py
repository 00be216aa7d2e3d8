"""Spans as OTLP JSON, the form in which files and collectors of OpenTelemetry take them.

Ids are hexadecimal and 64-bit numbers are text, as OTLP's mapping to JSON asks.

Source: OpenTelemetry protocol 1.5, JSON Protobuf encoding.
"""

from collections.abc import Sequence
from typing import Any

from tasks.messages.spans import AgentSpan

_INTERNAL, _CLIENT = 1, 3
_ERROR = 2
_SCOPE = "anops.agents"


def otlp_json(spans: Sequence[AgentSpan]) -> dict[str, Any]:
    """Return an ExportTraceServiceRequest of the spans."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [_attribute("service.name", "anops")]},
                "scopeSpans": [
                    {"scope": {"name": _SCOPE}, "spans": [_span(span) for span in spans]}
                ],
            }
        ]
    }


def _span(span: AgentSpan) -> dict[str, Any]:
    is_chat = span.attributes.get("gen_ai.operation.name") == "chat"
    told: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": _CLIENT if is_chat else _INTERNAL,
        "startTimeUnixNano": str(span.started_ns),
        "endTimeUnixNano": str(span.ended_ns),
        "attributes": [_attribute(name, value) for name, value in span.attributes.items()],
        "status": {"code": _ERROR, "message": span.error} if span.error else {},
    }
    return told | {"parentSpanId": span.parent_id} if span.parent_id else told


def _attribute(name: str, value: str | float | bool) -> dict[str, Any]:  # noqa: FBT001
    if isinstance(value, bool):
        typed: dict[str, Any] = {"boolValue": value}
    elif isinstance(value, int):
        typed = {"intValue": str(value)}
    elif isinstance(value, float):
        typed = {"doubleValue": value}
    else:
        typed = {"stringValue": value}
    return {"key": name, "value": typed}
