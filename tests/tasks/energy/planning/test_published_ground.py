"""Ground, who carries whom there, and the rows that keep it covered; beside naive loops."""

import numpy as np
import pytest
from scipy.stats import norm

from tasks.energy.planning.carrying import (
    SINR_DB,
    Hearing,
    carrying_pairs,
    demand_weight,
)
from tasks.energy.planning.covering import CoverMargins, ground_rows
from tasks.energy.planning.ground import NOBODY, HeardGround, heard_ground
from tasks.twin import link
from tasks.twin.what_if import published_map
from tasks.twin.what_if_radio import appeal, chosen

SITE = np.array([0, 0, 1, 1, 2, 2])
LAYER = np.array([0, 1, 0, 1, 0, 1])
WALL_DB = np.where(LAYER == 0, 16.0, 12.0)


def ground_of(received, layer=LAYER):
    """Return ground on which every cell is kept, in a shuffled order by point."""
    rng = np.random.default_rng(1)
    order = np.argsort(rng.random(received.shape), axis=1)
    chance, steered, layer_mw = (np.zeros_like(received) for _ in range(3))
    for number in np.unique(layer):
        columns = np.flatnonzero(layer == number)
        serving, best = chosen(received[:, columns])
        chance[:, columns], steered[:, columns] = serving, appeal(best)[:, None]
        layer_mw[:, columns] = (10.0 ** (received[:, columns] / 10.0)).sum(axis=1, keepdims=True)
    parts = (
        np.take_along_axis(part, order, axis=1) for part in (received, chance, steered, layer_mw)
    )
    return HeardGround(np.zeros(len(received), dtype=np.int64), order, *parts)


@pytest.fixture(scope="module")
def received():
    return np.random.default_rng(2).uniform(-128.0, -80.0, (24, 6))


def wanted(point, cells, weight):
    """Return how readily users of a point go to each of some cells, cell by cell."""
    found = np.zeros(6)
    for number in (0, 1):
        own = [cell for cell in cells if LAYER[cell] == number]
        if own:
            best = max(point[cell] for cell in own)
            power = {cell: np.exp((point[cell] - best) / 3.5) for cell in own}
            for cell in own:
                part = power[cell] / sum(power.values())
                found[cell] = part * float(appeal(np.array(best))) * weight[cell]
    return found


def naive_shares(received, weight):
    """Return (boosters, candidates) traffic moved, one point and one booster at a time."""
    moved = np.zeros((6, 6))
    for point in received:
        for booster in range(6):
            layer = [cell for cell in range(6) if LAYER[cell] == LAYER[booster]]
            power = np.exp(point[layer] / 3.5)
            if np.exp(point[booster] / 3.5) / power.sum() > 0.01:
                before = wanted(point, range(6), weight)[booster]
                after = wanted(point, [cell for cell in range(6) if cell != booster], weight)
                moved[booster] += before * after / after.sum()
    return moved / moved.sum(axis=1, keepdims=True)


def test_moved_traffic_is_that_of_a_naive_loop(received):
    weight = np.array([3.0, 1.0, 2.0, 0.5, 4.0, 1.5])
    hears = Hearing(np.full(6, 2.0), WALL_DB, np.full(6, 10.0**-12.4), 0.3)
    pairs = carrying_pairs(ground_of(received), hears, weight, LAYER, 5.0)
    is_moved = pairs.booster != pairs.candidate
    found = np.zeros((6, 6))
    found[pairs.booster[is_moved], pairs.candidate[is_moved]] = pairs.share[is_moved]
    assert found == pytest.approx(naive_shares(received, weight), abs=4e-3)
    assert found.sum(axis=1) == pytest.approx(1.0)


def test_who_carries_nothing_takes_nothing(received):
    weight = np.array([3.0, 0.0, 2.0, 0.5, 4.0, 1.5])
    hears = Hearing(np.full(6, 2.0), WALL_DB, np.full(6, 10.0**-12.4), 0.3)
    pairs = carrying_pairs(ground_of(received), hears, weight, LAYER, 5.0)
    assert not np.isin(1, pairs.booster)
    assert not np.isin(1, pairs.candidate)


