"""`anops routes` as a person types it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments import routes_command
from deployments.routes_command import app
from semantic_layer.errors import InputError
from tasks.adapters.litellm_chat import LiteLlmChat
from tasks.adapters.scripted_chat import NoChat, ScriptedChat
from tasks.messages.chat import ChatRequest, NoRouteError
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.ports.chat_server import Behavior, ChatServer, answered

ROUTES = """
roles: {{planner: [own, keyless], judge: [own, idle]}}
routes:
  - name: own
    model: openai/own-model
    api_base: {url}
    prices: {{prompt_usd_per_million: 10, completion_usd_per_million: 100}}
  - {{name: keyless, model: openai/gpt-4.1-mini, key_variable: NO_SUCH_KEY_HERE}}
  - {{name: idle, model: openai/gpt-4.1, enabled: false}}
"""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    running = ChatServer(Behavior(body=answered("Restart it.")))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def services(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ChatServer
) -> Iterator[Services]:
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES.format(url=server.url))
    chosen = Settings(home=tmp_path / "home", model_routes=file, local_model=None)
    monkeypatch.setattr(routes_command, "apply_profile", lambda _: {})
    monkeypatch.setattr(routes_command, "settings", lambda: chosen)
    made = Services(chosen)
    made.__dict__["chat"] = LiteLlmChat.at(
        chosen.routes_file, chosen.root / "chat", secret=lambda _: None
    )
    with use_services(made):
        yield made


def said(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def rows(output: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in output.splitlines() if line.strip()}


def test_the_list_shows_roles_and_why_a_route_would_not_be_asked(server):
    shown = rows(said("list").output)
    assert shown["planner"] == ["planner", "own,", "keyless"]
    assert shown["own"][1:] == [
        "openai/own-model",
        "10",
        "/",
        "100",
        "USD",
        "a",
        "million",
        "yes",
    ]
    assert "NO_SUCH_KEY_HERE" in shown["keyless"]
    assert " ".join(shown["idle"]).endswith("no: it is not enabled in the file of routes")
    assert server.requests == []


def test_the_list_says_when_no_model_would_be_asked(services):
    services.__dict__["chat"] = LiteLlmChat.at(
        Path(routes_command.__file__).parent / "model_routes.yaml", services.settings.root
    )
    assert "every decision is the solver's own" in said("list").output


def test_a_try_tells_the_answer_its_route_and_its_cost(server):
    first = said("try", "planner", "Which repair?").output.splitlines()
    assert first[0] == "Restart it."
    assert first[1].startswith("(own, served-model: ")
    assert first[1].endswith("s, 11 + 7 tokens, 0.000810 USD)")
    assert "from the cache" in said("try", "planner", "Which repair?").output
    assert "from the cache" not in said("try", "planner", "Which repair?", "--seed", "1").output
    assert len(server.requests) == 2


def test_a_try_may_ask_for_a_schema(services, tmp_path):
    asked: list[ChatRequest] = []

    def answer(request: ChatRequest) -> str:
        asked.append(request)
        return "{}"

    services.__dict__["chat"] = ScriptedChat(answer)
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object"}))
    assert said("try", "judge", "Which?", "--schema", str(schema)).exit_code == 0
    assert asked[0].answer_schema == {"type": "object"}
    assert asked[0].run_id.startswith("try-routes-")


def test_one_route_alone_may_be_tried_and_always_asks_anew(server):
    for _ in range(2):
        assert "(own, " in said("try", "judge", "Which?", "--route", "own").output
    assert len(server.requests) == 2
    failed = said("try", "judge", "Which?", "--route", "owm")
    assert "did you mean 'own'" in str(failed.exception)


@pytest.mark.parametrize("text", ["{", "[1]", None])
def test_a_schema_that_is_none_is_told(tmp_path, text):
    schema = tmp_path / "schema.json"
    if text is not None:
        schema.write_text(text)
    failed = said("try", "judge", "Which?", "--schema", str(schema))
    assert isinstance(failed.exception, InputError)
    assert "schema.json" in str(failed.exception)


def test_a_role_that_is_none_is_told_with_the_nearest():
    failed = said("try", "plannr", "Which?")
    assert isinstance(failed.exception, InputError)
    assert "did you mean 'planner'" in str(failed.exception)


def test_where_no_route_answers_that_is_the_answer(services):
    services.__dict__["chat"] = NoChat()
    assert isinstance(said("try", "judge", "Which?").exception, NoRouteError)
    assert isinstance(said("list").exception, InputError)


def test_costs_are_summed_by_use_case_route_and_run():
    assert said("costs").output.strip() == "No model was asked yet."
    said("try", "planner", "Which repair?")
    said("try", "planner", "Which repair?")
    shown = said("costs").output
    assert rows(shown)["try_routes"] == [
        "try_routes", "1", "1", "0", "11", "7", "0.0008", "0", rows(shown)["own"][-1],
    ]  # fmt: skip
    assert "try-routes-" not in shown
    assert said("costs", "--runs").output.count("try-routes-") == 2


def test_a_model_of_ones_own_is_put_in_place(tmp_path):
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    refused = said("fetch-local-model", str(tmp_path / "model.gguf"), "--file", str(own))
    assert "--any takes another model" in str(refused.exception)
    taken = said("fetch-local-model", str(tmp_path / "model.gguf"), "--file", str(own), "--any")
    assert f"ANOPS_LOCAL_MODEL={tmp_path / 'model.gguf'}" in taken.output
    assert (tmp_path / "model.gguf").read_bytes() == b"GGUF"


@pytest.mark.parametrize(
    "words", [["--file", "a", "--wheels", "b"], ["--any"], ["--any", "--wheels", "b"]]
)
def test_words_that_contradict_each_other_are_told(tmp_path, words):
    failed = said("fetch-local-model", str(tmp_path / "model.gguf"), *words)
    assert isinstance(failed.exception, InputError)
    assert list(tmp_path.glob("*.gguf")) == []
