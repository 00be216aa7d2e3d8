"""A made-up panel whose KPIs follow one another and themselves, and faults that break just that."""

import numpy as np
from scipy.signal import lfilter

from tasks.anomaly.families.family import Panel

KPIS = ("traffic", "users", "throughput", "rhythm", "noise")
TRAFFIC, USERS, THROUGHPUT, RHYTHM, NOISE = range(5)
A_DAY = 24
RHYTHM_PERIODS = 6


def sound(cells: int = 16, periods: int = 30 * A_DAY, seed: int = 1) -> Panel:
    """Return deviations: users follow traffic, throughput bends with it, rhythm swings alone."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(5, cells, periods))
    traffic = lfilter([0.6], [1, -0.8], noise[0], axis=1)
    phase = random.integers(0, RHYTHM_PERIODS, cells)[:, None] + np.arange(periods)
    swing = 1.3 * np.sin(2 * np.pi * phase / RHYTHM_PERIODS)
    values = np.stack(
        [
            traffic,
            0.95 * traffic + 0.25 * noise[1],
            1 - 0.9 * np.abs(traffic) + 0.25 * noise[2],
            swing + 0.25 * noise[3],
            noise[4],
        ],
        axis=1,
    )
    return Panel(values.astype(np.float32), KPIS, A_DAY)


def with_other_cells(panel: Panel, kpi: int, share: float = 0.5) -> tuple[Panel, np.ndarray]:
    """Return a panel in whose middle a KPI of some cells shows what another cell's does.

    Every KPI on its own stays as it was; only what it has to do with the others is gone. The
    second value marks the periods touched, [cells, periods].
    """
    cells, _, periods = panel.values.shape
    middle = slice(periods // 3, periods // 3 + periods // 8)
    touched = np.arange(cells) < cells * share
    values, labels = panel.values.copy(), np.zeros((cells, periods), bool)
    values[touched, kpi, middle] = np.roll(panel.values[:, kpi], 1, axis=0)[touched, middle]
    labels[touched, middle] = True
    return Panel(values, panel.kpis, panel.slots_a_day), labels


def out_of_order(panel: Panel, kpi: int, share: float = 0.5) -> tuple[Panel, np.ndarray]:
    """Return a panel in whose middle a KPI's values of some cells stand in another order."""
    cells, _, periods = panel.values.shape
    middle = np.arange(periods // 3, periods // 3 + periods // 8)
    values, labels = panel.values.copy(), np.zeros((cells, periods), bool)
    random = np.random.default_rng(3)
    for cell in range(int(cells * share)):
        values[cell, kpi, middle] = panel.values[cell, kpi, random.permutation(middle)]
        labels[cell, middle] = True
    return Panel(values, panel.kpis, panel.slots_a_day), labels
