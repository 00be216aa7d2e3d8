"""What a run may ask of models, and what that is said to cost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from semantic_layer.errors import InputError
from tasks.adapters.chat_costs import costs
from tasks.messages.chat import BudgetError, NoRouteError
from tests.ports.chat_routes import DEAR, chat, request, route
from tests.ports.chat_server import Behavior, servers


@pytest.fixture
def serve():
    with servers() as start:
        yield start


class TestBudget:
    def test_requests_are_counted_over_processes_of_a_run(self, serve, tmp_path):
        server = serve()
        limit = {"requests": 3, "tokens": 10_000, "usd": 1, "seconds": 100}
        for n in range(3):
            chat(tmp_path, route("served", server.url), budget=limit).answer(request(f"{n}"))
        again = chat(tmp_path, route("served", server.url), budget=limit)
        with pytest.raises(BudgetError, match=r"'run-1' has used 3 requests of 3 requests"):
            again.answer(request("3"))
        assert len(server.requests) == 3
        assert again.answer(request("3", run_id="run-2")).text == "fine"
        assert again.used("run-1").requests == 3

    def test_tokens_are_counted_as_the_route_tells_them(self, serve, tmp_path):
        limit = {"requests": 100, "tokens": 120, "usd": 1, "seconds": 100}
        model = chat(tmp_path, route("served", serve().url), budget=limit)
        model.answer(request("0"))
        model.answer(request("1"))
        model.answer(request("2"))
        with pytest.raises(BudgetError, match="54 tokens of 120 tokens, and the next question may"):
            model.answer(request("3"))
        used = model.used("run-1")
        assert used.tokens == used.requests * 18 == 54

    def test_money_stops_a_dear_route_and_a_free_one_goes_on(self, serve, tmp_path):
        dear, free = serve(), serve()
        limit = {"requests": 100, "tokens": 10**6, "usd": 0.07, "seconds": 100}
        routes = [route("dear", dear.url, prices=DEAR), route("free", free.url)]
        both = chat(tmp_path, *routes, budget=limit)
        asked = [both.answer(request(f"{n}")).route for n in range(6)]
        assert asked[0] == "dear"
        assert asked[-1] == "free"
        assert both.used("run-1").usd <= 0.07
        with pytest.raises(BudgetError, match=r"of 0\.0700 USD"):
            chat(tmp_path, routes[0], budget=limit).answer(request("7"))

    def test_seconds_cut_the_last_call_short(self, serve, tmp_path):
        server = serve(Behavior(wait_s=10))
        limit = {"requests": 100, "tokens": 10**6, "usd": 1, "seconds": 0.5}
        model = chat(tmp_path, route("slow", server.url, rest_s=0), budget=limit)
        with pytest.raises(NoRouteError):
            model.answer(request())
        with pytest.raises(BudgetError, match=r"seconds of 0\.5 seconds"):
            model.answer(request())
        assert 0.5 <= model.used("run-1").seconds < 5

    def test_a_call_that_failed_is_a_request_all_the_same(self, serve, tmp_path):
        server = serve(Behavior(status=500, body={}))
        limit = {"requests": 2, "tokens": 10**6, "usd": 1, "seconds": 100}
        model = chat(tmp_path, route("broken", server.url, rest_s=0, retries=5), budget=limit)
        with pytest.raises(BudgetError, match="2 requests"):
            model.answer(request())
        assert len(server.requests) == 2
        assert model.used("run-1").tokens == 0

    def test_questions_side_by_side_stay_within_the_limit_together(self, serve, tmp_path):
        server = serve(Behavior(wait_s=0.05))
        limit = {"requests": 5, "tokens": 10**6, "usd": 1, "seconds": 100}
        models = [chat(tmp_path, route("served", server.url), budget=limit) for _ in range(2)]

        def asked(n):
            try:
                return models[n % 2].answer(request(f"{n}")).text
            except BudgetError:
                return ""

        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(asked, range(16)))
        assert said.count("fine") == 5
        assert len(server.requests) == 5
        assert server.most_at_once > 1

    def test_a_use_case_may_have_limits_of_its_own(self, serve, tmp_path):
        wide = {"requests": 9, "tokens": 10**6, "usd": 1, "seconds": 100}
        model = chat(
            tmp_path,
            route("served", serve().url),
            budget=wide,
            budgets={"heal_tilt_slip": wide | {"requests": 1}},
        )
        model.answer(request("a", use_case="heal_tilt_slip"))
        with pytest.raises(BudgetError):
            model.answer(request("b", use_case="heal_tilt_slip"))
        assert model.answer(request("c")).text == "fine"

    def test_a_run_without_a_name_is_limited_too(self, serve, tmp_path):
        limit = {"requests": 1, "tokens": 10**6, "usd": 1, "seconds": 100}
        model = chat(tmp_path, route("served", serve().url), budget=limit)
        model.answer(request("a", run_id=""))
        with pytest.raises(BudgetError, match="without a run"):
            model.answer(request("b", run_id=""))

    def test_no_model_is_asked_uncounted(self, serve, tmp_path):
        server = serve()
        (tmp_path / "runs").write_text("a file")
        with pytest.raises(InputError, match="cannot be counted"):
            chat(tmp_path, route("served", server.url)).answer(request())
        assert server.requests == []


class TestCosts:
    def test_costs_are_summed_by_use_case_and_run(self, serve, tmp_path):
        server = serve()
        broken = serve(Behavior(status=500, body={}))
        model = chat(
            tmp_path,
            route("broken", broken.url, rest_s=600),
            route("served", server.url, prices=DEAR),
        )
        model.answer(request("a"))
        model.answer(request("a"))
        model.answer(request("b", run_id="run-2", use_case="heal_tilt_slip"))
        sums = costs(tmp_path / "costs")
        explained = sums.by_use_case["explain_findings"]
        assert (explained.answered, explained.cached, explained.failed) == (1, 1, 1)
        assert explained.usd == pytest.approx(0.0081)
        assert explained.seconds > 0
        assert (explained.prompt_tokens, explained.completion_tokens) == (11, 7)
        assert sums.by_run["run-2"].usd == pytest.approx(0.0081)
        assert sums.by_route["broken"].failed == 1
        assert set(sums.by_use_case) == {"explain_findings", "heal_tilt_slip"}

    def test_answers_without_a_known_price_are_counted(self, serve, tmp_path):
        chat(tmp_path, route("served", serve().url, prices=None)).answer(request())
        assert costs(tmp_path / "costs").by_run["run-1"].unpriced == 1

    def test_lines_of_many_writers_stay_whole_and_broken_ones_are_counted(self, serve, tmp_path):
        server = serve()
        models = [chat(tmp_path, route("served", server.url)) for _ in range(4)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: models[n % 4].answer(request(f"{n}")), range(40)))
        (file,) = (tmp_path / "costs").glob("costs-*.ndjson")
        with file.open("ab") as held:
            held.write(b'{"at": 1}\n{"outcome": "cut of\n')
        sums = costs(tmp_path / "costs")
        assert sums.by_run["run-1"].answered == 40
        assert sums.broken_lines == 2

    def test_where_nothing_was_asked_nothing_was_paid(self, tmp_path):
        assert costs(tmp_path / "none").by_run == {}
