"""The cycle as users start it: on the village, on vendors' real files, and on bad input."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_products.registry import products
from semantic_layer.errors import InputError
from tasks.ingestion.measurements.delivered_periods import span_of_name
from tasks.settings import Settings
from tasks.twin.sample_network import write_sample_network
from tasks.wiring import Services, use_services

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("orchestrator")]

UNCHANGED = (
    "network_configuration",
    "network_topology",
    "network_topology.nodes",
    "change_history",
    "trouble_tickets",
    "operations_documents",
    "data_quality.deliveries",
)
"""Tables that a second run has no reason to publish."""

LINEAGE = ["run_id", "input_snapshots", "contract_version", "catalogue_version"]


@dataclass(frozen=True)
class Cycle:
    services: Services
    folder: Path
    report: Path

    def rows(self, table: str) -> pl.DataFrame:
        frame = self.services.tables.read(table).collect().drop(LINEAGE)
        return frame.sort(frame.select(pl.col(pl.String, pl.Datetime)).columns)


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    return write_sample_network("village", 7, folder).folder / "delivered"


@pytest.fixture(scope="module")
def cycle(
    village: Path,
    orchestrator: None,  # noqa: ARG001 - a server must run first
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cycle]:
    from flows.operate_network import operate_network

    home = tmp_path_factory.mktemp("home")
    with use_services(Services(Settings(home=home, worker_pool="serial"))) as services:
        report = operate_network(folder=village)
        yield Cycle(services, village, Path(report))


def test_the_cycle_publishes_every_product_and_writes_its_report(cycle: Cycle):
    for table in ("pm_measurements", "cell_kpis", "cell_anomalies.scores", "network_topology"):
        assert not cycle.rows(table).is_empty(), table
    assert {path.name for path in cycle.report.parent.iterdir()} >= {
        "report.html",
        "report.md",
        "summary.txt",
    }
    assert "cells behaved abnormally" in cycle.report.with_name("summary.txt").read_text()


def test_every_product_has_exactly_what_the_manifest_promises(cycle: Cycle):
    counts = json.loads((cycle.folder.parent / "manifest.json").read_text())["counts"]
    nodes, links = (cycle.rows(f"network_topology.{name}") for name in ("nodes", "links"))
    objects = cycle.rows("network_configuration").filter(pl.col("source").is_in(["nrm", "bulk_cm"]))
    assert {
        "alarm_notifications": cycle.rows("alarms.notifications").height,
        "measurement_rows": cycle.rows("pm_measurements").height,
        "topology_nodes": nodes["node_id"].n_unique(),
        "topology_links": links["link_id"].n_unique(),
        "change_requests": cycle.rows("change_history")["change_id"].n_unique(),
        "trouble_tickets": cycle.rows("trouble_tickets")["ticket_id"].n_unique(),
        "documents": cycle.rows("operations_documents")["document_id"].n_unique(),
        "service_sessions": cycle.rows("service_sessions").height,
        "cells": cycle.rows("network_topology")["cell_dn"].n_unique(),
    }.items() <= counts.items()
    # The manifest counts the objects of the newest night; others were there before.
    assert objects["managed_object_dn"].n_unique() >= counts["configuration_objects"]


def test_nothing_delivered_stays_unread(cycle: Cycle):
    kept = cycle.rows("data_quality.quarantine")
    assert kept.filter(pl.col("table_name") == "data_quality.deliveries").is_empty()
    known = cycle.rows("data_quality.deliveries")
    assert known["kind"].unique().sort().to_list() == [
        "alarms", "measurement_files", "sessions", "tables",
    ]  # fmt: skip
    assert known.filter(pl.col("read_from") >= pl.col("read_until")).is_empty()


def test_history_that_was_delivered_is_published_before_the_window(cycle: Cycle):
    days = cycle.rows("cell_kpis").filter(pl.col("granularity") == "day")["period_start"]
    assert days.n_unique() == 8


def test_every_published_row_says_where_it_came_from(cycle: Cycle):
    rows = cycle.services.tables.read("cell_anomalies.scores").collect()
    assert rows["run_id"].null_count() == 0
    assert rows["input_snapshots"].str.contains("cell_kpis@").all()
    assert rows["catalogue_version"].n_unique() == 1


def test_the_same_run_twice_leaves_the_same_rows(cycle: Cycle):
    from flows.operate_network import operate_network

    tables = [
        table
        for product in products().values()
        for table in product.tables
        # Agents that look again have run again.
        if product.id not in ("data_quality", "access_audit", "agent_runs")
    ]
    before = {table: cycle.rows(table) for table in tables}
    history = {table: cycle.services.tables.history(table).height for table in UNCHANGED}
    operate_network(folder=cycle.folder)
    for table in tables:
        # Sums are added in parallel: the last digit of a rolled-up KPI may differ.
        same, told = (
            one.drop("agent_run_id", strict=False) for one in (cycle.rows(table), before[table])
        )
        assert_frame_equal(same, told, rel_tol=1e-12, abs_tol=0.0)
    after = {table: cycle.services.tables.history(table).height for table in UNCHANGED}
    assert after == history


def test_a_quarter_of_an_hour_scored_alone_agrees_with_the_day(cycle: Cycle):
    from flows.score_cells import score_cells
    from semantic_layer.periods import last_closed

    day = cycle.rows("cell_anomalies.scores")
    window = last_closed("15min", cycle.services.tables.bounds("cell_kpis").end)
    score_cells(window=window)
    alone = cycle.services.tables.read("cell_anomalies.scores", window).collect()
    assert alone["period_start"].unique().to_list() == [window.start]
    assert alone.height == day.filter(pl.col("period_start") == window.start).height


def test_the_cycle_of_a_quarter_of_an_hour_reports_without_an_evaluation(cycle: Cycle):
    from flows.operate_network import operate_network

    report = Path(operate_network(folder=cycle.folder, span="15min"))
    assert report.parent.name == "20250604T2345Z-20250605T0000Z"
    assert "known truth" not in report.with_name("summary.txt").read_text()
    assert "known truth" in cycle.report.with_name("summary.txt").read_text()


def test_a_damaged_delivery_is_quarantined_and_the_rest_goes_through(village: Path, tmp_path: Path):
    from flows.ingest_network_data import ingest_network_data

    folder = tmp_path / "delivered" / "pm"
    folder.mkdir(parents=True)
    files = sorted((village / "pm").glob("*.xml.gz"))[:6]
    for path in files[1:]:
        (folder / path.name).write_bytes(path.read_bytes())
    broken = gzip.decompress(files[0].read_bytes())[:-400]
    (folder / files[0].name).write_bytes(gzip.compress(broken))
    with use_services(Services(Settings(home=tmp_path / "home", worker_pool="serial"))) as services:
        from tasks.ingestion.steps import delivered_window

        window = delivered_window.fn(folder)
        assert window is not None
        ingest_network_data(window=window, folder=folder)
        told = services.tables.read("data_quality.quarantine").collect()
        assert told.filter(pl.col("source_file").str.ends_with(files[0].name)).height == 1
        assert not services.tables.read("pm_measurements").collect().is_empty()


def test_a_late_file_reopens_just_its_window_and_the_hours_and_days_above(
    village: Path, tmp_path: Path
):
    from flows.operate_network import operate_network

    folder = tmp_path / "delivered" / "pm"
    folder.mkdir(parents=True)
    files = sorted((village / "pm").glob("*.xml.gz"))
    late, last = files[len(files) // 2], files[-1]
    for path in files:
        if path not in (late, last):
            (folder / path.name).write_bytes(path.read_bytes())
    with use_services(Services(Settings(home=tmp_path / "home", worker_pool="serial"))) as services:
        operate_network(folder=folder, span="15min")
        before = services.tables.history("pm_measurements").height
        for path in (late, last):
            (folder / path.name).write_bytes(path.read_bytes())
        operate_network(folder=folder, span="15min")
        windows = services.tables.history("pm_measurements")["window_start"].to_list()[before:]
        starts = [span_of_name(path.name).start for path in (late, last)]
        assert sorted(windows) == starts
        kpis = services.tables.read("cell_kpis").collect()
        hour = starts[0].replace(minute=0)
        of_hour = kpis.filter(pl.col("granularity") == "hour", pl.col("period_start") == hour)
        assert of_hour["periods_count"].unique().to_list() == [4]


def test_a_folder_with_nothing_in_it_says_so(tmp_path: Path):
    from flows.operate_network import operate_network

    services = Services(Settings(home=tmp_path / "home", worker_pool="serial"))
    with use_services(services), pytest.raises(InputError, match="delivered"):
        operate_network(folder=tmp_path)


@pytest.mark.real_data
def test_a_vendor_s_file_goes_from_counters_to_a_report(real_data: Path, tmp_path: Path):
    from flows.operate_network import operate_network

    folder = tmp_path / "delivered"
    folder.mkdir()
    source = real_data / "pm_xml/oransc_ranpm/A20220418.1900-1915_seliitdus00487.xml"
    (folder / source.name).write_bytes(source.read_bytes())
    with use_services(Services(Settings(home=tmp_path / "home", worker_pool="serial"))) as services:
        report = operate_network(folder=folder, span="15min")
        kpis = services.tables.read("cell_kpis").collect()
        scores = services.tables.read("cell_anomalies.scores").collect()
    assert kpis.filter(pl.col("granularity") == "15min")["cell_dn"].n_unique() > 1
    assert scores["score"].null_count() == scores.height
    assert scores["abstained_because"].null_count() == 0
    assert Path(report).is_file()


def test_the_manifest_of_the_village_is_what_was_delivered(village: Path):
    manifest = json.loads((village.parent / "manifest.json").read_text())
    assert manifest["counts"]["measurement_files"] == len(list((village / "pm").glob("*.xml.gz")))
