"""Panels as rows for linear algebra: one row a period of a cell, one column a KPI."""

import numpy as np

from semantic_layer.errors import InputError
from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.families.family import Panel
from tasks.stored_models import StoredModel

WINSOR = 5.0  # a deviation beyond this many spreads teaches no more


def as_rows(panel: Panel) -> Floats:
    """Return the panel as [cells * periods, KPIs], cell after cell."""
    return np.ascontiguousarray(panel.values.transpose(0, 2, 1)).reshape(-1, len(panel.kpis))


def as_periods(by_row: Floats, panel: Panel) -> Floats:
    """Return one value a row as [cells, periods]; NaN where the period has no data."""
    grid = by_row.reshape(panel.values.shape[0], panel.values.shape[2]).astype(np.float32)
    return np.where(np.isfinite(panel.values).any(axis=1), grid, np.float32(np.nan))


def as_parts(by_row: Floats, panel: Panel) -> Floats:
    """Return [rows, KPIs] as [cells, KPIs, periods], never below zero; NaN where no data is."""
    cells, kpis, periods = panel.values.shape
    grid = np.maximum(by_row, 0).reshape(cells, periods, kpis).transpose(0, 2, 1)
    return np.where(np.isfinite(panel.values), grid, np.nan).astype(np.float32)


def sample(panel: Panel, most: int, fewest: int, seed: int) -> tuple[Integers, Integers]:
    """Return which (cell, period) have data, at most so many chosen by the seed, each [rows].

    Raises:
        InputError: fewer than `fewest` periods have data.
    """
    cells, periods = np.nonzero(np.isfinite(panel.values).any(axis=1))
    if len(cells) < fewest:
        raise InputError(
            f"Only {len(cells)} periods of {panel.values.shape[0]} cells have data; this family "
            f"needs {fewest}. Widen the history or join the cells with another profile."
        )
    if len(cells) <= most:
        return cells, periods
    chosen = np.sort(np.random.default_rng(seed).choice(len(cells), most, replace=False))
    return cells[chosen], periods[chosen]


def sampled_rows(panel: Panel, most: int, fewest: int, seed: int) -> Floats:
    """Return rows with data to learn from, winsorized, [at most `most`, KPIs].

    Raises:
        InputError: fewer than `fewest` periods have data.
    """
    cells, periods = sample(panel, most, fewest, seed)
    return np.clip(panel.values[cells, :, periods], -WINSOR, WINSOR).astype(np.float32)


def numbers(model: StoredModel, name: str) -> Floats:
    """Return a stored array as float64."""
    return np.asarray(model.arrays[name], np.float64)
