"""Detector and baseline against the truth of sample towns, over several seeds.

The detector's constants were chosen on the towns of seeds 11, 12 and 21; none of those is shown
here. `python -m tests.benchmarks detection` prints one block a seed and their pooled ratio.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from data_products.cell_kpis.derive import derive
from data_products.pm_measurements.derive import derive as completed
from semantic_layer.detection import detection
from semantic_layer.identity import (
    cell_dn_expression,
    managed_element_expression,
    object_class_expression,
)
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.arrays import Floats
from tasks.anomaly.cube import kpi_cube
from tasks.anomaly.outcome import planned_groups, scored_window
from tasks.anomaly.score_rows import SCORES
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.evaluation.detection_report import DetectionReport, detection_report, merge_rule
from tasks.evaluation.operating_points import at_recall
from tasks.evaluation.precision import average_precision, vus_pr
from tasks.evaluation.truth import ScoredGrid, scored_grid
from tasks.twin import files
from tasks.twin.delivered_rows import Run, delivered_rows
from tasks.twin.sample_network import benign_rows, simulated_run
from tasks.twin.scenario import NETWORKS
from tasks.twin.true_changes import true_changes
from tasks.twin.true_effects import true_effects
from tests.benchmarks._component_scores import component_scores
from tests.benchmarks._fault_kinds import effects_on, found_faults, kind_lines, threshold_for

SEEDS = (7, 31, 32, 41)
RECALLS = (0.7, 0.8, 0.9)
MOST_FALSE = 0.02
_DN = "managed_object_dn"


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth's tables of one town."""

    faults: pl.DataFrame
    cell_periods: pl.DataFrame
    benign: pl.DataFrame


@dataclass(frozen=True, slots=True)
class JudgedTown:
    """One town, scored and compared with its truth.

    Attributes:
        report: as the pipeline evaluates it.
        grid: scores and truth.
        effects: the truth's effect, [cells, periods].
    """

    report: DetectionReport
    grid: ScoredGrid
    effects: Floats


def main() -> None:
    """Print the table of each seed, then of all of them together."""
    towns = [simulated_town(seed) for seed in SEEDS]
    reports = [town.report for town in towns]
    for recall in RECALLS:
        pairs = [_false_findings(report, recall) for report in reports]
        known = [pair for pair in pairs if pair is not None]
        mine, theirs = (float(np.mean([pair[part] for pair in known])) for part in (0, 1))
        print(
            f"bench detection: false findings at recall {recall:.0%}, {len(known)} of "
            f"{len(reports)} towns {mine:.4f} per cell-day (ratio {mine / theirs:.3f} to the "
            f"baseline's {theirs:.4f})"
        )
    say_kinds(towns)


def say_kinds(towns: Sequence[JudgedTown]) -> None:
    """Print by kind how soon faults are found, at one threshold for all towns."""
    rule = merge_rule(detection(), towns[0].grid.granularity_s)
    grids = [town.grid for town in towns]
    for name, scores in (
        ("detector", [grid.score for grid in grids]),
        ("baseline", [grid.baseline_score for grid in grids]),
    ):
        threshold = threshold_for(grids, scores, rule, MOST_FALSE)
        where = f"{name} at {MOST_FALSE} false findings per cell-day"
        _say(where, "threshold", f"{threshold:.2f}", "")
        faults = [
            fault
            for town, one in zip(towns, scores, strict=True)
            for fault in found_faults(town.grid, one, town.effects, threshold, rule)
        ]
        for kind, soon, told in kind_lines(faults):
            _say(where, kind, soon, told)


def simulated_town(seed: int, name: str = "town") -> JudgedTown:
    """Print and return the evaluation of one simulated network."""
    chosen = replace(NETWORKS[name], seed=seed)
    run, scene, happened = simulated_run(chosen)
    kpis = pl.concat([_kpis(run, first) for first in range(0, run.calendar.periods, 96)])
    missing = files.missing_cells(scene.network, run.flaws.missing_sites)
    effects = true_effects(scene, happened.faults, missing)
    changes = true_changes(scene, happened.changes, happened.faults)
    benign = benign_rows(run, scene, happened.shocks, changes)
    window = Window(chosen.end - timedelta(days=chosen.newest_days), chosen.end)
    truth = Truth(effects.faults, effects.cell_periods, benign)
    return judged_town(f"{name} {seed}", kpis, window, truth)


