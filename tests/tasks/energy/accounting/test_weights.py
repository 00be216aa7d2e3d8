"""Views weigh by how little they strayed; what told nothing weighs nothing."""

import numpy as np
import pytest

from tasks.energy.accounting.weights import mixed, view_weights


def errors(*spreads, sites=3, hours=200, seed=1):
    chance = np.random.default_rng(seed)
    return np.stack([spread * chance.standard_normal((sites, hours)) for spread in spreads])


def test_views_that_err_apart_weigh_by_the_inverse_of_their_variance():
    weight = view_weights(errors(0.01, 0.02, hours=5000))
    assert weight[0] == pytest.approx(0.8, abs=0.03)
    assert weight.sum(axis=0) == pytest.approx(1.0)


def test_no_weight_is_below_nothing_even_where_errors_go_together():
    both = errors(0.01)
    weight = view_weights(np.concatenate([both, 3 * both]))
    assert weight[0] == pytest.approx(1.0)
    assert (weight >= 0).all()


def test_weights_are_as_good_as_those_of_a_search():
    told = errors(0.01, 0.015, 0.012, sites=1, hours=400)
    told[2] += 0.5 * told[0]
    spread = np.einsum("kn,ln->kl", told[:, 0], told[:, 0]) / 400
    grid = [
        (a / 50, b / 50, 1 - (a + b) / 50) for a in range(51) for b in range(51 - a)
    ]  # every mixture in steps of a fiftieth
    best = min(np.array(one) @ spread @ np.array(one) for one in grid)
    weight = view_weights(told)[:, 0]
    assert weight @ spread @ weight <= best * 1.001


def test_a_view_that_told_nothing_of_a_site_has_no_weight_there():
    told = errors(0.02, 0.01)
    told[1, 0] = np.nan
    weight = view_weights(told)
    assert weight[:, 0].tolist() == [1.0, 0.0]
    assert weight[1, 1] > 0.7


def test_a_site_that_no_view_told_weighs_as_the_others_do():
    told = errors(0.01, 0.02, hours=2000)
    told[:, 2] = np.nan
    assert view_weights(told)[:, 2] == pytest.approx(view_weights(told)[:, 0], abs=0.05)


def test_a_mixture_is_of_the_views_that_told_of_the_hour():
    views = np.array([[[1.0, np.nan, np.nan]], [[3.0, 3.0, np.nan]]])
    weight = np.array([[[0.5]], [[0.5]]])
    assert mixed(views, weight)[0, :2].tolist() == [2.0, 3.0]
    assert np.isnan(mixed(views, weight)[0, 2])
