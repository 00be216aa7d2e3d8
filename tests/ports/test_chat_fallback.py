"""How chat by LiteLLM routes stands up to servers that are dead, slow, busy or broken."""

import subprocess
import sys
import time

import pytest

from semantic_layer.errors import UnknownNameError
from tasks.messages.chat import NoRouteError
from tests.conftest import REPOSITORY
from tests.ports.chat_routes import Present, chat, request, route
from tests.ports.chat_server import Behavior, ChatServer, answered, servers


@pytest.fixture
def serve():
    with servers() as start:
        yield start


BAD = [
    pytest.param(Behavior(status=429, body={"error": {"message": "slow down"}}), id="busy"),
    pytest.param(Behavior(status=500, body={"error": {"message": "broken"}}), id="broken"),
    pytest.param(Behavior(status=503, body=b"<html>away</html>"), id="away"),
    pytest.param(Behavior(status=401, body={"error": {"message": "who?"}}), id="wrong key"),
    pytest.param(Behavior(status=404, body={"error": {"message": "what?"}}), id="no such model"),
    pytest.param(Behavior(status=400, body={"error": {"message": "too long"}}), id="too long"),
    pytest.param(Behavior(body=b"<html>hello</html>"), id="a page"),
    pytest.param(Behavior(body=b'{"choices": [{"mess'), id="cut off"),
    pytest.param(Behavior(body=b""), id="nothing"),
    pytest.param(Behavior(body={"choices": []}), id="no choice"),
    pytest.param(Behavior(body=[1, 2]), id="a list"),
    pytest.param(Behavior(body={"choices": "many", "usage": 3}), id="wrong types"),
    pytest.param(Behavior(body=answered("")), id="empty text"),
    pytest.param(Behavior(body=answered(None)), id="no text"),
    pytest.param(Behavior(body=answered("x" * 500_000)), id="endless text"),
    pytest.param(Behavior(wait_s=30), id="hangs"),
    pytest.param(Behavior(trickle_s=0.05), id="trickles"),
]


class TestFallback:
    @pytest.mark.parametrize("behavior", BAD)
    def test_a_route_that_fails_hands_over_to_the_next(self, serve, tmp_path, behavior):
        bad, good = serve(behavior), serve()
        model = chat(tmp_path, route("bad", bad.url, timeout_s=0.5), route("good", good.url))
        assert model.answer(request()).route == "good"
        assert len(bad.requests) == 1

    def test_a_dead_server_costs_milliseconds_and_no_import(self, tmp_path):
        program = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from tests.ports.chat_routes import chat, dead_url, request, route\n"
            "from tasks.messages.chat import NoRouteError\n"
            f"model = chat(Path({str(tmp_path)!r}), route('dead', dead_url(), retries=3))\n"
            "started = time.perf_counter()\n"
            "try: model.answer(request())\n"
            "except NoRouteError: pass\n"
            "took = time.perf_counter() - started\n"
            "assert took < 0.25, took\n"
            "assert 'litellm' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)

    def test_a_route_that_failed_rests_and_another_process_knows(self, serve, tmp_path):
        present = Present()
        bad, good = serve(Behavior(status=401, body={})), serve()
        routes = [route("bad", bad.url, rest_s=20), route("good", good.url)]
        first = chat(tmp_path, *routes, now=present)
        other = chat(tmp_path, *routes, now=present)
        first.answer(request("a"))
        other.answer(request("b"))
        assert (len(bad.requests), len(good.requests)) == (1, 2)
        assert "rests for 20 s yet" in other.states()[0].lack
        present.seconds += 21
        other.answer(request("c"))
        assert len(bad.requests) == 2
        assert "rests for 40 s yet" in first.states()[0].lack, "the second rest is longer"
        present.seconds += 41
        bad.behaviors = [Behavior()]
        assert first.answer(request("d")).route == "bad"
        assert other.states()[0].lack == ""

    def test_a_route_that_was_mended_in_the_file_is_asked_at_once(self, serve, tmp_path):
        bad = serve(Behavior(status=401, body={}), Behavior())
        with pytest.raises(NoRouteError):
            chat(tmp_path, route("own", bad.url)).answer(request())
        assert chat(tmp_path, route("own", bad.url, timeout_s=21)).answer(request()).text

    def test_a_question_that_is_refused_does_not_put_its_route_to_rest(self, serve, tmp_path):
        server = serve(Behavior(status=400, body={"error": {"message": "too long"}}), Behavior())
        model = chat(tmp_path, route("served", server.url))
        with pytest.raises(NoRouteError, match="refuses the question"):
            model.answer(request("far too long"))
        assert model.answer(request("short")).text == "fine"

    def test_a_busy_route_is_asked_again_as_often_as_it_says(self, serve, tmp_path):
        busy = Behavior(status=429, body={}, headers={"Retry-After": "0"})
        server = serve(busy, busy, Behavior())
        assert chat(tmp_path, route("served", server.url, retries=2)).answer(request()).text
        assert len(server.requests) == 3

    def test_a_route_that_wants_a_long_pause_is_not_waited_for(self, serve, tmp_path):
        busy = serve(Behavior(status=429, body={}, headers={"Retry-After": "120"}))
        model = chat(tmp_path, route("busy", busy.url, retries=5))
        started = time.perf_counter()
        with pytest.raises(NoRouteError, match="too often"):
            model.answer(request())
        assert time.perf_counter() - started < 4
        assert len(busy.requests) == 1
        assert "rests for 120 s" in model.states()[0].lack

    def test_a_server_that_trickles_is_given_up_when_its_time_is_over(self, serve, tmp_path):
        server = serve(Behavior(trickle_s=0.1))
        model = chat(tmp_path, route("slow", server.url, timeout_s=0.6))
        started = time.perf_counter()
        with pytest.raises(NoRouteError, match=r"longer than 0\.6 s"):
            model.answer(request())
        assert time.perf_counter() - started < 5

    def test_one_route_may_be_asked_alone_for_every_role(self, serve, tmp_path):
        first, second = serve(), serve()
        both = chat(tmp_path, route("first", first.url), route("second", second.url, enabled=False))
        alone = both.only("second", is_cached=False)
        for role in ("planner", "judge", "judge"):
            assert alone.answer(request(role=role)).route == "second"
        assert (len(first.requests), len(second.requests)) == (0, 3)
        second.behaviors = [Behavior(status=400, body={})]
        with pytest.raises(NoRouteError, match="second"):
            alone.answer(request())
        assert first.requests == []
        with pytest.raises(UnknownNameError, match="did you mean 'second'"):
            both.only("secund")

    def test_a_file_of_rests_that_is_broken_stops_nobody(self, serve, tmp_path):
        (tmp_path / "resting.json").write_text('{"served": [')
        assert chat(tmp_path, route("served", serve().url)).answer(request()).text == "fine"


def test_what_was_given_up_on_keeps_no_process_alive(tmp_path):
    server = ChatServer(Behavior(wait_s=90))
    program = (
        "from pathlib import Path\n"
        "from tests.ports.chat_routes import chat, request, route\n"
        "from tasks.messages.chat import NoRouteError\n"
        f"model = chat(Path({str(tmp_path)!r}), route('slow', {server.url!r}, timeout_s=0.3))\n"
        "try: model.answer(request())\n"
        "except NoRouteError: print('given up')\n"
    )
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            check=True, cwd=REPOSITORY, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        server.stop()
    assert ended.stdout == "given up\n"
