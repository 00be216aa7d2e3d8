import json
import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion.alarms import steps
from tasks.ingestion.alarms.delivered_alarms import span_of_alarms
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.conftest import REPOSITORY
from tests.tasks.ingestion.alarms.test_alarm_formats import RECORD, TMF
from tests.tasks.ingestion.alarms.test_ves_events import RESOURCES, fault, header

pytestmark = pytest.mark.slow  # Great Expectations judges

LATER = datetime(2026, 4, 1, tzinfo=UTC)
FIRST = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
SECOND = Window(FIRST.end, FIRST.end + timedelta(days=1))
WHOLE_TIME = Window(datetime(1970, 1, 1, tzinfo=UTC), LATER)


class StoppedClock:
    def now(self):
        return LATER


@pytest.fixture
def tables(tmp_path):
    chosen = Settings(
        home=tmp_path / "home",
        worker_pool="serial",
        mapping_folder=REPOSITORY / "deployments/mappings",
    )
    services = Services(chosen)
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


@pytest.fixture
def folder(tmp_path):
    delivered = tmp_path / "delivered"
    (delivered / "alarms").mkdir(parents=True)
    return delivered


def record(alarm, raised, cleared=None):
    return RECORD | {
        "alarmId": alarm,
        "alarmRaisedTime": f"{raised}:00Z",
        "alarmClearedTime": f"{cleared}:00Z" if cleared else None,
    }


def deliver(folder, name, value):
    (folder / "alarms" / name).write_text(json.dumps(value))


def ingest(folder, window=FIRST):
    return steps.ingest_alarms.fn(folder, window)


def alarms(tables, *columns):
    return tables.read("alarms").sort("raised_at", "alarm_id").select(columns).collect().rows()


def test_delivered_alarms_are_published_and_what_is_none_is_quarantined(tables, folder):
    deliver(folder, "a.json", [record("A1", "2026-03-01T10:00"), {"objectInstance": "x"}])
    deliver(folder, "t.json", TMF)
    found = ingest(folder)
    assert [one.table for one in found] == ["alarms.notifications", "alarms"] * 2
    assert alarms(tables, "alarm_id", "alarm_name", "layer", "source") == [
        ("A1", "vswr_over_threshold", "radio", "alarm_records"),
        ("T1", "loss_of_signal", "optical", "tmf642"),
    ]
    kept = tables.read("data_quality.quarantine").collect()
    assert kept.height == 1
    assert kept["reason"][0] == "The object is no alarm of a known format."
    assert kept["source_file"][0] == "alarms/a.json"


def test_a_clearing_days_later_changes_the_day_of_raising_and_no_other(tables, folder):
    deliver(folder, "1.json", [record("A1", "2026-03-01T10:00"), record("A2", "2026-03-02T01:00")])
    ingest(folder)
    ingest(folder, SECOND)
    before = tables.history("alarms").height
    deliver(folder, "2.json", [record("A1", "2026-03-01T10:00", "2026-03-02T09:00")])
    ingest(folder, SECOND)
    assert alarms(tables, "alarm_id", "state", "notifications_count") == [
        ("A1", "CLEARED", 2), ("A2", "ACTIVE", 1),
    ]  # fmt: skip
    touched = tables.history("alarms").tail(tables.history("alarms").height - before)
    assert touched["window_start"].to_list() == [FIRST.start]


def test_ingesting_twice_leaves_the_same_rows_and_publishes_no_alarm_again(tables, folder):
    deliver(folder, "1.json", [record("A1", "2026-03-01T10:00", "2026-03-01T11:00")])
    ingest(folder)
    told, made = alarms(tables, "*"), tables.history("alarms").height
    ingest(folder)
    assert alarms(tables, "*") == told
    assert tables.history("alarms").height == made


def test_a_file_that_comes_late_joins_its_window(tables, folder):
    deliver(folder, "2.json", [record("A1", "2026-03-01T10:00", "2026-03-01T12:00")])
    ingest(folder)
    event = fault()
    at = int(datetime(2026, 3, 1, 11, tzinfo=UTC).timestamp() * 1e6)
    event["event"]["commonEventHeader"] |= {"startEpochMicrosec": at, "lastEpochMicrosec": at}
    deliver(folder, "late.json", event)
    ingest(folder)
    assert [row[0] for row in alarms(tables, "source")] == ["alarm_records", "ves"]


def test_a_file_that_is_delivered_twice_counts_as_duplicates(tables, folder):
    deliver(folder, "1.json", [record("A1", "2026-03-01T10:00", "2026-03-01T11:00")])
    (folder / "again").mkdir()
    shutil.copy(folder / "alarms/1.json", folder / "again/1.json")
    ingest(folder)
    assert alarms(tables, "notifications_count", "duplicates_count") == [(4, 2)]


def test_a_notification_that_is_taken_back_takes_its_alarm_back(tables, folder):
    deliver(folder, "1.json", [record("A1", "2026-03-01T10:00"), record("A2", "2026-03-01T10:00")])
    ingest(folder)
    deliver(folder, "1.json", [record("A2", "2026-03-01T10:00")])
    ingest(folder)
    assert alarms(tables, "alarm_id") == [("A2",)]


