"""Metric queries against published tables: the newest day, places valid in time, what is told."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from semantic_layer.metric_queries import MetricQuery
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.system_clock import SystemClock
from tasks.querying.answer_text import answer_csv, answer_json, answer_text, table_rows
from tasks.querying.answering import MetricAnswer, answer, newest_day

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
LINEAGE = Lineage("test", "1.0.0", "catalogue")
ELEMENT = "SubNetwork=1,ManagedElement=1"
CELLS = [f"{ELEMENT},GNBDUFunction=1,NRCellDU={number}" for number in (1, 2, 3)]
AMF = "SubNetwork=core,ManagedElement=C1,AMFFunction=1"


def cell(number: int, minutes: int, attempts: float, successes: float, **more: object) -> dict:
    return {
        "managed_object_dn": CELLS[number - 1],
        "cell_dn": CELLS[number - 1],
        "managed_element_dn": ELEMENT,
        "object_class": "NRCellDU",
        "period_start": START + timedelta(minutes=minutes),
        "granularity_s": 900,
        "is_suspect": False,
        "rrc_conn_estab_att_count": attempts,
        "rrc_conn_estab_succ_count": successes,
    } | more


def element(minutes: int, energy: float) -> dict:
    return {
        "managed_object_dn": ELEMENT,
        "managed_element_dn": ELEMENT,
        "object_class": "ManagedElement",
        "period_start": START + timedelta(minutes=minutes),
        "granularity_s": 900,
        "is_suspect": False,
        "pee_energy_kwh": energy,
    }


def place(number: int, band: str, since: datetime, **more: object) -> dict:
    return {
        "cell_dn": CELLS[number - 1],
        "managed_element_dn": ELEMENT,
        "site_id": "S001",
        "band": band,
        "archetype": "rural",
        "subnetwork": "SubNetwork=1",
        "valid_from": since,
    } | more


def published(rows: list[dict], places: list[dict]) -> InMemoryTables:
    tables = InMemoryTables(SystemClock())
    files = {"source": "files"}
    tables.publish("pm_measurements", DAY, pl.DataFrame(rows), LINEAGE, files)
    if places:
        times = [row["valid_from"] for row in places]
        known = Window(min(times), max(times) + timedelta(days=1))
        tables.publish("network_topology", known, pl.DataFrame(places), LINEAGE, files)
    return tables


LONG_AGO = START - timedelta(days=30)
PLACES = [place(1, "n78", LONG_AGO), place(2, "n1", LONG_AGO)]
ROWS = [
    cell(1, 0, 10, 10),
    cell(1, 15, 990, 792),
    cell(1, 30, 500, 0, is_suspect=True),
    cell(2, 0, 4, 1),
    cell(3, 0, 8, 8),
    element(0, 1.0),
]
CQI = "mean_cqi"
SUCCESS = "rrc_setup_success_rate_pct"


def asked(tables: InMemoryTables, *by: str, where: str = "", grain="none", kpi="") -> MetricAnswer:
    query = MetricQuery((kpi or "rrc_setup_success_rate",), by, grain, where)
    return answer(query, tables)


def test_a_band_s_value_is_its_cells_sums_divided_and_suspect_rows_stay_out():
    told = asked(published(ROWS, PLACES), "band")
    assert told.rows.to_dicts() == [
        {"band": "n1", "rows_count": 1, SUCCESS: 25.0},
        {"band": "n78", "rows_count": 2, SUCCESS: pytest.approx(80.2)},
        {"band": None, "rows_count": 1, SUCCESS: 100.0},
    ]
    assert (told.tally.entered, told.tally.suspect, told.tally.coarse) == (4, 1, 0)
    assert told.window == DAY
    assert told.without_place == 1
    assert {one.table for one in told.snapshots} == {"network_topology", "pm_measurements"}


def test_rows_of_other_classes_make_no_group():
    told = asked(published(ROWS, PLACES), "object_class")
    assert told.rows["object_class"].to_list() == ["NRCellDU"]


def test_a_cell_that_moved_counts_where_it_stood_at_the_time():
    moved = START + timedelta(minutes=15)
    tables = published(ROWS, [*PLACES, place(1, "n28", moved), place(3, "n3", moved)])
    told = asked(tables, "band", grain="15min").rows
    assert told.select("band", "period_start", SUCCESS).rows() == [
        ("n1", START, 25.0),
        ("n28", moved, 80.0),
        ("n78", START, 100.0),
        (None, START, 100.0),
    ]


def test_a_state_of_the_moment_the_period_begins_is_valid_in_it():
    tables = published([cell(1, 0, 10, 10)], [place(1, "n78", START)])
    assert asked(tables, "band").rows["band"].to_list() == ["n78"]


def test_the_later_of_two_inventories_of_one_moment_counts():
    tables = published([cell(1, 0, 10, 10)], [place(1, "n78", LONG_AGO)])
    other = pl.DataFrame([place(1, "n99", LONG_AGO)])
    known = Window(LONG_AGO, LONG_AGO + timedelta(days=1))
    tables.publish("network_topology", known, other, LINEAGE, {"source": "later"})
    assert asked(tables, "band").rows["band"].to_list() == ["n99"]


def test_an_element_stands_where_all_its_cells_do():
    tables = published(ROWS, [*PLACES, place(3, "n3", LONG_AGO, archetype="urban")])
    by_site = asked(tables, "site", kpi="site_power").rows
    by_archetype = asked(tables, "archetype", kpi="site_power").rows
    assert by_site.row(0) == ("S001", 1, pytest.approx(4000.0))
    assert by_archetype["archetype"].to_list() == [None]


def test_an_object_without_topology_lies_in_the_subnetwork_of_its_name():
    function = element(0, 1.0) | {
        "managed_object_dn": AMF,
        "managed_element_dn": AMF.rpartition(",")[0],
        "object_class": "AMFFunction",
        "amf_cpu_usage_pct": 40.0,
    }
    told = asked(published([*ROWS, function], PLACES), "region", kpi="amf_load").rows
    assert told.row(0) == ("SubNetwork=core", 1, pytest.approx(40.0))


def test_technology_is_that_of_the_object_class():
    rows = [cell(1, 0, 10, 10), element(0, 1.0)]
    assert asked(published(rows, PLACES), "technology").rows["technology"].to_list() == ["NR"]


def test_conditions_choose_rows_then_groups():
    tables = published(ROWS, PLACES)
    told = asked(tables, "cell", where="band in (n78, n1) and rrc_setup_success_rate > 50")
    assert told.rows["cell"].to_list() == [CELLS[0]]
    assert told.tally.entered == 3
    assert asked(tables, "cell", where="band = n999").rows.is_empty()


def test_rows_that_cover_more_than_the_grain_are_counted_out():
    rows = [cell(1, 0, 10, 10), cell(2, 0, 4, 1, granularity_s=3600)]
    quarter = asked(published(rows, PLACES), "cell", grain="15min")
    assert quarter.tally.coarse == 1
    assert quarter.rows["cell"].to_list() == [CELLS[0]]
    assert asked(published(rows, PLACES), "cell", grain="hour").tally.coarse == 0


def test_the_worst_come_first_and_those_without_value_last():
    rows = [cell(1, 0, 10, 10), cell(2, 0, 10, 2), cell(3, 0, 0, 0)]
    told = asked(published(rows, PLACES), "cell")
    assert told.rows["cell"].to_list() == [CELLS[1], CELLS[0], CELLS[2]]
    assert told.without_value == 1
    assert asked(published(rows, PLACES), "cell", kpi="prb_usage_dl").without_value == 3


def test_measurements_derived_from_a_vector_count():
    known = catalogue()
    vector = known.measurement("wb_cqi_dist").column
    told = asked(
        published([cell(1, 0, 10, 10) | {vector: [0.0, 1.0, 3.0]}], PLACES), "cell", kpi=CQI
    )
    assert told.rows[known.kpi(CQI).column].to_list() == [pytest.approx(7 / 4)]


def test_without_a_window_it_is_the_newest_published_day():
    tables = published(ROWS, PLACES)
    later = pl.DataFrame([cell(1, 24 * 60 + 30, 5, 5)])
    tomorrow = Window(DAY.end, DAY.end + timedelta(days=1))
    tables.publish("pm_measurements", tomorrow, later, LINEAGE, {"source": "files"})
    assert newest_day(tables) == tomorrow
    assert asked(tables).rows.rows() == [(1, 100.0)]


def test_nothing_published_is_said():
    with pytest.raises(InputError, match="No measurements were published yet"):
        asked(InMemoryTables(SystemClock()))


def test_only_the_columns_that_kpis_need_are_read():
    tables = published(ROWS, PLACES)
    seen: list[list[str]] = []

    class Watched(InMemoryTables):
        def read(self, table, window=None, *, columns=None, snapshot_id=None):
            seen.append(sorted(columns or ["everything"]))
            return tables.read(table, window, columns=columns, snapshot_id=snapshot_id)

        def snapshot(self, table):
            return tables.snapshot(table)

        def bounds(self, table):
            return tables.bounds(table)

    asked(Watched(SystemClock()), "band")
    measured = {name for columns in seen for name in columns if name.endswith("_count")}
    assert measured == {"rrc_conn_estab_att_count", "rrc_conn_estab_succ_count"}
    assert "everything" not in {name for columns in seen for name in columns}


def test_text_says_definition_window_rows_and_what_was_left_out():
    told = asked(published(ROWS, PLACES), "band", where="band is null or band != n1")
    text = answer_text(told, 1)
    for part in (
        "(rrc_conn_estab_succ) / (rrc_conn_estab_att)",
        "2026-03-01T00:00Z/2026-03-02T00:00Z, whole, where band is null or band != n1",
        "Measurement rows entered: 3; left out: 1 suspect.",
        "pm_measurements@1",
        "1 of 2 groups shown; 1 lie where a dimension is unknown.",
    ):
        assert part in text


def test_text_keeps_hostile_names_from_moving_the_cursor():
    hostile = [place(1, "n78\x1b[2J\u202e", LONG_AGO), place(2, "n1" * 200, LONG_AGO)]
    text = answer_text(asked(published(ROWS, hostile), "band"), 10)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) < 300


def test_csv_and_json_hold_the_same_rows():
    told = asked(published(ROWS, PLACES), "band", grain="hour")
    rows = list(csv.DictReader(io.StringIO(answer_csv(told))))
    assert [row["band"] for row in rows] == ["n1", "n78", ""]
    assert rows[0]["period_start"] == "2026-03-01T00:00:00Z"
    content = json.loads(answer_json(told, 2))
    assert content["groups"] == {"total": 3, "shown": 2, "without_value": 0, "without_place": 1}
    assert content["rows"] == table_rows(told, 2)
    assert content["kpis"][0]["numerator"] == ["rrc_conn_estab_succ"]


def test_one_line_shows_a_number_of_the_whole_network():
    told = asked(published(ROWS, PLACES))
    assert told.rows.rows() == [(4, pytest.approx(100 * 811 / 1012))]
