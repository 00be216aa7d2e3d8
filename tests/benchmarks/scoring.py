"""What fitting and scoring cost a cell-day, and what starting the workers costs once."""

import time
from contextlib import closing
from datetime import timedelta

import numpy as np

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.adapters.ray_worker_pool import RayWorkerPool
from tasks.anomaly.cell_model import Network, cell_model
from tasks.anomaly.cube import KpiCube
from tasks.anomaly.detector import judged
from tasks.anomaly.plan import Plan, scoring_plan
from tasks.anomaly.scored_kpis import ScoredKpi
from tasks.anomaly.scoring import learnt_network
from tests.tasks.anomaly.world import KPIS, START, cell_names, network

CELLS, KPIS_COUNT, GAPS = 96, 30, 0.02


def main() -> None:
    """Print CPU milliseconds a cell-day for 96 cells x 30 KPIs x 28 + 1 days of 15 minutes."""
    values, kpis = _values()
    day = Window(START + timedelta(days=28), START + timedelta(days=29))
    plan = scoring_plan(kpis, day, "15min", detection())
    cube = KpiCube(tuple(cell_names(CELLS)), plan.kpis, plan.grid, values)
    with closing(RayWorkerPool(None, 2)) as workers:
        started = time.perf_counter()
        workers.map(len, [[]])
        print(f"bench scoring: start of a local Ray {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        shared = learnt_network(plan, cube, workers)
        print(f"bench scoring: shared shocks of 96 cells {time.perf_counter() - started:.1f} s")
    _costs(values, plan, shared)


def _costs(values: np.ndarray, plan: Plan, shared: Network) -> None:
    started = time.process_time()
    models = [cell_model(values[n : n + 24], plan, shared) for n in range(0, CELLS, 24)]
    fitted = time.process_time()
    for number, model in enumerate(models):
        judged(values[24 * number : 24 * number + 24], model, plan, shared)
    scored = time.process_time()
    print(
        f"bench scoring: fit {(fitted - started) * 1e3 / CELLS / 28:.3f} CPU-ms a cell-day of "
        "history"
    )
    print(
        f"bench scoring: score {(scored - fitted) * 1e3 / CELLS:.3f} CPU-ms a cell-day (ratio "
        f"{(scored - fitted) * 1e3 / CELLS:.3f} to the bar of 1)"
    )


def _values() -> tuple[np.ndarray, list[ScoredKpi]]:
    base = network(cells=CELLS)
    random = np.random.default_rng(1)
    picks = [number % len(KPIS) for number in range(KPIS_COUNT)]
    noise = np.exp(0.05 * random.normal(size=(CELLS, KPIS_COUNT, base.shape[2])))
    values = (base[:, picks] * noise).astype(np.float32)
    values[random.random(values.shape) < GAPS] = np.nan
    kpis = [
        ScoredKpi(f"{KPIS[pick].name}_{n}", f"k{n}", "1", "neither", KPIS[pick].scale)
        for n, pick in enumerate(picks)
    ]
    return values, kpis


if __name__ == "__main__":
    main()
