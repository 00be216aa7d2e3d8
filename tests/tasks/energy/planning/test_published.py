"""What planning knows of a network from what is published."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from semantic_layer.guardrails import guardrail_rules
from tasks.energy.planning.candidates import Carriers, cover_of, needed_always
from tasks.energy.planning.problem import IS_OFF
from tests.tasks.energy.planning.saving_town import RULES, SavingTown


@pytest.fixture(scope="module")
def network(saving_network_of_town):
    return saving_network_of_town


def shares(network):
    told = network.carriers
    return np.bincount(told.booster, told.share, len(network.cell_dns))


def test_all_of_a_boosters_work_goes_somewhere(network):
    assert network.may_sleep.any()
    assert shares(network)[network.may_sleep] == pytest.approx(1.0)
    assert (shares(network)[~network.may_sleep] == 0).all()
    assert (network.carriers.booster != network.carriers.candidate).all()


def test_lte_cells_save_nothing_and_carry(network):
    is_lte = np.array(["NRCellDU=" not in dn for dn in network.cell_dns])
    assert is_lte.any()
    assert not network.may_save[is_lte].any()
    assert not network.may_sleep[is_lte].any()
    assert network.is_candidate[is_lte].all()
    assert np.isin(network.carriers.candidate, np.flatnonzero(is_lte)).any()


def test_all_cells_on_the_air_satisfy_every_row(network):
    everybody = np.ones(len(network.cell_dns))
    assert (network.cover.weight @ everybody >= network.cover.need - 1e-9).all()


def test_no_row_rests_on_one_cell_that_may_sleep(network):
    one_less = network.cover.weight @ np.ones((len(network.cell_dns), len(network.cell_dns)))
    one_less -= network.cover.weight.toarray() * network.may_sleep
    assert (one_less >= network.cover.need[:, None] - 1e-9).all()


def test_nobody_is_told_more_than_the_bound_while_the_rows_hold(network):
    """Whoever sleeps, as long as the rows hold, a candidate's part stays under its bound."""
    rng = np.random.default_rng(3)
    told, count = network.carriers, len(network.cell_dns)
    tried = 0
    for _ in range(400):
        on = ~(network.may_sleep & (rng.random(count) < rng.random()))
        if (network.cover.weight @ on < network.cover.need - 1e-9).any():
            continue
        tried += 1
        counts = on[told.candidate] & ~on[told.booster]
        live = np.bincount(told.booster[counts], told.share[counts], count)
        part = told.share[counts] / live[told.booster[counts]]
        assert (part <= told.bound[counts] + 1e-9).all()
    assert tried > 20


def without(saving_town, dn, column):
    value = pl.when(pl.col("cell_dn") == dn).then(None).otherwise(pl.col(column))
    return saving_town.topology.with_columns(value.alias(column))


@pytest.mark.parametrize("column", ["latitude_deg", "azimuth_deg", "band", "frequency_mhz"])
def test_a_cell_that_the_inventory_cannot_place_never_sleeps_and_never_carries(
    saving_town, network, column
):
    booster = int(np.flatnonzero(network.may_sleep)[0])
    dn = network.cell_dns[booster]
    left = np.array([place for name, place in saving_town.cells.place.items() if name != dn])
    facts = replace(
        saving_town.facts,
        **{name: getattr(saving_town.facts, name)[left] for name in (
            "traffic_mbps", "full_mbps", "load", "edge_db", "tail_db")},
    )  # fmt: skip
    told = saving_town.network(topology=without(saving_town, dn, column), facts=facts)
    assert len(told.cell_dns) == len(network.cell_dns)
    place = told.place[dn]
    assert place == len(told.cell_dns) - 1
    assert not told.may_save[place]
    assert not told.may_sleep[place]
    assert not told.is_candidate[place]
    assert not np.isin(place, told.carriers.candidate)
    assert told.cover.weight[:, [place]].sum() == 0


@pytest.mark.parametrize("lacking", ["traffic_mbps", "full_mbps"])
def test_a_cell_without_load_never_sleeps_and_never_carries(saving_town, network, lacking):
    booster = int(np.flatnonzero(network.may_sleep)[0])
    values = getattr(saving_town.facts, lacking).copy()
    values[booster] = np.nan
    told = saving_town.network(facts=replace(saving_town.facts, **{lacking: values}))
    assert not told.may_save[booster]
    assert not told.may_sleep[booster]
    assert not told.is_candidate[booster]
    assert not np.isin(booster, told.carriers.candidate)
    # Its ground is taken to be in use: who would lean on it much does not sleep either.
    leaned = network.carriers.booster[
        (network.carriers.candidate == booster)
        & (network.carriers.share > 2.0 * RULES.most_silent_share)
    ]
    assert not told.may_sleep[leaned].any()


