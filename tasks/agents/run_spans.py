"""A run's events as spans, by OpenTelemetry's conventions for generative AI.

Spans tell names, times, tokens and outcomes; never the text of a prompt, answer, argument or
result.

Source: OpenTelemetry semantic conventions, gen-ai spans (`invoke_agent`, `chat`, `execute_tool`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.messages.canonical import digest_of
from tasks.messages.spans import AgentSpan

_Told = Mapping[str, Any]


def run_spans(events: Sequence[_Told]) -> list[AgentSpan]:
    """Return the spans of a run: one for it, one for each question sent and each tool called.

    Args:
        events: of the whole run, as they are stored.
    """
    header = events[0]["content"]
    run_id = str(header["run_id"])
    trace_id = digest_of(["trace", run_id, events[0]["measured"]["began"]])[:32]
    root = digest_of([trace_id, "run"])[:16]
    failed = [event for event in events if event["kind"] == "run_failed"]
    spans = [
        AgentSpan(
            trace_id,
            root,
            "",
            f"invoke_agent {header['agent']}",
            _ns(events[0]["measured"]["began"]),
            _ns(events[-1]["measured"]["ended"]),
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": str(header["agent"]),
                "gen_ai.agent.id": str(header["identity"]),
                "gen_ai.conversation.id": run_id,
                "anops.use_case": str(header["use_case"]),
                "anops.run_id": run_id,
            },
            _kind(failed[0]["content"]["error"]) if failed else "",
        )
    ]
    for event in events:
        made = _SPANS.get(event["kind"])
        if made is not None and "request_digest" not in event["content"]:
            name, attributes = made(event)
            number = event["number"]
            spans.append(
                AgentSpan(
                    trace_id,
                    digest_of([trace_id, number])[:16],
                    root,
                    name,
                    _ns(event["measured"]["began"]),
                    _ns(event["measured"]["ended"]),
                    attributes | ({"anops.place": event["place"]} if event["place"] else {}),
                    ""
                    if event["content"]["outcome"] == "answered"
                    else event["content"]["outcome"],
                )
            )
    return spans


def _tool_span(event: _Told) -> tuple[str, dict[str, str | int | float | bool]]:
    content = event["content"]
    return f"execute_tool {content['tool']}", {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": str(content["tool"]),
        "gen_ai.tool.call.id": str(content["call_id"]),
        "gen_ai.tool.type": "function",
    }


def _chat_span(event: _Told) -> tuple[str, dict[str, str | int | float | bool]]:
    content, measured = event["content"], event["measured"]
    asked: dict[str, str | int | float | bool] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.prompt.name": str(content["prompt"]),
        "anops.role": str(content["role"]),
        "gen_ai.request.max_tokens": int(content["request"]["most_tokens"]),
        "gen_ai.request.temperature": float(content["request"]["temperature"]),
        "gen_ai.request.seed": int(content["request"]["seed"]),
    }
    if "answer" not in content:
        return f"chat {content['role']}", asked
    answer = content["answer"]
    return f"chat {answer['model']}", asked | {
        "anops.route": str(answer["route"]),
        "gen_ai.provider.name": str(answer["model"]).partition("/")[0],
        "gen_ai.request.model": str(answer["model"]),
        "gen_ai.response.model": str(answer["model"]),
        "gen_ai.usage.input_tokens": int(measured["prompt_tokens"]),
        "gen_ai.usage.output_tokens": int(measured["completion_tokens"]),
        "anops.cost_usd": float(measured["cost_usd"]),
        "anops.is_cached": bool(measured["is_cached"]),
    }


_SPANS = {"tool_called": _tool_span, "model_asked": _chat_span}


def _failure(outcome: str) -> str:
    return "" if outcome == "answered" else outcome


def _kind(error: str) -> str:
    return error.partition(":")[0]


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000) * 1000
