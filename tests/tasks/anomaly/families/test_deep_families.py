import subprocess
import sys
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.anomaly.families.autoencoder import Autoencoder
from tasks.anomaly.families.cnn_forecast import CnnForecast
from tasks.anomaly.families.family import Panel
from tasks.anomaly.families.lstm_forecast import LstmForecast
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.families.robust_covariance import RobustCovariance
from tasks.anomaly.families.torch_arrays import repeatable
from tasks.anomaly.families.torch_family import NeuralFamily
from tasks.anomaly.families.torch_training import Schedule
from tasks.anomaly.families.transformer import Transformer
from tasks.evaluation.precision import average_precision
from tasks.stored_models import StoredModel, from_bytes, to_bytes
from tests.tasks.anomaly.families.expecting_world import (
    NOISE,
    RHYTHM,
    USERS,
    out_of_order,
    sound,
    with_other_cells,
)

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(
    torch is None, reason="PyTorch is not installed: pip install 'anops[deep]'"
)
QUICK = Schedule(most_steps=200, stretches=16, stretch_periods=16, learning_rate=1e-2)
FAMILIES = (
    LstmForecast(window=7, units=12, schedule=QUICK),
    CnnForecast(layers=3, channels=16, schedule=QUICK),
    Autoencoder(window=3, units=24, bottleneck=4, schedule=QUICK),
    Transformer(width=8, units=12, schedule=QUICK),
)
FORECASTS, FOLLOWERS = FAMILIES[:2], FAMILIES[2:]
MEMORYLESS = (RobustCovariance(), PrincipalComponents())
by_name = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@lru_cache
def fitted(family: NeuralFamily) -> StoredModel:
    return family.fit(sound(), seed=7)


@needs_torch
@by_name
def test_a_score_reads_no_later_period_and_no_earlier_one_than_it_says(family):
    model, panel = fitted(family), sound(cells=3, periods=60, seed=2)
    at_once = family.scores(model, panel)
    reach = family.context_periods
    for period in (reach, 41, 59):
        alone = family.scores(model, panel.periods(period - reach, period + 1))
        np.testing.assert_allclose(alone[:, -1], at_once[:, period], rtol=1e-4, atol=1e-4)


@needs_torch
@by_name
def test_what_is_expected_comes_from_as_far_back_as_the_family_says(family):
    model, panel = fitted(family), sound(cells=2, periods=40, seed=2)
    errors = family.errors(model, panel)[..., 39]
    for farther, is_read in ((0, True), (1, False)):
        far = panel.values.copy()
        far[:, :, 39 - family.reach - farther] += 1.5
        changed = family.errors(model, Panel(far, panel.kpis, panel.slots_a_day))[..., 39]
        assert np.allclose(changed, errors, atol=1e-6) != is_read


@needs_torch
@by_name
def test_the_same_seed_gives_the_same_model_and_another_seed_another(family):
    small = replace(family, schedule=replace(QUICK, most_steps=25))
    panel = sound(cells=6, periods=600)
    assert small.fit(panel, 1).digest == small.fit(panel, 1).digest
    assert small.fit(panel, 1).digest != small.fit(panel, 2).digest


@needs_torch
@by_name
def test_a_stored_model_scores_as_the_fitted_one(family):
    model, panel = fitted(family), sound(cells=2, periods=50, seed=2)
    again = from_bytes(to_bytes(model), model.digest)
    np.testing.assert_array_equal(family.scores(again, panel), family.scores(model, panel))
    np.testing.assert_array_equal(family.parts(again, panel), family.parts(model, panel))


@needs_torch
@by_name
def test_a_model_outlives_a_change_of_the_familys_defaults(family):
    model, panel = fitted(family), sound(cells=2, periods=50, seed=2)
    now = replace(type(family)(), limit=9.0, spans=(2,))
    np.testing.assert_array_equal(now.scores(model, panel), family.scores(model, panel))


@needs_torch
@by_name
def test_no_data_is_no_evidence(family):
    model, panel = fitted(family), sound(cells=2, periods=60, seed=2)
    values = panel.values.copy()
    values[0, :, 30] = np.nan
    values[1, NOISE] = np.nan
    gappy = Panel(values, panel.kpis, panel.slots_a_day)
    scores, parts = family.scores(model, gappy), family.parts(model, gappy)
    assert np.isnan(scores[0, 30])
    assert np.isfinite(scores[1]).all()
    assert np.isfinite(np.delete(scores[0], 30)).all()
    np.testing.assert_array_equal(np.isnan(parts), np.isnan(values))
    assert scores[1].max() < 6, "a KPI that is not delivered makes nothing strange"


