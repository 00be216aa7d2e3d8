"""What every lineage sink does: OpenLineage events, in order, and never in a publish's way."""

import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

from data_products.checks import CheckVerdict
from data_products.lineage import AssertedCheck, LineageEvent, Snapshot
from data_products.product import TIME
from data_products.publication import ContractBrokenError
from data_products.registry import table
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.contract_door import ContractDoor
from tasks.adapters.file_lineage import FileLineage
from tasks.adapters.http_lineage import HttpLineage
from tasks.adapters.memory_tables import InMemoryTables

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = Window(MIDNIGHT, MIDNIGHT + timedelta(hours=1))
CHECK = AssertedCheck("not_null:cell_dn", "not_null", "cell_dn", True, True, 10, 0)
EVENT = LineageEvent(
    run_id="run-1",
    job="publish cell_kpis",
    output=Snapshot("cell_kpis", 7, 10),
    inputs=(Snapshot("pm_measurements", 3, 20),),
    when=MIDNIGHT,
    state="COMPLETE",
    publish_id="5f0a0f7e-6b0e-4a6e-9d0a-3a4b5c6d7e8f",
    checks=(CHECK,),
)


class Server:
    """A Marquez that remembers; it can be told to answer badly or slowly."""

    def __init__(self):
        self.got, self.status, self.wait_s = [], 201, 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(outer.wait_s)
                if outer.status < 300:
                    outer.got.append((self.path, json.loads(body)))
                with suppress(BrokenPipeError, ConnectionResetError):
                    self.send_response(outer.status)
                    self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.stop()


def written(folder: Path) -> list[dict]:
    lines = [path.read_text().splitlines() for path in sorted(folder.glob("events-*.ndjson"))]
    return [json.loads(line) for each in lines for line in each]


@pytest.fixture(params=["file", "http"])
def sink(request, tmp_path):
    """Return a sink and a function that tells what reached its end."""
    if request.param == "file":
        yield FileLineage(tmp_path / "lineage"), lambda: written(tmp_path / "lineage")
        return
    running = Server()
    yield (
        HttpLineage(running.url, tmp_path / "unsent"),
        lambda: [event for _, event in running.got],
    )
    running.stop()


