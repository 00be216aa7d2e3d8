"""What every family promises, whatever it believes of normal."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.anomaly.families.family import Family, Panel, has_data
from tasks.anomaly.families.roster import FAMILIES, installed_families
from tasks.anomaly.families.torch_family import NeuralFamily
from tasks.anomaly.families.torch_training import Schedule
from tasks.stored_models import StoredModel, from_bytes, to_bytes
from tests.tasks.anomaly.families.panels import KPIS, SLOTS, calm_panel, with_fault

QUICK = Schedule(most_steps=150, stretches=16, stretch_periods=16, learning_rate=1e-2)
HISTORY = calm_panel(cells=12, days=20, seed=1)
DAY = calm_panel(cells=5, days=3, seed=2)
FAULT_CELL, FAULT_KPI, FAULT_FROM = 2, "load", 60


@cache
def fitted(name: str) -> StoredModel:
    return quickly_trained(FAMILIES[name]).fit(HISTORY, 7)


def quickly_trained(family: Family) -> Family:
    """Return the family, a neural one with a training of seconds."""
    return replace(family, schedule=QUICK) if isinstance(family, NeuralFamily) else family


@pytest.fixture(params=FAMILIES)
def family(request) -> Family:
    if request.param not in installed_families():
        pytest.skip(f"{request.param} needs PyTorch: install the extra 'deep'")
    return quickly_trained(FAMILIES[request.param])


@pytest.fixture
def model(family) -> StoredModel:
    return fitted(family.name)


def test_every_family_says_what_it_is_and_why_it_is_there(family):
    assert family.name in FAMILIES
    assert family.title
    assert len(family.reason.split()) >= 8
    assert 0 <= family.context_periods < 4 * SLOTS


def test_the_same_seed_learns_the_same_model(family, model):
    again = family.fit(HISTORY, 7)
    assert again.digest == model.digest


def test_a_stored_model_scores_as_before_it_was_stored(family, model):
    loaded = from_bytes(to_bytes(model), model.digest)
    np.testing.assert_array_equal(family.scores(loaded, DAY), family.scores(model, DAY))


def test_fitting_and_scoring_leave_the_panel_alone(family, model):
    before = DAY.values.copy()
    family.scores(model, DAY)
    family.parts(model, DAY)
    np.testing.assert_array_equal(DAY.values, before)


def test_later_periods_change_no_score(family, model):
    later = DAY.values.copy()
    later[..., 40:] = 9.0
    changed = family.scores(model, replace(DAY, values=later))
    same(changed[:, :40], family.scores(model, DAY)[:, :40])


def test_a_period_scored_with_its_context_scores_as_in_the_whole(family, model):
    first = family.context_periods + 3
    if first >= DAY.values.shape[2]:
        pytest.skip("reads farther back than this panel reaches")
    read = DAY.periods(first - family.context_periods, DAY.values.shape[2])
    alone = family.scores(model, read)[:, family.context_periods :]
    same(alone, family.scores(model, DAY)[:, first:])


def test_neither_order_nor_chunk_of_cells_changes_a_score(family, model):
    whole = family.scores(model, DAY)
    backwards = replace(DAY, values=DAY.values[::-1].copy())
    same(family.scores(model, backwards)[::-1], whole)
    same(family.scores(model, DAY.cells(slice(3, 4))), whole[3:4])


def test_gaps_cost_no_score_and_no_data_has_none(family, model):
    values = DAY.values.copy()
    values[0, 3:5] = np.nan
    values[1, :, 10:20] = np.nan
    gappy = replace(DAY, values=values)
    scores = family.scores(model, gappy)
    assert np.isnan(scores[~has_data(gappy)]).all()
    complete = np.isfinite(values).all(axis=1)
    assert np.isfinite(scores[complete]).all()
    assert np.isfinite(scores[0]).mean() > 0.9


def test_a_panel_without_any_data_has_no_score(family, model):
    silent = replace(DAY, values=np.full_like(DAY.values, np.nan))
    assert np.isnan(family.scores(model, silent)).all()


@pytest.mark.parametrize(
    "kpis",
    [
        pytest.param(KPIS[::-1], id="another order"),
        pytest.param((*KPIS[:-1], "energy"), id="another KPI"),
    ],
)
def test_other_kpis_are_refused(family, model, kpis):
    with pytest.raises(InputError, match="KPIs"):
        family.scores(model, replace(DAY, kpis=kpis))


def test_a_model_of_another_family_is_refused(family, model):
    with pytest.raises(InputError, match="was given to"):
        family.scores(replace(model, family="astrology"), DAY)


def test_a_fault_scores_above_calm_and_its_kpi_is_named(family, model):
    broken = with_fault(DAY, FAULT_CELL, FAULT_KPI, FAULT_FROM, 8.0)
    at_fault = family.scores(model, broken)[FAULT_CELL, FAULT_FROM : FAULT_FROM + 2].max()
    assert at_fault > np.nanquantile(family.scores(model, DAY), 0.99)
    parts = family.parts(model, broken)
    known = np.isfinite(broken.values)
    assert (parts[known] >= 0).all()
    assert np.isnan(parts[~known]).all()
    named = np.nan_to_num(parts[FAULT_CELL, :, FAULT_FROM : FAULT_FROM + 2]).sum(axis=1)
    assert KPIS[int(named.argmax())] == FAULT_KPI


def test_history_without_data_teaches_nothing(family):
    empty = Panel(np.full((2, len(KPIS), 48), np.nan, np.float32), KPIS, SLOTS)
    with pytest.raises(InputError, match="data"):
        family.fit(empty, 0)


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4)