def test_a_band_without_a_data_sheet_is_not_guessed(saving_town, network):
    booster = int(np.flatnonzero(network.may_sleep)[0])
    dn = network.cell_dns[booster]
    is_it = pl.col("cell_dn") == dn
    topology = saving_town.topology.with_columns(
        pl.when(is_it).then(26_000.0).otherwise("frequency_mhz").alias("frequency_mhz"),
        pl.when(is_it).then(pl.lit("n258")).otherwise("band").alias("band"),
    )
    told = saving_town.network(topology=topology)
    assert not told.may_save[booster]
    assert not told.is_candidate[booster]


def test_cells_that_report_no_quality_are_judged_by_the_map(saving_town):
    edge = saving_town.facts.edge_db.copy()
    nr = np.flatnonzero(~np.isnan(edge).all(axis=1))
    edge[nr[::2]] = np.nan
    told = saving_town.network(facts=replace(saving_town.facts, edge_db=edge))
    assert np.isfinite(told.edges.quiet_db).all()
    assert ((told.edges.slope >= 0) & (told.edges.slope <= 1)).all()


def test_a_larger_margin_never_lets_more_cells_sleep(saving_town):
    allowed = [
        saving_town.network(coverage_margin_db=margin).may_sleep for margin in (0.0, 10.0, 18.0)
    ]
    assert all((more & ~less).sum() == 0 for less, more in pairwise(allowed))
    assert allowed[-1].sum() < allowed[0].sum()


def test_a_smaller_chance_of_holes_never_lets_more_cells_sleep(saving_town):
    allowed = [
        saving_town.network(most_newly_uncovered=chance).may_sleep for chance in (0.3, 0.001)
    ]
    assert all((more & ~less).sum() == 0 for less, more in pairwise(allowed))


def test_a_threshold_far_below_or_above_what_is_heard_asks_for_nothing(saving_town, network):
    for dbm in (-150.0, 0.0):
        rules = guardrail_rules().model_copy(update={"coverage_dbm": dbm})
        told = saving_town.network(guardrails=rules)
        assert (told.cover.need < 1.0).all()
        assert told.may_sleep.sum() > network.may_sleep.sum()


def test_the_order_of_the_inventory_does_not_matter(saving_town, network):
    shuffled = saving_town.network(topology=saving_town.topology.reverse())
    assert shuffled.cell_dns == network.cell_dns
    assert np.array_equal(shuffled.may_sleep, network.may_sleep)
    assert shuffled.carriers.share == pytest.approx(network.carriers.share)


@pytest.mark.parametrize(("sites", "is_village"), [(1, False), (3, True)])
def test_small_networks_are_no_special_case(sites, is_village):
    network = SavingTown(sites, 5, is_village=is_village).network()
    assert not network.may_sleep[needed_always(network.cover.weight)].any()
    told = network.carriers
    assert (told.booster != told.candidate).all()
    assert np.isfinite(told.work).all()


def test_where_nothing_was_measured_nobody_sleeps(saving_town):
    facts = saving_town.facts
    silent = {
        name: np.full_like(getattr(facts, name), np.nan)
        for name in ("traffic_mbps", "full_mbps", "load", "edge_db", "tail_db")
    }
    network = saving_town.network(facts=replace(facts, **silent))
    assert not (network.may_save | network.may_sleep | network.is_candidate).any()
    assert not len(network.carriers.booster)


def test_radios_off_the_air_carry_nothing(network):
    assert (network.radios.capacity[:, IS_OFF] == 0).all()
    assert (network.radios.capacity[network.may_save, 0] == 1).all()


def test_a_cell_without_which_a_row_fails_is_needed_always():
    from scipy.sparse import csr_array

    rows = csr_array(np.array([[1.0, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0.25, 1.0, 1.0]]))
    assert needed_always(rows).tolist() == [True, True, True, False]


def test_rows_that_always_hold_are_left_out():
    from scipy.sparse import csr_array

    ground = csr_array(np.array([[1.0, 1.0, 0.0], [0.0, 0.5, 1.0]]))
    carriers = Carriers(
        np.array([1, 1, 2, 2]), np.array([0, 2, 0, 1]), np.array([0.1, 0.9, 0.5, 0.5]),
        np.ones(4), np.ones(4), np.zeros(4),
    )  # fmt: skip
    cover = cover_of(ground, carriers, np.array([False, True, True]), 0.3)
    # The first cell is on: it satisfies the first row, and carries enough of the third's users.
    assert cover.weight.toarray() == pytest.approx(np.array([[0, 0.5, 1.0], [0.1, 0.3, 0.9]]))
    assert cover.need == pytest.approx([1.0, 0.3])