def facets_of(value):
    """Yield every facet of an event: a mapping under a key that ends in `facets`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.lower().endswith("facets"):
                yield from inner.values()
            yield from facets_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from facets_of(inner)


class TestEverySink:
    def test_tells_events_in_order_as_openlineage(self, sink):
        emitter, told = sink
        emitter.emit(replace(EVENT, state="START", checks=()))
        emitter.emit(EVENT)
        emitter.close()
        start, end = told()
        assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
        assert start["run"]["runId"] == end["run"]["runId"]
        for event in (start, end):
            UUID(event["run"]["runId"])
            UUID(event["run"]["facets"]["parent"]["run"]["runId"])
            assert datetime.fromisoformat(event["eventTime"]) == MIDNIGHT
            assert event["producer"]
            assert event["schemaURL"].startswith("https://openlineage.io/spec/")
            facets = list(facets_of(event))
            assert facets
            assert all(facet["_producer"] and facet["_schemaURL"] for facet in facets)

    def test_tells_schema_columns_version_checks_and_input(self, sink):
        emitter, told = sink
        emitter.emit(EVENT)
        (event,) = told()
        (output,) = event["outputs"]
        fields = {field["name"] for field in output["facets"]["schema"]["fields"]}
        assert fields == set(table("cell_kpis").schema)
        assert output["facets"]["version"]["datasetVersion"] == "7"
        assert output["outputFacets"]["outputStatistics"]["rowCount"] == 10
        columns = output["facets"]["columnLineage"]["fields"]
        used = {one["field"] for one in columns["prb_usage_dl_pct"]["inputFields"]}
        assert used == {"prb_used_dl_prb", "prb_avail_dl_prb"}
        (assertion,) = output["facets"]["dataQualityAssertions"]["assertions"]
        assert (assertion["column"], assertion["success"]) == ("cell_dn", True)
        (source,) = event["inputs"]
        assert (source["name"], source["facets"]["version"]["datasetVersion"]) == (
            "pm_measurements",
            "3",
        )

    def test_tells_why_a_publish_failed(self, sink):
        emitter, told = sink
        emitter.emit(replace(EVENT, state="FAIL", reason="It broke not_null:cell_dn."))
        (event,) = told()
        message = event["run"]["facets"]["errorMessage"]["message"]
        assert message == "It broke not_null:cell_dn."

    def test_closing_twice_is_harmless(self, sink):
        emitter, _ = sink
        emitter.close()
        emitter.close()


def test_events_that_a_dead_server_missed_come_later_and_in_order(server, tmp_path):
    sink = HttpLineage(server.url, tmp_path / "unsent", pause_s=0.0)
    server.status = 503
    for state in ("START", "COMPLETE"):
        sink.emit(replace(EVENT, state=state))
        time.sleep(0.002)
    assert server.got == []
    server.status = 201
    sink.emit(replace(EVENT, when=MIDNIGHT + timedelta(hours=1), state="FAIL", reason="x"))
    assert [event["eventType"] for _, event in server.got][-1] == "FAIL"
    assert len(server.got) == 3
    assert {path for path, _ in server.got} == {"/api/v1/lineage"}
    assert list((tmp_path / "unsent").glob("*.json")) == []


def test_a_server_that_hangs_holds_up_one_publish_by_the_timeout_and_the_next_not_at_all(
    server, tmp_path
):
    server.wait_s = 1.5
    sink = HttpLineage(server.url, tmp_path / "unsent", timeout_s=0.2)
    started = time.monotonic()
    sink.emit(EVENT)
    first = time.monotonic() - started
    started = time.monotonic()
    sink.emit(EVENT)
    assert first < 1.4
    assert time.monotonic() - started < 0.1
    assert len(list((tmp_path / "unsent").glob("*.json"))) == 2


def test_what_one_process_could_not_send_the_next_sends_when_it_closes(server, tmp_path):
    dead = HttpLineage("http://127.0.0.1:9", tmp_path / "unsent", timeout_s=0.2)
    dead.emit(EVENT)
    HttpLineage(server.url, tmp_path / "unsent").close()
    assert [event["eventType"] for _, event in server.got] == ["COMPLETE"]


def test_an_event_that_the_server_calls_wrong_does_not_hold_up_the_rest(server, tmp_path):
    server.status = 422
    sink = HttpLineage(server.url, tmp_path / "unsent")
    sink.emit(EVENT)
    assert list((tmp_path / "unsent").glob("*.json")) == []


def test_an_address_that_is_none_is_told(tmp_path):
    with pytest.raises(InputError, match="http://"):
        HttpLineage("marquez", tmp_path)


def test_a_folder_that_cannot_be_written_loses_lineage_not_a_publish(tmp_path, caplog):
    (tmp_path / "lineage").write_text("a file")
    FileLineage(tmp_path / "lineage").emit(EVENT)
    assert "cannot be written" in caplog.text


def test_days_older_than_a_month_are_given_up(tmp_path):
    old = tmp_path / "events-20260101.ndjson"
    old.write_text("{}\n")
    FileLineage(tmp_path).emit(EVENT)
    assert not old.exists()
    assert len(written(tmp_path)) == 1


class StoppedClock:
    def now(self):
        return MIDNIGHT


class Agreeable:
    """A judge whose verdict is counted, without Great Expectations."""

    def judge(self, checks, metrics):
        return [
            CheckVerdict(
                check.id,
                metrics.failed_share(check.id) <= check.limit_share,
                metrics.rows,
                metrics.failed[check.id],
                check.limit_share,
            )
            for check in checks
        ]


@pytest.fixture
def tables():
    return InMemoryTables(StoppedClock())


@pytest.fixture
def door(tables, tmp_path):
    return ContractDoor(tables, Agreeable(), lineage=FileLineage(tmp_path), clock=StoppedClock())


def cells(**columns):
    frame = pl.DataFrame({"cell_dn": [f"NRCellDU={n}" for n in range(10)]})
    return frame.with_columns(pl.lit(MIDNIGHT, dtype=TIME).alias("valid_from"), **columns)


def test_the_door_tells_start_and_end_of_a_publish(door, tmp_path):
    snapshot = door.publish("network_topology", HOUR, cells(), [Snapshot("alarms", 3, 1)], "run-1")
    start, end = written(tmp_path)
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert end["outputs"][0]["facets"]["version"]["datasetVersion"] == str(snapshot.id)
    assert end["outputs"][0]["facets"]["dataQualityAssertions"]["assertions"]
    assert (snapshot.window, snapshot.scope) == (HOUR, "source=delivered")


def test_the_door_tells_a_refusal_and_an_error_as_failures(door, tmp_path):
    refused = door.publish("network_topology", HOUR, cells(azimuth_deg=pl.lit(999.0)), [], "run-1")
    assert refused.verdict == "refused"
    assert "between:azimuth_deg" in refused.reason
    with pytest.raises(ContractBrokenError):
        door.publish("network_topology", HOUR, cells(azimut=pl.lit(1.0)), [], "run-2")
    told = written(tmp_path)
    assert [event["eventType"] for event in told] == ["START", "FAIL", "START", "FAIL"]
    assert "between:azimuth_deg" in told[1]["run"]["facets"]["errorMessage"]["message"]


def test_a_contract_that_drops_what_stands_published_is_told_with_the_publish(tables, door):
    shape = table("network_topology")
    door.publish("network_topology", HOUR, cells(band=pl.lit("n78")), [], "run-1")
    narrower = replace(
        shape,
        version="2.0.0",
        columns=tuple(column for column in shape.columns if column.name != "band"),
    )
    later = ContractDoor(
        tables, Agreeable(), lambda name: narrower if name == shape.name else table(name)
    )
    told = later.publish("network_topology", HOUR, cells(), [], "run-2")
    assert told.verdict == "published"
    assert "drops band" in told.reason


def test_an_older_program_does_not_write_over_rows_of_a_newer_contract(tables, door):
    shape = replace(table("network_topology"), version="2.0.0")
    newer = ContractDoor(
        tables, Agreeable(), lambda name: shape if name == shape.name else table(name)
    )
    newer.publish("network_topology", HOUR, cells(), [], "run-1")
    with pytest.raises(ContractBrokenError, match=r"2\.0\.0.*older program"):
        door.publish("network_topology", HOUR, cells(), [], "run-2")
