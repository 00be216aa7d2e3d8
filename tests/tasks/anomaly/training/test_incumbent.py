"""The detector as something that can be tried says exactly what the detector says."""

from datetime import timedelta

import numpy as np

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.cell_model import cell_model
from tasks.anomaly.cube import KpiCube
from tasks.anomaly.detector import judged
from tasks.anomaly.plan import scoring_plan
from tasks.anomaly.scoring import learnt_network
from tasks.anomaly.training.profile_training import learnt_panel
from tasks.anomaly.training.training_group import Learning
from tests.tasks.anomaly.world import KPIS, START, THROUGHPUT, cell_names, network


def test_it_scores_a_window_as_the_detector_does():
    values = network(cells=40, granularity_s=3600).astype(np.float32)
    values[3, THROUGHPUT, 28 * 24 + 6 : 28 * 24 + 12] *= 0.5
    values[4, :, 28 * 24 + 2] = np.nan
    window = Window(START + timedelta(days=28), START + timedelta(days=29))
    plan = scoring_plan(KPIS, window, "hour", detection())
    cube = KpiCube(tuple(cell_names(40)), plan.kpis, plan.grid, values)
    shared = learnt_network(plan, cube, SerialWorkerPool())
    expected = judged(values, cell_model(values, plan, shared), plan, shared).score
    panel, scorer = learnt_panel(values, Learning(plan, shared))
    first = plan.first_scored - scorer.context_periods
    read = panel.periods(first, plan.grid.periods_count)
    found = scorer.scores(read, np.arange(40))[:, scorer.context_periods :]
    assert np.isnan(found[4, 2])
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-2, equal_nan=True)
