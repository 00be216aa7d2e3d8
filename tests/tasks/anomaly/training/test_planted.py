"""Planted disturbances: frozen, bounded, in calm cells alone, and what their names say."""

from itertools import pairwise

import numpy as np
import pytest

from semantic_layer.model_promotion import Planted, model_promotion
from tasks.anomaly.families.family import Panel
from tasks.anomaly.training.planted import _KINDS, KINDS, calm_cells, planted_cases
from tests.tasks.anomaly.training.doubles import KPI_NAMES, SLOTS, moving_together, names_of

RULES = Planted(share_of_cells=1.0, a_cell=3, spreads=(2.0, 4.0), hours=(3.0, 12.0))
EVERY = np.ones(40, bool)


def cases(panel, names, calm=EVERY, seed=1, context=0):
    return planted_cases(panel, names, calm, RULES, seed, context)


def test_the_same_seed_plants_the_same():
    panel = moving_together(weeks=1)
    one, other = (cases(panel, names_of(panel)) for _ in range(2))
    assert one.disturbances == other.disturbances
    assert np.array_equal(one.panel.values, other.panel.values)
    assert cases(panel, names_of(panel), seed=2).disturbances != one.disturbances


def test_what_a_cell_gets_does_not_depend_on_other_cells():
    panel = moving_together(weeks=1)
    names = names_of(panel)
    whole = cases(panel, names)
    alone = cases(panel.cells(slice(7, 8)), names[7:8], EVERY[:1])
    assert np.array_equal(whole.panel.values[7], alone.panel.values[0])


def test_only_calm_cells_are_disturbed_and_the_panel_given_is_left_alone():
    panel = moving_together(weeks=1)
    before = panel.values.copy()
    calm = np.arange(40) % 2 == 0
    found = cases(panel, names_of(panel), calm)
    assert set(found.cells) == set(range(0, 40, 2))
    assert np.array_equal(panel.values, before)


def test_nothing_changes_outside_disturbances_nor_in_the_context():
    panel = moving_together(weeks=2)
    found = cases(panel, names_of(panel), context=7 * SLOTS)
    untouched = ~np.broadcast_to(found.is_disturbed()[:, None], found.panel.values.shape)
    own = panel.values[list(found.cells)]
    assert np.array_equal(found.panel.values[untouched], np.clip(own, -15, 15)[untouched])
    assert min(one.first for one in found.disturbances) >= 7 * SLOTS
    assert not found.is_disturbed()[:, : 7 * SLOTS].any()


def test_disturbances_of_a_cell_never_meet_and_are_as_long_as_told():
    panel = moving_together(weeks=1)
    found = cases(panel, names_of(panel))
    assert {one.kind for one in found.disturbances} == set(KINDS)
    for cell in range(40):
        own = sorted((one.first, one.last) for one in found.disturbances if one.cell == cell)
        assert len(own) == 3
        assert all(end <= start for (_, end), (start, _) in pairwise(own))
        assert all(3 <= last - first <= 12 for first, last in own)


def test_the_time_after_a_disturbance_can_be_told():
    panel = moving_together(weeks=1)
    found = cases(panel, names_of(panel))
    one = found.disturbances[0]
    assert not found.is_disturbed()[one.cell, one.last]
    assert found.is_disturbed(after=1)[one.cell, one.last]


def test_no_data_stays_no_data():
    panel = moving_together(weeks=1)
    panel.values[:, 2] = np.nan
    assert np.isnan(cases(panel, names_of(panel)).panel.values[:, 2]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_does_what_its_name_says(kind):
    random = np.random.default_rng(4)
    load = random.normal(size=(1, 400))
    before = (0.9 * load + 0.4 * random.normal(size=(8, 400))).astype(np.float32)
    after = _KINDS[kind](before.copy(), 3.0, np.random.default_rng(9))
    moved = (after != before).any(axis=1)
    shift = np.abs((after - before).mean(axis=1))[moved]
    match kind:
        case "level step in one KPI":
            assert moved.sum() == 1
            assert np.allclose(shift, 3.0, atol=1e-5)
        case "level step in several KPIs":
            assert moved.sum() >= 3
            assert np.allclose(shift, 3.0, atol=1e-5)
        case "slow ramp":
            grown = np.abs(after - before)[moved]
            assert np.allclose(grown[:, 0], 0, atol=1e-5)
            assert np.allclose(grown[:, -1], 3.0, atol=1e-5)
        case "broken co-movement":
            assert np.allclose(np.sort(np.abs(after)), np.sort(np.abs(before)))
            assert np.corrcoef(after).min() < -0.5 < 0.5 < np.corrcoef(before).min()
        case "frozen value":
            assert (np.ptp(after[moved], axis=1) == 0).all()
            assert np.array_equal(after[moved, 0], before[moved, 0])
        case "noise burst":
            assert (after[moved].std(axis=1) > 2 * before[moved].std(axis=1)).all()


def test_a_cell_with_wild_hours_or_without_data_is_not_calm():
    panel = moving_together(weeks=1)
    panel.values[3, :, 20:30] += 9
    panel.values[5] = np.nan
    calm = calm_cells(panel, 0.7)
    assert not calm[3]
    assert not calm[5]
    assert 20 <= calm.sum() <= 28


def test_without_any_data_no_cell_is_calm():
    panel = Panel(np.full((3, 8, 48), np.nan, np.float32), KPI_NAMES, SLOTS)
    assert not calm_cells(panel, 0.7).any()


def test_the_packaged_rules_plant_something():
    panel = moving_together(weeks=1)
    rules = model_promotion()
    found = planted_cases(panel, names_of(panel), EVERY, rules.planted, rules.seed)
    assert 10 < len(found.cells) < 40
