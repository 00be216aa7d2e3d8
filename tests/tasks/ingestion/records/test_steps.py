"""Changes and tickets from delivered files to published rows, and again, and later."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion.records import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow  # Great Expectations judges

DAY = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
LATER = Window(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC))
CELL = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
SHELF = REPOSITORY / "deployments/mappings"


class StoppedClock:
    def now(self):
        return LATER.end


@pytest.fixture
def tables(tmp_path):
    services = Services(
        Settings(home=tmp_path / "home", worker_pool="serial", mapping_folder=SHELF)
    )
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "delivered").mkdir()
    return tmp_path / "delivered"


def deliver(folder, name, *resources):
    (folder / name).write_text(json.dumps(list(resources)))


def change(number, at, **more):
    return {
        "@type": "ChangeRequest",
        "id": f"CHG-{number}",
        "requestDate": "2026-03-01T08:00:00Z",
        "lastUpdateDate": at,
        "statusChangeDate": at,
        "status": "approved",
        "targetEntity": [{"id": CELL, "@referredType": "NRCellDU"}],
    } | more


def ticket(number, at, status, **more):
    return {
        "@type": "TroubleTicket",
        "id": f"TT-{number}",
        "creationDate": "2026-03-01T09:00:00Z",
        "lastUpdate": at,
        "status": status,
        "severity": "Major",
        "statusChange": [{"status": status, "changeDate": at}],
        "relatedEntity": [{"id": CELL}, {"id": "A-1", "@referredType": "Alarm"}],
    } | more


def published(tables, table):
    return tables.read(table).collect()


def test_a_change_is_published_on_its_day_and_again_only_when_a_version_says_more(tables, folder):
    deliver(folder, "a.json", change(1, "2026-03-01T08:00:00Z"))
    first = steps.ingest_change_requests.fn(folder, DAY)
    assert sorted(snapshot.table for snapshot in first) == [
        "change_history", "change_history.states",
    ]  # fmt: skip
    assert steps.ingest_change_requests.fn(folder, DAY) == []
    row = published(tables, "change_history").row(0, named=True)
    assert (row["change_id"], row["state"], row["source"]) == ("CHG-1", "approved", "tmf655")
    assert row["managed_object_dns"] == [CELL]
    deliver(folder, "b.json", change(1, "2026-03-04T10:00:00Z", status="closed"))
    assert steps.ingest_change_requests.fn(folder, DAY) == []  # not known yet
    steps.ingest_change_requests.fn(folder, LATER)
    assert published(tables, "change_history")["state"].to_list() == ["closed"]
    assert published(tables, "change_history.states").sort("changed_at")["state"].to_list() == [
        "approved", "closed",
    ]  # fmt: skip
    assert steps.ingest_change_requests.fn(folder, DAY) == []  # an older run takes nothing back


def test_what_is_delivered_no_more_stays(tables, folder):
    deliver(folder, "a.json", ticket(1, "2026-03-01T09:00:00Z", "acknowledged"))
    deliver(folder, "other.json", ticket(2, "2026-03-01T09:00:00Z", "acknowledged"))
    steps.ingest_trouble_tickets.fn(folder, DAY)
    for path in folder.iterdir():
        path.unlink()
    when = "2026-03-04T09:00:00Z"
    ended = {"status": "resolved", "changeDate": when}
    part = {"@type": "TroubleTicket", "id": "TT-1", "status": "resolved", "lastUpdate": when}
    deliver(folder, "b.json", part | {"statusChange": [ended]})
    steps.ingest_trouble_tickets.fn(folder, LATER)
    rows = published(tables, "trouble_tickets").sort("ticket_id")
    assert rows["state"].to_list() == ["resolved", "acknowledged"]
    assert rows["updates_count"].to_list() == [2, 1]
    assert rows["severity"].to_list() == ["Major", "Major"]
    assert rows["alarm_ids"].to_list() == [["A-1"], ["A-1"]]


def test_what_cannot_be_used_is_told_once_and_no_more_once_it_is_mended(tables, folder):
    deliver(
        folder, "a.json",
        ticket(1, "2026-03-01T09:00:00Z", "acknowledged"),
        ticket(2, "2026-03-01T09:00:00Z", "broken beyond words"),
        ticket(3, "2026-03-01T09:00:00Z", "acknowledged", creationDate="yesterday"),
        {"@type": "TroubleTicket", "name": "nobody"},
    )  # fmt: skip
    (folder / "cut.json").write_text('[{"@type": "TroubleTicket", "id": "TT-9", "creationDate"')
    steps.ingest_trouble_tickets.fn(folder, DAY)
    assert published(tables, "trouble_tickets")["ticket_id"].to_list() == ["TT-1"]
    kept = published(tables, "data_quality.quarantine")
    about = kept.filter(pl.col("table_name") == "trouble_tickets")
    reasons = " ".join(about["reason"].to_list())
    for words in ("broken beyond words", "creationDate is no time", "has no id", "usable opened_at",
                  "no whole JSON value"):  # fmt: skip
        assert words in reasons
    assert set(about["source_file"].to_list()) == {"a.json", "cut.json"}
    assert steps.ingest_trouble_tickets.fn(folder, DAY) == []
    assert steps.ingest_trouble_tickets.fn(folder, LATER) == []
    deliver(folder, "a.json", ticket(2, "2026-03-01T09:00:00Z", "held"))
    (folder / "cut.json").unlink()
    steps.ingest_trouble_tickets.fn(folder, LATER)
    assert published(tables, "data_quality.quarantine").is_empty()
    rows = published(tables, "trouble_tickets").sort("ticket_id")
    assert rows.select("ticket_id", "state").rows() == [("TT-1", "acknowledged"), ("TT-2", "held")]


@pytest.mark.usefixtures("tables")
def test_a_folder_without_records_publishes_nothing(folder):
    assert steps.ingest_change_requests.fn(folder, DAY) == []
    assert steps.ingest_trouble_tickets.fn(folder, DAY) == []


@pytest.mark.real_data
def test_real_incidents_become_tickets_and_updates(tables, real_data, folder):
    shutil.copytree(real_data / "incidents", folder / "incidents")
    whole = Window(datetime(2016, 1, 1, tzinfo=UTC), datetime(2018, 1, 1, tzinfo=UTC))
    steps.ingest_trouble_tickets.fn(folder, whole)
    rows = published(tables, "trouble_tickets")
    updates = published(tables, "trouble_tickets.updates")
    assert (rows.height, updates.height) == (20_769, 119_998)
    assert rows["updates_count"].sum() == 119_998
    assert published(tables, "data_quality.quarantine").is_empty()
    assert steps.ingest_trouble_tickets.fn(folder, whole) == []


@pytest.mark.real_data
def test_real_incidents_at_a_moment_know_nothing_of_their_future(tables, real_data, folder):
    shutil.copytree(real_data / "incidents", folder / "incidents")
    noon = datetime(2016, 3, 3, 12, tzinfo=UTC)
    steps.ingest_trouble_tickets.fn(folder, Window(noon - timedelta(days=1), noon))
    rows = published(tables, "trouble_tickets")
    for name in ("opened_at", "resolved_at", "closed_at"):
        assert rows[name].max() < noon
    assert published(tables, "trouble_tickets.updates")["updated_at"].max() < noon
    opened = rows.filter(~pl.col("state").is_in(["resolved", "closed"]))
    assert opened.height > 100
    assert opened["resolved_at"].null_count() == opened.height


@pytest.mark.real_data
def test_real_changes_and_their_traffic_with_each_doubled_row_named(tables, real_data, folder):
    shutil.copytree(real_data / "ran_changes", folder / "ran_changes")
    year = Window(datetime(2021, 1, 1, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC))
    steps.ingest_change_requests.fn(folder, year)
    changes = published(tables, "change_history")
    observed = published(tables, "change_history.observations")
    kept = published(tables, "data_quality.quarantine")
    assert (changes.height, changes["change_id"].n_unique()) == (978, 978)
    assert observed.height == 2 * 58_898
    assert observed["change_id"].n_unique() == 470
    assert observed.select("change_id", "observed_at", "measure").is_unique().all()
    assert kept.height == 58_898
    assert kept["reason"].unique().to_list() == [
        "The row stands twice in its file; the first one counts."
    ]
    assert kept["table_name"].unique().to_list() == ["change_history.observations"]
    assert (observed["offset_s"].min(), observed["offset_s"].max()) == (-5_356_800.0, 5_443_200.0)
    assert steps.ingest_change_requests.fn(folder, year) == []