def test_cost_and_edge_of_one_point_are_those_of_its_link():
    """Two cells of a layer: with one off, only noise disturbs the other."""
    received = np.array([[-90.0, -95.0]])
    layer = np.zeros(2, dtype=np.int64)
    noise_dbm, wall = -124.0, 15.0
    hears = Hearing(np.full(2, 4.0), np.full(2, wall), np.full(2, 10 ** (noise_dbm / 10)), 0.5)
    pairs = carrying_pairs(ground_of(received, layer), hears, np.ones(2), layer, 50.0)
    moved = (pairs.booster == 0) & (pairs.candidate == 1)
    outdoors, indoors = -95.0 - noise_dbm, -95.0 - noise_dbm - wall
    rates = [
        float(link.efficiency(np.array(sinr)) * link.mean_rank(np.array(sinr), 4.0))
        for sinr in (outdoors, indoors)
    ]
    assert pairs.cost[moved] == pytest.approx(0.3 / rates[0] + 0.7 / rates[1])
    # Half of the users hear less than this: most are indoors.
    assert indoors <= pairs.edge_db[moved][0] < indoors + 2 * (SINR_DB[1] - SINR_DB[0])
    own = (pairs.booster == 1) & (pairs.candidate == 1)
    assert pairs.edge_db[own] < pairs.edge_db[moved]


def test_demand_is_traffic_over_ground(received):
    ground = ground_of(received)
    traffic = np.arange(1.0, 7.0)
    weight = demand_weight(ground, 6, traffic)
    back = np.zeros(6)
    for cell, chance, steered in zip(ground.cell, ground.chance, ground.appeal, strict=True):
        back[cell] += chance * steered * weight[cell]
    assert back == pytest.approx(traffic)


def test_the_map_in_tiles_is_the_whole_map(saving_town):
    cells = saving_town.cells
    whole = published_map(cells, -116.0)
    told = heard_ground(cells, 16)
    assert told.points == len(whole.received_dbm)
    assert (told.cell != NOBODY).any()
    rows = np.arange(told.points)[:, None]
    cell = np.where(told.cell == NOBODY, 0, told.cell)
    is_cell = told.cell != NOBODY
    product = whole.chance[rows, cell]
    assert (told.chance * told.appeal)[is_cell] == pytest.approx(product[is_cell], abs=2e-3)
    assert told.received_dbm[is_cell] == pytest.approx(whole.received_dbm[rows, cell][is_cell])
    # What is left out matters little.
    assert (told.chance * told.appeal).sum() == pytest.approx(whole.chance.sum(), rel=0.02)


def nobody_hears(point, on, asked_dbm, scatter):
    """Return the chance that no site on the air is heard at a point."""
    total = 1.0
    for site in np.unique(SITE):
        cells = [cell for cell in np.flatnonzero(site == SITE) if on[cell]]
        if cells:
            total *= min(norm.cdf((asked_dbm[cell] - point[cell]) / scatter) for cell in cells)
    return total


def test_while_the_rows_hold_hardly_anybody_is_newly_uncovered(received):
    """Whatever sleeps, rows that hold promise what they are made from, at every point."""
    margins = CoverMargins(-116.0, 8.0, 5.0, 0.02)
    rows = ground_rows(ground_of(received), SITE, WALL_DB, margins, np.zeros(6, dtype=bool))
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(120):
        on = rng.random(6) < rng.random()
        if (rows @ on.astype(float) < 1.0 - 1e-9).any():
            continue
        held += 1
        for wall in (0.0, WALL_DB):
            for part in (0.0, 0.5, 1.0):
                asked = np.full(6, -116.0 + 8.0 * part) + wall
                for point in received:
                    before = nobody_hears(point, np.ones(6, dtype=bool), asked, 5.0)
                    after = nobody_hears(point, on, asked, 5.0)
                    assert after <= before + 0.02 + 1e-6 or before >= 0.9
    assert held > 3


def test_no_row_implies_another(received):
    margins = CoverMargins(-116.0, 8.0, 5.0, 0.02)
    rows = ground_rows(ground_of(received), SITE, WALL_DB, margins, np.zeros(6, dtype=bool))
    told = rows.toarray()
    assert 0 < len(told) < len(received)
    for one, row in enumerate(told):
        for other, more in enumerate(told):
            assert one == other or not (row <= more).all()


def test_a_row_that_cells_always_on_satisfy_is_left_out(received):
    margins = CoverMargins(-116.0, 8.0, 5.0, 0.02)
    ground = ground_of(received)
    nobody = ground_rows(ground, SITE, WALL_DB, margins, np.zeros(6, dtype=bool))
    some = ground_rows(ground, SITE, WALL_DB, margins, np.arange(6) < 4)
    everybody = ground_rows(ground, SITE, WALL_DB, margins, np.ones(6, dtype=bool))
    assert nobody.shape[0] > some.shape[0] > everybody.shape[0] == 0
