"""What every chat model does, and how the one by LiteLLM routes stands up to bad servers."""

import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from semantic_layer.errors import DefinitionError, InputError, TransientError
from tasks.adapters.chat_costs import costs
from tasks.adapters.litellm_chat import LiteLlmChat
from tasks.adapters.litellm_chat_routes import ModelRoutes, load_model_routes
from tasks.adapters.local_llama import LocalLlama
from tasks.adapters.scripted_chat import NoChat, ObedientChat, ScriptedChat
from tasks.messages.chat import BudgetError, ChatAnswer, ChatMessage, ChatRequest, NoRouteError
from tests.conftest import REPOSITORY
from tests.ports.chat_server import Behavior, ChatServer, answered

SCHEMA = {
    "type": "object",
    "properties": {
        "option_id": {"type": "string", "enum": ["restart_cell", "leave_it"]},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["option_id", "share"],
    "additionalProperties": False,
}
KEPT = {"option_id": "restart_cell", "share": 0.5}
FREE = {"prompt_usd_per_million": 0, "completion_usd_per_million": 0}
DEAR = {"prompt_usd_per_million": 100, "completion_usd_per_million": 1000}
PACKAGED = REPOSITORY / "deployments/model_routes.yaml"


def request(text="Which option?", **changes):
    asked = ChatRequest(
        "planner",
        (ChatMessage("system", "You help radio engineers."), ChatMessage("user", text)),
        use_case="explain_findings",
        run_id="run-1",
        most_tokens=50,
    )
    return replace(asked, **changes)


def dead_url():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def route(name, url, **changes):
    return {
        "name": name,
        "model": f"openai/{name}-model",
        "api_base": url,
        "prices": FREE,
        "retries": 0,
        "timeout_s": 20,
        **changes,
    }


class Present:
    """A clock that is set by hand."""

    def __init__(self):
        self.seconds = time.time()

    def __call__(self):
        return self.seconds


def chat(folder, *routes, now=time.time, secret=lambda _: None, **changes):
    names = [one["name"] for one in routes]
    told = {"routes": routes, "roles": {"planner": names}, **changes}
    return LiteLlmChat(
        ModelRoutes.model_validate(told), folder, LocalLlama(None), secret=secret, now=now
    )


@pytest.fixture
def serve():
    running = []

    def start(*behaviors):
        running.append(ChatServer(*behaviors))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture(params=["litellm", "scripted", "obedient"])
def model(request, serve, tmp_path):
    if request.param == "scripted":
        return ScriptedChat(lambda asked: KEPT if asked.answer_schema else "Restart it.")
    if request.param == "obedient":
        return ObedientChat()
    server = serve(Behavior(body=answered(json.dumps(KEPT))))
    return chat(tmp_path, route("served", server.url))


@pytest.fixture(params=["litellm", "scripted", "none"])
def silent(request, tmp_path):
    """Return a chat model whose role has no route that answers."""
    if request.param == "litellm":
        return LiteLlmChat.at(PACKAGED, tmp_path)
    return ScriptedChat([]) if request.param == "scripted" else NoChat()


class TestEveryChatModel:
    def test_an_answer_says_where_it_comes_from_and_what_it_took(self, model):
        said = model.answer(request())
        assert isinstance(said, ChatAnswer)
        assert said.text
        assert said.route
        assert said.model
        assert said.prompt_tokens > 0
        assert said.completion_tokens > 0
        assert (said.cost_usd, said.is_cached) == (0.0, False)

    def test_an_answer_can_keep_a_schema(self, model):
        held = json.loads(model.answer(request(answer_schema=SCHEMA)).text)
        assert held["option_id"] in ("restart_cell", "leave_it")
        assert 0 <= held["share"] <= 1

    def test_the_same_question_gets_the_same_answer(self, model):
        assert model.answer(request()).text == model.answer(request()).text

    def test_questions_may_be_asked_side_by_side(self, model):
        with ThreadPoolExecutor(6) as pool:
            said = list(pool.map(lambda n: model.answer(request(f"Question {n}?")), range(12)))
        assert all(one.text for one in said)

    def test_no_route_is_said_at_once_and_may_be_tried_again_later(self, silent):
        started = time.perf_counter()
        with pytest.raises(NoRouteError, match="planner") as told:
            silent.answer(request())
        assert time.perf_counter() - started < 0.5
        assert isinstance(told.value, TransientError)


def test_a_script_remembers_what_it_was_asked_and_raises_what_it_must():
    script = ScriptedChat(["one", KEPT, BudgetError("It is used up.")])
    assert script.answer(request("a")).text == "one"
    assert json.loads(script.answer(request("b")).text) == KEPT
    with pytest.raises(BudgetError, match="used up"):
        script.answer(request("c"))
    with pytest.raises(NoRouteError, match="left in the script"):
        script.answer(request("d"))
    assert [asked.messages[-1].text for asked in script.requests] == ["a", "b", "c", "d"]


class TestTheFileOfRoutes:
    def test_the_packaged_one_needs_no_key_and_asks_nothing_outside(self):
        routes = load_model_routes(PACKAGED)
        assert {one.name for one in routes.routes if one.enabled} == {"embedded"}
        assert set(routes.roles) == {"planner", "reader", "explainer", "judge"}
        assert all(len(routes.of_role(role)) > 3 for role in routes.roles)

    def test_limits_are_finite_where_a_file_names_none(self):
        limits = ModelRoutes.model_validate({}).budget_of("explain_findings")
        assert all(0 < each < 1e7 for _, each in limits)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("budget: {requests: 0}\n", r"line 1, budget, requests: .*greater than"),
            ("cache:\n  days: 1\n  weeks: 2\n", r"line 3, cache, weeks: Extra inputs"),
            ("routes:\n  - name: a\n", r"line 2, routes 1, model: Field required"),
            (
                "routes:\n  - name: a\n    model: openai/x\n    key: sk-1\n",
                r"line 4, routes 1, key: Extra inputs",
            ),
            (
                "routes:\n  - {name: own, model: openai/x}\nroles: {judge: [owm]}\n",
                r"role 'judge' asks no known route 'owm'; did you mean 'own'",
            ),
            ("roles: {poet: []}\n", r"line 1, roles, poet"),
            (
                "routes:\n  - {name: a, model: openai/x}\n  - {name: a, model: openai/y}\n",
                r"'a' stands twice",
            ),
            (
                "routes:\n  - {name: a, model: openai/x, options: {api_key: sk-1}}\n",
                r"options may not set api_key",
            ),
            ("routes: [\n", r"no YAML|not YAML"),
        ],
    )
    def test_a_wrong_entry_is_told_with_its_line(self, tmp_path, text, told):
        path = tmp_path / "routes.yaml"
        path.write_text(text)
        with pytest.raises(DefinitionError, match=told) as raised:
            load_model_routes(path)
        assert "routes.yaml" in str(raised.value)

    def test_a_file_that_is_not_there_is_told_with_its_setting(self, tmp_path):
        with pytest.raises(DefinitionError, match="ANOPS_MODEL_ROUTES"):
            LiteLlmChat.at(tmp_path / "none.yaml", tmp_path)


