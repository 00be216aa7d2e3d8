"""What each model family costs to fit and to score, on 96 cells x 30 KPIs of quarter-hours."""

import time

import numpy as np

from semantic_layer.errors import InputError
from tasks.anomaly.families.family import Panel
from tasks.anomaly.families.roster import FAMILIES
from tests.benchmarks._one_thread import run_alone

CELLS, KPIS, SLOTS, HISTORY_DAYS, GAPS = 96, 30, 96, 28, 0.02


def main() -> None:
    """Measure in a process of one thread."""
    run_alone("family_costs")


def measure() -> None:
    """Print CPU seconds of a fit on 28 days, CPU milliseconds a cell-day of scores and parts."""
    history, day = _panel(HISTORY_DAYS, 0), _panel(2, 1)
    for name, family in FAMILIES.items():
        started = time.process_time()
        try:
            model = family.fit(history, 0)
        except InputError as error:
            print(f"bench family_costs: {name} skipped: {error}")
            continue
        fitted = time.process_time()
        read = day.periods(SLOTS - min(family.context_periods, SLOTS), 2 * SLOTS)
        family.scores(model, read)
        scored = time.process_time()
        family.parts(model, read)
        explained = time.process_time()
        cost = (scored - fitted) * 1e3 / CELLS
        print(
            f"bench family_costs: {name} fit {fitted - started:.2f} CPU-s, parts "
            f"{(explained - scored) * 1e3 / CELLS:.3f}, scores {cost:.3f} CPU-ms a cell-day "
            f"(ratio {cost:.3f} to the bar of 1)",
            flush=True,
        )


def _panel(days: int, seed: int) -> Panel:
    random = np.random.default_rng(seed)
    shared = random.normal(size=(CELLS, 3, days * SLOTS))
    values = np.einsum("fk,cft->ckt", np.random.default_rng(7).normal(size=(3, KPIS)), shared)
    values = (values / 2 + random.normal(size=values.shape)).astype(np.float32)
    values[random.random(values.shape) < GAPS] = np.nan
    return Panel(values, tuple(f"kpi_{number}" for number in range(KPIS)), SLOTS)


if __name__ == "__main__":
    main()
