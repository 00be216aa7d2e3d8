"""Answers that were given before: to the very same question only, and free."""

import pytest

from tasks.messages.chat import ChatMessage, NoRouteError
from tests.ports.chat_routes import DEAR, SCHEMA, Present, chat, request, route
from tests.ports.chat_server import Behavior, answered, servers


@pytest.fixture
def serve():
    with servers() as start:
        yield start


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
