"""The step that evaluates: it needs a truth beside the delivery, and says nothing without one."""

import numpy as np
import pytest

from data_products.lineage import Lineage
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.evaluation import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.evaluation.test_detection_report import QUARTER, START, frames

DAY = Window(START, START + 96 * QUARTER)


class StoppedClock:
    def now(self):
        return START


@pytest.fixture
def scores(tmp_path):
    services = Services(Settings(home=tmp_path, worker_pool="serial"))
    services.__dict__["tables"] = tables = InMemoryTables(StoppedClock())
    score = np.zeros((3, 96))
    score[0, 22:30] = 8.0
    rows, faults, touched = frames(score, {"F1": ("outage", [0], 19, 20, 30)})
    truth = tmp_path / "network" / "truth"
    truth.mkdir(parents=True)
    faults.write_parquet(truth / "faults.parquet")
    touched.write_parquet(truth / "cell_periods.parquet")
    with use_services(services):
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
