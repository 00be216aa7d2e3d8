"""Steps of worth: findings are weighed, verdicts teach, and what was swapped does not serve."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.errors import InputError
from semantic_layer.identity import managed_element_expression
from semantic_layer.periods import Window
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.adapters.memory_tables import InMemoryTables
from tasks.anomaly import steps as anomaly
from tasks.anomaly.model_names import CHAMPION
from tasks.anomaly.worth import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.anomaly.world import START, THROUGHPUT, kpi_rows, last_day, network

pytestmark = pytest.mark.slow  # Great Expectations judges

TODAY = 28 * 96
WORTH = "cell_anomalies.worth"
NAME = "finding_worth.all"


class StoppedClock:
    def now(self):
        return START


@pytest.fixture
def served(tmp_path):
    services = Services(Settings(home=tmp_path, worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    services.__dict__["models"] = InMemoryModelRegistry(StoppedClock())
    with use_services(services):
        yield services


def scored(served, cells=(7,), days=1):
    """Publish KPIs in which some cells fail on the last of the days; return the findings."""
    values = network(days=28 + days)
    for cell in cells:
        start = TODAY + (days - 1) * 96 + 20 + cell
        values[cell, THROUGHPUT, start : start + 12] *= 0.5
    rows = kpi_rows(values).with_columns(
        managed_element_expression("cell_dn").alias("managed_element_dn")
    )
    window = Window(START, START + timedelta(days=28 + days))
    scope = {"source": "pm_measurements", "granularity": "15min"}
    kpis = served.tables.publish("cell_kpis", window, rows, Lineage("test", "1", "x"), scope)
    found = None
    for day in range(days):
        start = START + timedelta(days=28 + day)
        one = Window(start, start + timedelta(days=1))
        found = anomaly.score_cells.fn(kpis, one)
        anomaly.tell_evidence.fn(found, one)
    return found


def judged(served, is_real):
    """Publish verdicts on every finding, as weighed ones."""
    findings = served.tables.read("cell_anomalies").collect().unique("anomaly_id")
    rows = findings.select("anomaly_id", "cell_dn", "anomaly_start").with_columns(
        is_real_probability=pl.Series(
            [0.95 if is_real(row) else 0.05 for row in findings.iter_rows(named=True)]
        ),
        weight=pl.lit(1.0),
        n_authors=pl.lit(1, pl.Int64),
        is_contradicted=pl.lit(value=False),
        fault_kind=pl.lit(None, pl.String),
        last_given_at=pl.col("anomaly_start") + timedelta(hours=20),
    )
    window = Window(START, START + timedelta(days=60))
    served.tables.publish("finding_verdicts.weighed", window, rows, Lineage("test", "1", "x"))
    return findings


def test_before_any_verdict_findings_have_the_priors_probability_and_a_place_in_the_reading(served):
    findings = scored(served, cells=(7, 15))
    told = steps.weigh_findings.fn(findings, last_day())
    assert (told.table, told.verdict) == (WORTH, "published")
    rows = served.tables.read(WORTH).collect()
    assert set(rows["anomaly_id"]) == set(
        served.tables.read("cell_anomalies").collect()["anomaly_id"]
    )
    assert rows["worth_model"].unique().to_list() == ["prior"]
    assert sorted(rows["reading_rank"]) == list(range(1, rows.height + 1))
    assert rows["is_within_budget"].all()
    assert (rows["probability_low"] < rows["probability"]).all()
    assert rows["chance_probability"].null_count() == rows.height  # no score was published before
    assert rows["probability_reasons"].list.len().min() > 0


def test_an_operator_who_can_read_one_finding_a_day_is_asked_to_read_one(served):
    findings = scored(served, cells=(7, 15))
    steps.weigh_findings.fn(findings, last_day(), 1)
    rows = served.tables.read(WORTH).collect()
    assert rows["is_within_budget"].sum() == 1
    assert rows.filter("is_within_budget")["reading_rank"].to_list() == [1]


def test_a_window_without_findings_has_no_worth_to_tell(served):
    findings = scored(served, cells=())
    assert steps.weigh_findings.fn(findings, last_day()).verdict == "published"
    assert served.tables.read(WORTH).collect().is_empty()


def test_scores_of_earlier_days_tell_what_chance_makes(served):
    found = scored(served, cells=(7,), days=4)
    day = Window(START + timedelta(days=31), START + timedelta(days=32))
    steps.weigh_findings.fn(found, day)
    rows = served.tables.read(WORTH, day).collect()
    assert rows["chance_probability"].null_count() == 0
    assert (rows["chance_probability"] < 0.05).all()
    assert rows["is_discovery"].all()


def test_few_verdicts_teach_nothing_and_say_so(served):
    scored(served)
    judged(served, lambda _: True)
    month = Window(START, START + timedelta(days=29))
    late = START + timedelta(days=400)  # verdicts on an old network are given today
    unheard = steps.learn_from_verdicts.fn(month, START)
    assert {row["measure"]: row["after"] for row in unheard}["judged findings"] == "0"
    rows = steps.learn_from_verdicts.fn(month, late)
    assert {row["measure"]: row["after"] for row in rows}["judged findings"] == "1"
    assert {row["measure"]: row["after"] for row in rows}["held back"] == "0"
    version = served.models.versions(NAME)[-1]
    assert "too few verdicts" in version.card.reason
    assert served.models.assignments(NAME, CHAMPION) == []


def test_what_is_learnt_serves_and_a_swapped_model_does_not(served, monkeypatch):
    findings = scored(served)
    model = steps._prior(
        steps.known_findings(
            served.tables, last_day(), steps._scored_kpis(), {}, steps.finding_worth()
        )
    )
    card = steps.worth_card(
        steps.Lesson(True, "A test.", {"findings": (1.0, np.nan)}), last_day(), findings, 1, "run"
    )
    made = served.models.register(NAME, model, card)
    served.models.assign(NAME, CHAMPION, made.version, "a test", "tester")
    steps.weigh_findings.fn(findings, last_day())
    named = served.tables.read(WORTH).collect()["worth_model"].unique().to_list()
    assert named == [f"{NAME}/{made.version}"]

    def swapped(*_):
        raise InputError("The stored model is another one.")

    monkeypatch.setattr(served.models, "load", swapped)
    steps.weigh_findings.fn(findings, last_day())
    assert served.tables.read(WORTH).collect()["worth_model"].unique().to_list() == ["prior"]
