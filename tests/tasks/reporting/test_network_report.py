"""Findings, states, map and quality as values, before any page."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from semantic_layer.loading import catalogue
from tasks.reporting.findings_table import finding_rows, first_of_causes
from tasks.reporting.health_map import health_map
from tasks.reporting.kpi_sources import kpi_sources
from tasks.reporting.material import DELIVERIES, TOPOLOGY, nothing, shaped
from tasks.reporting.network_report import network_report
from tasks.reporting.quality_section import quality_section
from tasks.reporting.wording import cell_label, digits, duration, listed, number, percent
from tests.tasks.reporting import world


def rows_of(*rows):
    return finding_rows(world.findings(*rows), {}, world.SOURCES, world.WINDOW)


def test_findings_come_worst_first_by_severity_then_score():
    rows = rows_of(
        world.finding(1, severity="WARNING", peak_score=99.0),
        world.finding(2, severity="CRITICAL", peak_score=1.0),
        world.finding(3, severity="CRITICAL", peak_score=5.0),
        world.finding(4, severity="PUZZLING", peak_score=100.0),
    )
    assert [row.anomaly_id for row in rows] == ["a0003", "a0002", "a0001", "a0004"]
    assert [row.number for row in rows] == [1, 2, 3, 4]


def test_where_worth_is_told_findings_come_in_the_order_of_reading():
    rows = rows_of(
        world.finding(1, severity="CRITICAL", reading_rank=2, probability=0.4),
        world.finding(2, severity="WARNING", reading_rank=1, probability=0.91),
        world.finding(3, severity="CRITICAL"),
    )
    assert [row.anomaly_id for row in rows] == ["a0002", "a0001", "a0003"]
    assert [row.probability_text for row in rows] == ["91 %", "40 %", ""]


def test_one_finding_stands_for_each_likely_cause():
    rows = rows_of(
        world.finding(1, reading_rank=1, common_cause_id="a0001"),
        world.finding(2, reading_rank=3, common_cause_id="a0001"),
        world.finding(3, reading_rank=2, common_cause_id="a0003"),
        world.finding(4),
    )
    told = [(row.anomaly_id, others) for row, others in first_of_causes(rows)]
    assert told == [("a0001", 1), ("a0003", 0), ("a0004", 0)]


def test_an_anomaly_seen_by_two_windows_appears_once_as_last_seen():
    later = world.WINDOW.end + timedelta(days=1)
    rows = rows_of(
        world.finding(1, is_ongoing=False, window_end=later),
        world.finding(1, is_ongoing=True),
    )
    assert len(rows) == 1
    assert not rows[0].is_ongoing


def test_a_finding_with_nothing_but_a_cell_is_still_shown():
    bare = dict.fromkeys(world.finding(1)) | {"cell_dn": world.cell_dn(1, 1)}
    (row,) = rows_of(bare)
    assert row.since == world.WINDOW.start
    assert row.blames == ()


def test_kpis_to_blame_come_by_their_share_with_units():
    (row,) = rows_of(world.finding(1, kind=1))
    assert [blame.kpi for blame in row.blames] == [
        "user_throughput_dl",
        "dl_latency",
        "prb_usage_dl",
    ]
    assert row.blames[0].sentence == "Downlink user throughput 11.3 Mbit/s instead of 84 Mbit/s"


def test_a_kpi_that_the_catalogue_no_longer_defines_keeps_its_name():
    part = {"kpi": "gone_kpi", "expected": 1.0, "seen": None, "share": None}
    (row,) = rows_of(world.finding(1, contributions=[part]))
    assert row.blames[0].sentence == "gone_kpi no data instead of 1"


def test_a_cell_that_was_never_judged_is_not_counted_as_healthy():
    report = network_report(world.town(sick=0), world.SOURCES)
    assert report.state_counts["HEALTHY"] == 266
    assert report.state_counts["NOT_JUDGED"] == 4
    assert report.abnormal_count == 0


def test_a_cell_of_topology_that_delivered_nothing_is_not_judged():
    town = world.town(sick=0)
    silent = replace(
        town, judgements=town.judgements.filter(pl.col("cell_dn") != world.cell_dn(5, 5))
    )
    report = network_report(silent, world.SOURCES)
    (state,) = (one for one in report.not_judged if one.cell_dn == world.cell_dn(5, 5))
    assert state.reason == "nothing was delivered in the window"


def test_higher_bands_lie_in_inner_rings_and_every_cell_has_its_own_place():
    report = network_report(world.town(), world.SOURCES)
    assert report.map.rings == ("n78 3500 MHz", "n1 2100 MHz", "n28 700 MHz")
    shapes = {wedge.shape for wedge in report.map.wedges}
    assert len(shapes) == 270
    by_cell = {wedge.cell_dn: wedge.shape for wedge in report.map.wedges}
    assert by_cell[world.cell_dn(1, 1)].outer < by_cell[world.cell_dn(1, 4)].inner


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(None, 12.0), (51.0, None), (float("nan"), 12.0), (91.0, 12.0), (51.0, 500.0)],
)
def test_a_cell_without_a_place_on_earth_is_counted_not_drawn(latitude, longitude):
    town = world.town()
    lost = pl.col("cell_dn") == world.cell_dn(1, 1)
    cells = town.topology.with_columns(
        latitude_deg=pl.when(lost).then(latitude).otherwise("latitude_deg"),
        longitude_deg=pl.when(lost).then(longitude).otherwise("longitude_deg"),
    )
    drawn = network_report(replace(town, topology=shaped(cells, TOPOLOGY)), world.SOURCES).map
    assert drawn.unplaced == 1
    assert len(drawn.wedges) == 269


def test_a_network_across_the_date_line_stays_together():
    cells = world.topology(2, 1).with_columns(
        longitude_deg=pl.when(pl.col("site_id") == "S001").then(179.99).otherwise(-179.99)
    )
    report = network_report(replace(world.town(), topology=cells), world.SOURCES)
    assert report.map.scale_km <= 2


def test_one_omnidirectional_cell_makes_a_map():
    cells = world.topology(1, 1).head(1).with_columns(azimuth_deg=pl.lit(None, pl.Float64))
    report = network_report(replace(world.town(sick=0), topology=cells), world.SOURCES)
    drawn = next(one for one in report.map.wedges)
    assert drawn.place == "n78 3500 MHz, omnidirectional"
    assert health_map([], nothing(TOPOLOGY), {}).has_cells is False


def test_missing_and_suspect_rows_are_counted_by_granularity():
    delivered = pl.DataFrame(
        [("a", 900, 288, 2), ("b", 900, 280, 0), ("c", 3600, 72, 0)],
        schema=DELIVERIES,
        orient="row",
    )
    quarters, hours = quality_section(
        world.quality(), world.rejections(), delivered, {900: 288, 3600: 70}, world.WINDOW
    ).deliveries
    assert (quarters.granularity, quarters.rows_missing, quarters.suspect) == ("15 min", 8, 2)
    assert quarters.cells_missing_some == 1
    assert (hours.granularity, hours.periods_seen, hours.periods_due) == ("1 h", 70, 72)


def test_failed_checks_come_first_the_blocking_ones_before_others():
    quality = world.quality().with_columns(is_passed=pl.lit(value=False))
    section = quality_section(quality, world.rejections(), nothing(DELIVERIES), {}, world.WINDOW)
    assert section.failed[0].check_id == "unique:cell_dn,period_start"
    assert section.failed[1].check_id == "between:pee_avg_temperature"


def test_three_sentences_tell_how_many_the_worst_and_how_far_to_trust():
    sentences = network_report(world.town(), world.SOURCES).sentences
    assert len(sentences) == 3
    assert sentences[0].startswith("15 of 270 cells behaved abnormally (3 critical, 4 major")
    assert "Cell drop rate 6.4 % instead of 0.3 %" in sentences[1]
    assert sentences[2] == (
        "4 cells could not be judged, 1 of 5 data-quality checks failed, and 252 rows were "
        "quarantined."
    )


def test_every_kpi_of_the_packaged_catalogue_names_its_counters():
    for kpi in kpi_sources(catalogue()).every():
        assert kpi.source
        assert kpi.numerator
        assert all(counter.source for counter in kpi.counters)
        assert " / " in kpi.formula


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (81.2345, "%", "81.23 %"),
        (0.0, "%", "0 %"),
        (1234567.0, "1", "1,234,567"),
        (2.1e-11, "mW", "2.1e-11 mW"),
        (-97.5, "dBm", "-97.5 dBm"),
        (1e20, "bit/J", "1e+20 bit/J"),
        (float("nan"), "%", "no data"),
        (float("inf"), "%", "no data"),
        (None, "%", "no data"),
    ],
)
def test_numbers_read_well_with_their_units(value, unit, text):
    assert number(value, unit) == text


def test_small_words():
    assert digits(0.30000000000000004) == "0.3"
    assert percent(0.0004) == "< 0.1 %"
    assert percent(0.035) == "3.5 %"
    assert duration(timedelta(minutes=105)) == "1 h 45 min"
    assert duration(timedelta(days=2, hours=3)) == "2 d 3 h"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert listed([]) == ""
    assert cell_label("") == ""


def test_in_a_dense_map_abnormal_cells_are_drawn_larger():
    report = network_report(world.town(sites=1200, bands=1, sick=3), world.SOURCES)
    sick = [wedge.shape for wedge in report.map.wedges if wedge.finding]
    assert report.map.is_dense
    assert len(sick) == 3
    assert min(shape.outer for shape in sick) > 1.9 * report.map.healthy[0].outer
