"""Three runs as their transcripts tell them: one by the solver, one by a model, one that failed."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from data_products.registry import table
from semantic_layer.periods import Window
from tasks.agents.run_costs import agent_run_rows

STORY = Path(__file__).parent / "events.ndjson"


def events_by_run():
    runs = defaultdict(list)
    for line in STORY.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        runs[told.pop("run")].append(told)
    return runs


def test_a_run_is_told_by_what_it_asked_called_and_cost_once_it_has_ended(golden):
    rows = agent_run_rows(events_by_run())
    own = {name: dtype for name, dtype in table("agent_runs").schema.items() if name in rows}
    assert dict(rows.schema) == own
    golden(rows.with_columns(pl.col("models").list.join(" ")), "agent_runs/runs.csv")


def test_only_runs_that_began_in_the_window_are_told():
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = agent_run_rows(events_by_run(), Window(noon, noon + timedelta(hours=1)))
    assert rows["agent_run_id"].to_list() == ["explain-7", "explain-8"]
