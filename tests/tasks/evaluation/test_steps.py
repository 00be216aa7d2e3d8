"""The step that evaluates: it needs a truth beside the delivery, and says nothing without one."""

import numpy as np
import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.evaluation import steps
from tasks.settings import Settings
from tasks.wiring import Services, services, use_services
from tests.tasks.evaluation.test_detection_report import QUARTER, START, frames

DAY = Window(START, START + 96 * QUARTER)


class StoppedClock:
    def now(self):
        return START


@pytest.fixture
def scores(tmp_path):
    chosen = Services(Settings(home=tmp_path, worker_pool="serial"))
    chosen.__dict__["tables"] = tables = InMemoryTables(StoppedClock())
    score = np.zeros((3, 96))
    score[0, 22:30] = 8.0
    rows, faults, touched = frames(score, {"F1": ("outage", [0], 19, 20, 30)})
    truth = tmp_path / "network" / "truth"
    truth.mkdir(parents=True)
    faults.write_parquet(truth / "faults.parquet")
    touched.write_parquet(truth / "cell_periods.parquet")
    with use_services(chosen):
        yield tables.publish("cell_anomalies.scores", DAY, rows, Lineage("test", "1", "x"))


@pytest.mark.parametrize("place", ["network", "network/truth", "network/delivered"])
def test_the_truth_is_found_from_any_folder_of_the_network(scores, tmp_path, place):
    (tmp_path / place).mkdir(exist_ok=True)
    told = steps.evaluate_detection.fn(scores, tmp_path / place, DAY)
    assert told["detector"]["recall"] == 1.0
    assert told["rows"][2] == {"measure": "faults found", "detector": "100.0%", "baseline": "0.0%"}
    assert told["page"].startswith("# Detection quality")


def test_a_network_without_truth_is_not_evaluated(scores, tmp_path):
    (tmp_path / "real" / "delivered").mkdir(parents=True)
    assert steps.evaluate_detection.fn(scores, tmp_path / "real" / "delivered", DAY) is None


@pytest.fixture
def rivals(scores):
    """Publish two families and a challenger of one cell beside the scores."""
    tables = services().tables
    rows = tables.read("cell_anomalies.scores", DAY).collect()
    place = rows.select("cell_dn", "period_start")
    told = [
        place.with_columns(
            model=pl.lit(name), role=pl.lit(role), score=pl.Series(values, dtype=pl.Float64)
        )
        for name, role, values in (
            ("sharp", "family", rows["score"] * 2),
            ("blind", "family", np.zeros(rows.height)),
        )
    ]
    one = place.filter(pl.col("cell_dn") == "C0")
    told.append(
        one.with_columns(
            model=pl.lit("cell_anomalies.profile-01/2"),
            role=pl.lit("challenger"),
            score=pl.Series(np.zeros(one.height)),
        )
    )
    for role, frame in (("family", pl.concat(told[:2])), ("challenger", told[2])):
        tables.publish(
            "cell_anomalies.rival_scores", DAY, frame, Lineage("test", "1", "x"), {"role": role}
        )
    return scores


def test_models_are_compared_with_challengers_as_one_that_decides_where_they_exist(
    rivals, tmp_path
):
    told = steps.compare_models.fn(rivals, tmp_path / "network", DAY)
    by_name = {row["model"]: row for row in told["rows"]}
    assert set(by_name) == {
        "what decides now",
        "per-KPI dynamic threshold as shipped",
        "sharp",
        "blind",
        "challengers",
        "random score",
    }
    assert by_name["sharp"]["VUS-PR"] == by_name["what decides now"]["VUS-PR"]
    assert by_name["sharp"]["faults found"] == "100.0%"
    assert by_name["blind"]["faults found"] == by_name["challengers"]["faults found"] == "0.0%"
    assert "Nothing to compare with" in told["page"]


def test_models_of_a_network_without_truth_are_not_compared(rivals, tmp_path):
    (tmp_path / "real").mkdir()
    assert steps.compare_models.fn(rivals, tmp_path / "real", DAY) is None


def test_the_page_tells_whether_the_right_kpis_are_blamed(scores, tmp_path):
    blamed = [{"kpi": "a", "expected": 1.0, "seen": 2.0, "share": 1.0}]
    finding = pl.DataFrame(
        {
            "anomaly_id": ["f"],
            "window_start": [DAY.start],
            "window_end": [DAY.end],
            "cell_dn": ["C0"],
            "anomaly_start": [START + 22 * QUARTER],
            "anomaly_end": [START + 30 * QUARTER],
            "is_ongoing": [False],
            "severity": ["MINOR"],
            "peak_score": [8.0],
            "periods_count": pl.Series([8], dtype=pl.Int32),
            "contributions": [blamed],
        },
        schema_overrides={
            name: pl.Datetime("us", "UTC")
            for name in ("window_start", "window_end", "anomaly_start", "anomaly_end")
        },
    )
    services().tables.publish("cell_anomalies", DAY, finding, Lineage("test", "1", "x"))
    pl.DataFrame(
        {
            "fault_id": ["F1", "F1"],
            "kind": ["outage", "outage"],
            "cell_dn": ["C0", "C0"],
            "kpi": ["a", "b"],
            "effect": [9.0, 0.1],
            "is_moved": [True, False],
        }
    ).write_parquet(tmp_path / "network" / "truth" / "cell_kpis_affected.parquet")
    told = steps.evaluate_detection.fn(scores, tmp_path / "network", DAY)
    assert told["blame"]["ways"][0]["precision"] == 1.0
    assert "Do findings blame the right KPIs" in told["page"]
    assert "| outage | 1 | 100.0% | 100.0% | 100.0% |" in told["page"]
