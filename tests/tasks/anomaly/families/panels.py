"""Small panels of a known structure: KPIs that follow two factors, noise, gaps, planted faults."""

from dataclasses import replace

import numpy as np

from tasks.anomaly.families.family import Panel

KPIS = ("load", "users", "volume", "throughput", "setup_success", "retainability")
SLOTS = 24
LOADINGS = np.array(
    [[1.0, 0.9, 0.8, -0.6, 0.0, 0.1], [0.0, 0.3, 0.0, 0.5, 1.0, 0.9]], dtype=np.float32
)


def calm_panel(cells: int, days: int, seed: int, gaps: float = 0.03) -> Panel:
    """Return a panel in which nothing happened, [cells, 6, days * 24]."""
    random = np.random.default_rng(seed)
    factors = random.normal(size=(cells, 2, days * SLOTS))
    values = np.einsum("fk,cft->ckt", LOADINGS, factors)
    values += 0.3 * random.normal(size=values.shape)
    values /= np.sqrt((LOADINGS**2).sum(axis=0) + 0.09)[:, None]
    values[random.random(values.shape) < gaps] = np.nan
    return Panel(values.astype(np.float32), KPIS, SLOTS)


def with_fault(panel: Panel, cell: int, kpi: str, first: int, size: float) -> Panel:
    """Return the panel with a KPI of one cell raised by `size` spreads from a period on."""
    values = panel.values.copy()
    place = panel.kpis.index(kpi)
    values[cell, place, first:] = np.nan_to_num(values[cell, place, first:]) + size
    return replace(panel, values=values)
