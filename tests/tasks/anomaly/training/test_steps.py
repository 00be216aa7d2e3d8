"""Training as a step: from published KPIs to registered, judged and promoted models, and again."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.errors import InputError
from semantic_layer.identity import managed_element_expression
from semantic_layer.model_promotion import model_promotion
from semantic_layer.periods import Window
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.adapters.memory_tables import InMemoryTables
from tasks.anomaly.families.roster import FAMILIES
from tasks.anomaly.serving import CALM_LEVELS, DETECTOR_LEVELS
from tasks.anomaly.training import steps
from tasks.settings import Settings
from tasks.stored_models import StoredModel
from tasks.wiring import Services, use_services
from tests.tasks.anomaly.training.doubles import Blind, Joint, Widest
from tests.tasks.anomaly.world import START, cell_names, kpi_rows, network

CELLS, DAYS, SLOTS = 48, 30, 24
DAY = Window(START + timedelta(days=27), START + timedelta(days=28))
NEXT = Window(START + timedelta(days=28), START + timedelta(days=29))
NAME = "cell_anomalies.all.hour"


class StoppedClock:
    def now(self):
        return START + timedelta(days=29)


@pytest.fixture(scope="module")
def values():
    return network(cells=CELLS, days=DAYS, granularity_s=3600)


@pytest.fixture
def services(tmp_path, monkeypatch, values):
    rules = model_promotion().model_copy(
        update={"candidates": ("widest", "joint", "absent"), "promotion_confidence": 0.5}
    )
    monkeypatch.setattr(steps, "model_promotion", lambda: rules)
    doubles = {family.name: family for family in (Widest(), Joint(), Blind())}
    for name, family in doubles.items():
        monkeypatch.setitem(FAMILIES, name, family)
    made = Services(Settings(home=tmp_path, worker_pool="serial"))
    made.__dict__["tables"] = InMemoryTables(StoppedClock())
    made.__dict__["models"] = InMemoryModelRegistry(StoppedClock())
    monkeypatch.setattr(steps.time, "process_time", steady)
    with use_services(made):
        deliver(made.tables, values)
        yield made


def steady():
    return 0.0


def deliver(tables, values, days=DAYS):
    rows = kpi_rows(values, 3600, "hour").with_columns(
        managed_element_expression("cell_dn").alias("managed_element_dn")
    )
    window = Window(START, START + timedelta(days=days))
    scope = {"source": "pm_measurements", "granularity": "hour"}
    return tables.publish("cell_kpis", window, rows, Lineage("test", "1", "x"), scope)


def trained(services, window=DAY):
    return steps.train_models.fn(services.tables.snapshot("cell_kpis"), window)


def test_a_training_registers_a_model_with_everything_needed_to_repeat_it(services):
    rows = trained(services)
    assert [row["model"] for row in rows] == [NAME]
    assert rows[0]["family"].removesuffix(" beside the detector") in {"widest", "joint"}
    version = services.models.versions(NAME)[0]
    data = version.card.data
    assert data["table"] == "cell_kpis"
    assert data["snapshot_id"] == str(services.tables.snapshot("cell_kpis").id)
    assert (data["history_start"], data["history_end"]) == (
        START.isoformat(),
        (START + timedelta(days=28)).isoformat(),
    )
    assert (data["granularity"], data["object_class"], data["cells"]) == (
        "hour",
        "NRCellDU",
        str(CELLS),
    )
    assert version.card.seed == model_promotion().seed
    assert version.card.parameters["version.numpy"] == np.__version__
    assert version.card.metrics["detector.average_precision"] > 0
    assert "promoted over detector" in version.card.reason.lower()
    model, _ = services.models.load(NAME, 1)
    assert model.arrays[CALM_LEVELS].shape == model.arrays[DETECTOR_LEVELS].shape


def test_repeating_a_training_gives_the_same_model(services):
    first = trained(services)
    again = trained(services)
    assert len(services.models.versions(NAME)) == 1
    assert first[0]["outcome"].split(" is ")[0] == "version 1"
    assert again[0]["outcome"].startswith("version 1 is")
    assert [row["average precision"] for row in first] == [
        row["average precision"] for row in again
    ]


def test_other_history_gives_another_version(services):
    trained(services)
    trained(services, NEXT)
    ends = [version.card.data["history_end"] for version in services.models.versions(NAME)]
    assert ends == [(START + timedelta(days=days)).isoformat() for days in (28, 29)]


def test_the_day_that_is_not_over_is_not_learnt_from(services):
    trained(services, Window(NEXT.start, NEXT.start + timedelta(hours=1)))
    assert services.models.versions(NAME)[0].card.data["history_end"] == NEXT.start.isoformat()


def test_each_profile_has_its_own_model_and_a_small_one_none(services, monkeypatch):
    names = cell_names(CELLS)
    profiles = dict.fromkeys(names[:25], "busy") | dict.fromkeys(names[25:30], "tiny")
    monkeypatch.setattr(steps, "newest_profiles", lambda *_: profiles)
    rows = trained(services)
    assert [(row["model"], row["cells"]) for row in rows] == [
        (NAME, CELLS),
        ("cell_anomalies.busy.hour", 25),
    ]


def test_the_champion_is_what_passed_the_gate_and_the_next_one_must_beat_it(services):
    rows = trained(services)
    held = services.models.assignments(NAME, "champion" if "champion" in rows[0]["outcome"] else
                                       "challenger")  # fmt: skip
    assert held[0][0] == 1
    assert "average precision" in held[0][1]
    services.models.assign(NAME, "champion", 1, "by hand", "ann")
    row = trained(services, NEXT)[0]
    assert row["outcome"] == "version 2 is challenger"
    told = services.models.assignments(NAME, "challenger")[-1]
    assert told[0] == 2
    assert told[1].startswith(f"Not promoted over {row['family']}")
    assert "champion.average_precision" in services.models.versions(NAME)[1].card.metrics


def test_families_that_are_not_there_are_left_out_and_bad_ones_are_not_chosen(
    services, monkeypatch
):
    rules = steps.model_promotion().model_copy(update={"candidates": ("absent",)})
    monkeypatch.setattr(steps, "model_promotion", lambda: rules)
    row = trained(services)[0]
    assert row["family"] == "none"
    assert row["outcome"] == "nothing to register"
    assert services.models.names() == []


def test_a_week_of_history_trains_nothing_and_breaks_nothing(services):
    early = Window(START + timedelta(days=6), START + timedelta(days=7))
    rows = trained(services, early)
    assert [row["outcome"] for row in rows] == ["nothing to register"]


def test_no_rows_train_nothing(services):
    assert trained(services, Window(START - timedelta(days=9), START - timedelta(days=8))) == []


def test_champion_and_challenger_are_scored_side_by_side(services):
    trained(services)
    model, version = services.models.load(NAME, 1)
    levels = {name: model.arrays[name] for name in (CALM_LEVELS, DETECTOR_LEVELS)}
    blind = StoredModel("blind", model.kpis, {}, levels)
    made = services.models.register(NAME, blind, version.card)
    services.models.assign(NAME, "champion", made.version, "a test", "ann")
    services.models.assign(NAME, "challenger", 1, "a test", "ann")
    page = steps.compare_models.fn(NAME, NEXT)
    assert f"Champion: version {made.version} (blind)" in page
    assert f"Challenger: version 1 ({version.family})" in page
    assert f"{CELLS} cell-days that both scored" in page


def test_without_a_champion_the_challenger_is_compared_with_the_detector(services):
    trained(services)
    services.models.assign(NAME, "champion", None, "a test", "ann")
    services.models.assign(NAME, "challenger", 1, "a test", "ann")
    assert "Champion: the detector." in steps.compare_models.fn(NAME, NEXT)


@pytest.mark.usefixtures("services")
def test_without_a_challenger_there_is_nothing_to_compare():
    with pytest.raises(InputError, match="is challenger"):
        steps.compare_models.fn(NAME, NEXT)


def test_verdicts_of_the_validation_days_are_cases(services, monkeypatch):
    cell = cell_names(CELLS)[3]
    seen = START + timedelta(days=24)
    findings = pl.DataFrame(
        {
            "anomaly_id": ["f1"],
            "cell_dn": [cell],
            "anomaly_start": [seen],
            "anomaly_end": [seen + timedelta(hours=3)],
        }
    )
    weighed = pl.DataFrame(
        {
            "anomaly_id": ["f1"],
            "cell_dn": [cell],
            "anomaly_start": [seen],
            "is_real_probability": [0.9],
            "weight": [1.0],
        }
    )
    monkeypatch.setattr(steps, "_findings", lambda _window: findings)
    monkeypatch.setattr(steps, "_weighed_verdicts", lambda *_: weighed)
    seen_jobs = []
    whole = steps.trained_profile

    def watched(job, **shared):
        seen_jobs.append(job)
        return whole(job, **shared)

    monkeypatch.setattr(steps, "trained_profile", watched)
    trained(services)
    (case,) = seen_jobs[0].verdicts
    assert (case.first, case.last, case.is_real) == (24 * SLOTS, 24 * SLOTS + 3, True)
    assert sorted(cell_names(CELLS))[case.cell] == cell
