"""KPIs that follow each other: planted links are found, rhythm and faults and thirds make none."""

import numpy as np
import pytest
from scipy.signal import lfilter

from semantic_layer.profiling import profiling
from tasks.profiling.co_movement import co_movement, without_persistence
from tasks.profiling.kpi_dependencies import KpiGraph, kpi_graph, partial_correlations
from tasks.profiling.kpi_deviations import kpi_deviations
from tasks.profiling.kpi_groups import kpi_groups

NAMES = ("load", "throughput", "retries", "drops", "cqi", "mcs", "alone")
LOAD, THROUGHPUT, RETRIES, DROPS, CQI, MCS, ALONE = range(7)
CELLS, DAYS = 80, 28
WEEKDAYS = np.arange(DAYS) % 7


def planted(seed: int = 0, cells: int = CELLS) -> np.ndarray:
    """Return [cells, KPIs, hours].

    Throughput falls while load rises, retries follow load two hours later, drops follow retries
    in the same hour, CQI and MCS move together; all share one loud rhythm of the day.
    """
    random = np.random.default_rng(seed)
    hours = DAYS * 24

    def noise(keep: float = 0.0) -> np.ndarray:
        return lfilter([1], [1, -keep], random.normal(size=(cells, hours)), axis=1)

    load = noise(0.6)
    late = np.roll(load, 2, axis=1)
    late[:, :2] = random.normal(size=(cells, 2))
    throughput = -0.8 * load + 0.7 * noise()
    retries = 0.8 * late + 0.7 * noise()
    drops = 0.8 * retries + 0.6 * noise()
    cqi = noise(0.5)
    mcs = 0.9 * cqi + 0.4 * noise()
    rhythm = 5 * np.sin(2 * np.pi * np.arange(hours) / 24)
    moves = np.stack([load, throughput, retries, drops, cqi, mcs, noise()], axis=1)
    size = np.exp(random.normal(size=(cells, len(NAMES), 1)))
    return np.exp(0.2 * moves + 0.2 * rhythm) * size


def learnt(values: np.ndarray) -> KpiGraph:
    rules = profiling()
    scores = kpi_deviations(values, WEEKDAYS, rules.fewest_kpi_hours)
    rest = without_persistence(scores, rules.most_lag_hours)
    return kpi_graph(co_movement(rest, rules.most_lag_hours), NAMES, rules, 1)


def told(graph: KpiGraph) -> set[tuple[str, str, int, int]]:
    links = graph.dependencies(profiling().least_stability)
    return {(one.kpi, one.follows, one.lag, int(np.sign(one.partial))) for one in links}


PLANTED = {
    ("load", "throughput", 0, -1),
    ("retries", "load", 2, 1),
    ("drops", "retries", 0, 1),
    ("cqi", "mcs", 0, 1),
}


@pytest.mark.parametrize("seed", [0, 1])
def test_links_are_found_with_sign_and_lag_and_nothing_else_is(seed):
    assert told(learnt(planted(seed))) == PLANTED


def test_gaps_and_unknown_kpis_change_nothing():
    values = planted()
    values[np.random.default_rng(4).random(values.shape) < 0.1] = np.nan
    values[:20, CQI] = np.nan
    values[:, ALONE] = np.nan
    assert told(learnt(values)) == PLANTED


def test_faults_of_some_cells_make_no_links():
    values = planted()
    random = np.random.default_rng(8)
    for cell in range(0, CELLS, 3):
        for first in random.integers(0, DAYS * 24 - 12, size=2):
            values[cell, :, first : first + 12] *= np.exp(random.choice([-4, 4]))
    assert told(learnt(values)) == PLANTED


def test_what_only_shares_the_rhythm_of_the_day_moves_alone():
    values = planted()
    scores = kpi_deviations(values, WEEKDAYS, 168)
    moves = co_movement(scores, 0).correlations()[0]
    assert np.corrcoef(values[0, ALONE], values[0, LOAD])[0, 1] > 0.5
    assert abs(moves[ALONE, LOAD]) < 0.05
    groups = {one.kpi: one.lead for one in kpi_groups(moves, NAMES, 0.5)}
    assert groups["alone"] == "alone"
    assert groups["cqi"] == groups["mcs"]
    assert groups["load"] == groups["throughput"]
    assert groups["retries"] == groups["drops"]


def test_a_kpi_that_hardly_ever_moves_or_is_hardly_known_is_left_out():
    values = planted(cells=12)
    values[:, DROPS] = 0.0
    values[:, DROPS, 50] = 3.0
    values[:, CQI, 100:] = np.nan
    scores = kpi_deviations(values, WEEKDAYS, 168)
    assert np.isnan(scores[:, [DROPS, CQI]]).all()
    assert np.isfinite(scores[:, LOAD]).mean() > 0.9


def test_co_movement_is_what_a_loop_finds():
    random = np.random.default_rng(2)
    scores = random.normal(size=(2, 3, 60))
    scores[random.random(scores.shape) < 0.2] = np.nan
    found = co_movement(scores, 2)
    for cell in range(2):
        for lag in range(3):
            for one in range(3):
                for other in range(3):
                    pairs = [
                        (scores[cell, one, hour], scores[cell, other, hour - lag])
                        for hour in range(lag, 60)
                    ]
                    known = [a * b for a, b in pairs if np.isfinite(a) and np.isfinite(b)]
                    assert found.products[cell, lag, one, other] == pytest.approx(
                        sum(known), rel=1e-4, abs=1e-4
                    )
                    assert found.hours[cell, lag, one, other] == len(known)


def test_partial_correlation_takes_out_the_third():
    random = np.random.default_rng(6)
    first = random.normal(size=200_000)
    second = first + random.normal(size=200_000)
    third = second + random.normal(size=200_000)
    moves = np.corrcoef([first, second, third])[None]
    found = partial_correlations(moves)[0]
    assert abs(found[0, 2]) < 0.03
    assert found[0, 1] > 0.4
    assert found[1, 2] > 0.4


def test_nothing_known_is_no_link_and_no_group():
    graph = learnt(np.full((12, len(NAMES), DAYS * 24), np.nan))
    assert told(graph) == set()
    assert kpi_groups(graph.correlations[0], NAMES, 0.5) == []
