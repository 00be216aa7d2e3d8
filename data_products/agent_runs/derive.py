"""What transcripts tell of each agent's run: who, how long, by whom decided, at what cost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from data_products.product import TIME

RUN_SCHEMA: dict[str, pl.DataType] = {
    "agent_run_id": pl.String(),
    "started_at": TIME,
    "ended_at": TIME,
    "duration_s": pl.Float64(),
    "agent": pl.String(),
    "identity": pl.String(),
    "use_case": pl.String(),
    "is_decided": pl.Boolean(),
    "decided_by": pl.String(),
    "explained_by": pl.String(),
    "models": pl.List(pl.String()),
    "questions_count": pl.Int64(),
    "unanswered_count": pl.Int64(),
    "cached_count": pl.Int64(),
    "prompt_token_count": pl.Int64(),
    "completion_token_count": pl.Int64(),
    "cost_usd": pl.Float64(),
    "is_priced": pl.Boolean(),
    "tool_calls_count": pl.Int64(),
    "refused_calls_count": pl.Int64(),
    "failed_calls_count": pl.Int64(),
    "rejected_answers_count": pl.Int64(),
    "fabricated_count": pl.Int64(),
    "error": pl.String(),
}
"""Columns of the product, before its lineage."""

_Event = Mapping[str, Any]


def derive(events_by_run: Mapping[str, Sequence[_Event]]) -> pl.DataFrame:
    """Return one row a run, by start and id; a run without an end is not told yet.

    Args:
        events_by_run: each run's events as its transcript holds them, oldest first.
    """
    rows = [
        _row(events)
        for _, events in sorted(events_by_run.items())
        if events and events[-1]["kind"] == "run_ended"
    ]
    return pl.DataFrame(rows, schema=RUN_SCHEMA, orient="row").sort("started_at", "agent_run_id")


def _row(events: Sequence[_Event]) -> dict[str, Any]:
    header, last = events[0], events[-1]
    kinds = Counter(event["kind"] for event in events)
    errors = [event["content"]["error"] for event in events if event["kind"] == "run_failed"]
    return {
        "agent_run_id": header["content"]["run_id"],
        **{name: header["content"][name] for name in ("agent", "identity", "use_case")},
        "started_at": datetime.fromisoformat(header["measured"]["began_at"]),
        "ended_at": datetime.fromisoformat(last["measured"]["ended_at"]),
        "duration_s": max(last["measured"]["ended"] - header["measured"]["began"], 0.0),
        "is_decided": kinds["decided"] > 0,
        "decided_by": _names(one["choice"]["decided_by"] for one in _contents(events, "chosen")),
        "explained_by": _names(one["spoken"]["said_by"] for one in _contents(events, "written")),
        "rejected_answers_count": kinds["answer_rejected"],
        "fabricated_count": sum(
            one["spoken"]["fabricated_count"] for one in _contents(events, "written")
        ),
        "error": errors[0] if errors else None,
        **_questions(events),
        **_calls(events),
    }


def _questions(events: Sequence[_Event]) -> dict[str, Any]:
    sent = [one for one in events if one["kind"] == "model_asked" and "request" in one["content"]]
    answered = [one for one in sent if "answer" in one["content"]]
    told = [one["measured"] for one in answered]
    return {
        "models": sorted({one["content"]["answer"]["route"] for one in answered}),
        "questions_count": len(sent),
        "unanswered_count": len(sent) - len(answered),
        "cached_count": sum(one["is_cached"] for one in told),
        "prompt_token_count": sum(one["prompt_tokens"] for one in told),
        "completion_token_count": sum(one["completion_tokens"] for one in told),
        "cost_usd": float(sum(one["cost_usd"] for one in told)),
        "is_priced": all(one["is_priced"] for one in told),
    }


def _calls(events: Sequence[_Event]) -> dict[str, int]:
    outcomes = Counter(one["outcome"] for one in _contents(events, "tool_called"))
    return {
        "tool_calls_count": outcomes.total(),
        "refused_calls_count": outcomes["refused"] + outcomes["over_budget"],
        "failed_calls_count": outcomes["failed"],
    }


def _contents(events: Sequence[_Event], kind: str) -> list[_Event]:
    return [event["content"] for event in events if event["kind"] == kind]


def _names(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(set(names))) or None
