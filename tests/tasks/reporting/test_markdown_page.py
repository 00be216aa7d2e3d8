"""The Markdown report: escaped, small enough for a run's page, with its pictures."""

import re
from dataclasses import replace

import polars as pl

from tasks.reporting.markdown_page import data_uri, escaped, findings_rows, markdown_page
from tasks.reporting.material import ReportMaterial
from tasks.reporting.network_report import network_report
from tasks.reporting.pictures import map_picture, timelines_picture
from tests.tasks.reporting import world

HOSTILE = (
    "<img src=x>|[click](javascript:x)![p](http://evil.example/x.png)`code`\nhttps://evil.example"
)


def test_hostile_text_is_neither_markup_nor_link_nor_table_cell():
    town = world.town(sick=1)
    hostile = replace(
        town,
        network=HOSTILE, run_id=HOSTILE,
        findings=town.findings.with_columns(cell_dn=pl.lit(HOSTILE), severity=pl.lit(HOSTILE)),
        rejections=town.rejections.with_columns(reason=pl.lit(HOSTILE)),
        evaluation=({HOSTILE: HOSTILE},),
    )  # fmt: skip
    page = markdown_page(network_report(hostile, world.SOURCES), {})
    prose = re.sub(r"`[^`\n]*`", "", page.replace(r"\`", ""))
    assert "<img" not in prose
    assert "http://" not in prose
    assert "https://" not in prose
    assert not re.search(r"(?<!\\)\]\(", prose)
    tables = [line for line in prose.splitlines() if line.startswith("|")]
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in tables]
    assert set(widths[:3]) == {6}


def test_pictures_stand_beside_the_page_or_inside_it():
    report = network_report(world.town(), world.SOURCES)
    page = markdown_page(report, {"map": "map.png"}, "/reports/report.html")
    assert "![Map of cells by health](map.png)" in page
    assert "`/reports/report.html`" in page
    assert "timelines.png" not in page


def test_the_run_page_stays_small_for_a_thousand_cells():
    report = network_report(world.town(sites=112, sick=200), world.SOURCES)
    pictures = {"map": map_picture(report), "timelines": timelines_picture(report)}
    page = markdown_page(report, {name: data_uri(picture) for name, picture in pictures.items()})
    assert len(page) < 1_000_000
    assert page.count("data:image/png;base64,") == 2
    assert "180 more are in the full report." in page


def test_pictures_are_the_same_bytes_every_time():
    report = network_report(world.town(), world.SOURCES)
    assert map_picture(report) == map_picture(report)
    assert timelines_picture(report) == timelines_picture(report)


def test_a_name_with_dollars_is_no_formula():
    town = world.town(sick=1)
    named = replace(
        town, topology=town.topology.with_columns(site_name=pl.lit("$\\frac{1}{$ 東京"))
    )
    report = network_report(named, world.SOURCES)
    assert timelines_picture(report).startswith(b"\x89PNG")


def test_with_nothing_to_draw_there_are_no_pictures():
    report = network_report(ReportMaterial("n", world.WINDOW, "local", "v"), world.SOURCES)
    assert map_picture(report) is None
    assert timelines_picture(report) is None
    assert "No cell was judged in this window" in markdown_page(report, {})


def test_the_table_of_findings_holds_plain_values():
    rows = findings_rows(network_report(world.town(), world.SOURCES), limit=3)
    assert [row["severity"] for row in rows] == ["CRITICAL"] * 3
    assert all(isinstance(value, str | float) for row in rows for value in row.values())


def test_plain_words_are_left_alone():
    assert escaped("RRC.ConnEstabSucc / (a + b) - c: 3 %") == "RRC.ConnEstabSucc / (a + b) - c: 3 %"
