"""`anops trial` as a person types it, without a model and with scripted ones."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from deployments import trial_command
from semantic_layer.errors import InputError, UnknownNameError
from tasks.adapters.litellm_chat import LiteLlmChat
from tasks.adapters.scripted_chat import NoChat, ScriptedChat
from tasks.settings import Settings
from tasks.trials import case_files
from tasks.trials.steps import run_trial
from tasks.wiring import Services, use_services

APP = typer.Typer()
APP.command()(trial_command.trial)


class Routes:
    """Two routes: one that says the same to everything, and one that is never there."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def only(self, name: str, *, is_cached: bool = True):
        self.asked.append((name, is_cached))
        known = {"parrot": ScriptedChat(lambda _: "{}", "parrot"), "away": NoChat()}
        if name not in known:
            raise UnknownNameError.of("route", name, known)
        return known[name]


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Services]:
    monkeypatch.setattr(trial_command, "apply_profile", lambda _: {})
    made = Services(Settings(home=tmp_path / "home"))
    made.__dict__["chat"] = Routes()
    with use_services(made):
        yield made
    made.close()


def said(*words: str) -> Result:
    return CliRunner().invoke(APP, list(words))


def report_in(result: Result) -> Path:
    return Path(result.output.rsplit("The report: ", 1)[1].strip())


def test_without_a_route_only_what_needs_no_model_is_tried(services):
    result = said("none")
    assert result.exit_code == 0, result.output
    assert "no model pass^1" in result.output
    assert "keywords pass^1" in result.output
    assert "What it took" not in result.output
    assert services.chat.asked == []
    report = report_in(result)
    assert report.is_file()
    told = json.loads((report.parent / "figures.json").read_text(encoding="utf-8"))
    assert told["series"][0]["figures"][-1]["cases"] >= 120


def test_two_routes_are_compared_with_each_other_and_with_code(services):
    words = ("--beside", "away", "--repeats", "2", "--kind", "tool", "--limit", "4")
    result = said("parrot", *words)
    assert result.exit_code == 0, result.output
    assert services.chat.asked == [("parrot", False), ("away", False)]
    assert "than away" in result.output
    assert "than no model" in result.output
    assert "away did not answer 8 of 8 attempts" in result.output
    assert "parrot did not answer" not in result.output
    lines = (report_in(result).parent / "attempts-parrot.jsonl").read_text(encoding="utf-8")
    attempts = [json.loads(line) for line in lines.splitlines()]
    assert [one["outcome"] for one in attempts] == ["rejected"] * 8


def test_kinds_can_be_tried_alone():
    result = said("none", "--kind", "intent", "--kind", "summary")
    assert "| intent " in result.output
    assert "| tool " not in result.output
    assert said("none", "--kind", "poetry").exit_code == 2


def test_a_route_that_is_none_is_named_with_those_that_are():
    assert isinstance(said("parrott").exception, UnknownNameError)


@pytest.mark.parametrize(("route", "beside"), [("parrot", "parrot"), ("none", "parrot")])
def test_a_comparison_needs_two_routes(route, beside):
    with pytest.raises(InputError, match="compares nothing"):
        run_trial.fn(route, beside)


def test_repeats_are_at_least_one():
    with pytest.raises(InputError, match="repeats"):
        run_trial.fn("parrot", repeats=0)


def test_the_packaged_file_has_a_route_that_trials_can_ask(services, tmp_path):
    chat = LiteLlmChat.at(services.settings.routes_file, tmp_path / "chat")
    services.__dict__["chat"] = chat
    result = said("embedded", "--repeats", "1", "--kind", "hypothesis", "--limit", "2")
    assert "embedded did not answer 2 of 2 attempts" in result.output
    assert case_files.PACKAGED.is_dir()
