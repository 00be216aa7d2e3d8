"""`anops knowledge` as a person types it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from data_products.lineage import Lineage
from data_products.operations_documents.derive import DOCUMENT_SCHEMA
from deployments import knowledge_command
from semantic_layer.periods import Window
from tasks.adapters.hashed_embedder import HashedEmbedder
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_tables import InMemoryTables
from tasks.knowledge import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.knowledge.world import NOW, Clock, repaired

pytestmark = pytest.mark.slow  # Great Expectations judges

WIDE = Window(NOW - timedelta(days=400), NOW + timedelta(days=1))
VERSIONS = ((20, "Lock the cell [bold]once[/bold]."), (5, "Lock the cell at night."))


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Services]:
    monkeypatch.setattr(knowledge_command, "apply_profile", lambda _: {})
    made = Services(Settings(home=tmp_path / "home"))
    clock = Clock()
    made.__dict__["clock"] = made.__dict__["network_clock"] = clock
    made.__dict__["tables"] = InMemoryTables(clock)
    made.__dict__["embedder"] = HashedEmbedder()
    made.__dict__["ledger"] = MemoryLedger(clock)
    rows = [
        {
            "document_id": "runbooks/sleep",
            "section_number": 0,
            "valid_from": NOW - timedelta(days=days),
            "kind": "runbook",
            "title": "Sleep",
            "text": text,
            "domain": "radio",
            "source_file": "sleep.md",
            "content_hash": text,
        }
        for days, text in VERSIONS
    ]
    frame = pl.DataFrame(rows, schema=DOCUMENT_SCHEMA, orient="row")
    named = frame.with_columns(pl.lit("documents").alias("source"))
    lineage = Lineage("a run", "1.0.0", "x")
    made.tables.publish("operations_documents", WIDE, named, lineage, {"source": "documents"})
    with use_services(made):
        yield made
    made.close()


def said(*words: str) -> Result:
    return CliRunner().invoke(knowledge_command.app, list(words))


def test_documents_are_indexed_once_and_found_as_they_stand():
    assert said("index").output == "2 passages published; the index holds what is published.\n"
    assert "stood already" in said("index").output
    now = said("search", "lock the cell").output
    assert "Lock the cell at night." in now
    assert "once" not in now
    assert now.startswith("[")
    assert "Sleep (runbooks/sleep, since 2026-05-27)" in now


def test_documents_are_found_as_they_stood_and_their_text_is_shown_as_written():
    said("index")
    then = said("search", "lock the cell", "--at", "2026-05-20").output
    assert "Lock the cell [bold]once[/bold]." in then
    assert "until 2026-05-27" in then


@pytest.mark.parametrize(
    "words", [("--domain", "core"), ("--at", "2020-01-01"), ("--domain", "nonsense")]
)
def test_where_nothing_fits_it_says_so(words):
    said("index")
    assert said("search", "lock the cell", *words).output.startswith("Nothing fits.")


def test_a_time_that_is_none_is_refused():
    result = said("search", "lock", "--at", "yesterday")
    assert result.exit_code == 2
    assert "is no time" in result.output


def test_cases_are_listed_with_how_far_to_believe_them(services):
    assert said("cases").output.startswith("No case was learnt")
    repaired(services.ledger, 1, "gone", "better")
    steps.learn_cases.fn()
    listed = said("cases").output
    assert listed.startswith("[case:")
    assert "believed 0.50" in listed
    assert "it got better" in " ".join(listed.split())
