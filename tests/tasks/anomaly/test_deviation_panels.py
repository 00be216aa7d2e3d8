"""The panel that families read: the same deviations wherever it begins."""

from datetime import timedelta

import numpy as np
import pytest

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.cell_model import cell_model
from tasks.anomaly.cube import KpiCube
from tasks.anomaly.deviation_panels import deviation_panel
from tasks.anomaly.plan import scoring_plan
from tasks.anomaly.scoring import learnt_network
from tests.tasks.anomaly.world import KPIS, START, THROUGHPUT, cell_names, network


@pytest.fixture(scope="module")
def learnt():
    values = network(cells=12, granularity_s=3600).astype(np.float32)
    values[3, THROUGHPUT, 28 * 24 + 6 : 28 * 24 + 12] *= 0.5
    values[4, THROUGHPUT, 100:110] = np.nan
    window = Window(START + timedelta(days=28), START + timedelta(days=29))
    plan = scoring_plan(KPIS, window, "hour", detection())
    cube = KpiCube(tuple(cell_names(12)), plan.kpis, plan.grid, values)
    shared = learnt_network(plan, cube, SerialWorkerPool())
    return values, cell_model(values, plan, shared), plan, shared


@pytest.mark.parametrize(("first", "last"), [(0, 696), (500, 696), (675, 676)])
def test_a_period_deviates_the_same_wherever_the_panel_begins(learnt, first, last):
    whole = deviation_panel(*learnt, 0, 696)
    part = deviation_panel(*learnt, first, last)
    assert np.allclose(part.values, whole.values[..., first:last], equal_nan=True)
    assert part.first_slot == first % 24
    assert part.kpis == tuple(kpi.name for kpi in KPIS)


def test_calm_hours_deviate_by_about_one_and_a_fault_by_more(learnt):
    panel = deviation_panel(*learnt, 0, 696)
    assert 0.5 < np.nanstd(panel.values[:, :, : 28 * 24]) < 1.5
    during = panel.values[3, THROUGHPUT, 28 * 24 + 6 : 28 * 24 + 12]
    assert (during < -3).all()
    assert np.isnan(panel.values[4, THROUGHPUT, 100:110]).all()
