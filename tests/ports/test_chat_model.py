"""What every chat model does, and what a question to a LiteLLM route is."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from semantic_layer.errors import DefinitionError, TransientError
from tasks.adapters.litellm_chat import LiteLlmChat
from tasks.adapters.litellm_chat_routes import ModelRoutes, load_model_routes
from tasks.adapters.scripted_chat import NoChat, ObedientChat, ScriptedChat
from tasks.messages.chat import BudgetError, ChatAnswer, NoRouteError
from tests.conftest import REPOSITORY
from tests.ports.chat_routes import DEAR, KEPT, PACKAGED, SCHEMA, chat, dead_url, request, route
from tests.ports.chat_server import Behavior, answered, servers


@pytest.fixture
def serve():
    with servers() as start:
        yield start


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
