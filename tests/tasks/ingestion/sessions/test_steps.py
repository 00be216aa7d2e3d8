"""Sessions that probes deliver are published as they come, and once."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion.sessions.steps import ingest_service_sessions
from tasks.settings import Settings
from tasks.wiring import Services, use_services

pytestmark = pytest.mark.slow  # Great Expectations judges

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))
CELL = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
MAPPING = """\
mapping: 1
into: service_sessions
files: ["sessions-*.csv"]
columns:
  id: session_id
  begin: started_at
  imsi_hash: subscriber_id
  cell: cell_dn
  service: service
  ok: is_setup
  lost: is_dropped
  seconds: duration_s
  down: {is: volume_dl_mbit, scale: 8}
constants: {weight: "100"}
"""


class StoppedClock:
    def now(self):
        return START


@pytest.fixture
def tables(tmp_path):
    services = Services(Settings(home=tmp_path / "home", worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


def deliver(folder, *rows):
    (folder / "probe.mapping.yaml").write_text(MAPPING)
    head = "id,begin,imsi_hash,cell,service,ok,lost,seconds,down"
    (folder / "sessions-1.csv").write_text("\n".join([head, *rows]) + "\n")


def row(name, begin, seconds="60", down="15"):
    return f'{name},{begin},abc,"{CELL}",voice,true,false,{seconds},{down}'


def test_a_rate_comes_from_volume_and_duration_where_the_probe_tells_none(tables, tmp_path):
    deliver(tmp_path, row("s1", "2026-01-05T12:10:00Z"), row("s2", "2026-01-05T12:20:00Z", "0"))
    (snapshot,) = ingest_service_sessions.fn(tmp_path, HOUR)
    told = tables.read("service_sessions", HOUR).sort("session_id").collect()
    assert snapshot.rows == 2
    assert told["throughput_dl_mbps"].to_list() == [2.0, None]
    assert told["source"].unique().to_list() == ["probe"]


def test_sessions_of_other_hours_wait_for_their_own_run(tables, tmp_path):
    deliver(tmp_path, row("s1", "2026-01-05T12:10:00Z"), row("s2", "2026-01-05T13:10:00Z"))
    ingest_service_sessions.fn(tmp_path, HOUR)
    assert tables.read("service_sessions").collect()["session_id"].to_list() == ["s1"]


def test_what_is_delivered_twice_stands_once_and_what_is_taken_back_goes(tables, tmp_path):
    deliver(tmp_path, row("s1", "2026-01-05T12:10:00Z"), row("s1", "2026-01-05T12:10:00Z"))
    ingest_service_sessions.fn(tmp_path, HOUR)
    ingest_service_sessions.fn(tmp_path, HOUR)
    assert tables.read("service_sessions").collect().height == 1
    deliver(tmp_path, row("s9", "2026-01-05T14:10:00Z"))
    ingest_service_sessions.fn(tmp_path, HOUR)
    assert tables.read("service_sessions").collect().is_empty()


def test_a_cell_without_a_number_is_told_and_the_rest_is_used(tables, tmp_path):
    deliver(tmp_path, row("s1", "2026-01-05T12:10:00Z", "long"), row("s2", "not a time"))
    ingest_service_sessions.fn(tmp_path, HOUR)
    reasons = tables.read("data_quality.quarantine", HOUR).collect()
    assert tables.read("service_sessions").collect()["session_id"].to_list() == ["s1"]
    assert reasons.height == 2
    assert reasons.select(pl.col("reason").str.len_chars().min()).item() > 10
