"""`anops replay` as a person types it: a kept run, or an exported file."""

import json
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from deployments import replay_command
from semantic_layer.errors import InputError, UnknownNameError
from tasks.adapters.file_transcripts import FileTranscripts
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.agents.doubles import CELL, Agency

RUN = "heal-1"
REAL_AGENTS = dict(replay_command.AGENTS)


def heal_cell(session, arguments):
    """An agent by the name of a real one."""
    rows = session.call("read_kpis", cell_dn=arguments["cell_dn"]).rows
    return {"usage": rows[0]["prb_usage_dl_pct"], "by": "solver"}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setattr(replay_command, "apply_profile", lambda _: {})
    monkeypatch.setattr(replay_command, "AGENTS", {"heal_cell": __name__})
    agency = Agency()
    agency.run(heal_cell, run_id=RUN, arguments={"cell_dn": CELL})
    services = Services(Settings(home=tmp_path / "home"))
    FileTranscripts(services.settings.root / "transcripts").append(RUN, agency.events(RUN))
    with use_services(services):
        yield services.settings.root / "transcripts" / f"{RUN}.ndjson"


def said(*words):
    app = typer.Typer()
    app.command()(replay_command.replay)
    return CliRunner().invoke(app, list(words))


def test_a_kept_run_is_repeated_and_the_same():
    result = said(RUN)
    assert result.exit_code == 0
    assert "the same decision, byte by byte" in result.output
    assert '"usage":12.34' in result.output


def test_an_exported_file_is_repeated_without_its_store(home, tmp_path):
    exported = tmp_path / "exported.ndjson"
    home.rename(exported)
    result = said("--file", str(exported), "--json")
    assert result.exit_code == 0
    assert json.loads(result.output)["is_same"] is True


def test_another_decision_ends_badly(monkeypatch):
    monkeypatch.setitem(globals(), "heal_cell", lambda _session, _arguments: {"usage": 0})
    result = said(RUN)
    assert result.exit_code == 1
    assert "ANOTHER DECISION" in result.output


def test_a_changed_file_is_not_repeated(home):
    home.write_text(home.read_text().replace("solver", "nobody"))
    assert isinstance(said(RUN).exception, InputError)
    assert isinstance(said("--file", str(home)).exception, InputError)


@pytest.mark.parametrize("words", [[], [RUN, "--file", "x.ndjson"], ["--file", "none.ndjson"]])
def test_one_run_or_one_file_is_named(words):
    assert isinstance(said(*words).exception, InputError)


def test_an_agent_that_is_not_known_here_is_told(monkeypatch):
    monkeypatch.setattr(replay_command, "AGENTS", {"explain_finding": __name__})
    assert isinstance(said(RUN).exception, UnknownNameError)


def test_each_agent_is_the_function_of_its_name():
    for name, module in REAL_AGENTS.items():
        assert callable(getattr(import_module(module), name))