class TestNoRoute:
    def test_the_packaged_default_imports_no_litellm_and_writes_nothing(self, tmp_path):
        program = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from tasks.adapters.litellm_chat import LiteLlmChat\n"
            "from tasks.messages.chat import *\n"
            f"chat = LiteLlmChat.at(Path({str(PACKAGED)!r}), Path({str(tmp_path)!r}) / 'chat')\n"
            "asked = ChatRequest('planner', (ChatMessage('user', 'hello'),))\n"
            "for _ in range(3):\n"
            "    started = time.perf_counter()\n"
            "    try: chat.answer(asked)\n"
            "    except NoRouteError as error: told = str(error)\n"
            "    took = time.perf_counter() - started\n"
            "assert took < 0.005, took\n"
            "assert 'ANOPS_LOCAL_MODEL' in told, told\n"
            "assert not {'litellm', 'openai', 'httpx', 'xllamacpp'} & set(sys.modules)\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)
        assert list(tmp_path.iterdir()) == []

    def test_each_route_says_why_it_was_not_asked(self, tmp_path):
        model = chat(
            tmp_path,
            route("off", dead_url(), enabled=False),
            route("keyless", dead_url(), key_variable="NO_SUCH_KEY"),
            route("dead", dead_url()),
            {"name": "here", "model": "local/gguf"},
        )
        with pytest.raises(NoRouteError) as told:
            model.answer(request())
        for says in (
            "not enabled in the file of routes: off",
            "keyless: its key is missing; set NO_SUCH_KEY",
            "cannot be reached",
            "here: no local model is set",
        ):
            assert says in str(told.value)

    def test_a_role_without_routes_is_told(self, tmp_path):
        with pytest.raises(NoRouteError, match=r"judge.*has none"):
            chat(tmp_path).answer(request(role="judge"))


