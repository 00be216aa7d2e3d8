"""Knowledge through the door: published, mirrored by the index, learnt, and mended where spoilt."""

import shutil
from datetime import timedelta

import polars as pl
import pytest

from data_products.lineage import LINEAGE_COLUMNS, Lineage
from data_products.operations_documents.derive import DOCUMENT_SCHEMA
from data_products.registry import table
from semantic_layer.periods import Window
from tasks.adapters.hashed_embedder import HashedEmbedder
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.qdrant_knowledge import QdrantKnowledge
from tasks.knowledge import steps
from tasks.messages.passages import PassageFilter
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.knowledge.world import NOW, Clock, cell, repaired, weighed

pytestmark = pytest.mark.slow  # Great Expectations judges

WIDE = Window(NOW - timedelta(days=400), NOW + timedelta(days=400))
DAY = Window(NOW - timedelta(days=1), NOW)
OUTAGE = ("runbooks/outage", "Outage", "Lock and unlock the cell once.")
NOISE = ("runbooks/noise", "Noise", "Measure the bearing from two sites.")


class CountingEmbedder(HashedEmbedder):
    """Counts the texts that it was asked for."""

    asked = 0

    def embed(self, texts):
        self.asked += len(texts)
        return super().embed(texts)


@pytest.fixture
def services(tmp_path):
    made = Services(Settings(home=tmp_path / "home"))
    clock = Clock()
    made.__dict__["clock"] = made.__dict__["network_clock"] = clock
    made.__dict__["tables"] = InMemoryTables(clock)
    made.__dict__["embedder"] = CountingEmbedder()
    made.__dict__["ledger"] = MemoryLedger(clock)
    with use_services(made):
        yield made
    made.close()


def publish(services, name, frame, scope=None):
    services.tables.publish(name, WIDE, frame, Lineage("a run", "1.0.0", "x"), scope)


def write_documents(services, *versions):
    """Publish documents of id, title, text and days ago; all others are gone."""
    rows = [
        {
            "document_id": document,
            "section_number": 0,
            "valid_from": NOW - timedelta(days=days),
            "kind": "runbook",
            "title": title,
            "heading_path": title,
            "text": text,
            "domain": "radio",
            "object_classes": ["NRCellDU"],
            "source_file": f"{document}.md",
            "content_hash": text,
        }
        for document, title, text, days in versions
    ]
    frame = pl.DataFrame(rows, schema=DOCUMENT_SCHEMA, orient="row")
    named = frame.with_columns(pl.lit("documents").alias("source"))
    publish(services, "operations_documents", named, {"source": "documents"})


def found(question, **where):
    told = steps.find_passages.fn(question, PassageFilter(**where), ("documents",))
    return [one.passage.text for one in told["documents"]]


def test_documents_become_passages_that_are_found(services):
    write_documents(services, (*OUTAGE, 10), (*NOISE, 10))
    snapshot = steps.index_knowledge.fn(DAY)
    assert (snapshot.table, snapshot.rows, snapshot.verdict) == (
        "operations_knowledge",
        2,
        "published",
    )
    assert found("lock the cell") == [OUTAGE[2]]
    assert found("lock the cell", labels={"domain": "core"}) == []
    assert found("lock the cell", object_class="AMFFunction") == []


def test_where_nothing_changed_nothing_is_published_and_no_text_is_embedded(services):
    write_documents(services, (*OUTAGE, 10))
    first = steps.index_knowledge.fn(DAY)
    asked = services.embedder.asked
    again = steps.index_knowledge.fn(DAY)
    assert again.id == first.id
    assert again.window is None
    assert services.embedder.asked == asked


def test_a_new_version_ends_the_old_passage_and_embeds_only_what_changed(services):
    write_documents(services, (*OUTAGE, 10), (*NOISE, 10))
    steps.index_knowledge.fn(DAY)
    asked = services.embedder.asked
    newer = (*OUTAGE[:2], "Never lock the cell twice.", 2)
    write_documents(services, (*OUTAGE, 10), (*NOISE, 10), newer)
    steps.index_knowledge.fn(DAY)
    assert services.embedder.asked == asked + 2
    assert found("lock the cell", valid_at=NOW) == [newer[2]]
    assert found("lock the cell", valid_at=NOW - timedelta(days=5)) == [OUTAGE[2]]


def test_a_document_that_is_gone_is_forgotten(services):
    write_documents(services, (*OUTAGE, 10), (*NOISE, 10))
    steps.index_knowledge.fn(DAY)
    write_documents(services, (*NOISE, 10))
    steps.index_knowledge.fn(DAY)
    assert OUTAGE[2] not in found("lock the cell")
    assert found("bearing from sites") == [NOISE[2]]