@needs_torch
@by_name
def test_a_kpi_that_history_lacks_does_not_stop_training(family):
    values = sound(cells=6, periods=600).values.copy()
    values[:, NOISE] = np.nan
    panel = Panel(values, sound(1, 1).kpis, 24)
    model = replace(family, schedule=replace(QUICK, most_steps=25)).fit(panel, 1)
    assert np.isfinite(family.scores(model, panel)).all()


@needs_torch
@by_name
def test_other_kpis_are_refused(family):
    panel = sound(cells=2, periods=40)
    other = Panel(panel.values, (*panel.kpis[:-1], "latency"), panel.slots_a_day)
    with pytest.raises(InputError, match="lacks \\['noise'\\]"):
        family.scores(fitted(family), other)


@needs_torch
@by_name
def test_parts_share_the_score_and_blame_what_strayed(family):
    model, panel = fitted(family), sound(cells=4, periods=60, seed=2)
    values = panel.values.copy()
    values[:, NOISE, 50:] += 8
    panel = Panel(values, panel.kpis, panel.slots_a_day)
    scores, parts = family.scores(model, panel), family.parts(model, panel)
    np.testing.assert_allclose(parts.sum(axis=1), np.maximum(scores, 0), rtol=1e-3, atol=1e-3)
    assert (parts[:, :, 52:].argmax(axis=1) == NOISE).mean() > 0.9
    assert (parts >= 0).all()


@needs_torch
@pytest.mark.parametrize("family", FOLLOWERS, ids=lambda family: family.name)
def test_a_kpi_that_no_longer_follows_its_fellows_is_found_where_no_single_kpi_shows_it(family):
    broken, labels = with_other_cells(sound(seed=2), USERS)
    found = average_precision(family.scores(fitted(family), broken), labels)
    alone = average_precision(np.abs(broken.values).max(axis=1), labels)
    assert found > alone + 0.3


@needs_torch
@pytest.mark.parametrize("family", FORECASTS, ids=lambda family: family.name)
def test_an_order_in_time_that_breaks_is_found_where_families_without_memory_see_nothing(family):
    broken, labels = out_of_order(sound(seed=2), RHYTHM)
    found = average_precision(family.scores(fitted(family), broken), labels)
    memoryless = [
        average_precision(other.scores(other.fit(sound(), 7), broken), labels)
        for other in MEMORYLESS
    ]
    assert found > max(memoryless) + 0.4


@needs_torch
@pytest.mark.parametrize("family", FOLLOWERS, ids=lambda family: family.name)
def test_unmarked_faults_in_history_do_not_become_normal(family):
    history = sound()
    values = history.values.copy()
    for day in range(0, 30, 4):
        cell = day % values.shape[0]
        values[cell, USERS, 24 * day : 24 * day + 12] += 9
    model = family.fit(Panel(values, history.kpis, history.slots_a_day), seed=7)
    broken, labels = with_other_cells(sound(seed=2), USERS)
    clean = average_precision(family.scores(fitted(family), broken), labels)
    assert average_precision(family.scores(model, broken), labels) > clean - 0.15


@needs_torch
@pytest.mark.parametrize("family", FORECASTS, ids=lambda family: family.name)
def test_a_fault_under_way_does_not_teach_the_forecast_to_expect_it(family):
    panel = sound(cells=8, periods=80, seed=2)
    values = panel.values.copy()
    values[:, USERS, 40:] -= 10
    scores = family.scores(fitted(family), Panel(values, panel.kpis, panel.slots_a_day))
    assert np.median(scores[:, 70:]) > 0.6 * np.median(scores[:, 41:45])
    assert scores[:, 60:].min() > np.quantile(scores[:, :40], 0.99)


@needs_torch
@by_name
def test_too_little_history_is_refused_with_a_reason(family):
    with pytest.raises(InputError, match=r"needs 192 .* Widen the history"):
        family.fit(sound(cells=1, periods=100), seed=1)


@needs_torch
def test_what_the_process_had_set_is_set_again():
    had = torch.get_num_threads()
    with repeatable(threads=1):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled() or torch.cuda.is_available()
    assert torch.get_num_threads() == had
    assert not torch.are_deterministic_algorithms_enabled()


@by_name
def test_without_torch_a_family_says_what_to_install(family, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"anops\[deep\]"):
        family.fit(sound(cells=6, periods=600), seed=1)


def test_modules_import_without_torch():
    names = ("lstm_forecast", "cnn_forecast", "autoencoder", "transformer", "boosted_residual")
    imports = "; ".join(f"import tasks.anomaly.families.{name}" for name in names)
    told = "import sys; sys.modules['torch'] = None; sys.modules['xgboost'] = None; "
    subprocess.run([sys.executable, "-c", told + imports], check=True)
