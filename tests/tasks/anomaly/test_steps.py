"""The step that scores: what it publishes, through the door, from a snapshot and back to it."""

from datetime import timedelta

import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.identity import managed_element_expression
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.anomaly import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.anomaly.world import START, THROUGHPUT, cell_names, kpi_rows, last_day, network

pytestmark = pytest.mark.slow  # Great Expectations judges

TODAY = 28 * 96
SCORED = "cell_anomalies.scores"


class StoppedClock:
    def now(self):
        return START


@pytest.fixture
def tables(tmp_path):
    services = Services(Settings(home=tmp_path, worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


def deliver(tables, values, days=29):
    rows = kpi_rows(values).with_columns(
        managed_element_expression("cell_dn").alias("managed_element_dn")
    )
    window = Window(START, START + timedelta(days=days))
    scope = {"source": "pm_measurements", "granularity": "15min"}
    return tables.publish("cell_kpis", window, rows, Lineage("test", "1", "x"), scope)


def published(tables, table):
    return tables.read(table).collect()


@pytest.fixture
def trouble():
    values = network()
    values[7, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.6
    return values


def test_scores_findings_and_expectations_are_published_with_where_they_came_from(tables, trouble):
    snapshot = deliver(tables, trouble)
    found = steps.score_cells.fn(snapshot, last_day())
    assert (found.table, found.verdict) == ("cell_anomalies", "published")
    findings = published(tables, "cell_anomalies")
    assert findings["cell_dn"].to_list() == [cell_names(24)[7]]
    finding = findings.row(0, named=True)
    assert f"cell_kpis@{snapshot.id}" in finding["input_snapshots"]
    assert SCORED in finding["input_snapshots"]
    assert published(tables, SCORED).height == 24 * 96
    band = published(tables, "cell_anomalies.expectations")
    assert band["cell_dn"].unique().to_list() == findings["cell_dn"].to_list()
    assert set(band["kpi"]) == {blame["kpi"] for blame in finding["contributions"]}
    assert (band["low"] <= band["expected"]).all()
    assert (band["expected"] <= band["high"]).all()
    during = band.filter(
        pl.col("kpi") == "user_throughput_dl",
        pl.col("period_start") == START + timedelta(days=28, hours=12),
    ).row(0, named=True)
    assert during["seen"] < during["low"]


def test_scoring_a_window_twice_leaves_the_same_rows(tables, trouble):
    snapshot = deliver(tables, trouble)
    names = (SCORED, "cell_anomalies", "cell_anomalies.expectations")
    steps.score_cells.fn(snapshot, last_day())
    first = [published(tables, name).drop("input_snapshots") for name in names]
    steps.score_cells.fn(snapshot, last_day())
    second = [published(tables, name).drop("input_snapshots") for name in names]
    assert all(one.equals(other) for one, other in zip(first, second, strict=True))


def test_an_anomaly_over_midnight_keeps_its_id_and_start(tables):
    values = network(days=30)
    values[7, THROUGHPUT, TODAY + 80 : TODAY + 120] *= 0.5
    snapshot = deliver(tables, values, days=30)
    for day in (28, 29):
        start = START + timedelta(days=day)
        steps.score_cells.fn(snapshot, Window(start, start + timedelta(days=1)))
    rows = published(tables, "cell_anomalies").sort("window_start")
    assert rows.height == 2
    assert rows["anomaly_id"].n_unique() == 1
    assert rows["anomaly_start"].n_unique() == 1
    assert rows["is_ongoing"].to_list() == [True, False]
    assert rows["explanation"][1].startswith(f"Since {rows['anomaly_start'][0]:%Y-%m-%d}")


def test_nothing_delivered_gives_empty_tables_and_no_error(tables):
    found = steps.score_cells.fn(tables.snapshot("cell_kpis"), last_day())
    assert found.rows == 0


def test_what_stood_near_a_finding_is_published_beside_it(tables, trouble):
    findings = steps.score_cells.fn(deliver(tables, trouble), last_day())
    told = steps.tell_evidence.fn(findings, last_day())
    assert told.verdict == "published"
    rows = published(tables, "cell_anomalies.evidence")
    assert set(rows["anomaly_id"]) == set(published(tables, "cell_anomalies")["anomaly_id"])
    said = dict(rows.filter(evidence_kind="summary").select("reference_id", "detail").iter_rows())
    assert said["alarm"] == "Not checked: no alarm was ever published"


def test_a_finding_says_since_when_and_which_model_scored(tables, trouble):
    steps.score_cells.fn(deliver(tables, trouble), last_day())
    finding = published(tables, "cell_anomalies").row(0, named=True)
    assert finding["model"] == "detector"
    assert finding["onset_at"] <= finding["anomaly_start"]