class TestCalls:
    def test_a_question_goes_out_as_it_was_asked(self, serve, tmp_path):
        server = serve()
        model = chat(
            tmp_path,
            route("served", server.url, supports_schema=True, key_variable="THE_KEY"),
            secret={"THE_KEY": "sk-7"}.get,
        )
        model.answer(request(answer_schema=SCHEMA, seed=5, temperature=0.25))
        (sent,) = server.requests
        assert server.keys == ["Bearer sk-7"]
        assert sent["model"] == "served-model"
        assert sent["messages"] == [
            {"role": "system", "content": "You help radio engineers."},
            {"role": "user", "content": "Which option?"},
        ]
        assert (sent["seed"], sent["temperature"], sent["max_tokens"]) == (5, 0.25, 50)
        assert sent["response_format"]["json_schema"]["schema"] == SCHEMA

    def test_a_route_that_takes_no_schema_is_told_it_in_words(self, serve, tmp_path):
        fenced = f"```json\n{json.dumps(KEPT)}\n```"
        server = serve(Behavior(body=answered(fenced)))
        said = chat(tmp_path, route("served", server.url)).answer(request(answer_schema=SCHEMA))
        (sent,) = server.requests
        assert "response_format" not in sent
        assert '"restart_cell"' in sent["messages"][0]["content"]
        assert json.loads(said.text) == KEPT

    def test_an_answer_that_breaks_the_schema_is_left_to_whoever_asked(self, serve, tmp_path):
        server = serve(Behavior(body=answered("I would rather not.")))
        model = chat(tmp_path, route("served", server.url, supports_schema=True))
        assert model.answer(request(answer_schema=SCHEMA)).text == "I would rather not."

    def test_what_a_model_refuses_to_be_told_is_left_out(self, serve, tmp_path):
        server = serve()
        left_out = ["seed", "temperature"]
        chat(
            tmp_path, route("served", server.url, leaves_out=left_out, max_tokens=20)
        ).answer(request())  # fmt: skip
        (sent,) = server.requests
        assert not set(left_out) & set(sent)
        assert sent["max_tokens"] == 20

    def test_a_price_is_the_routes_own_and_one_that_nobody_knows_says_so(self, serve, tmp_path):
        server = serve()
        priced = chat(tmp_path / "a", route("served", server.url, prices=DEAR)).answer(request())
        assert priced.cost_usd == pytest.approx((11 * 100 + 7 * 1000) / 1e6)
        assert priced.is_priced
        unknown = chat(tmp_path / "b", route("served", server.url, prices=None)).answer(request())
        assert (unknown.cost_usd, unknown.is_priced) == (0.0, False)

    def test_a_price_of_litellms_table_is_taken_where_the_route_has_none(self, serve, tmp_path):
        server = serve(Behavior(body=answered("fine", model="gpt-4.1-mini")))
        known = route("served", server.url, prices=None, model="openai/gpt-4.1-mini")
        said = chat(tmp_path, known).answer(request())
        assert said.is_priced
        assert 0 < said.cost_usd < 0.01


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
            "from tests.ports.test_chat_model import chat, dead_url, request, route\n"
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

    def test_a_file_of_rests_that_is_broken_stops_nobody(self, serve, tmp_path):
        (tmp_path / "resting.json").write_text('{"served": [')
        assert chat(tmp_path, route("served", serve().url)).answer(request()).text == "fine"


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


