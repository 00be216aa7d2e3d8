"""Correlations that break while every KPI keeps its distribution: who notices, at what cost.

192,000 cells with 20 KPIs that depend on one another through four factors, not linearly and in
another way in each of four regimes. Among one cell in a thousand, KPIs' values are swapped, so that
each KPI alone looks as always. Families are fitted on all of it, unmarked. PyOD's ECOD (extra
`peers`) runs beside them. `python -m tests.benchmarks broken_correlations`.
"""

import importlib
import time

import numpy as np

from tasks.anomaly.families.dynamic_threshold import DynamicThreshold
from tasks.anomaly.families.family import Family, Panel
from tasks.anomaly.families.gaussian_mixture import GaussianMixture
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.families.robust_covariance import RobustCovariance
from tasks.evaluation.precision import average_precision
from tests.benchmarks._one_thread import run_alone

CELLS, KPIS, FACTORS = 192_000, 20, 4
BROKEN = 0.001
REGIMES = (0.45, 0.30, 0.17, 0.08)
NOISE = 0.2
SEEDS = (0, 1, 2)
FAMILIES: tuple[Family, ...] = (
    GaussianMixture(),
    RobustCovariance(),
    PrincipalComponents(),
    DynamicThreshold(),
)


def main() -> None:
    """Measure in a process of one thread."""
    run_alone("broken_correlations")


def measure() -> None:
    """Print average precision and CPU of each family and of ECOD, by seed of the world."""
    for seed in SEEDS:
        rows, is_broken = broken_world(CELLS, seed)
        panel = as_panel(rows)
        theirs = _ecod(rows, is_broken, seed)
        for family in FAMILIES:
            started = time.process_time()
            scores = family.scores(family.fit(panel, 0), panel)[:, 0]
            seconds = time.process_time() - started
            ratio = f" (ratio {seconds / theirs:.2f} to ECOD's)" if theirs else ""
            print(
                f"bench broken_correlations: seed {seed} {family.name} AP "
                f"{average_precision(scores, is_broken):.4f} in {seconds:.2f} CPU-s{ratio}",
                flush=True,
            )


def broken_world(cells: int, seed: int, share: float = BROKEN) -> tuple[np.ndarray, np.ndarray]:
    """Return rows [cells, KPIs] in their own spreads and which ones are broken, [cells].

    A KPI's values among broken cells are those that these cells would have, in another order: as
    a set they are unchanged, so no KPI alone can tell.
    """
    random = np.random.default_rng(seed)
    factors = random.normal(size=(cells, FACTORS))
    regimes = random.choice(len(REGIMES), cells, p=REGIMES)
    rows = np.empty((cells, KPIS))
    for regime in range(len(REGIMES)):
        middle, straight, bent = (random.normal(size=(n, KPIS)) for n in (1, FACTORS, FACTORS))
        own = factors[regimes == regime]
        rows[regimes == regime] = middle + own @ straight + 0.35 * np.tanh(2 * own) @ bent
    rows += NOISE * rows.std(axis=0) * random.normal(size=rows.shape)
    broken = random.choice(cells, int(cells * share), replace=False)
    for kpi in range(KPIS):
        rows[broken, kpi] = rows[random.permutation(broken), kpi]
    is_broken = np.zeros(cells, bool)
    is_broken[broken] = True
    calm = (rows - np.median(rows, axis=0)) / rows.std(axis=0)
    return calm.astype(np.float32), is_broken


def as_panel(rows: np.ndarray) -> Panel:
    """Return rows as cells of a single period."""
    return Panel(rows[:, :, None], tuple(f"kpi_{n + 1}" for n in range(rows.shape[1])), 96)


def _ecod(rows: np.ndarray, is_broken: np.ndarray, seed: int) -> float:
    """Print what ECOD reaches and return its CPU seconds; 0 where PyOD is not installed."""
    try:
        ecod = importlib.import_module("pyod.models.ecod").ECOD
    except ModuleNotFoundError:
        print("bench broken_correlations: ECOD skipped, install the extra 'peers' for PyOD")
        return 0.0
    started = time.process_time()
    scores = ecod().fit(rows).decision_scores_
    seconds = time.process_time() - started
    print(
        f"bench broken_correlations: seed {seed} ECOD AP "
        f"{average_precision(scores, is_broken):.4f} in {seconds:.2f} CPU-s"
    )
    return seconds


if __name__ == "__main__":
    main()
