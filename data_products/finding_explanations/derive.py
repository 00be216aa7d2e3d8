"""Decisions of the explaining agent become rows of the product, each finding once."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import polars as pl

from data_products.product import TIME
from semantic_layer.periods import Window

CONTRIBUTION = pl.Struct(
    {
        "cause": pl.String(),
        "sign": pl.String(),
        "log_odds": pl.Float64(),
        "says": pl.String(),
        "reference": pl.String(),
    }
)
COLUMNS: dict[str, pl.DataType] = {
    "explanation_id": pl.String(),
    "anomaly_id": pl.String(),
    "window_start": TIME,
    "window_end": TIME,
    "cell_dn": pl.String(),
    "reading_rank": pl.Int32(),
    "cause": pl.String(),
    "title": pl.String(),
    "fault_kind": pl.String(),
    "probability": pl.Float64(),
    "runner_up": pl.String(),
    "runner_up_probability": pl.Float64(),
    "is_decided": pl.Boolean(),
    "decided_by": pl.String(),
    "text": pl.String(),
    "said_by": pl.String(),
    "would_decide": pl.String(),
    "citations": pl.List(pl.String()),
    "contributions": pl.List(CONTRIBUTION),
    "agent_run_id": pl.String(),
}
"""Columns of the product, in order, before its lineage."""


def explanation_id(anomaly_id: str, window: Window) -> str:
    """Return the same id for the same finding and window, however often it is explained."""
    start = window.start.astimezone(UTC).isoformat()
    return hashlib.sha256(f"{anomaly_id}|{start}".encode()).hexdigest()[:16]


def derive(decisions: Sequence[Mapping[str, Any]], window: Window) -> pl.DataFrame:
    """Return decisions as rows, in the order of reading; of a finding told twice the last.

    Args:
        decisions: what the agent decided, with `reading_rank` and `agent_run_id`; what else they
            hold is left out.
        window: in which the findings were made.
    """
    last = {str(one["anomaly_id"]): one for one in decisions}
    rows = [
        {
            **{name: one.get(name) for name in COLUMNS},
            "explanation_id": explanation_id(anomaly_id, window),
            "window_start": window.start,
            "window_end": window.end,
        }
        for anomaly_id, one in last.items()
    ]
    return pl.DataFrame(rows, schema=COLUMNS).sort("reading_rank", "anomaly_id", nulls_last=True)