class TestCache:
    def test_the_very_same_question_costs_nothing_in_another_process_too(self, serve, tmp_path):
        server = serve()
        first = chat(tmp_path, route("served", server.url, prices=DEAR)).answer(request())
        other = chat(tmp_path, route("served", server.url, prices=DEAR))
        again = other.answer(request(run_id="run-2"))
        assert (again.text, again.route, again.model) == (first.text, first.route, first.model)
        assert (again.is_cached, again.cost_usd, again.seconds) == (True, 0.0, 0.0)
        assert len(server.requests) == 1
        assert other.used("run-2").requests == 0

    @pytest.mark.parametrize(
        "changes",
        [
            {"seed": 1},
            {"temperature": 0.5},
            {"most_tokens": 49},
            {"answer_schema": SCHEMA},
            {"messages": (ChatMessage("user", "You help radio engineers.Which option?"),)},
            {"messages": (ChatMessage("user", "Which option?"),)},
        ],
        ids=["seed", "temperature", "tokens", "schema", "joined", "fewer messages"],
    )
    def test_whatever_changes_the_question_is_asked_anew(self, serve, tmp_path, changes):
        server = serve()
        model = chat(tmp_path, route("served", server.url))
        model.answer(request())
        assert not model.answer(request(**changes)).is_cached
        assert len(server.requests) == 2

    @pytest.mark.parametrize(
        "changes", [{"model": "openai/other"}, {"options": {"top_p": 0.5}}, {"name": "renamed"}]
    )
    def test_another_model_is_asked_anew(self, serve, tmp_path, changes):
        server = serve()
        chat(tmp_path, route("served", server.url)).answer(request())
        other = route("served", server.url) | changes
        assert not chat(tmp_path, other).answer(request()).is_cached

    def test_a_known_answer_needs_no_server(self, serve, tmp_path):
        server = serve()
        model = chat(tmp_path, route("served", server.url))
        model.answer(request())
        server.behaviors = [Behavior(status=401, body={})]
        with pytest.raises(NoRouteError):
            model.answer(request("other"))
        assert model.answer(request()).is_cached, "it rests, and yet the answer is known"

    @pytest.mark.parametrize("broken", [b"", b"{", b"[1]", b"{}", b"\xff\xfe", None])
    def test_a_broken_or_changed_entry_is_none(self, serve, tmp_path, broken):
        server = serve()
        model = chat(tmp_path, route("served", server.url))
        model.answer(request())
        (entry,) = (tmp_path / "answers").rglob("*.json")
        entry.write_bytes(broken or entry.read_bytes().replace(b"fine", b"fake"))
        assert model.answer(request()).text == "fine"
        assert len(server.requests) == 2

    def test_old_answers_are_asked_anew_and_given_up(self, serve, tmp_path):
        server, present = serve(), Present()
        routes = route("served", server.url)
        limits = {"days": 2, "megabytes": 1}
        model = chat(tmp_path, routes, now=present, cache=limits)
        model.answer(request())
        present.seconds += 86_400
        assert model.answer(request()).is_cached
        present.seconds += 86_401
        assert not model.answer(request("Which option?")).is_cached
        present.seconds += 3 * 86_400
        chat(tmp_path, routes, now=present, cache=limits).answer(request("new"))
        assert list((tmp_path / "answers").rglob("*.json")) == []

    def test_answers_stay_within_their_space(self, serve, tmp_path):
        server = serve(Behavior(body=answered("x" * 10_000)))
        model = chat(
            tmp_path, route("served", server.url), cache={"days": 1, "megabytes": 0.03},
            budget={"requests": 500, "seconds": 500},
        )  # fmt: skip
        for n in range(8):
            model.answer(request(f"{n}"))
        model._cache.tidy()
        assert sum(path.stat().st_size for path in (tmp_path / "answers").rglob("*")
                   if path.is_file()) <= 30_000  # fmt: skip

    def test_no_days_keep_nothing(self, serve, tmp_path):
        server = serve()
        model = chat(tmp_path, route("served", server.url), cache={"days": 0})
        model.answer(request())
        model.answer(request())
        assert len(server.requests) == 2
        assert not (tmp_path / "answers").exists()


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


def test_states_tell_how_routes_stand_without_asking_them(serve, tmp_path):
    server = serve()
    model = chat(
        tmp_path,
        route("served", server.url),
        route("keyless", server.url, key_variable="NO_SUCH_KEY"),
    )
    assert [(one.route.name, bool(one.lack)) for one in model.states()] == [
        ("served", False),
        ("keyless", True),
    ]
    assert server.requests == []


def test_litellms_own_double_answers_through_the_whole_adapter(tmp_path):
    double = {
        "name": "mock",
        "model": "openai/gpt-4.1-mini",
        "options": {"mock_response": json.dumps(KEPT)},
    }
    said = chat(tmp_path, double).answer(request(answer_schema=SCHEMA))
    assert json.loads(said.text) == KEPT
    assert said.is_priced


def test_what_was_given_up_on_keeps_no_process_alive(tmp_path):
    server = ChatServer(Behavior(wait_s=90))
    program = (
        "from pathlib import Path\n"
        "from tests.ports.test_chat_model import chat, request, route\n"
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
