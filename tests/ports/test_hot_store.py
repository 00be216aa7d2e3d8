"""What every `HotStore` does, and that two tiers never answer otherwise than one."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.clickhouse_hot_store import ClickHouseHotStore
from tasks.adapters.duckdb_hot_store import DuckDbHotStore
from tasks.adapters.memory_maintenance import InMemoryMaintenance
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.tiered_tables import TieredTables
from tasks.ports import HotMark
from tests.conftest import REPOSITORY
from tests.ports.test_table_store import DAY, FIFTEEN, HOUR, StoppedClock, described, lineage, rows

NAME = 'odd "table".name'
SCHEMA = {
    "at": TIME,
    "a 'b' \"c\"": pl.String(),
    "f": pl.Float64(),
    "g": pl.Float32(),
    "i": pl.Int32(),
    "n": pl.Int64(),
    "is_b": pl.Boolean(),
    "d": pl.Date(),
}
START = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = Window(START, START + timedelta(days=7))


def duckdb_store(folder):
    return DuckDbHotStore(folder / "hot" / "copy.duckdb")


def clickhouse_store(folder):
    pytest.importorskip("chdb")
    return ClickHouseHotStore(f"chdb://{folder}/clickhouse")


@pytest.fixture(params=[duckdb_store, pytest.param(clickhouse_store, marks=pytest.mark.slow)])
def hot(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.close()


def held(day, value=1.0):
    at = START + timedelta(days=day, microseconds=7)
    texts = ['it\'s \\ "x" ü', None]
    numbers = [[value, None], [0.5, None], [1, None], [2**60, None]]
    return pl.DataFrame([[at, at], texts, *numbers, [True, None], [at.date(), None]], schema=SCHEMA)


def day_of(day):
    return Window(START + timedelta(days=day), START + timedelta(days=day + 1))


def mark(number, since=START):
    return HotMark(number, since, f"token {number} it's")


def fed(hot, number, *days, since=START, value=1.0):
    pieces = [(day_of(day), held(day, value)) for day in days]
    return hot.update(NAME, "at", SCHEMA, pieces, mark(number, since))


def test_rows_come_back_as_they_went_in(hot):
    assert hot.can_hold(SCHEMA)
    assert hot.mark(NAME) is None
    assert fed(hot, 1, 0, 1)
    assert hot.mark(NAME) == mark(1)
    found = hot.read(NAME, mark(1), "at", day_of(1), SCHEMA)
    assert_frame_equal(found.sort("f"), held(1).sort("f"))
    some = {name: SCHEMA[name] for name in ("n", "at")}
    assert dict(hot.read(NAME, mark(1), "at", WEEK, some).schema) == some


def test_a_window_is_replaced_and_what_is_too_old_goes(hot):
    fed(hot, 1, 0, 1, 2)
    fed(hot, 2, 1, value=5.0, since=START + timedelta(days=1))
    found = hot.read(NAME, mark(2, START + timedelta(days=1)), "at", WEEK, SCHEMA)
    assert sorted(found["f"].drop_nulls()) == [1.0, 5.0]
    assert found["at"].min() >= START + timedelta(days=1)


def test_another_mark_than_the_one_that_stands_reads_nothing(hot):
    fed(hot, 1, 0)
    assert hot.read(NAME, mark(2), "at", WEEK, SCHEMA) is None
    assert hot.read("other", mark(1), "at", WEEK, SCHEMA) is None
    assert hot.query('SELECT 1 AS "x"', {NAME: mark(2)}) is None


def test_sql_runs_over_the_copy(hot):
    fed(hot, 1, 0, 1)
    quoted = (
        NAME.replace('"', '""') if isinstance(hot, DuckDbHotStore) else NAME.replace('"', '\\"')
    )
    sql = f'SELECT count(*) AS "rows" FROM "{quoted}"'  # noqa: S608
    found = hot.query(sql, {NAME: mark(1)})
    assert found["rows"].to_list() == [4]
    assert hot.query("SELECT no such thing", {NAME: mark(1)}) is None
    assert hot.mark(NAME) == mark(1), "a wrong question spoils nothing"


def test_other_columns_begin_a_new_copy(hot):
    fed(hot, 1, 0)
    wider = SCHEMA | {"more": pl.Float64()}
    frame = held(1).with_columns(more=pl.lit(2.0))
    assert hot.update(NAME, "at", wider, [(day_of(1), frame)], mark(2))
    assert hot.read(NAME, mark(2), "at", WEEK, wider)["more"].to_list() == [2.0, 2.0]


def test_an_update_that_breaks_off_is_never_read(hot):
    fed(hot, 1, 0)

    def pieces():
        yield day_of(0), held(0, 9.0)
        raise InputError("the table store does not answer")

    with pytest.raises(InputError):
        hot.update(NAME, "at", SCHEMA, pieces(), mark(2))
    assert hot.mark(NAME) in (None, mark(1))
    found = hot.read(NAME, mark(1), "at", WEEK, SCHEMA)
    assert found is None or found["f"].drop_nulls().to_list() == [1.0]
    assert fed(hot, 3, 0, value=7.0)
    assert hot.read(NAME, mark(3), "at", WEEK, SCHEMA)["f"].drop_nulls().to_list() == [7.0]


def test_a_store_closed_is_taken_again(hot):
    fed(hot, 1, 0)
    hot.close()
    assert hot.mark(NAME) == mark(1)


def test_lists_and_structs_are_held_by_duckdb_and_refused_by_clickhouse(tmp_path):
    schema = {
        "at": TIME,
        "names": pl.List(pl.String()),
        "parts": pl.List(pl.Struct({"x": pl.Float64()})),
    }
    assert not ClickHouseHotStore("chdb://").can_hold(schema)
    hot = duckdb_store(tmp_path)
    frame = pl.DataFrame([[START] * 3, [["a"], [], None], [[{"x": 1.0}], [], None]], schema=schema)
    hot.update("t", "at", schema, [(day_of(0), frame)], mark(1))
    found = hot.read("t", mark(1), "at", WEEK, schema)
    assert found.to_dicts() == frame.to_dicts()
    hot.close()


def test_a_file_that_another_process_holds_looks_empty(tmp_path):
    file = tmp_path / "copy.duckdb"
    program = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); "
        "sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(file)],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert other.stdout.readline() == "held\n"
        hot = DuckDbHotStore(file)
        assert hot.mark(NAME) is None
        assert not fed(hot, 1, 0)
    finally:
        other.communicate("")
    assert fed(hot, 1, 0)
    hot.close()


def test_a_file_that_is_no_database_looks_empty(tmp_path):
    file = tmp_path / "copy.duckdb"
    file.write_text("no database at all, but long enough to look at" * 400)
    hot = DuckDbHotStore(file)
    assert hot.mark(NAME) is None
    assert not fed(hot, 1, 0)


def tiers(folder, days=3):
    warm = InMemoryTables(StoppedClock(), described)
    hot = duckdb_store(folder)
    return warm, hot, TieredTables(warm, hot, lambda _table: days, described)


def alike(one, other, window):
    order = ["granularity", "cell_dn", "period_start", "load_pct"]
    assert_frame_equal(
        one.read("loads", window).collect().sort(order),
        other.read("loads", window).collect().sort(order),
    )


HOURS = st.tuples(st.integers(0, 119), st.sampled_from([1, 3, 24])).map(
    lambda drawn: Window(START + timedelta(hours=drawn[0]), START + timedelta(hours=sum(drawn)))
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["publish", "publish", "read", "warm up", "lose", "delete"]),
            HOURS,
            st.sampled_from([FIFTEEN, HOUR]),
        ),
        max_size=14,
    )
)
def test_two_tiers_always_answer_as_one(tmp_path_factory, story):
    warm, hot, tables = tiers(tmp_path_factory.mktemp("tiers"))
    upkeep = InMemoryMaintenance(warm)
    for place, (deed, window, scope) in enumerate(story):
        if deed == "publish":
            tables.publish("loads", window, rows(window, load=float(place)), lineage(), scope)
        elif deed == "warm up":
            tables.warm_up("loads")
        elif deed == "delete":
            upkeep.delete("loads", window, lineage())
        elif deed == "lose":
            hot.close()
            tables._seen.clear()
        alike(tables, warm, window)
    hot.close()


def test_the_hot_copy_really_answers(tmp_path):
    warm, hot, tables = tiers(tmp_path)
    tables.publish("loads", DAY, rows(DAY), lineage(), FIFTEEN)
    assert tables.hot_rows('SELECT 1 FROM "loads"', ["loads"], DAY) is None
    assert tables.warm_up("loads")
    found = tables.hot_rows('SELECT count(*) AS "rows" FROM "loads"', ["loads"], DAY)
    assert found["rows"].to_list() == [192]
    before = Window(DAY.start - timedelta(days=9), DAY.end)
    assert tables.hot_rows('SELECT 1 FROM "loads"', ["loads"], before) is None
    lazy = tables.read("loads", DAY, columns=["load_pct"]).filter(pl.col("load_pct") > 0)
    assert "PYTHON SCAN" in lazy.explain()
    assert lazy.collect().height == 192
    assert lazy.head(3).collect().height == 3
    hot.close()
    assert warm.snapshot("loads") == tables.snapshot("loads")


def test_a_read_planned_before_a_publish_still_sees_what_stood_then(tmp_path):
    _, hot, tables = tiers(tmp_path)
    tables.publish("loads", DAY, rows(DAY, load=1.0), lineage(), FIFTEEN)
    tables.warm_up("loads")
    planned = tables.read("loads", DAY)
    tables.publish("loads", DAY, rows(DAY, load=2.0), lineage(), FIFTEEN)
    tables.warm_up("loads")
    assert planned.collect()["load_pct"].unique().to_list() == [1.0]
    assert tables.read("loads", DAY).collect()["load_pct"].unique().to_list() == [2.0]
    hot.close()
