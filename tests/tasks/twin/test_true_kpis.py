"""The truth says which KPIs a fault moved: the ones physics says, by more than a day differs."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tasks.twin.effects import conditions_of
from tasks.twin.state import network_state
from tasks.twin.true_effects import true_effects
from tasks.twin.true_kpis import MOVED, TRUE_KPIS, true_kpis

CELLS = 12


@pytest.fixture
def told(village_run, fault_of):
    """Return the truth of one fault of a kind, alone in the village."""
    run, scene, _, _ = village_run

    def of(kind, **changes):
        fault = replace(fault_of(kind)[0], fault_id="F1", ramp=0, **changes)
        conditions = conditions_of(scene.world, [fault], scene.sound)
        struck = replace(scene, state=network_state(scene.world, conditions))
        missing = np.zeros((scene.calendar.periods, CELLS), bool)
        return true_kpis(run, struck, true_effects(struck, [fault], missing).cell_periods)

    return of


@pytest.mark.parametrize(
    ("kind", "changes", "moved", "sign"),
    [
        pytest.param("interference", {"size": 12.0}, "ul_interference", 1, id="noise rises"),
        pytest.param("core_link_failure", {}, "ng_connection_success_rate", -1, id="core is gone"),
        pytest.param("outage", {}, "cell_availability", -1, id="a cell is off"),
        pytest.param("mimo_branch_loss", {}, "spectral_efficiency_dl", -1, id="a layer is lost"),
    ],
)
def test_a_fault_moves_the_kpi_that_physics_says_and_its_way(told, kind, changes, moved, sign):
    rows = told(kind, **changes).filter(kpi=moved).sort(pl.col("effect").abs())
    assert rows["is_moved"].any()
    assert np.sign(rows["effect"][-1]) == sign


def test_what_interference_cannot_touch_is_not_moved(told):
    rows = told("interference", size=12.0)
    assert not rows.filter(kpi="cell_availability")["is_moved"].any()
    assert rows["is_moved"].mean() < 0.5


def test_a_kpi_moved_exactly_where_its_effect_is_beyond_the_days_scatter(told):
    rows = told("outage")
    assert dict(rows.schema) == TRUE_KPIS
    assert (rows["is_moved"] == (rows["effect"].abs() >= MOVED)).all()
    assert rows.group_by("fault_id", "cell_dn", "kpi").len()["len"].max() == 1


def test_a_run_without_faults_moves_nothing(village_run):
    run, scene, _, _ = village_run
    nothing = true_effects(scene, [], np.zeros((scene.calendar.periods, CELLS), bool))
    assert true_kpis(run, scene, nothing.cell_periods).is_empty()


def test_where_both_runs_are_the_same_nothing_moved_beyond_chance(village_run, fault_of):
    run, scene, _, _ = village_run
    fault = replace(fault_of("outage")[0], fault_id="F1")
    conditions = conditions_of(scene.world, [fault], scene.sound)
    struck = replace(scene, state=network_state(scene.world, conditions))
    missing = np.zeros((scene.calendar.periods, CELLS), bool)
    periods = true_effects(struck, [fault], missing).cell_periods
    same = true_kpis(run, replace(scene, state=scene.sound), periods)
    assert same.height > CELLS
    assert same["is_moved"].mean() < 0.01
    assert same["effect"].abs().median() < 0.5


def test_the_same_run_tells_the_same(told):
    assert told("outage").equals(told("outage"))
