"""What every `TableStore` does, whichever engine keeps the rows."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_products.lineage import Lineage
from data_products.product import TIME, Column, ProductTable
from semantic_layer.errors import InputError, TransientError, UnknownNameError
from semantic_layer.periods import Window
from tests.conftest import TEST_POSTGRESQL

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
NOON = Window(MIDNIGHT + timedelta(hours=12), MIDNIGHT + timedelta(hours=12, minutes=15))
TABLES = {
    "loads": ProductTable(
        name="loads",
        version="1.0.0",
        columns=(
            Column("cell_dn", pl.String()),
            Column("period_start", TIME),
            Column("load_pct", pl.Float64()),
            Column("neighbors", pl.List(pl.String())),
            Column("parts", pl.List(pl.Struct({"kpi": pl.String(), "share": pl.Float64()}))),
            Column("granularity", pl.String()),
        ),
        key=("cell_dn", "period_start"),
        time_column="period_start",
        scope=("granularity",),
    ),
    "loads.spans": ProductTable(
        name="loads.spans",
        version="1.0.0",
        columns=(Column("name", pl.String()), Column("start", TIME), Column("end", TIME)),
        key=("name",),
        time_column="start",
        end_column="end",
    ),
}
FIFTEEN = {"granularity": "15min"}
HOUR = {"granularity": "hour"}


def described(name):
    if name not in TABLES:
        raise UnknownNameError.of("table", name, TABLES)
    return TABLES[name]


class StoppedClock:
    def now(self):
        return MIDNIGHT


def iceberg(folder):
    from tasks.adapters.iceberg_tables import IcebergTables

    return IcebergTables.at(folder, described=described)


def iceberg_on_postgresql(folder):
    """The production catalogue, in the suite when an empty database is named for it."""
    from tasks.adapters.iceberg_tables import IcebergTables

    store = IcebergTables.at(folder, TEST_POSTGRESQL, described=described)
    for namespace in store._catalog.list_namespaces():
        for name in store._catalog.list_tables(namespace):
            store._catalog.drop_table(name)
    return store


def in_memory(_folder):
    from tasks.adapters.memory_tables import InMemoryTables

    return InMemoryTables(StoppedClock(), described)


def tiered(folder):
    """Iceberg with a hot copy that is brought up to date before each read."""
    from tasks.adapters.duckdb_hot_store import DuckDbHotStore
    from tasks.adapters.tiered_tables import TieredTables

    class WarmedTables(TieredTables):
        def read(self, table, window=None, **how):
            self.warm_up(table)
            return super().read(table, window, **how)

    hot = DuckDbHotStore(folder / "hot.duckdb")
    return WarmedTables(iceberg(folder), hot, lambda _table: 30, described)


STORES = [
    pytest.param(iceberg, marks=pytest.mark.slow),
    pytest.param(tiered, marks=pytest.mark.slow),
    in_memory,
]
if TEST_POSTGRESQL:
    STORES.append(pytest.param(iceberg_on_postgresql, marks=pytest.mark.slow))


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    return request.param(tmp_path)


def lineage(run="run-1"):
    return Lineage(run, "1.0.0", "abc", ("pm_measurements@7",))


def rows(window, load=1.0, cells=("A", "B")):
    times = pl.datetime_range(
        window.start, window.end, "15m", closed="left", eager=True, time_unit="us"
    )
    return pl.DataFrame({"cell_dn": list(cells)}).join(
        pl.DataFrame({"period_start": times, "load_pct": [load] * len(times)}), how="cross"
    )


def loads(store, **read):
    return store.read("loads", **read).collect()


def test_what_was_published_is_read_back_with_its_types_and_lineage(store):
    frame = rows(NOON).with_columns(
        neighbors=pl.Series([["B", "C"], None]),
        parts=pl.Series([[{"kpi": "x", "share": 0.5}], []], dtype=TABLES["loads"].schema["parts"]),
    )
    snapshot = store.publish("loads", NOON, frame, lineage(), FIFTEEN)
    found = loads(store, window=NOON).sort("cell_dn")
    assert dict(found.schema) == TABLES["loads"].schema
    assert found["neighbors"].to_list() == [["B", "C"], None]
    assert found["parts"].to_list() == [[{"kpi": "x", "share": 0.5}], []]
    assert found["input_snapshots"].unique().to_list() == ["pm_measurements@7"]
    assert (snapshot.rows, snapshot.verdict) == (2, "published")
    assert store.snapshot("loads") == snapshot


def test_a_table_never_published_reads_as_empty_with_its_contract_columns(store):
    assert dict(store.read("loads").collect_schema()) == TABLES["loads"].schema
    assert loads(store).is_empty()
    assert store.snapshot("loads").id == 0
    assert store.history("loads").is_empty()
    assert store.bounds("loads") is None


def test_the_same_publish_twice_leaves_the_same_rows(store):
    for _ in range(2):
        store.publish("loads", DAY, rows(DAY), lineage(), FIFTEEN)
    assert loads(store).height == 2 * 96


@pytest.mark.parametrize("inner", [NOON, Window(MIDNIGHT, MIDNIGHT + timedelta(hours=3))])
def test_a_window_inside_a_published_day_is_replaced_exactly(store, inner):
    store.publish("loads", DAY, rows(DAY, load=1.0), lineage(), FIFTEEN)
    store.publish("loads", inner, rows(inner, load=2.0, cells=["A"]), lineage(), FIFTEEN)
    inside = pl.col("period_start").is_between(inner.start, inner.end, closed="left")
    expected = pl.concat(
        [rows(DAY, load=1.0).filter(~inside), rows(inner, load=2.0, cells=["A"])]
    ).sort("cell_dn", "period_start")
    found = loads(store, columns=["cell_dn", "period_start", "load_pct"])
    assert_frame_equal(found.sort("cell_dn", "period_start"), expected)


def test_a_window_over_several_days_replaces_what_smaller_windows_published(store):
    week = Window(MIDNIGHT - timedelta(days=3), MIDNIGHT + timedelta(days=4))
    store.publish("loads", NOON, rows(NOON, load=9.0, cells=["GONE"]), lineage(), FIFTEEN)
    store.publish("loads", week, rows(week), lineage(), FIFTEEN)
    assert loads(store)["cell_dn"].value_counts().sort("cell_dn").rows() == [
        ("A", 7 * 96),
        ("B", 7 * 96),
    ]


def test_an_empty_frame_empties_the_window_and_nothing_else(store):
    store.publish("loads", DAY, rows(DAY), lineage(), FIFTEEN)
    store.publish("loads", NOON, rows(NOON).clear(), lineage(), FIFTEEN)
    assert loads(store).height == 2 * 95
    assert loads(store, window=NOON).is_empty()


def test_an_empty_frame_may_be_the_first_publish(store):
    assert store.publish("loads", DAY, rows(DAY).clear(), lineage(), FIFTEEN).rows == 0
    assert loads(store).is_empty()


def test_scopes_of_one_window_do_not_replace_each_other(store):
    store.publish("loads", DAY, rows(NOON, load=1.0), lineage(), FIFTEEN)
    store.publish("loads", DAY, rows(NOON, load=2.0), lineage(), HOUR)
    store.publish("loads", DAY, rows(NOON, load=3.0), lineage(), HOUR)
    found = loads(store).group_by("granularity").agg(pl.col("load_pct").sum()).sort("granularity")
    assert found.rows() == [("15min", 2.0), ("hour", 6.0)]


def test_only_spans_that_lie_wholly_in_the_window_are_replaced(store):
    def span(name, window):
        return pl.DataFrame(
            {"name": [name], "start": [window.start], "end": [window.end]},
            schema_overrides={"start": TIME, "end": TIME},
        )

    opening = Window(MIDNIGHT, MIDNIGHT + timedelta(minutes=15))
    store.publish("loads.spans", DAY, span("day", DAY), lineage())
    store.publish("loads.spans", opening, span("opening", opening), lineage())
    found = store.read("loads.spans", columns=["name"]).collect()["name"]
    assert sorted(found) == ["day", "opening"]
    store.publish("loads.spans", DAY, span("day again", DAY), lineage())
    assert store.read("loads.spans").collect()["name"].to_list() == ["day again"]


def test_the_table_can_be_read_as_it_was(store):
    first = store.publish("loads", NOON, rows(NOON, load=1.0), lineage("one"), FIFTEEN)
    second = store.publish("loads", NOON, rows(NOON, load=2.0), lineage("two"), FIFTEEN)
    assert loads(store, snapshot_id=first.id)["load_pct"].to_list() == [1.0, 1.0]
    assert loads(store, snapshot_id=second.id)["load_pct"].to_list() == [2.0, 2.0]
    history = store.history("loads")
    assert history["run_id"].to_list() == ["one", "two"]
    assert history["snapshot_id"].to_list() == [first.id, second.id]
    assert history["rows"].to_list() == [2, 2]
    assert history["window_start"].to_list() == [NOON.start] * 2
    assert history["scope"].to_list() == ["granularity=15min"] * 2


def test_a_column_new_to_the_table_is_added_and_null_before(store):
    later = Window(NOON.end, NOON.end + timedelta(minutes=15))
    store.publish("loads", NOON, rows(NOON), lineage(), FIFTEEN)
    wider = rows(later).with_columns(energy_kwh=pl.lit(3.5))
    store.publish("loads", later, wider, lineage(), FIFTEEN)
    found = loads(store, columns=["period_start", "energy_kwh"]).sort("period_start")
    assert found["energy_kwh"].to_list() == [None, None, 3.5, 3.5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"load_pct": pl.lit("high")}, "'load_pct'", id="text for a number"),
        pytest.param({"neighbors": pl.lit("B")}, "'neighbors'", id="text for a list"),
        pytest.param(
            {"period_start": pl.lit(NOON.end, dtype=TIME)}, "outside", id="after the window"
        ),
        pytest.param({"period_start": pl.lit(None, dtype=TIME)}, "outside", id="without a time"),
        pytest.param({"granularity": pl.lit("hour")}, "another 'granularity'", id="other scope"),
        pytest.param(
            {"period_start": pl.lit(NOON.start.replace(tzinfo=None))}, "period_start", id="no zone"
        ),
    ],
)
def test_a_publish_that_breaks_the_table_is_refused_and_changes_nothing(store, change, words):
    standing = store.publish("loads", NOON, rows(NOON), lineage(), FIFTEEN)
    with pytest.raises(InputError, match=words):
        store.publish("loads", NOON, rows(NOON).with_columns(**change), lineage(), FIFTEEN)
    assert store.snapshot("loads") == standing
    assert loads(store).height == 2


def test_a_column_never_changes_its_type(store):
    wide = rows(NOON).with_columns(energy_kwh=pl.lit(3.5))
    store.publish("loads", NOON, wide, lineage(), FIFTEEN)
    with pytest.raises(InputError, match=r"'energy_kwh'.*a type never changes"):
        store.publish(
            "loads", NOON, wide.with_columns(energy_kwh=pl.lit("much")), lineage(), FIFTEEN
        )


@pytest.mark.parametrize("scope", [None, {}, {"cell": "A"}, {**FIFTEEN, "source": "x"}])
def test_a_publish_must_name_the_whole_scope(store, scope):
    with pytest.raises(InputError, match="granularity"):
        store.publish("loads", NOON, rows(NOON), lineage(), scope)


def test_unknown_tables_columns_and_snapshots_are_told(store):
    store.publish("loads", NOON, rows(NOON), lineage(), FIFTEEN)
    with pytest.raises(UnknownNameError, match="did you mean 'loads'"):
        store.read("load")
    with pytest.raises(InputError, match="did you mean 'load_pct'"):
        store.read("loads", columns=["load"])
    with pytest.raises(InputError, match="no snapshot 12345"):
        store.read("loads", snapshot_id=12345)


def test_bounds_run_from_the_first_to_just_past_the_last_time(store):
    store.publish("loads", DAY, rows(DAY), lineage(), FIFTEEN)
    bounds = store.bounds("loads")
    assert bounds.start == DAY.start
    assert DAY.end - timedelta(minutes=15) < bounds.end < DAY.end


def test_lineage_that_came_with_the_rows_gives_way_to_the_publish(store):
    stale = rows(NOON).with_columns(run_id=pl.lit("old"), contract_version=pl.lit("0"))
    store.publish("loads", NOON, stale, lineage("new"), FIFTEEN)
    assert loads(store)["run_id"].unique().to_list() == ["new"]


def at_once(*calls):
    outcomes, barrier = [None] * len(calls), Barrier(len(calls))

    def run(place, call):
        barrier.wait()
        try:
            outcomes[place] = call()
        except TransientError as error:
            outcomes[place] = error

    threads = [Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_writers_of_different_windows_all_commit(store):
    windows = list(Window(DAY.start, DAY.start + timedelta(hours=1)).split("15min"))
    outcomes = at_once(
        *(
            lambda window=window: store.publish("loads", window, rows(window), lineage(), FIFTEEN)
            for window in windows
        )
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["Snapshot"] * 4
    assert loads(store).height == 8


@pytest.mark.parametrize("is_published_before", [False, True])
def test_writers_of_one_window_leave_exactly_the_rows_of_one(store, is_published_before):
    if is_published_before:
        store.publish("loads", NOON, rows(NOON, load=0.0), lineage(), FIFTEEN)
    outcomes = at_once(
        *(
            lambda load=load: store.publish(
                "loads", NOON, rows(NOON, load=load), lineage(), FIFTEEN
            )
            for load in (1.0, 2.0, 3.0)
        )
    )
    assert any(not isinstance(outcome, TransientError) for outcome in outcomes)
    found = loads(store)["load_pct"].to_list()
    assert found in ([1.0] * 2, [2.0] * 2, [3.0] * 2)
    store.publish("loads", NOON, rows(NOON, load=4.0), lineage(), FIFTEEN)
    assert loads(store)["load_pct"].to_list() == [4.0, 4.0]


def test_writers_of_two_windows_in_one_published_day_lose_nothing(store):
    store.publish("loads", DAY, rows(DAY, load=0.0), lineage(), FIFTEEN)
    windows = list(Window(DAY.start, DAY.start + timedelta(minutes=45)).split("15min"))
    calls = [
        lambda window=window: store.publish(
            "loads", window, rows(window, load=5.0), lineage(), FIFTEEN
        )
        for window in windows
    ]
    for outcome, call in zip(at_once(*calls), calls, strict=True):
        if isinstance(outcome, TransientError):
            call()
    assert loads(store)["load_pct"].value_counts().sort("load_pct").rows() == [
        (0.0, 2 * 93),
        (5.0, 2 * 3),
    ]
