"""What every `TableMaintenance` does: less to keep, the same rows, the same history."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tests.ports.test_table_store import (
    DAY,
    FIFTEEN,
    HOUR,
    TABLES,
    StoppedClock,
    described,
    lineage,
    loads,
    rows,
)

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
QUARTERS = list(Window(DAY.start, DAY.start + timedelta(hours=5)).split("15min"))


def on_iceberg(folder):
    from tasks.adapters.iceberg_maintenance import IcebergMaintenance
    from tasks.adapters.iceberg_tables import IcebergTables

    tables = IcebergTables.at(folder, described=described)
    return tables, IcebergMaintenance(tables)


def in_memory(_folder):
    from tasks.adapters.memory_maintenance import InMemoryMaintenance
    from tasks.adapters.memory_tables import InMemoryTables

    tables = InMemoryTables(StoppedClock(), described)
    return tables, InMemoryMaintenance(tables)


@pytest.fixture(params=[pytest.param(on_iceberg, marks=pytest.mark.slow), in_memory])
def both(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
def iceberg(tmp_path):
    return on_iceberg(tmp_path)


def publish_quarters(tables):
    for place, window in enumerate(QUARTERS):
        made = rows(window, load=float(place)).with_columns(
            neighbors=pl.Series([["B"], None]),
            parts=pl.Series(
                [[{"kpi": "x", "share": 0.5}], None], dtype=TABLES["loads"].schema["parts"]
            ),
        )
        tables.publish("loads", window, made, lineage(f"run-{place}"), FIFTEEN)


def everything(tables):
    return loads(tables).sort("granularity", "cell_dn", "period_start")


def test_a_table_never_published_needs_no_upkeep(both):
    _, upkeep = both
    assert upkeep.files("loads") == []
    assert upkeep.expire("loads", FUTURE) == 0
    assert upkeep.remove_orphans("loads", FUTURE) == 0
    assert upkeep.delete("loads", DAY, lineage()).id == 0
    assert upkeep.problems("loads") == []
    assert upkeep.size("loads").snapshots == 0
    assert not upkeep.rewrite("loads", ["a file"], "warm")


def test_giving_up_the_past_keeps_rows_and_history_and_the_newest_state(both):
    tables, upkeep = both
    publish_quarters(tables)
    before, told = everything(tables), tables.history("loads")
    newest = tables.snapshot("loads")
    assert upkeep.expire("loads", FUTURE) == len(QUARTERS) - 1
    assert upkeep.expire("loads", FUTURE) == 0
    assert_frame_equal(everything(tables), before)
    assert_frame_equal(tables.history("loads"), told)
    assert tables.snapshot("loads") == newest
    assert_frame_equal(loads(tables, snapshot_id=newest.id), loads(tables))
    with pytest.raises(InputError, match="expired"):
        loads(tables, snapshot_id=told["snapshot_id"][0])
    tables.publish("loads", QUARTERS[0], rows(QUARTERS[0]), lineage("after"), FIFTEEN)
    assert tables.history("loads")["run_id"].to_list() == [*told["run_id"], "after"]
    assert upkeep.size("loads").snapshots == 2


def test_what_is_over_is_deleted_in_all_scopes_and_history_says_so(both):
    tables, upkeep = both
    tomorrow = Window(DAY.end, DAY.end + timedelta(hours=1))
    for scope in (FIFTEEN, HOUR):
        tables.publish("loads", DAY, rows(DAY), lineage(), scope)
        tables.publish("loads", tomorrow, rows(tomorrow), lineage(), scope)
    upkeep.delete("loads", DAY, lineage("retention 7"))
    assert loads(tables, window=DAY).is_empty()
    assert loads(tables).height == 2 * 2 * 4
    last = tables.history("loads").row(-1, named=True)
    assert (last["run_id"], last["rows"], last["scope"]) == ("retention 7", 0, "")
    assert (last["window_start"], last["window_end"]) == (DAY.start, DAY.end)


def test_compaction_changes_files_and_no_row_history_or_older_state(iceberg):
    tables, upkeep = iceberg
    publish_quarters(tables)
    before, told = everything(tables), tables.history("loads")
    for kind in ("warm", "cold"):
        paths = [file.path for file in upkeep.files("loads")]
        assert upkeep.rewrite("loads", paths, kind)
        (file,) = upkeep.files("loads")
        assert (file.kind, file.rows) == (kind, before.height)
        assert (file.first, file.last) == (QUARTERS[0].start, QUARTERS[-1].start)
        assert_frame_equal(everything(tables), before)
    assert_frame_equal(tables.history("loads"), told)
    assert tables.snapshot("loads").rows == 2
    half = told["snapshot_id"][9]
    assert loads(tables, snapshot_id=half).height == 20
    assert loads(tables, window=QUARTERS[3])["load_pct"].to_list() == [3.0, 3.0]
    assert upkeep.problems("loads") == []


def test_a_cold_file_lies_sorted_by_object(iceberg):
    tables, upkeep = iceberg
    publish_quarters(tables)
    upkeep.rewrite("loads", [file.path for file in upkeep.files("loads")], "cold")
    found = loads(tables, columns=["cell_dn", "period_start"])
    assert_frame_equal(found, found.sort("cell_dn", "period_start"))


def test_a_window_within_a_compacted_day_is_replaced_exactly(iceberg):
    tables, upkeep = iceberg
    publish_quarters(tables)
    upkeep.rewrite("loads", [file.path for file in upkeep.files("loads")], "warm")
    tables.publish("loads", QUARTERS[7], rows(QUARTERS[7], load=99.0), lineage(), FIFTEEN)
    found = (
        loads(tables).group_by("period_start").agg(pl.col("load_pct").unique()).sort("period_start")
    )
    assert found["load_pct"].to_list() == [[99.0] if n == 7 else [float(n)] for n in range(20)]


def test_orphans_go_only_when_old_and_only_when_nothing_needs_them(iceberg):
    tables, upkeep = iceberg
    publish_quarters(tables)
    location = tables.catalog.load_table("loads.loads").location().removeprefix("file://")
    Path(location, "data", "left-behind.parquet").write_bytes(b"half")
    upkeep.rewrite("loads", [file.path for file in upkeep.files("loads")], "warm")
    before = everything(tables)
    past = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251
    assert upkeep.remove_orphans("loads", past) == 0
    assert upkeep.remove_orphans("loads", FUTURE) == 1
    assert upkeep.size("loads").kept_files > 2 * len(QUARTERS), "old states are still readable"
    upkeep.expire("loads", FUTURE)
    assert upkeep.remove_orphans("loads", FUTURE) > 2 * len(QUARTERS)
    assert upkeep.size("loads").kept_files < 30
    assert_frame_equal(everything(tables), before)
    assert upkeep.problems("loads") == []


@pytest.mark.parametrize("harm", ["gone", "short", "other rows", "no parquet"])
def test_a_broken_file_is_told(iceberg, harm):
    tables, upkeep = iceberg
    publish_quarters(tables)
    path = upkeep.files("loads")[0].path.removeprefix("file://")
    file = Path(path)
    size = file.stat().st_size
    if harm == "gone":
        file.unlink()
    elif harm == "short":
        file.write_bytes(file.read_bytes()[:-1])
    elif harm == "no parquet":
        file.write_bytes(b"x" * size)
    else:
        pl.read_parquet(file).head(1).write_parquet(file)
        assert file.stat().st_size != size
    (problem,) = upkeep.problems("loads")
    assert file.name in problem


def test_compaction_gives_way_to_a_publish_of_its_rows_and_not_to_others(iceberg, monkeypatch):
    tables, upkeep = iceberg
    publish_quarters(tables)
    paths = [file.path for file in upkeep.files("loads")]
    later = Window(QUARTERS[-1].end, QUARTERS[-1].end + timedelta(minutes=15))
    from tasks.adapters import iceberg_maintenance

    write = iceberg_maintenance.rewritten_file

    def meanwhile(window):
        def written(*args):
            made = write(*args)
            tables.publish("loads", window, rows(window, load=50.0), lineage("meanwhile"), FIFTEEN)
            return made

        return written

    monkeypatch.setattr(iceberg_maintenance, "rewritten_file", meanwhile(QUARTERS[2]))
    assert not upkeep.rewrite("loads", paths, "warm")
    assert loads(tables, window=QUARTERS[2])["load_pct"].to_list() == [50.0, 50.0]
    assert loads(tables).height == 40
    paths = [file.path for file in upkeep.files("loads")]
    monkeypatch.setattr(iceberg_maintenance, "rewritten_file", meanwhile(later))
    assert upkeep.rewrite("loads", paths, "warm")
    assert loads(tables).height == 42


def test_a_publish_never_loses_to_compaction(iceberg, monkeypatch):
    tables, upkeep = iceberg
    publish_quarters(tables)
    from tasks.adapters import iceberg_replacing

    write, calls = iceberg_replacing.written_files, []

    def meanwhile(*args):
        if not calls:
            calls.append(1)
            assert upkeep.rewrite("loads", [file.path for file in upkeep.files("loads")], "warm")
            assert upkeep.expire("loads", FUTURE)
        return write(*args)

    monkeypatch.setattr(iceberg_replacing, "written_files", meanwhile)
    for window in (QUARTERS[4], Window(QUARTERS[-1].end, QUARTERS[-1].end + timedelta(minutes=15))):
        calls.clear()
        tables.publish("loads", window, rows(window, load=77.0), lineage(), FIFTEEN)
        assert loads(tables, window=window)["load_pct"].to_list() == [77.0, 77.0]
    assert loads(tables).height == 42
