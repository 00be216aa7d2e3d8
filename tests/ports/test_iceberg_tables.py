"""What Iceberg alone can do wrong: disks, locks, lost files, catalogues elsewhere."""

import errno
import sqlite3
from datetime import timedelta

import polars as pl
import pytest
from pyiceberg.io.pyarrow import PyArrowFileIO

from semantic_layer.errors import TransientError
from semantic_layer.periods import Window
from tasks.adapters import iceberg_scans, iceberg_tables
from tasks.adapters.iceberg_errors import TableStoreError
from tasks.adapters.iceberg_tables import IcebergTables
from tests.ports.test_table_store import DAY, FIFTEEN, NOON, described, lineage, loads, rows

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path):
    return IcebergTables.at(tmp_path, described=described)


def publish(store, window=NOON, load=1.0):
    return store.publish("loads", window, rows(window, load=load), lineage(), FIFTEEN)


def fails_to_write(monkeypatch, error):
    def refuse(_self, _location):
        raise error

    monkeypatch.setattr(PyArrowFileIO, "new_output", refuse)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not be written"),
    ],
)
def test_a_disk_that_cannot_be_written_is_told_and_the_rows_before_stand(
    store, monkeypatch, number, words
):
    publish(store)
    with monkeypatch.context() as broken:
        fails_to_write(broken, OSError(number, "refused"))
        with pytest.raises(TableStoreError, match=words):
            publish(store, load=2.0)
    assert loads(store)["load_pct"].to_list() == [1.0, 1.0]
    publish(store, load=3.0)
    assert loads(store)["load_pct"].to_list() == [3.0, 3.0]


def test_a_warehouse_that_does_not_answer_may_be_tried_again(store, monkeypatch):
    fails_to_write(monkeypatch, OSError("AWS Error NETWORK_CONNECTION"))
    with pytest.raises(TransientError, match="did not answer"):
        publish(store)


def test_a_locked_catalogue_may_be_tried_again(tmp_path):
    file = tmp_path / "catalogue.db"
    store = IcebergTables.at(tmp_path, f"sqlite:///{file}?timeout=0.1", described=described)
    publish(store)
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TransientError, match="database is locked"):
            publish(store, load=2.0)
        other.execute("ROLLBACK")
    publish(store, load=2.0)
    assert loads(store)["load_pct"].to_list() == [2.0, 2.0]


def test_a_home_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(TableStoreError, match="Opening the tables"):
        IcebergTables.at(tmp_path / "home", described=described)


def test_a_catalogue_that_cannot_be_opened_is_told_without_its_password(tmp_path):
    uri = f"sqlite:///{tmp_path}/nowhere/catalogue.db"
    with pytest.raises(TableStoreError, match="cannot be opened"):
        IcebergTables.at(tmp_path, uri, described=described)
    assert iceberg_tables._without_password("postgresql://anops:secret@db:5432/x") == (
        "postgresql://db:5432/x"
    )


def test_a_rest_catalogue_that_does_not_answer_may_be_tried_again(tmp_path):
    with pytest.raises(TransientError, match="did not answer"):
        IcebergTables.at(tmp_path, "http://127.0.0.1:9", described=described)


def test_a_second_store_on_the_same_folder_sees_what_the_first_published(store, tmp_path):
    snapshot = publish(store)
    again = IcebergTables.at(tmp_path, described=described)
    assert again.snapshot("loads") == snapshot
    assert loads(again).height == 2


def test_files_elsewhere_are_read_through_the_warehouse(store, monkeypatch):
    publish(store, DAY)
    near = loads(store, window=NOON).sort("cell_dn")
    monkeypatch.setattr(iceberg_scans, "is_local", lambda _path: False)
    far = loads(store, window=NOON).sort("cell_dn")
    assert far.equals(near)
    assert dict(far.schema) == dict(near.schema)


def test_only_files_of_the_window_are_planned(store):
    week = Window(DAY.start, DAY.start + timedelta(days=7))
    publish(store, week)
    plan = store.read("loads", NOON, columns=["load_pct"]).explain()
    assert plan.count(".parquet") == 1
    assert "PROJECT 2/" in plan or "PROJECT 1/" in plan


def test_replacing_a_window_leaves_one_file_a_day_and_bounded_metadata(store, tmp_path):
    for load in range(30):
        publish(store, load=float(load))
    table = store._catalog.load_table("loads.loads")
    assert len(list(table.scan().plan_files())) == 1
    kept = list((tmp_path / "tables").rglob("*.metadata.json"))
    assert len(kept) <= 25


def test_odd_scopes_and_names_survive_the_way_to_disk(store):
    scope = {"granularity": "a/b=c %3D [*] ü, d"}
    store.publish("loads", NOON, rows(NOON), lineage(), scope)
    store.publish("loads", NOON, rows(NOON, load=2.0), lineage(), scope)
    assert loads(store).select(pl.col("load_pct").sum()).item() == 4.0
    assert loads(store)["granularity"].unique().to_list() == list(scope.values())
