"""Changes and tickets as systems deliver them: alone, listed, inside of events, and broken."""

import json
from datetime import UTC, datetime
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_products.trouble_tickets.derive import DONE, derive, numbered
from tasks.ingestion.records.change_requests import change_requests, read_changes
from tasks.ingestion.records.changed_days import touched_windows
from tasks.ingestion.records.resources import Resource, resources_of
from tasks.ingestion.records.trouble_tickets import read_tickets

CHANGE = {"@type": "ChangeRequest", "id": "C1", "requestDate": "2026-03-01T08:00:00+01:00"}


def ids(tmp_path, value):
    (tmp_path / "a.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return change_requests(tmp_path).versions["change_id"].to_list()


@pytest.mark.parametrize(
    "value",
    [
        CHANGE,
        [CHANGE],
        {"eventId": "1", "eventTime": "2026-03-02T00:00:00Z", "event": {"changeRequest": CHANGE}},
        [{"eventTime": "2026-03-02T00:00:00Z", "eventType": "x", "event": CHANGE}],
        {"changeRequest": [CHANGE]},
        json.dumps(CHANGE) + "\n",
    ],
    ids=["alone", "listed", "event", "bare event", "wrapped", "a line"],
)
def test_a_change_is_found_however_it_is_wrapped(tmp_path, value):
    assert ids(tmp_path, value) == ["C1"]


def test_an_event_tells_since_when_a_version_holds(tmp_path):
    event = {"eventTime": "2026-03-02T00:00:00Z", "event": {"changeRequest": CHANGE}}
    (tmp_path / "a.json").write_text(json.dumps(event))
    row = change_requests(tmp_path).versions.row(0, named=True)
    assert row["version_at"] == datetime(2026, 3, 2, tzinfo=UTC)
    assert row["requested_at"] == datetime(2026, 3, 1, 7, tzinfo=UTC)


def read_one(**fields):
    return read_changes([Resource("a.json", "line 1", CHANGE | fields)])


def test_objects_parameters_and_requester_are_read_where_they_stand():
    found = read_one(
        targetEntity=[{"id": "ManagedElement=1"}, {"entity": {"name": "X=2,Y=3"}}],
        impactEntity={"id": "ManagedElement=1"},
        characteristic=[
            {"name": "digitalTilt", "value": {"valueBefore": 20, "valueAfter": 40}},
            {"name": "isBarred", "value": True},
        ],
        relatedParty=[{"role": "approver", "name": "Bo"}, {"role": "Requester", "name": "Ada"}],
    )
    row = found.versions.row(0, named=True)
    assert row["managed_object_dns"] == ["ManagedElement=1", "X=2,Y=3"]
    assert row["parameters"] == [
        {"attribute": "digitalTilt", "value_before": "20", "value_after": "40"},
        {"attribute": "isBarred", "value_before": None, "value_after": "true"},
    ]
    assert row["requester"] == "Ada"
    assert found.findings.is_empty()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"plannedStartTime": "soon"}, "plannedStartTime is no time"),
        ({"plannedStartTime": 5}, "plannedStartTime is no time"),
        ({"plannedStartTime": "9999-12-31T23:59:59-10:00"}, "plannedStartTime is no time"),
        ({"actualEndTime": "0001-01-01T00:00:00Z"}, "no year that a network had"),
        ({"risk": ["high"]}, "risk is no text"),
        ({"targetEntity": "ManagedElement=1"}, "no object"),
        ({"targetEntity": [{"id": "somewhere"}]}, "names no managed object"),
        ({"characteristic": [{"value": 1}]}, "has no name"),
    ],
)
def test_a_value_that_cannot_be_is_told_and_the_change_counts(fields, words):
    found = read_one(**fields)
    assert found.versions.height == 1
    assert any(words in reason for reason in found.findings["reason"].to_list())
    assert found.findings["key"].to_list() == ["C1"] * found.findings.height


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["2026-03-01T08:00:00Z", "closed", "ManagedElement=1", "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "name", "role", "value", "entity", "status", "changeDate", "text", "date",
             "author", "valueAfter", "@referredType", "event", "eventTime", "changeRequest"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip
KEYS = [
    "id", "requestDate", "creationDate", "status", "statusChange", "statusChangeDate",
    "plannedStartTime", "targetEntity", "impactEntity", "characteristic", "specification",
    "relatedParty", "relatedEntity", "note", "severity", "description", "lastUpdate",
    "resolutionDate", "name",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=8), st.text(max_size=5))
def test_any_resource_is_read_or_told_and_never_a_crash(fields, place):
    resource = Resource("a.json", place, fields, fields.get("lastUpdate"))
    for read in (read_changes, read_tickets):
        found = read([resource])
        assert found.versions.height + found.findings.height >= 1
        assert found.versions.height <= 1


@given(values | st.text(max_size=60).map(lambda text: "\x01" + text))
def test_any_json_file_is_read_or_told(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    text = value[1:] if isinstance(value, str) and value[:1] == "\x01" else json.dumps(value)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    for found in resources_of(path, "any.json", "changeRequest"):
        assert found.file == "any.json"


minutes = st.integers(0, 6).map(lambda count: datetime(2026, 3, 1, 8, count, tzinfo=UTC))
states = st.sampled_from(["acknowledged", "inProgress", "resolved", "closed", None])


@given(st.lists(st.tuples(st.sampled_from("AB"), minutes, states), min_size=1, max_size=14))
def test_counts_of_updates_are_those_of_a_plain_loop(told):
    schema = {"ticket_id": pl.String, "updated_at": pl.Datetime("us", "UTC"), "state": pl.String}
    updates = numbered(pl.LazyFrame(told, schema=schema, orient="row")).collect()
    versions = pl.LazyFrame(
        {"ticket_id": ["A", "B"], "opened_at": [datetime(2026, 3, 1, tzinfo=UTC)] * 2,
         "state": ["closed", "inProgress"]}
    )  # fmt: skip
    found = {row["ticket_id"]: row for row in derive(versions, updates.lazy()).collect().to_dicts()}
    for ticket in "AB":
        state, count, reopened, done, closed = None, 0, 0, None, None
        for row in updates.filter(pl.col("ticket_id") == ticket).to_dicts():
            count += 1
            after = row["state"] or state
            if after in DONE and state not in DONE:
                done = row["updated_at"]
            if after == "closed" and state != "closed":
                closed = row["updated_at"]
            reopened += state in DONE and after not in DONE
            state = after
        row = found[ticket]
        assert (row["updates_count"], row["reopened_count"]) == (count, reopened)
        is_closed = ticket == "A"
        assert row["resolved_at"] == (done if is_closed else None)
        assert row["closed_at"] == (closed if is_closed else None)


@given(st.lists(st.dates(datetime(2020, 1, 1).date(), datetime(2022, 1, 1).date()), max_size=30))
def test_few_windows_cover_every_day_and_none_twice(days):
    windows = touched_windows(days)
    assert len(windows) <= 4
    assert windows == sorted(windows)
    for before, after in pairwise(windows):
        assert before.end < after.start
    moments = [datetime(day.year, day.month, day.day, 12, tzinfo=UTC) for day in days]
    for moment in moments:
        assert sum(window.covers(moment) for window in windows) == 1
    for window in windows:
        assert any(window.start <= moment for moment in moments)
