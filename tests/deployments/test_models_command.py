"""`anops models` as a person types it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from deployments import models_command
from deployments.models_command import app
from semantic_layer.errors import AnopsError
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.settings import Settings
from tasks.stored_models import ModelCard, StoredModel
from tasks.wiring import Services, use_services

NAME = "cell_anomalies.all"
START = datetime(2026, 3, 1, tzinfo=UTC)


class TickingClock:
    def __init__(self):
        self.moment = START

    def now(self):
        self.moment += timedelta(hours=1)
        return self.moment


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Services]:
    monkeypatch.setattr(models_command, "apply_profile", lambda _: {})
    made = Services(Settings(home=tmp_path / "home"))
    made.__dict__["models"] = InMemoryModelRegistry(TickingClock())
    with use_services(made):
        yield made


@pytest.fixture
def models(services: Services) -> InMemoryModelRegistry:
    for value, gate in ((1.0, "passed"), (2.0, "passed"), (3.0, "refused")):
        card = ModelCard(
            {"snapshot_id": "42", "history_end": START.isoformat()},
            "catalogue-7",
            11,
            {"gate": gate},
            {"average_precision": 0.7 + value / 100},
            "It was the most precise.",
        )
        model = StoredModel("robust_covariance", ("a",), {}, {"w": np.full(2, value)})
        services.models.register(NAME, model, card)
    services.models.assign(NAME, "champion", 1, "first", "train-models")
    services.models.assign(NAME, "challenger", 3, "not better", "train-models")
    return services.models


def said(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def test_a_registry_without_models_says_how_to_get_some():
    assert "train-models" in said("list").output


@pytest.mark.usefixtures("models")
def test_the_list_shows_who_serves_and_who_scores_beside():
    lines = said("list").output.splitlines()
    assert lines[0].split() == ["model", "versions", "champion", "challenger"]
    assert "1 (robust_covariance, average precision 0.710)" in lines[1]
    assert "3 (robust_covariance, average precision 0.730)" in lines[1]


@pytest.mark.usefixtures("models")
def test_a_version_tells_where_it_comes_from_and_who_served_when():
    shown = said("show", NAME).output
    assert shown.startswith(f"{NAME} version 1 of 3, champion")
    for told in ("robust_covariance", "catalogue-7", "snapshot_id", "42", "seed           11"):
        assert told in shown
    assert "2026-03-01 04:00  version 1  by train-models: first" in shown
    assert f"{NAME} version 2 of 3\n" in said("show", NAME, "--version", "2").output


def test_promoting_and_rolling_back_are_one_command_each_and_on_record(models):
    told = said("promote", NAME, "2", "--reason", "right more often", "--author", "ann").output
    assert "version 2 (robust_covariance) is champion" in told
    told = said("rollback", NAME, "--reason", "cries wolf", "--author", "ben").output
    assert "version 1 is champion again, after version 2" in told
    assert [record[:3] for record in models.assignments(NAME, "champion")] == [
        (1, "first", "train-models"),
        (2, "right more often", "ann"),
        (1, "rolled back from version 2: cries wolf", "ben"),
    ]


def test_who_is_not_named_is_who_is_logged_in(models, monkeypatch):
    monkeypatch.setattr(models_command.getpass, "getuser", lambda: "carol")
    said("promote", NAME, "2", "--reason", "x")
    assert models.assignments(NAME, "champion")[-1][2] == "carol"


def test_a_version_that_the_gate_refused_needs_a_clear_word(models):
    refused = said("promote", NAME, "3", "--reason", "hurry", "--author", "ann")
    assert isinstance(refused.exception, AnopsError)
    assert "--despite-gate" in str(refused.exception)
    words = ("promote", NAME, "3", "--reason", "hurry", "--author", "ann", "--despite-gate")
    assert "version 3" in said(*words).output
    assert models.assignments(NAME, "challenger")[-1][0] is None


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "cell_anomalies.nowhere"], "No model cell_anomalies.nowhere"),
        (["show", NAME, "--version", "9"], "there are 1, 2, 3."),
        (["promote", NAME, "9", "--reason", "x"], "No version 9"),
        (["rollback", "cell_anomalies.nowhere", "--reason", "x"], "none can be rolled back"),
        (
            ["compare", "cell_anomalies.nowhere", "--from", "2026-03-01", "--to", "2026-03-02"],
            "challenger",
        ),
    ],
)
def test_what_it_cannot_do_is_a_sentence(words, says):
    error = said(*words).exception
    assert isinstance(error, AnopsError)
    assert says in str(error)


@pytest.mark.usefixtures("models")
def test_a_promotion_without_a_reason_is_refused():
    result = said("promote", NAME, "2")
    assert result.exit_code == 2
    assert "--reason" in result.output
