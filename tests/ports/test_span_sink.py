"""What the span sink does: OTLP in files and to a collector, and never in a run's way."""

import base64
import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from semantic_layer.errors import InputError
from tasks.adapters.otlp_json import otlp_json
from tasks.adapters.telemetry_spans import TelemetrySpans
from tasks.messages.spans import AgentSpan

NOON = 1_772_366_400_000_000_000  # 2026-03-01T12:00Z
RUN = AgentSpan(
    "0af7651916cd43dd8448eb211c80319c",
    "b7ad6b7169203331",
    "",
    "invoke_agent heal_cell",
    NOON,
    NOON + 2_500_000_000,
    {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "heal_cell"},
)
CHAT = AgentSpan(
    RUN.trace_id,
    "00f067aa0ba902b7",
    RUN.span_id,
    "chat small",
    NOON + 1_000_000_001,
    NOON + 2_000_000_000,
    {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 9_007_199_254_740_993,
        "anops.cost_usd": 0.25,
        "anops.is_cached": True,
    },
    "no_route",
)


class Collector:
    """A collector that remembers; it can be told to answer badly or slowly."""

    def __init__(self):
        self.got, self.status, self.wait_s = [], 200, 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(outer.wait_s)
                if outer.status < 300:
                    outer.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
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
def collector():
    running = Collector()
    yield running
    running.stop()


def names(request):
    (resource,) = request["resourceSpans"]
    return [span["name"] for span in resource["scopeSpans"][0]["spans"]]


def in_files(folder):
    lines = [path.read_text().splitlines() for path in sorted(folder.glob("spans-*.ndjson"))]
    return [json.loads(line) for each in lines for line in each]


def as_protobuf(request):
    """Read OTLP JSON by the protocol's own definition; only ids differ from Protobuf's JSON."""
    for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in span:
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return json_format.ParseDict(request, ExportTraceServiceRequest())


def test_spans_are_what_the_protocol_says():
    told = as_protobuf(otlp_json([RUN, CHAT]))
    (resource,) = told.resource_spans
    assert resource.resource.attributes[0].value.string_value == "anops"
    run, chat = resource.scope_spans[0].spans
    assert run.trace_id.hex() == chat.trace_id.hex() == RUN.trace_id
    assert (run.parent_span_id, chat.parent_span_id.hex()) == (b"", RUN.span_id)
    assert (chat.start_time_unix_nano, chat.end_time_unix_nano) == (CHAT.started_ns, CHAT.ended_ns)
    values = {one.key: one.value for one in chat.attributes}
    assert values["gen_ai.usage.input_tokens"].int_value == 9_007_199_254_740_993
    assert values["anops.cost_usd"].double_value == 0.25
    assert values["anops.is_cached"].bool_value is True
    assert values["gen_ai.operation.name"].string_value == "chat"
    assert (run.status.code, chat.status.code, chat.status.message) == (0, 2, "no_route")
    assert (run.kind, chat.kind) == (1, 3)


class TestFiles:
    def test_hold_a_line_a_run_in_the_file_of_its_day(self, tmp_path):
        sink = TelemetrySpans(tmp_path)
        sink.emit([RUN, CHAT])
        sink.emit([RUN])
        sink.emit([])
        assert [names(one) for one in in_files(tmp_path)] == [[RUN.name, CHAT.name], [RUN.name]]
        assert [path.name for path in tmp_path.iterdir()] == ["spans-20260301.ndjson"]

    def test_are_forgotten_after_a_month(self, tmp_path):
        sink = TelemetrySpans(tmp_path)
        month_ns = 31 * 86_400 * 10**9
        for later in (0, month_ns, month_ns + 86_400 * 10**9):
            sink.emit([replace(RUN, ended_ns=RUN.ended_ns + later)])
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "spans-20260401.ndjson", "spans-20260402.ndjson",
        ]  # fmt: skip

    def test_that_cannot_be_written_cost_spans_but_no_run(self, tmp_path, caplog):
        (tmp_path / "spans").write_text("a file")
        TelemetrySpans(tmp_path / "spans").emit([RUN])
        assert "cannot be written" in caplog.text


class TestCollector:
    def test_gets_json_at_the_usual_path(self, tmp_path, collector):
        TelemetrySpans(tmp_path, collector.url).emit([RUN, CHAT])
        ((path, kind, request),) = collector.got
        assert (path, kind, names(request)) == (
            "/v1/traces", "application/json", [RUN.name, CHAT.name],
        )  # fmt: skip
        assert len(in_files(tmp_path)) == 1

    def test_gets_it_at_a_path_of_its_own(self, tmp_path, collector):
        TelemetrySpans(tmp_path, f"{collector.url}/otlp/v1/traces").emit([RUN])
        assert collector.got[0][0] == "/otlp/v1/traces"

    def test_that_was_away_gets_all_in_order_once_it_is_back(self, tmp_path, collector, caplog):
        sink = TelemetrySpans(tmp_path, collector.url, pause_s=0)
        collector.status = 503
        for number in range(3):
            sink.emit([replace(RUN, name=f"run {number}", ended_ns=RUN.ended_ns + number * 1000)])
        assert collector.got == []
        assert "takes no spans now (503" in caplog.text
        collector.status = 200
        sink.emit([replace(RUN, name="run 3")])
        assert [names(one) for _, _, one in collector.got] == [[f"run {n}"] for n in range(4)]
        assert list((tmp_path / "unsent").iterdir()) == []

    def test_that_does_not_answer_is_left_alone_for_a_while(self, tmp_path, collector):
        collector.wait_s = 0.5
        sink = TelemetrySpans(tmp_path, collector.url, timeout_s=0.1, pause_s=60)
        started = time.monotonic()
        for _ in range(20):
            sink.emit([RUN])
        assert time.monotonic() - started < 1.5
        assert len(list((tmp_path / "unsent").iterdir())) == 20
        assert len(in_files(tmp_path)) == 20

    def test_that_is_not_there_costs_no_run(self, tmp_path):
        TelemetrySpans(tmp_path, "http://127.0.0.1:9").emit([RUN])
        assert len(list((tmp_path / "unsent").iterdir())) == 1

    def test_that_refuses_spans_for_good_is_not_asked_again(self, tmp_path, collector, caplog):
        collector.status = 400
        sink = TelemetrySpans(tmp_path, collector.url)
        sink.emit([RUN])
        assert "refuses spans: 400" in caplog.text
        assert not (tmp_path / "unsent").exists()

    @pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://"])
    def test_has_an_address_of_http(self, tmp_path, url):
        with pytest.raises(InputError, match="http"):
            TelemetrySpans(tmp_path, url)
