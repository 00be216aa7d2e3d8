"""Neural and boosted families beside principal components and the detector, on sample towns.

Each family is fitted on the history of up to a hundred cells of a town and scores all its cells
over the newest days. Printed are how well scores rank affected periods, what a fit costs and what
scoring a cell's day costs, in CPU time of one thread. Constants were chosen on the towns of seeds
11, 12 and 21; those shown by default are others. `python -m tests.benchmarks deep_families
[--seeds 31 41]`.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from semantic_layer.detection import detection
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.cell_model import Network, cell_model, deviations, residuals
from tasks.anomaly.cube import KpiCube, kpi_cube
from tasks.anomaly.families.autoencoder import Autoencoder
from tasks.anomaly.families.boosted_residual import BoostedResidual
from tasks.anomaly.families.cnn_forecast import CnnForecast
from tasks.anomaly.families.family import Family, Panel
from tasks.anomaly.families.lstm_forecast import LstmForecast
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.families.transformer import Transformer
from tasks.anomaly.plan import Plan, scoring_plan
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.anomaly.scoring import panel_of, scores_of
from tasks.anomaly.young_cells import young_cells
from tasks.evaluation.precision import average_precision, vus_pr
from tasks.evaluation.truth import ScoredGrid, scored_grid
from tasks.twin import files
from tasks.twin.sample_network import NETWORKS, benign_rows, simulated_run
from tasks.twin.true_changes import true_changes
from tasks.twin.true_effects import true_effects
from tests.benchmarks.detection import _kpis

SEEDS = (31, 41)
FAMILIES: tuple[Family, ...] = (
    PrincipalComponents(),
    LstmForecast(),
    CnnForecast(),
    Autoencoder(),
    Transformer(),
    BoostedResidual(),
)
_FITTED_CELLS = 100
_CELLS_AT_ONCE = 40
_CLASS = "NRCellDU"
_GRANULARITY = "15min"
_VUS_WINDOW = 16  # periods: four hours


@dataclass(frozen=True)
class Town:
    """Deviations of a town's cells over history and newest days, and the truth of the newest."""

    panel: Panel
    fitted: np.ndarray
    first_scored: int
    grid: ScoredGrid


def main() -> None:
    """Print one line a family and town."""
    for seed in [int(word) for word in sys.argv[2:] if word.isdigit()] or SEEDS:
        report(f"town {seed}", town(seed))


def report(where: str, shown: Town) -> None:
    """Print how each family ranks a town's affected periods, and what that costs."""
    for name, scores in (
        ("detector", shown.grid.score),
        ("dynamic thresholds", shown.grid.baseline_score),
    ):
        _say(where, name, scores, shown.grid, "")
    history = Panel(
        shown.panel.values[shown.fitted, :, : shown.first_scored],
        shown.panel.kpis,
        shown.panel.slots_a_day,
    )
    for family in FAMILIES:
        started = time.process_time()
        model = family.fit(history, seed=0)
        fitting = time.process_time() - started
        context = family.context_periods
        newest = shown.panel.periods(shown.first_scored - context, shown.panel.values.shape[-1])
        family.scores(model, newest.cells(slice(0, 2)))  # what a worker pays once
        started = time.process_time()
        scores = family.scores(model, newest)[:, context:]
        scoring = time.process_time() - started
        days = len(newest.values) * (scores.shape[1] / newest.slots_a_day)
        costs = f", fit {fitting:.1f} CPU-s, scoring {1000 * scoring / days:.2f} CPU-ms a cell-day"
        _say(where, family.name, scores, shown.grid, costs)


def town(seed: int) -> Town:
    """Return a simulated town; only cells of the most common class, which share their KPIs."""
    chosen = replace(NETWORKS["town"], seed=seed)
    run, scene, happened = simulated_run(chosen)
    kpis = pl.concat([_kpis(run, first) for first in range(0, run.calendar.periods, 96)])
    truth = true_effects(
        scene, happened.faults, files.missing_cells(scene.network, run.flaws.missing_sites)
    )
    changes = true_changes(scene, happened.changes, happened.faults)
    window = Window(chosen.end - timedelta(days=chosen.newest_days), chosen.end)
    benign = benign_rows(run, scene, happened.shocks, changes)
    return shown_town(kpis, window, (truth.faults, truth.cell_periods, benign))


def shown_town(
    kpis: pl.DataFrame, window: Window, truth: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
) -> Town:
    """Return deviations, the detector's own scores and the truth of a town's cells.

    Args:
        kpis: rows of `cell_kpis`.
        window: the newest days.
        truth: faults, cell periods and what is benign.
    """
    rows = kpis.filter(pl.col("object_class") == _CLASS, pl.col("granularity") == _GRANULARITY)
    known = scored_kpis(list(catalogue().kpis.values()))
    newest = rows.filter(pl.col("period_start").is_between(window.start, window.end, "left"))
    present = [kpi for kpi in known if kpi.column in rows.columns and newest[kpi.column].count()]
    plan = scoring_plan(present, window, _GRANULARITY, detection())
    cells = rows["cell_dn"].unique().to_list()
    old = sorted(set(cells) - set(young_cells(rows.lazy(), cells, plan)))
    workers = SerialWorkerPool()

    def read(wanted: Sequence[str]) -> pl.DataFrame:
        return rows.filter(pl.col("cell_dn").is_in(list(wanted)))

    scored = scores_of(plan, old, read, workers)
    cube = kpi_cube(rows.filter(pl.col("cell_dn").is_in(old)), plan.kpis, plan.grid)
    strays = _deviations(cube, scored.network, plan)
    judged = scored.rows.filter(pl.col("cell_dn").is_in(cube.cells))
    chosen = set(panel_of(cube.cells, _FITTED_CELLS))
    return Town(
        Panel(strays, tuple(kpi.name for kpi in plan.kpis), plan.grid.slots_a_day),
        np.flatnonzero([cell in chosen for cell in cube.cells]),
        plan.first_scored,
        scored_grid(judged, *truth),
    )


def _deviations(cube: KpiCube, network: Network, plan: Plan) -> np.ndarray:
    parts = []
    for first in range(0, len(cube.cells), _CELLS_AT_ONCE):
        values = cube.values[first : first + _CELLS_AT_ONCE]
        model = cell_model(values, plan, network)
        rest = residuals(values, model.week, plan, 0, plan.grid.periods_count)
        parts.append(deviations(rest, model, network, plan, 0))
    return np.concatenate(parts)


def _say(where: str, name: str, scores: np.ndarray, grid: ScoredGrid, costs: str) -> None:
    judged = np.where(np.isfinite(grid.score), scores, np.nan)
    volume = vus_pr(judged, grid.is_affected, _VUS_WINDOW)
    precision = average_precision(judged, grid.is_affected)
    print(f"bench deep_families: {where} {name} VUS-PR {volume:.3f} AP {precision:.3f}{costs}")


if __name__ == "__main__":
    main()
