"""Planted weeks of a million cells: what grouping costs, what it finds, how steady labels are.

`python -m tests.benchmarks profiling`. Beside it the simplest ways: k-means on the values as they
are and on each cell's values standardized, gaps filled with the cell's mean, told the true number
of patterns.
"""

import time
import tracemalloc

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment

from semantic_layer.profiling import profiling
from tasks.profiling.cell_grouping import CellGroups, Past, cell_groups
from tasks.profiling.co_movement import co_movement, without_persistence
from tasks.profiling.kpi_dependencies import kpi_graph
from tasks.profiling.kpi_deviations import kpi_deviations
from tasks.profiling.membership import UNLIKE_ANY
from tests.tasks.profiling.world import (
    agreement,
    keys,
    one_quantity,
    planted_patterns,
    planted_weeks,
)

CELLS, SEEDED_CELLS, SEEDS, WEEKS = 1_000_000, 20_000, (1, 2, 3, 4), 4
BAR_S, BAR_AGREEMENT, BAR_CHURN = 60, 0.98, 0.01
ODD_SHARE = 0.005


def main() -> None:
    """Print cost at a million cells, agreement over seeds, churn over weeks, and the baseline's."""
    patterns = planted_patterns()
    alike = np.corrcoef(patterns) - np.eye(len(patterns))
    _say(f"{len(patterns)} patterns planted, the closest pair correlates {alike.max():.3f};")
    _say("10 % noise, 10 % of hours missing, a whole day more in 10 % of cells, 0.5 % odd cells")
    found = [_judged(seed, SEEDED_CELLS) for seed in SEEDS]
    _say(
        f"agreement over {len(found)} seeds x {SEEDED_CELLS:,} cells: worst ARI "
        f"{min(one[0] for one in found):.4f} (bar {BAR_AGREEMENT}), worst churn a week "
        f"{max(one[1] for one in found):.4%} (bar {BAR_CHURN:.0%})"
    )
    for name, place in (("raw", 2), ("standardized", 4)):
        _say(
            f"k-means on {name} values, told the number: worst ARI "
            f"{min(one[place] for one in found):.4f}, mean churn a week "
            f"{np.mean([one[place + 1] for one in found]):.1%}"
        )
    _million()
    _dependencies()


def _judged(seed: int, cells: int) -> tuple[float, ...]:
    """Return ARI and churn, ours and the baselines', for one planted network over some weeks."""
    weeks, own = planted_weeks(cells, seed, odd_share=ODD_SHARE)
    planted = own >= 0
    found = _grouped(weeks, Past.none(cells))
    groups = [_baseline(weeks, seed, is_even) for is_even in (False, True)]
    ours = agreement(own[planted], found.membership.profile[planted])
    theirs = [agreement(own[planted], one[planted]) for one in groups]
    moved: list[float] = []
    their_moves: list[list[float]] = [[], []]
    for week in range(1, WEEKS):
        again, _ = planted_weeks(cells, 1000 * seed + week, own)
        before = _labels(found)
        found = _grouped(again, _past(found))
        moved.append(float((_labels(found) != before).mean()))
        for number, is_even in enumerate((False, True)):
            now = _baseline(again, seed + week, is_even)
            their_moves[number].append(1 - _matched_share(groups[number], now))
            groups[number] = now
    churns = [float(np.mean(moves)) for moves in their_moves]
    return ours, max(moved), theirs[0], churns[0], theirs[1], churns[1]


def _million() -> None:
    weeks, own = planted_weeks(CELLS, 7, odd_share=ODD_SHARE)
    wall, started = time.perf_counter(), time.process_time()
    found = _grouped(weeks, Past.none(CELLS))
    cost, wall = time.process_time() - started, time.perf_counter() - wall
    tracemalloc.start()
    _grouped(weeks, Past.none(CELLS))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    planted = own >= 0
    _say(
        f"{CELLS:,} cells x 168 h: {cost:.1f} CPU-s, {wall:.1f} s (bar {BAR_S} s on 2 cores), "
        f"{weeks.nbytes / 1e9:.2f} GB given, {most / 1e9:.2f} GB more at most; "
        f"{len(found.patterns.labels)} profiles, ARI "
        f"{agreement(own[planted], found.membership.profile[planted]):.4f}, odd cells told as "
        f"unlike any {(found.membership.kind[~planted] == UNLIKE_ANY).mean():.1%}"
    )
    started = time.process_time()
    _baseline(weeks[: CELLS // 10], 1)
    _say(f"k-means on raw values {10 * (time.process_time() - started):.0f} CPU-s a million cells")


def _dependencies() -> None:
    rules = profiling()
    values = np.exp(np.random.default_rng(3).normal(size=(rules.panel_cells, 40, 28 * 24)))
    started = time.process_time()
    scores = kpi_deviations(values, np.arange(28) % 7, rules.fewest_kpi_hours)
    moves = co_movement(without_persistence(scores, rules.most_lag_hours), rules.most_lag_hours)
    graph = kpi_graph(moves, [f"kpi {n}" for n in range(40)], rules, 1)
    _say(
        f"dependencies of 40 KPIs from {rules.panel_cells} cells x 4 weeks: "
        f"{time.process_time() - started:.1f} CPU-s; of 6,000 links between independent KPIs "
        f"{len(graph.dependencies(rules.least_stability))} found"
    )


def _grouped(weeks: np.ndarray, past: Past) -> CellGroups:
    return cell_groups(weeks, keys(len(weeks)), past, one_quantity())


def _past(found: CellGroups) -> Past:
    state = found.membership
    return Past(found.patterns, state.profile, state.kind == UNLIKE_ANY, found.patterns.labels)


def _labels(found: CellGroups) -> np.ndarray:
    return np.array([*found.patterns.labels, "none"])[found.membership.profile]


def _baseline(weeks: np.ndarray, seed: int, is_even: bool = False) -> np.ndarray:
    values = weeks[:, 0]
    filled = np.where(np.isfinite(values), values, np.nanmean(values, axis=1, keepdims=True))
    if is_even:
        filled = filled - filled.mean(axis=1, keepdims=True)
        filled /= filled.std(axis=1, keepdims=True)
    count = len(planted_patterns())
    return kmeans2(filled, count, minit="++", seed=seed, iter=15, missing="warn")[1]


def _matched_share(these: np.ndarray, those: np.ndarray) -> float:
    """Return the share of cells that keep their group, at the best matching of groups."""
    count = int(max(these.max(), those.max())) + 1
    table = np.zeros((count, count))
    np.add.at(table, (these, those), 1)
    return float(table[linear_sum_assignment(-table)].sum() / len(these))


def _say(text: str) -> None:
    print(f"bench profiling: {text}")


if __name__ == "__main__":
    main()
