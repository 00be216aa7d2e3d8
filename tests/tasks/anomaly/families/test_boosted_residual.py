import sys
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.anomaly.families.boosted_residual import BoostedResidual, shap_of
from tasks.anomaly.families.family import Panel
from tasks.anomaly.families.robust_covariance import RobustCovariance
from tasks.evaluation.precision import average_precision
from tasks.stored_models import StoredModel, from_bytes, to_bytes
from tests.tasks.anomaly.families.expecting_world import (
    NOISE,
    RHYTHM,
    THROUGHPUT,
    TRAFFIC,
    USERS,
    out_of_order,
    sound,
    with_other_cells,
)

FAMILY = BoostedResidual(lags=(1, 3), fit_rows=6000)


@lru_cache
def fitted() -> StoredModel:
    return FAMILY.fit(sound(), seed=7)


def test_a_score_reads_no_later_period_and_no_earlier_one_than_it_says():
    panel = sound(cells=3, periods=60, seed=2)
    at_once, reach = FAMILY.scores(fitted(), panel), FAMILY.context_periods
    for period in (reach, 41, 59):
        alone = FAMILY.scores(fitted(), panel.periods(period - reach, period + 1))
        np.testing.assert_allclose(alone[:, -1], at_once[:, period], rtol=1e-5, atol=1e-5)


def test_trees_of_a_kpi_never_see_it_in_the_scored_period():
    panel = sound(cells=3, periods=60, seed=2)
    other = panel.values.copy()
    other[:, USERS, 59] += 2.5
    changed = FAMILY.errors(fitted(), Panel(other, panel.kpis, panel.slots_a_day))
    moved = changed[:, :, 59] - FAMILY.errors(fitted(), panel)[:, :, 59]
    np.testing.assert_allclose(moved[:, USERS], 2.5, atol=1e-5)
    assert (np.delete(moved, USERS, axis=1) != 0).any(), "the others' trees do see it"


def test_the_same_seed_gives_the_same_model():
    panel = sound(cells=6, periods=600)
    assert FAMILY.fit(panel, 1).digest == FAMILY.fit(panel, 1).digest
    fewer = replace(FAMILY, fit_rows=500)
    assert fewer.fit(panel, 1).digest != fewer.fit(panel, 2).digest


def test_a_stored_model_scores_as_the_fitted_one_whatever_the_familys_defaults():
    panel = sound(cells=2, periods=50, seed=2)
    again = from_bytes(to_bytes(fitted()), fitted().digest)
    other = BoostedResidual(lags=(2,), spans=(1,))
    np.testing.assert_array_equal(other.scores(again, panel), FAMILY.scores(fitted(), panel))


def test_no_data_is_no_evidence():
    panel = sound(cells=2, periods=60, seed=2)
    values = panel.values.copy()
    values[0, :, 30], values[1, NOISE] = np.nan, np.nan
    gappy = Panel(values, panel.kpis, panel.slots_a_day)
    scores, parts = FAMILY.scores(fitted(), gappy), FAMILY.parts(fitted(), gappy)
    assert np.isnan(scores[0, 30])
    assert np.isfinite(scores).sum() == scores.size - 1
    np.testing.assert_array_equal(np.isnan(parts), np.isnan(values))
    assert scores[1].max() < 6, "a KPI that is not delivered makes nothing strange"


def test_a_kpi_that_history_lacks_is_expected_to_be_ordinary_and_explained_by_nothing():
    values = sound(cells=6, periods=600).values.copy()
    values[:, NOISE] = np.nan
    panel = Panel(values, sound(1, 1).kpis, 24)
    model = FAMILY.fit(panel, 1)
    assert np.isfinite(FAMILY.scores(model, panel)).all()
    with pytest.raises(InputError, match="expects nothing of 'noise'"):
        shap_of(model, panel, 0, 50, "noise")


def test_other_kpis_and_models_of_other_families_are_refused():
    panel = sound(cells=2, periods=40)
    other = Panel(panel.values, (*panel.kpis[:-1], "latency"), panel.slots_a_day)
    with pytest.raises(InputError, match="lacks \\['noise'\\]"):
        FAMILY.scores(fitted(), other)
    with pytest.raises(InputError, match="robust_covariance"):
        FAMILY.scores(RobustCovariance().fit(sound(), 1), panel)


def test_a_kpi_that_no_longer_follows_its_fellows_is_found_where_no_single_kpi_shows_it():
    broken, labels = with_other_cells(sound(seed=2), USERS)
    found = average_precision(FAMILY.scores(fitted(), broken), labels)
    alone = average_precision(np.abs(broken.values).max(axis=1), labels)
    assert found > alone + 0.3


def test_a_relation_that_bends_is_found_where_a_covariance_sees_little():
    broken, labels = with_other_cells(sound(seed=2), THROUGHPUT)
    found = average_precision(FAMILY.scores(fitted(), broken), labels)
    straight = RobustCovariance()
    assert (
        found > average_precision(straight.scores(straight.fit(sound(), 7), broken), labels) + 0.2
    )


def test_an_order_in_time_that_breaks_is_found():
    broken, labels = out_of_order(sound(seed=2), RHYTHM)
    found = average_precision(FAMILY.scores(fitted(), broken), labels)
    straight = RobustCovariance()
    assert (
        found > average_precision(straight.scores(straight.fit(sound(), 7), broken), labels) + 0.3
    )


def test_parts_share_the_score_and_blame_what_broke():
    broken, labels = with_other_cells(sound(seed=2), USERS)
    scores, parts = FAMILY.scores(fitted(), broken), FAMILY.parts(fitted(), broken)
    np.testing.assert_allclose(parts.sum(axis=1), np.maximum(scores, 0), rtol=1e-3, atol=1e-3)
    blamed = parts.argmax(axis=1)[labels & (scores > 6)]
    assert np.isin(blamed, (TRAFFIC, USERS)).mean() > 0.8, "each parted from the other"


def test_contributions_sum_to_what_was_expected_and_name_who_made_it():
    panel = sound(cells=2, periods=40, seed=2)
    for cell, period in ((0, 0), (1, 20), (0, 39)):
        told = shap_of(fitted(), panel, cell, period, "users")
        total = told.usual + sum(told.contributions.values())
        assert told.expected == pytest.approx(total, abs=1e-5)
        error = FAMILY.errors(fitted(), panel)[cell, USERS, period]
        assert told.seen - told.expected == pytest.approx(error, abs=1e-5)
        assert "users" not in told.contributions
    strong = np.abs(panel.values[0, 0]).argmax()
    told = shap_of(fitted(), panel, 0, int(strong), "users").contributions
    assert max(told, key=lambda name: abs(told[name])) == "traffic"


def test_an_unknown_kpi_is_not_explained():
    with pytest.raises(InputError, match="expects nothing of 'latency'"):
        shap_of(fitted(), sound(cells=1, periods=10), 0, 5, "latency")


def test_history_that_is_too_short_or_wild_throughout_is_refused():
    with pytest.raises(InputError, match="Widen the history"):
        FAMILY.fit(sound(cells=1, periods=100), seed=1)
    wild = sound(cells=4, periods=600)
    with pytest.raises(InputError, match="nothing to learn from"):
        FAMILY.fit(Panel(wild.values + 9, wild.kpis, wild.slots_a_day), seed=1)


def test_scoring_needs_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert np.isfinite(FAMILY.scores(fitted(), sound(cells=1, periods=30))).all()
