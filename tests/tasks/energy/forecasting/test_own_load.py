"""Which loads may teach: not a sleeper's, nor, if there are others, those of cells that carry."""

import numpy as np
import polars as pl
import pytest

from tasks.energy.forecasting.own_load import cells_beside, own_values

NAN = np.nan


def naive(load, off, restrained, beside, least_days):
    cells, quarters = load.shape
    own = np.ones(load.shape, bool)
    for cell in range(cells):
        for at in range(quarters):
            carries = any(off[other, at] > 0 for other in range(cells) if cell in beside[other])
            own[cell, at] = not (off[cell, at] > 0 or restrained[cell, at] > 0 or carries)
    told = own & np.isfinite(load)
    for cell in range(cells):
        for at in range(quarters):
            if not own[cell, at] and not off[cell, at] > 0:
                own[cell, at] = told[cell, at % 96 :: 96].sum() < least_days
    return own


@pytest.mark.parametrize("seed", range(4))
def test_own_values_are_those_of_a_plain_loop(seed):
    random = np.random.default_rng(seed)
    load, off, restrained = random.uniform(0.0, 0.5, (3, 5, 96 * 4))
    for values, share in ((off, 0.8), (restrained, 0.7)):
        values[random.random(values.shape) < share] = 0.0
    for values in (load, off, restrained):
        values[random.random(values.shape) < 0.05] = NAN
    beside = [[1], [0, 2], [1, 3], [2], []]
    for least_days in (0, 2):
        found = own_values(load, off, restrained, beside, least_days)
        assert np.array_equal(found, naive(load, off, restrained, beside, least_days))
        assert 0.1 < found.mean() < 0.9


def test_all_is_own_where_nobody_saves():
    nothing = np.full((2, 96), NAN)
    assert own_values(nothing, nothing, nothing, [[1], [0]], 2).all()


def test_a_cell_that_always_carries_sleepers_is_still_known():
    load, off = np.full((2, 96 * 7), 0.2), np.zeros((2, 96 * 7))
    load[0, ::96], off[0, ::96] = NAN, 100.0
    own = own_values(load, off, 0 * off, [[1], [0]], least_days=2)
    assert not own[0, ::96].any()
    assert own[1].all()
    off[0, 0::192], load[0, 0::192] = 0.0, 0.2
    own = own_values(load, off, 0 * off, [[1], [0]], least_days=2)
    assert own[1, 0::192].all()
    assert not own[1, 96::192].any()


def test_restrained_service_shows_more_than_a_cells_own():
    load, restrained = np.full((1, 96 * 3), 0.2), np.zeros((1, 96 * 3))
    restrained[0, 5::96] = [0.0, 50.0, 0.0]
    own = own_values(load, 0 * restrained, restrained, [[]], least_days=2)
    assert own[0, 5::96].tolist() == [True, False, True]


def test_beside_a_cell_are_those_of_its_site_and_its_neighbors():
    topology = pl.DataFrame(
        {
            "cell_dn": ["a", "b", "c", "d", "gone"],
            "site_id": ["S1", "S1", "S2", "S3", "S2"],
            "neighbor_dns": [["c", "unknown"], None, ["a"], [], ["d"]],
        }
    )
    assert cells_beside(topology, ["a", "b", "c", "d", "new"]) == [[1, 2], [0], [0], [], []]