def judged_town(where: str, kpis: pl.DataFrame, window: Window, truth: Truth) -> JudgedTown:
    """Print and return the evaluation of one town of which the KPIs are known."""
    scored = scored_kpis(list(catalogue().kpis.values()))
    earlier, workers = pl.DataFrame(schema=SCORES), SerialWorkerPool()
    started = time.process_time()
    outcome = scored_window(kpis.lazy(), earlier, scored, window, detection(), workers)
    _say(where, "fit, score and explain", f"{time.process_time() - started:.1f}", "CPU-s")
    grid = scored_grid(outcome.scores, truth.faults, truth.cell_periods, truth.benign)
    report = detection_report(grid, detection())
    _say_report(where, report)
    starts = outcome.scores["period_start"].unique().sort()
    plans = planned_groups(kpis.lazy(), scored, window, detection())
    errors = np.full((2, *grid.score.shape), np.nan)
    for group, plan in plans:
        cube = kpi_cube(kpis.filter(pl.col("cell_dn").is_in(group.cells)), plan.kpis, plan.grid)
        rows = np.searchsorted(grid.cells, cube.cells)
        errors[:, rows] = component_scores(cube, plan, workers)
    errors[:, ~np.isfinite(grid.score)] = np.nan
    mine = report.rankings[0].vus_pr
    for name, one in zip(("PCA of values", "PCA of deviations"), errors, strict=True):
        theirs = vus_pr(one, grid.is_affected, report.vus_window_periods)
        precision = average_precision(one, grid.is_affected)
        _say(
            where,
            f"{name} VUS-PR",
            f"{theirs:.3f}",
            f"AP {precision:.3f} (the detector's VUS-PR is {mine / theirs:.2f} times it)",
        )
    return JudgedTown(report, grid, effects_on(grid, truth.cell_periods, starts))


def _say_report(where: str, report: DetectionReport) -> None:
    for one in report.rankings:
        _say(where, f"{one.name} VUS-PR", f"{one.vus_pr:.3f}", f"AP {one.average_precision:.3f}")
    for label, point in (("detector", report.detector), ("baseline", report.baseline)):
        _say(
            where,
            f"{label} as shipped",
            f"{point.recall:.1%}",
            f"of {report.faults} faults, {point.cell_recall:.1%} of touched cells, "
            f"{point.false_findings:.4f} false findings ({point.on_planned_changes:.4f} on planned "
            f"changes) and {point.false_periods:.3f} false periods per cell-day",
        )
    _say(where, "affected", f"{report.affected_share:.2%}", "of scored periods")
    _say(where, "not visible in measurements", f"{sum(report.unseen.values())}", str(report.unseen))
    for row in report.kinds:
        _say(
            where,
            f"{row.kind} found",
            f"{row.found}/{row.faults}",
            f"faults (baseline {row.baseline_found}), delay {row.delay_hours} h "
            f"(baseline {row.baseline_delay_hours})",
        )
    for recall in RECALLS:
        pair = _false_findings(report, recall)
        if pair is not None:
            ratio = pair[0] / pair[1] if pair[1] else float("nan")
            _say(
                where,
                f"false findings at recall {recall:.0%}",
                f"{pair[0]:.4f}",
                f"per cell-day (ratio {ratio:.3f} to the baseline's {pair[1]:.4f})",
            )


def _kpis(run: Run, first: int) -> pl.DataFrame:
    counted = delivered_rows(
        run, first, min(first + 96, run.calendar.periods), has_distributions=False
    )
    rows = pl.concat(list(counted.frames().values()), how="diagonal_relaxed").with_columns(
        cell_dn_expression(_DN).alias("cell_dn"),
        managed_element_expression(_DN).alias("managed_element_dn"),
        object_class_expression(_DN).alias("object_class"),
    )
    return derive(completed(rows.lazy(), catalogue()), "15min", catalogue()).collect()


def _false_findings(report: DetectionReport, recall: float) -> tuple[float, float] | None:
    """Return false findings per cell-day of detector and baseline, each at its best threshold."""
    theirs = at_recall([one.baseline for one in report.comparisons], recall)
    mine = at_recall(report.detector_curve, recall)
    if mine is None or theirs is None:
        return None
    return mine.false_findings, theirs.false_findings


def _say(where: str, what: str, figure: str, unit: str) -> None:
    print(f"bench detection: {where} {what} {figure} {unit}")


if __name__ == "__main__":
    main()