def test_a_document_that_holds_later_waits_for_its_window(services):
    write_documents(services, (*OUTAGE, 10), (*NOISE, -5))
    steps.index_knowledge.fn(DAY)
    assert found("bearing from sites") == []
    steps.index_knowledge.fn(Window(DAY.start + timedelta(days=7), DAY.end + timedelta(days=7)))
    assert len(found("bearing from sites")) == 1
    steps.index_knowledge.fn(DAY)
    assert len(found("bearing from sites")) == 1


def test_an_index_that_was_lost_or_spoilt_is_made_anew_from_what_is_published(services, tmp_path):
    write_documents(services, (*OUTAGE, 10))
    steps.index_knowledge.fn(DAY)
    for spoil in (shutil.rmtree, spoil_files):
        services.knowledge.close()
        spoil(tmp_path / "home" / "knowledge" / "qdrant")
        steps.index_knowledge.fn(DAY)
        assert found("lock the cell") == [OUTAGE[2]]


def spoil_files(folder):
    for path in folder.rglob("storage.sqlite"):
        path.write_bytes(b"nonsense")


def test_another_embedder_indexes_all_anew(services, tmp_path):
    write_documents(services, (*OUTAGE, 10))
    steps.index_knowledge.fn(DAY)
    other = QdrantKnowledge(HashedEmbedder("another"), tmp_path / "home" / "knowledge")
    services.__dict__["knowledge"] = other
    assert found("lock the cell") == []
    steps.index_knowledge.fn(DAY)
    assert found("lock the cell") == [OUTAGE[2]]


def see_findings(services, *numbers):
    """Publish findings of sleeping cells, one a number."""
    shape = table("cell_anomalies")
    parts = [
        {"kpi": "rrc_setup_success_rate", "expected": 99.0, "seen": 3.0, "share": 0.6},
        {"kpi": "mean_active_users", "expected": 50.0, "seen": 2.0, "share": 0.3},
    ]
    rows = [
        {
            "anomaly_id": f"f{number}",
            "window_start": DAY.start,
            "window_end": DAY.end,
            "cell_dn": cell(number),
            "anomaly_start": DAY.start,
            "anomaly_end": DAY.end,
            "contributions": parts,
        }
        for number in numbers
    ]
    schema = {name: dtype for name, dtype in shape.schema.items() if name not in LINEAGE_COLUMNS}
    frame = pl.DataFrame(rows, schema_overrides=schema)
    absent = [pl.lit(None, dtype).alias(it) for it, dtype in schema.items() if it not in frame]
    publish(services, "cell_anomalies", frame.with_columns(absent).select(*schema))


def believed():
    rows = steps.published_cases.fn()
    return {(row["cause"], row["remedy"] is not None): row["weight"] for row in rows.to_dicts()}


def test_cases_grow_by_verdicts_and_repairs_and_sink_when_contradicted(services):
    see_findings(services, 1, 2, 3)
    publish(services, "finding_verdicts.weighed", weighed(("f1", 0.8, 0.6, "sleeping_cell", 3)))
    assert steps.learn_cases.fn() == 1
    first = believed()["sleeping_cell", False]
    made = repaired(services.ledger, 2, "f2", "better")
    assert steps.learn_cases.fn() == 1
    grown = believed()
    assert grown["sleeping_cell", True] >= 0.5
    both = [("f1", 0.8, 0.6, "sleeping_cell", 3), ("f3", 0.8, 0.9, "feeder_loss", 1)]
    publish(services, "finding_verdicts.weighed", weighed(*both))
    assert steps.learn_cases.fn() == 3
    sunk = believed()
    assert sunk["sleeping_cell", False] < first
    assert sunk["sleeping_cell", True] < grown["sleeping_cell", True]
    told = steps.find_passages.fn("sleeping cell setups fail, which remedy", PassageFilter())
    assert told["cases"][0].passage.passage_id.startswith("case:")
    assert [entry.kind for entry in services.ledger.entries(made)][-1] == "outcome_learned"


def test_what_a_repair_taught_is_put_on_record_once(services):
    see_findings(services, 1)
    made = repaired(services.ledger, 1, "f1", "worse")
    steps.learn_cases.fn()
    assert steps.learn_cases.fn() == 0
    publish(services, "cell_anomalies", services.tables.read("cell_anomalies").collect()[:0].drop(
        *LINEAGE_COLUMNS, strict=False
    ))  # fmt: skip
    steps.learn_cases.fn()
    lessons = [it for it in services.ledger.entries(made) if it.kind == "outcome_learned"]
    assert [it.key for it in lessons] == [f"learned:{made}"]
    assert "got worse and was taken back; this speaks against" in lessons[0].payload["says"]
    assert len(lessons[0].payload["case_id"]) == 16


def test_without_verdicts_and_repairs_there_is_nothing_to_learn(services):
    assert steps.learn_cases.fn() == 0
    assert steps.published_cases.fn().is_empty()
    assert not (services.settings.root / "knowledge").exists()
