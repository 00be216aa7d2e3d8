"""`anops feedback` as a person types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments import feedback_command
from deployments.feedback_command import feedback
from semantic_layer.errors import InputError
from tasks.adapters.memory_tables import InMemoryTables
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.feedback.world import Clock, finding_id, publish_findings

pytestmark = pytest.mark.slow  # Great Expectations judges

A = finding_id(1)


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Services]:
    monkeypatch.setattr(feedback_command, "apply_profile", lambda _: {})
    services = Services(Settings(home=tmp_path / "home"))
    clock = Clock()
    services.__dict__["clock"] = clock
    services.__dict__["tables"] = InMemoryTables(clock)
    publish_findings(services.tables)
    with use_services(services):
        yield services


def said(*words: str) -> Result:
    return CliRunner().invoke(feedback, list(words))


def given(services: Services) -> list[tuple]:
    rows = services.tables.read("finding_verdicts").collect()
    return rows.select("anomaly_id", "verdict", "fault_kind", "author", "comment", "source").rows()


def test_a_finding_comes_first_then_what_it_was(services):
    words = ("--fault-kind", "Feeder or antenna line loss", "--comment", "water", "--as", "anna")
    result = said(A, "relabel", *words)
    assert result.exit_code == 0
    assert result.output.endswith(f"Finding {A} relabeled as feeder_loss by anna.\n")
    assert given(services) == [(A, "RELABELED", "feeder_loss", "anna", "water", "command")]


def test_who_names_nobody_speaks_as_the_identity_that_is_set(services):
    assert said("give", A, "confirm").exit_code == 0
    assert given(services)[0][3] == "operator"


def test_a_template_is_filled_imported_and_listed(services, tmp_path):
    lines = said("template", "--limit", "2").output.splitlines()
    assert lines[0].startswith("finding_id,cell_dn,anomaly_start")
    assert len(lines) == 3
    path = tmp_path / "filled.csv"
    filled = [f"{line[:-5]},confirm,,,," for line in lines[1:]]
    path.write_text("\n".join([lines[0], *filled, "odd"]), encoding="utf-8")
    result = said("import", str(path), "--as", "bo")
    assert "3 rows read: 2 added" in result.output
    assert len(given(services)) == 2
    listed = said("list", "--limit", "1").output
    assert "1 of 2 verdicts shown." in listed
    assert "bo" in listed
    assert said("list", "--csv").output.count("\n") == 3


def test_the_kinds_that_may_be_named_are_listed():
    told = said("kinds").output
    assert "sleeping_cell" in told
    assert "no fault  Planned change" in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("beef", "confirm"), "No finding 'beef' is published"),
        ((A, "relabel"), "none is named"),
        ((A, "reject", "--fault-kind", "outage"), "relabel it"),
        (("import", "no/such.csv"), "cannot be read"),
    ],
)
def test_what_cannot_be_taken_is_a_sentence(services, words, says):
    error = said(*words).exception
    assert isinstance(error, InputError)
    assert says in str(error)
    assert given(services) == []


def test_a_word_that_is_no_verdict_is_refused_with_those_that_are():
    result = said(A, "maybe")
    assert result.exit_code == 2
    assert "relabel" in result.output
