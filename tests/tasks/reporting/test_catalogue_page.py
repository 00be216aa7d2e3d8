"""The catalogue page, the lineage texts, and a value followed to its files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import networkx as nx
import polars as pl
import pytest

from data_products.lineage import Lineage
from data_products.lineage_graph import LineageGraph, Node, lineage_graph
from data_products.lineage_impact import impact_of, parsed_change
from data_products.product import TIME
from data_products.quality_history import quality_history
from data_products.registry import products, table
from data_products.row_lineage import file_lineage, lineage_of_row
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.reporting.catalogue_material import age_text, catalogue_entries
from tasks.reporting.catalogue_page import bytes_text, catalogue_page
from tasks.reporting.catalogue_picture import lineage_picture
from tasks.reporting.lineage_text import (
    file_lineage_text,
    impact_text,
    lineage_text,
    row_lineage_text,
)
from tasks.reporting.notifications import notification

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))
LINEAGE = Lineage("run-1", "1.0.0", "abc", ("pm_measurements@1",))


class StoppedClock:
    def now(self):
        return START


@pytest.fixture
def tables():
    return InMemoryTables(StoppedClock())


def verdict(check, passed, accepted, window=HOUR):
    return {
        "window_start": window.start,
        "window_end": window.end,
        "check_id": check,
        "kind": "not_null",
        "evaluated_count": 10,
        "failed_count": 0 if passed else 4,
        "failed_share": 0.0 if passed else 0.4,
        "limit_share": 0.1,
        "is_passed": passed,
        "is_blocking": True,
        "is_accepted": accepted,
    }


def publish_verdicts(tables, rows, window=HOUR):
    tables.publish(
        "data_quality",
        window,
        pl.DataFrame(rows, schema_overrides={"window_start": TIME, "window_end": TIME}),
        LINEAGE,
        {"table_name": "cell_kpis", "scope": "granularity=hour"},
    )


def entries(tables, moment=START + timedelta(days=3)):
    return catalogue_entries(
        products(), catalogue(), lineage_graph(), tables, moment, lambda _: 1500
    )


def test_quality_over_time_is_a_row_a_window_oldest_first(tables):
    later = Window(HOUR.end, HOUR.end + timedelta(hours=1))
    publish_verdicts(tables, [verdict("a", True, False), verdict("b", False, False)])
    publish_verdicts(tables, [verdict("a", True, True, later)], later)
    found = quality_history(tables.read("data_quality"), "cell_kpis")
    assert found["is_accepted"].to_list() == [False, True]
    assert found["broken"].to_list() == [["b"], []]
    assert found.row(0, named=True)["worst_failed_share"] == 0.4
    assert quality_history(tables.read("data_quality"), "pm_measurements").is_empty()


def test_a_product_that_is_older_than_its_promise_is_late(tables):
    frame = pl.DataFrame(
        {
            "managed_object_dn": ["NRCellDU=1"],
            "object_class": ["NRCellDU"],
            "period_start": [START],
            "granularity_s": [900],
            "is_suspect": [False],
            "source": ["s"],
        },
        schema_overrides={"period_start": TIME},
    )
    tables.publish("pm_measurements", HOUR, frame, LINEAGE, {"source": "s"})

    def freshness(moment):
        (entry,) = [one for one in entries(tables, moment) if one.product.id == "pm_measurements"]
        return entry.tables[0].freshness, entry.tables[0].is_late

    assert freshness(START + timedelta(days=3))[1] is True
    assert freshness(START + timedelta(hours=3)) == ("2 h 59 min old; promised 1 d", False)


def test_the_page_is_whole_fetches_nothing_and_names_every_column(tables):
    publish_verdicts(tables, [verdict("a", False, False)])
    page = catalogue_page(entries(tables), lineage_graph(), START, "abc")
    for product in products().values():
        assert f'id="product-{product.id}"' in page
        for name in product.tables:
            assert f"<h3>{name}</h3>" in page
    for column in table("cell_kpis").columns:
        assert f"<code>{column.name}</code>" in page
    assert 'class="refused"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "src=" not in page
    assert page == catalogue_page(entries(tables), lineage_graph(), START, "abc")


def test_a_hostile_name_stays_text(tables):
    hostile = "<script>alert(1)</script>"
    entry = entries(tables)[0]
    bent = replace(entry, product=replace(entry.product, purpose=hostile))
    graph = nx.DiGraph()
    graph.add_edge(Node("source", hostile), Node("table", entry.tables[0].name), how="x")
    page = catalogue_page([bent], LineageGraph(graph), START, "abc")
    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_the_drawing_keeps_boxes_apart_and_lines_forward():
    picture = lineage_picture(lineage_graph(), {})
    places = [(box.x, box.y) for box in picture.boxes]
    assert len(set(places)) == len(places)
    assert all(0 <= x <= picture.width - 180 and 0 <= y <= picture.height - 28 for x, y in places)
    left = {f"{box.kind}:{box.name}".replace(" ", "_"): box.x for box in picture.boxes}
    assert picture.lines
    assert all(left[line.start] < left[line.end] for line in picture.lines)


def test_the_drawing_is_valid_svg(tables):
    page = catalogue_page(entries(tables), lineage_graph(), START, "abc")
    drawn = page[page.index("<svg") : page.index("</svg>") + 6]
    assert len(ET.fromstring(drawn).findall(".//rect")) >= len(products())  # noqa: S314 - our own page


def test_a_circle_of_tables_can_be_drawn():
    graph = nx.DiGraph()
    graph.add_edge(Node("table", "a"), Node("table", "b"), how="x")
    graph.add_edge(Node("table", "b"), Node("table", "a"), how="x")
    assert len(lineage_picture(LineageGraph(graph), {}).boxes) == 2


def test_a_tree_and_an_impact_read_as_text():
    graph = lineage_graph()
    text = lineage_text(graph.upstream("prb_usage_dl"), is_downstream=False)
    assert text.startswith("kpi prb_usage_dl comes from")
    assert "─ measurement prb_used_dl (numerator)" in text
    change = parsed_change("pmPdcpVolDlDrb", "unit=bit")
    said = impact_text(change, impact_of(change, graph, catalogue(), products()))
    assert "x kpi lte_traffic_volume_dl: is 1000 times as large" in said
    assert "by ericsson_radio_node/pmPdcpVolDlDrb > lte_pdcp_volume_dl" in said


def test_one_value_leads_back_to_its_run_its_counts_and_its_files():
    kpi = catalogue().kpi("prb_usage_dl")
    measurements = pl.DataFrame(
        {
            "cell_dn": ["A", "A", "A", "B"],
            "managed_element_dn": ["E", "E", "E", "E"],
            "is_suspect": [False, False, True, False],
            "source_file": ["f1.xml", "f2.xml", "f3.xml", "f4.xml"],
            "prb_used_dl_prb": [10.0, 20.0, 99.0, 7.0],
            "prb_avail_dl_prb": [100.0, 100.0, 100.0, 100.0],
        }
    ).lazy()
    row = pl.DataFrame(
        {
            "cell_dn": ["A"],
            "managed_element_dn": ["E"],
            kpi.column: [15.0],
            "run_id": ["run-1"],
            "input_snapshots": ["pm_measurements@7"],
            "catalogue_version": ["abc"],
        }
    )
    found = lineage_of_row(kpi, row, measurements, catalogue())
    assert found.files == (("f1.xml", 1), ("f2.xml", 1))
    assert found.left_out == 1
    assert found.counted == (("prb_used_dl", 30.0, 2), ("prb_avail_dl", 200.0, 2))
    assert found.input_snapshots == ("pm_measurements@7",)
    text = row_lineage_text(found, kpi.unit)
    assert "prb_usage_dl is 15 %" in text
    assert "1 rows from f2.xml" in text


def test_a_file_leads_on_to_its_rows_and_the_kpis_that_they_enter():
    rows = pl.DataFrame(
        {
            "managed_object_dn": ["A", "B", "C"],
            "period_start": [START, START, START],
            "source_file": ["f1.xml", "f1.xml", "f2.xml"],
            "run_id": ["r1", "r2", "r3"],
            "prb_used_dl_prb": [1.0, None, 2.0],
            "wb_cqi_dist_count": [[1.0], None, None],
            "prb_avail_ul_prb": [None, None, 5.0],
        }
    )
    found = file_lineage(rows.lazy(), "f1.xml", catalogue())
    assert (found.rows, found.objects, found.run_ids) == (2, 2, ("r1", "r2"))
    assert set(found.measurements) == {"prb_used_dl", "wb_cqi_dist"}
    assert {"prb_usage_dl", "mean_cqi"} <= set(found.kpis)
    assert "prb_usage_ul" not in found.kpis
    assert "f1.xml gave 2 rows of 2 managed objects" in file_lineage_text(found)


def test_sizes_and_ages_read_as_people_say_them():
    assert [bytes_text(size) for size in (0, 999, 1500, 3_200_000)] == [
        "",
        "999 B",
        "1.5 kB",
        "3.2 MB",
    ]
    assert age_text(timedelta(days=2, hours=3, minutes=5)) == "2 d 3 h"
    assert age_text(timedelta(seconds=20)) == "20 s"


def test_a_notification_keeps_delivered_text_as_text():
    said = notification(START, "refused\n# big", "# a heading\n[x](javascript:1)")
    assert said.splitlines()[0] == "## 2026-03-01 00:00 UTC: refused # big"
    assert all(line.startswith("    ") for line in said.splitlines()[2:] if line)
