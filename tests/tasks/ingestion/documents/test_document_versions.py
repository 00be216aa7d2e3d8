"""Documents over time: published since when they hold, again when they change or move."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion.documents import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services

pytestmark = pytest.mark.slow  # Great Expectations judges

DAY = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))


def days_later(count):
    length = timedelta(days=count)
    return Window(DAY.start + length, DAY.end + length)


class StoppedClock:
    def now(self):
        return DAY.end


@pytest.fixture
def tables(tmp_path):
    services = Services(Settings(home=tmp_path / "home", worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "delivered").mkdir()
    return tmp_path / "delivered"


def versions(tables):
    rows = tables.read("operations_documents").collect()
    told = rows.select("document_id", "valid_from", "source_file", "text")
    return [
        (name, moment.strftime("%m-%d"), file, text)
        for name, moment, file, text in told.sort("document_id", "valid_from").rows()
    ]


def test_a_document_holds_since_it_says_or_since_it_was_seen(tables, folder):
    (folder / "a.md").write_text("---\nvalid_from: 2026-01-15\n---\nstated\n")
    (folder / "b.md").write_text("seen\n")
    (folder / "c.md").write_text("---\nvalid_from: 2026-03-04\n---\nnot yet\n")
    steps.ingest_documents.fn(folder, DAY)
    seen = [("a", "01-15", "a.md", "stated"), ("b", "03-02", "b.md", "seen")]
    assert versions(tables) == seen
    assert steps.ingest_documents.fn(folder, DAY) == []
    assert steps.ingest_documents.fn(folder, days_later(1)) == []
    steps.ingest_documents.fn(folder, days_later(2))
    assert versions(tables) == [*seen, ("c", "03-04", "c.md", "not yet")]


def test_a_changed_document_is_a_new_version_and_the_old_one_stays(tables, folder):
    (folder / "a.md").write_text("first\n")
    steps.ingest_documents.fn(folder, DAY)
    (folder / "a.md").write_text("second\n")
    steps.ingest_documents.fn(folder, days_later(1))
    (folder / "a.md").write_text("---\nvalid_from: 2026-03-04T06:00:00Z\n---\nthird\n")
    steps.ingest_documents.fn(folder, days_later(3))
    told = [
        ("a", "03-02", "a.md", "first"),
        ("a", "03-03", "a.md", "second"),
        ("a", "03-04", "a.md", "third"),
    ]
    assert versions(tables) == told
    assert steps.ingest_documents.fn(folder, DAY) == []  # an older run takes nothing back


def test_a_moved_document_keeps_its_id_and_a_copy_does_not_take_it(tables, folder):
    (folder / "old.md").write_text("the same words\n")
    steps.ingest_documents.fn(folder, DAY)
    (folder / "copy.md").write_text("the same words\n")
    steps.ingest_documents.fn(folder, DAY)
    assert [row[0] for row in versions(tables)] == ["copy", "old"]
    (folder / "copy.md").unlink()
    (folder / "new").mkdir()
    (folder / "old.md").rename(folder / "new" / "place.md")
    steps.ingest_documents.fn(folder, days_later(1))
    assert versions(tables) == [
        ("copy", "03-02", "copy.md", "the same words"),
        ("old", "03-02", "old.md", "the same words"),
        ("old", "03-03", "new/place.md", "the same words"),
    ]
    assert steps.ingest_documents.fn(folder, days_later(1)) == []


def test_a_document_that_is_no_text_is_told_until_it_is_mended(tables, folder):
    (folder / "a.md").write_bytes(b"\xff\xfe\x00")
    steps.ingest_documents.fn(folder, DAY)
    kept = tables.read("data_quality.quarantine").collect()
    assert kept["source_file"].to_list() == ["a.md"]
    assert steps.ingest_documents.fn(folder, days_later(1)) == []
    (folder / "a.md").write_text("mended\n")
    steps.ingest_documents.fn(folder, days_later(2))
    assert tables.read("data_quality.quarantine").collect().is_empty()
    assert versions(tables) == [("a", "03-04", "a.md", "mended")]


@pytest.mark.real_data
def test_real_documents_are_published_once(tables, real_data, folder):
    shutil.copytree(real_data / "runbooks", folder / "runbooks")
    shutil.copytree(real_data / "noc_alarm_kb", folder / "kb")
    steps.ingest_documents.fn(folder, DAY)
    rows = tables.read("operations_documents").collect()
    assert (rows.height, rows["document_id"].n_unique()) == (1_101 + 1_027, 142 + 580)
    assert steps.ingest_documents.fn(folder, days_later(1)) == []
