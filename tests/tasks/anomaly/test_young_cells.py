"""A cell that is too young abstains for the same reasons, whether a model is fitted or not."""

from datetime import timedelta

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.plan import scoring_plan
from tasks.anomaly.scoring import scores_of
from tasks.anomaly.young_cells import abstained, young_cells
from tests.tasks.anomaly.world import KPIS, START, kpi_rows, network

DAYS = 5
DAY = 96


@pytest.fixture
def world():
    values = network(cells=6, days=DAYS)
    values[0, :, -DAY:] = np.nan  # silent in the whole window
    values[1, :, -DAY // 2 :] = np.nan  # silent in half of it
    rows = kpi_rows(values)
    start = START + timedelta(days=DAYS - 1)
    window = Window(start, start + timedelta(days=1))
    return rows, scoring_plan(KPIS, window, "15min", detection())


def test_the_reasons_are_those_of_the_model(world):
    rows, plan = world
    cells = sorted(rows["cell_dn"].unique())
    assert young_cells(rows.lazy(), cells, plan) == cells

    def read(wanted):
        return rows.filter(rows["cell_dn"].is_in(list(wanted)))

    fitted = scores_of(plan, cells, read, SerialWorkerPool()).rows
    told = abstained(rows.lazy(), cells, plan).sort("cell_dn", "period_start")
    assert_frame_equal(told, fitted)
    assert told["abstained_because"].n_unique() == 3


def test_a_cell_with_days_enough_is_not_young(world):
    rows, plan = world
    few = plan.rules.model_copy(update={"fewest_history_days": DAYS - 1})
    older = scoring_plan(
        KPIS,
        Window(plan.grid.start_of(plan.first_scored), START + timedelta(days=DAYS)),
        "15min",
        few,
    )
    cells = sorted(rows["cell_dn"].unique())
    assert young_cells(rows.lazy(), [*cells, "never heard of"], older) == ["never heard of"]


def test_without_a_young_cell_there_is_no_row(world):
    rows, plan = world
    assert abstained(rows.lazy(), [], plan).is_empty()
