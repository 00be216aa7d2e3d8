"""Records that say too little of their times: each is a row or a finding."""

import json

import polars as pl
import pytest

from data_products.registry import table
from tasks.ingestion.records.change_requests import read_changes
from tasks.ingestion.records.record_states import changes_as_told, tickets_as_told
from tasks.ingestion.records.resources import resources_of
from tasks.ingestion.records.trouble_tickets import read_tickets
from tests.tasks.ingestion.written import DAY


def read(tmp_path, reader, name, *told):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(list(told)))
    return reader(resources_of(path, "r.json", name))


def nothing(name):
    return pl.DataFrame(schema=table(name).schema)


@pytest.mark.parametrize(
    ("reader", "as_told", "name", "events"),
    [
        (read_changes, changes_as_told, "change_history", "change_history.states"),
        (read_tickets, tickets_as_told, "trouble_tickets", "trouble_tickets.updates"),
    ],
)
def test_a_record_without_any_time_is_found_fault_with(tmp_path, reader, as_told, name, events):
    delivered = read(tmp_path, reader, "x", {"id": "A"}, {"id": "B", "lastUpdate": "soon"})
    rows, findings = as_told(delivered, nothing(name), nothing(events), DAY.end)[name]
    assert rows.is_empty()
    reasons = findings.filter(pl.col("reason").str.contains("neither when"))
    assert sorted(reasons["key"]) == ["A", "B"]


def test_changes_of_state_without_their_time_are_told(tmp_path):
    listed = [{"status": "approved"}, {"status": "closed", "changeDate": "2026-01-05T08:00:00Z"}]
    delivered = read(tmp_path, read_changes, "x", {"id": "A", "statusChange": listed})
    assert delivered.events["state"].to_list() == ["closed"]
    assert delivered.findings["reason"].to_list() == [
        "1 changes of state lack their time or state."
    ]