def test_a_run_that_dies_between_its_writes_is_made_good_by_the_next(tables, folder, monkeypatch):
    deliver(folder, "1.json", [record("A1", "2026-03-01T10:00")])
    ingest(folder)
    deliver(folder, "1.json", [record("A1", "2026-03-01T10:00", "2026-03-02T11:00")])
    with monkeypatch.context() as patch:
        patch.setattr(steps, "derive", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ingest(folder, SECOND)
    assert alarms(tables, "state") == [("ACTIVE",)]
    ingest(folder, SECOND)
    assert alarms(tables, "state") == [("CLEARED",)]


def test_nothing_delivered_publishes_nothing(tables, folder):
    assert ingest(folder) == []
    assert tables.history("alarms.notifications").is_empty()


def test_a_heartbeat_is_told_that_no_product_takes_it(tables, folder):
    deliver(folder, "h.json", {"event": {"commonEventHeader": header(domain="heartbeat")}})
    window = Window(datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    ingest(folder, window)
    kept = tables.read("data_quality.quarantine").collect()
    assert kept["reason"].to_list() == ["No product takes domain heartbeat."]


def test_a_span_says_which_time_a_document_covers(folder):
    deliver(folder, "1.json", [record("A1", "2026-03-01T10:00", "2026-03-01T11:00")])
    span = span_of_alarms(next(path for path in folder.rglob("1.json")), "1.json")
    assert (span.start.hour, span.end.hour) == (10, 11)


@pytest.mark.real_data
def test_every_valid_real_event_becomes_a_row_of_a_product(tables, folder, real_data):
    shutil.copytree(real_data / RESOURCES, folder / "ves")
    ingest(folder, WHOLE_TIME)
    height = {
        name: tables.read(name).filter(pl.col("source") == "ves").collect().height
        for name in ("alarms.notifications", "network_configuration", "pm_measurements")
    }
    # Two of the files measure the same machine and period; nine registrations tell one element
    # of two addresses, one of which changes at one time: the last told stands.
    assert height["alarms.notifications"] == 14
    assert height["pm_measurements"] == 1
    assert height["network_configuration"] == 2
    kept = tables.read("data_quality.quarantine").collect()
    assert kept.filter(pl.col("table_name") == "alarms.notifications").height == 21


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("data", "source", "rows", "stood", "flapping"),
    [
        ("18V_55N_Wireless.tar.gz", "wireless_alarms", 34_838, 31_624, 8_089),
        ("neurips2023_sample", "topology_alarms", 30_691, 29_975, 720),
    ],
)
def test_real_alarm_tables_come_through_whole(  # noqa: PLR0917 - a case has five parts
    tables, folder, real_data, data, source, rows, stood, flapping
):
    given = real_data / "huawei_alarm" / data
    copy = shutil.copytree if given.is_dir() else shutil.copy
    copy(given, folder / "alarms" / data)
    year = Window(datetime(2021, 1, 1, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC))
    ingest(folder, year)
    told = tables.read("alarms.notifications").collect()
    assert told["source"].unique().to_list() == [source]
    assert told["notification_type"].value_counts(sort=True)["count"].to_list() == [rows, rows]
    found = tables.read("alarms").collect()
    assert (found.height, found["is_flapping"].sum()) == (stood, flapping)
    assert found["notifications_count"].sum() == 2 * rows
    assert tables.read("data_quality.quarantine").collect().is_empty()


def test_what_an_element_says_of_itself_goes_when_its_file_is_taken_back(tables, folder):
    registered = {
        "commonEventHeader": header(domain="pnfRegistration"),
        "pnfRegistrationFields": {
            "pnfRegistrationFieldsVersion": "2.1", "vendorName": "V", "softwareVersion": "21.4",
        },
    }  # fmt: skip
    measured = {
        "commonEventHeader": header(domain="measurement"),
        "measurementFields": {
            "measurementFieldsVersion": "4.0", "measurementInterval": 300,
            "cpuUsageArray": [{"cpuIdentifier": "0", "percentUsage": 40},
                              {"cpuIdentifier": "1", "percentUsage": 60}],
            "filesystemUsageArray": [{"blockUsed": 3, "blockConfigured": 12}],
        },
    }  # fmt: skip
    deliver(folder, "both.json", [{"event": registered}, {"event": measured}])
    window = Window(datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    ingest(folder, window)
    told = tables.read("network_configuration").sort("attribute").collect()
    assert told.select("managed_object_dn", "attribute", "value", "value_number").rows() == [
        ("SubNetwork=1,ManagedElement=7", "softwareVersion", "21.4", 21.4),
        ("SubNetwork=1,ManagedElement=7", "vendorName", "V", None),
    ]
    counted = tables.read("pm_measurements").collect()
    assert counted.select("vm_cpu_usage_pct", "vm_disk_usage_pct").rows() == [(50.0, 25.0)]
    deliver(folder, "both.json", fault())
    ingest(folder, window)
    assert tables.read("network_configuration").collect().is_empty()
    assert tables.read("pm_measurements").collect().is_empty()


def test_a_value_that_did_not_change_is_no_row(tables, folder):
    for day, software in ((7, "1"), (8, "1"), (9, "2")):
        at = int(datetime(2026, 3, day, 12, tzinfo=UTC).timestamp() * 1e6)
        event = {
            "commonEventHeader": header(
                domain="pnfRegistration", startEpochMicrosec=at, lastEpochMicrosec=at
            ),
            "pnfRegistrationFields": {
                "pnfRegistrationFieldsVersion": "2.1", "softwareVersion": software,
            },
        }  # fmt: skip
        deliver(folder, f"{day}.json", {"event": event})
        start = datetime(2026, 3, day, tzinfo=UTC)
        ingest(folder, Window(start, start + timedelta(days=1)))
    told = tables.read("network_configuration").sort("valid_from").collect()
    assert told["value"].to_list() == ["1", "2"]
