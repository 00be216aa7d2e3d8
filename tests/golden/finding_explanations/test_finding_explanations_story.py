"""Decisions of the explaining agent become rows: in the order of reading, each finding once."""

from datetime import UTC, datetime, timedelta

import polars as pl

from data_products.finding_explanations.derive import COLUMNS, derive
from data_products.registry import table
from semantic_layer.periods import Window

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))


def decision(anomaly_id, rank, cause, **more):
    return {
        "anomaly_id": anomaly_id, "cell_dn": f"NRCellDU={anomaly_id[1:]}", "reading_rank": rank,
        "cause": cause, "title": cause.replace("_", " ").capitalize(), "fault_kind": cause,
        "probability": 0.75, "runner_up": "unknown", "runner_up_probability": 0.1,
        "is_decided": True, "decided_by": "solver", "text": "It strays.", "said_by": "solver",
        "would_decide": "Look at it.", "citations": ["A1", "CRQ1"], "agent_run_id": f"r-{rank}",
        "contributions": [
            {"cause": cause, "sign": "it says so", "log_odds": 1.5, "says": "seen",
             "reference": "A1"}
        ],
        "hypotheses": [{"cause": cause, "log_odds": 1.5, "probability": 0.75}],
        **more,
    }  # fmt: skip


def test_explanations_lie_in_the_order_of_reading_and_one_told_again_counts_last(golden):
    rows = derive(
        [
            decision("a2", 2, "interference"),
            decision("a1", 1, "outage"),
            decision("a3", 3, "diverted_users", fault_kind=None, citations=[], is_decided=False),
            decision("a1", 1, "power_failure", probability=0.5),
        ],
        DAY,
    )
    flat = rows.with_columns(
        pl.col("citations").list.join(" "),
        pl.col("contributions").list.eval(pl.element().struct.field("sign")).list.join("; "),
    )
    golden(flat, "finding_explanations/derived.csv")


def test_a_window_without_a_finding_has_rows_of_the_same_shape():
    assert dict(derive([], DAY).schema) == COLUMNS
    shape = table("finding_explanations")
    assert set(COLUMNS) <= set(shape.schema)
