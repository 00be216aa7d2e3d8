"""From published facts and a forecast to what may be chosen, and what binds it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from semantic_layer.errors import InputError
from semantic_layer.protected import ProtectedPlace, ProtectedPlaces
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.planning.compiling import (
    Limits,
    WorkForecast,
    protected_cells,
    work_forecast,
)
from tasks.energy.planning.edges import busier_db
from tasks.energy.planning.problem import IS_OFF
from tasks.energy.planning.published_facts import TAIL
from tasks.energy.planning.soundness import check_soundness
from tasks.twin import link
from tasks.twin.sleep_modes import MODES
from tests.tasks.energy.planning.saving_town import RULES, problem_of, quiet_forecast

ACTIVE, MICRO, DEEP = (MODES.index(name) for name in ("ACTIVE", "MICRO_SLEEP", "DEEP_SLEEP"))
START = datetime(2025, 6, 7, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def network(saving_network_of_town):
    return saving_network_of_town


def test_a_quiet_network_may_sleep_in_part(network):
    problem = problem_of(network)
    check_soundness(problem)
    assert problem.allowed[:, :, ACTIVE].all()
    assert problem.allowed[:, :, DEEP].any()
    assert not problem.allowed[~network.may_sleep][:, :, IS_OFF].any()
    assert not problem.allowed[~network.may_save][:, :, ACTIVE + 1 :].any()
    assert (problem.capacity[:, :, IS_OFF] == 0).all()


def test_a_higher_floor_never_allows_more(network):
    problems = [
        problem_of(network, limits=Limits(floor), most_edge_forgiven=0.0)
        for floor in (0.0, 1.0, 3.0, 8.0, 40.0)
    ]
    for less, more in pairwise(problems):
        assert not (more.allowed & ~less.allowed).any()
        # While the same cells may sleep, a higher floor leaves no more room.
        same = (more.allowed == less.allowed).all()
        assert not same or (more.capacity <= less.capacity + 1e-12).all()
    assert problems[-1].allowed.sum() < problems[0].allowed.sum()


def test_more_room_for_a_surge_leaves_less_for_work(network):
    none, some, much = (
        problem_of(network, limits=Limits(0.0, surge_factor=factor)).capacity.max()
        for factor in (1.0, 1.5, 5.0)
    )
    assert none > some > much > 0
    assert some == pytest.approx(RULES.most_load / 1.5 - RULES.emergency_reserve)


def edge_rate(network, cell, edge_db):
    """Return what a user at a SINR has of a free cell, one user at a time."""
    sinr = np.array(round((edge_db + 25.0) / 0.1) * 0.1 - 25.0)
    rate = link.efficiency(sinr) * link.mean_rank(sinr, network.radios.layers[cell])
    return RULES.user_rate_share * float(rate) * network.radios.mbps_each[cell]


def naive_capacity(network, forecast, floor):
    """Return the most work (C, T) of active cells by own floor and surge, cell by cell."""
    cells, periods = forecast.work.shape
    found = np.zeros((cells, periods))
    shares = np.array(TAIL) * RULES.edge_percentile / 100.0
    for cell in range(cells):
        for period in range(periods):
            near = network.edges.around[[cell]].toarray()[0]
            load = np.minimum(RULES.around_factor * forecast.work[:, period], 1.0)
            fall = network.edges.slope[cell] * busier_db(np.array(near @ load))
            edge = network.edges.quiet_db[cell] - fall
            needs = [
                min(floor / edge_rate(network, cell, edge + below), 2.0)
                for below in network.edges.tail_db[cell]
            ]
            free = 1.0 - forecast.work[cell, period]
            lacking = [share for share, need in zip(shares, needs, strict=True) if need > free]
            under = np.interp(-free, -np.array(needs), shares) if lacking else 0.0
            bearable = min(under + RULES.most_newly_crowded, shares[-1])
            need = np.interp(bearable, shares, needs)
            by_surge = RULES.most_load / RULES.surge_factor - RULES.emergency_reserve
            found[cell, period] = max(min(1.0 - need, by_surge), 0.0)
    return found


@pytest.mark.parametrize(("floor", "work"), [(0.0, 0.05), (2.0, 0.05), (2.0, 0.4), (8.0, 0.2)])
def test_capacity_is_that_of_a_naive_loop_where_nobody_can_be_moved(network, floor, work):
    alone = replace(network, may_sleep=np.zeros(len(network.cell_dns), dtype=bool))
    forecast = quiet_forecast(network, work=work)
    found = problem_of(alone, forecast, Limits(floor)).capacity[:, :, ACTIVE]
    assert found == pytest.approx(naive_capacity(network, forecast, floor), abs=1e-6)


def test_a_fuller_cell_may_not_throw_more_of_its_users_under_the_floor(network):
    """Where many are under it already, hardly more may follow, up to the percentile."""
    forecast = quiet_forecast(network, work=0.3)
    for name, modes in (("crowded", [ACTIVE, MICRO]), ("slowed", [MODES.index("MIMO_MUTED")])):
        strict, loose = (
            problem_of(network, forecast, Limits(5.0), **{f"most_newly_{name}": share}).capacity
            for share in (0.0005, 1.0)
        )
        assert (strict <= loose + 1e-12).all()
        assert strict[:, :, modes].sum() < loose[:, :, modes].sum()


def test_less_power_is_chosen_only_where_a_cell_could_leave_the_air(network):
    reduced = MODES.index("POWER_REDUCED")
    quiet = problem_of(network, limits=Limits(0.0)).allowed
    busy = problem_of(network, quiet_forecast(network, work=0.4), Limits(0.0)).allowed
    assert quiet[:, :, reduced].any()
    assert not quiet[~network.may_sleep][:, :, reduced].any()
    assert busy[:, :, reduced].sum() < quiet[:, :, reduced].sum()
    assert not (busy[:, :, reduced] & ~busy[:, :, DEEP]).any()


def test_users_who_may_be_moved_keep_the_floor_at_the_capacity(network):
    """At the most work that a candidate may carry, every pair that counts has the floor."""
    floor = 3.0
    forecast = quiet_forecast(network)
    problem = problem_of(network, forecast, Limits(floor), least_noticed_share=0.0)
    told = network.carriers
    load = np.minimum(RULES.around_factor * forecast.work, 1.0)
    edges = network.edges.at(load)
    failing = np.zeros((len(network.cell_dns), forecast.work.shape[1]))
    for pair, (booster, candidate) in enumerate(zip(told.booster, told.candidate, strict=True)):
        for period in range(forecast.work.shape[1]):
            if not problem.allowed[booster, period, DEEP]:
                continue
            rate = edge_rate(network, candidate, edges[candidate, period] + told.offset_db[pair])
            left = 1.0 - problem.capacity[candidate, period, ACTIVE]
            if rate * left < floor - 1e-6:
                failing[booster, period] += told.share[pair]
    assert problem.allowed[:, :, DEEP].any()
    assert failing.max() <= RULES.most_edge_forgiven + 1e-9


def test_a_cell_that_cannot_keep_the_floor_by_itself_takes_nothing(network):
    problem = problem_of(network, limits=Limits(10_000.0))
    assert (problem.capacity == 0).all()
    assert not problem.allowed[:, :, IS_OFF].any()


def test_a_cell_without_forecast_stays_active_and_carries_for_nobody(network):
    forecast = quiet_forecast(network)
    candidate = int(np.bincount(network.carriers.candidate).argmax())
    work = forecast.work.copy()
    work[candidate, 1] = np.nan
    problem = problem_of(network, replace(forecast, work=work))
    check_soundness(problem)
    assert not problem.allowed[candidate, :, ACTIVE + 1 :].any()
    assert not np.isin(candidate, problem.moves.candidate)
    told = network.carriers
    leaned = told.booster[(told.candidate == candidate) & (told.share > RULES.most_silent_share)]
    assert leaned.size
    assert not problem.allowed[leaned][:, :, IS_OFF].any()


def test_what_a_silent_candidate_would_have_carried_the_others_carry(network):
    told = network.carriers
    small = np.flatnonzero((told.share > 0.012) & (told.share < 0.9 * RULES.most_silent_share))
    pair = int(small[0])
    booster = told.booster[pair]
    forecast = quiet_forecast(network)
    work = forecast.work.copy()
    work[told.candidate[pair]] = np.nan
    before = problem_of(network, forecast).moves
    after = problem_of(network, replace(forecast, work=work)).moves
    wattless = told.only(told.booster == booster)
    rest = wattless.share[wattless.candidate != told.candidate[pair]]
    assert (after.booster == booster).sum() == (before.booster == booster).sum() - 1
    rise = (
        after.watts[after.booster == booster]
        / before.watts[(before.booster == booster) & (before.candidate != told.candidate[pair])]
    )
    assert rise == pytest.approx(1.0 / rest.sum())


def test_moved_work_is_the_boosters_traffic_in_the_candidates_terms(network):
    problem, told = problem_of(network), network.carriers
    ratio = network.full_mbps[told.booster] / network.full_mbps[told.candidate]
    cost = told.work / (RULES.moved_work_margin * ratio)
    assert (cost > 0).all()
    assert problem.moves.work == pytest.approx(told.bound * told.work)
    slope = network.radios.slope_w[told.candidate, ACTIVE]
    assert problem.moves.watts == pytest.approx(told.share * ratio * cost * slope)


def test_limits_bar_modes_cells_and_periods(network):
    shape = len(network.cell_dns), 3
    active, on_air = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    booster = int(np.flatnonzero(network.may_sleep)[0])
    active[booster, 0] = on_air[booster, 1] = True
    free = problem_of(network).allowed
    barred = problem_of(
        network, limits=Limits(1.0, active, on_air, deepest_mode="LIGHT_SLEEP")
    ).allowed
    assert free[booster, :, DEEP].all()
    assert not barred[:, :, DEEP].any()
    assert barred[booster, 0].tolist() == [True, False, False, False, False, False]
    assert not barred[booster, 1, IS_OFF].any()
    assert barred[booster, 1, MICRO]
    assert barred[booster, 2, MODES.index("LIGHT_SLEEP")]
    shallow = problem_of(network, limits=Limits(1.0, deepest_mode="MICRO_SLEEP")).allowed
    assert not shallow[:, :, MICRO + 1 :].any()
    assert shallow[:, :, MICRO].any()


def test_only_a_share_of_a_community_may_be_asleep(network):
    groups = problem_of(network, limits=Limits(1.0, most_asleep_share=0.5)).groups
    size = np.bincount(groups.member)
    assert groups.most_off.tolist() == [int(cells // 2) for cells in size]
    assert problem_of(network, limits=Limits(1.0, most_asleep_share=0.0)).groups.most_off.sum() == 0


def places(*told):
    return ProtectedPlaces(places=told, ahead_hours=2)


def test_protected_places_stay_on_the_air_while_they_are_protected(network):
    site, other = sorted(set(network.site_ids))[:2]
    hours = np.array([0.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    told = places(
        ProtectedPlace(name="hospital", service="hospital", rule="two_persons", site_ids=(site,)),
        ProtectedPlace(
            name="match", service="event", rule="never", site_ids=(other,),
            begins=START + timedelta(hours=4), ends=START + timedelta(hours=6),
        ),
    )  # fmt: skip
    active, on_air = protected_cells(network, told, START, hours)
    of_site, of_other = (
        np.array([one == name for one in network.site_ids]) for name in (site, other)
    )
    assert on_air[of_site].all()
    assert not active[of_site].any()
    # Two hours ahead of the match, until its end.
    assert active[of_other].all(axis=0).tolist() == [False] * 3 + [True] * 4 + [False]
    assert (on_air[of_other] == active[of_other]).all()
    assert not on_air[~(of_site | of_other)].any()


def test_a_forecast_of_load_is_brought_into_the_networks_order(network):
    dns = [*reversed(network.cell_dns[1:]), "SubNetwork=9,ManagedElement=9"]
    peak = np.arange(2 * len(dns) * 2, dtype=np.float32).reshape(2, len(dns), 2) / 1e4
    forecast = LoadForecast(
        tuple(dns), (START, START + timedelta(hours=1)), np.ones(2), np.array([0.5, 0.9]),
        peak, peak[0] * 0.5,
    )  # fmt: skip
    told = work_forecast(network, forecast, 0.9)
    assert np.isnan(told.work[0]).all()
    assert np.isnan(told.expected[0]).all()
    for cell, dn in enumerate(network.cell_dns[1:], start=1):
        assert told.work[cell] == pytest.approx(peak[1, dns.index(dn)])
        assert told.expected[cell] == pytest.approx(peak[0, dns.index(dn)] * 0.5)
    with pytest.raises(InputError, match="quantile"):
        work_forecast(network, forecast, 0.99)


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        (Limits(-1.0), "floor"),
        (Limits(float("nan")), "floor"),
        (Limits(1.0, surge_factor=0.5), "surge"),
        (Limits(1.0, most_asleep_share=1.5), "asleep"),
        (Limits(1.0, stays_active=np.zeros((2, 2), dtype=bool)), "stays_active"),
    ],
)
def test_limits_without_a_meaning_are_told(network, limits, word):
    with pytest.raises(InputError, match=word):
        problem_of(network, limits=limits)


def test_a_forecast_of_other_cells_is_told(network):
    with pytest.raises(InputError, match="work must be told"):
        problem_of(network, WorkForecast(np.ones(3), np.ones((2, 3)), np.ones((2, 3))))
