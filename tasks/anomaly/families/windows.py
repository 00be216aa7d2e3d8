"""Sub-sequences: the last periods of all KPIs as one row."""

import numpy as np

from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.families.family import Panel
from tasks.anomaly.families.rows import sample

_WILDEST = 20.0  # spreads beyond which one value in a window says no more
_STILL = 0.5  # spreads below which a window's own shape is noise


def windows(panel: Panel, span: int, *, is_normalized: bool) -> Floats:
    """Return the window that ends at each period, [cells, periods, KPIs * span].

    What lacks, or lies before the panel, stands as expected: 0.

    Args:
        panel: deviations.
        span: periods a window.
        is_normalized: each KPI loses its own mean in the window and is divided by its own spread
            there, so that only shape counts; otherwise level and amplitude count.
    """
    padded = _padded(panel.values, span)
    views = np.lib.stride_tricks.sliding_window_view(padded, span, axis=2)
    cells, kpis, periods, _ = views.shape
    found = views.transpose(0, 2, 1, 3)
    if is_normalized:
        found = _shape_only(found)
    return np.ascontiguousarray(found).reshape(cells, periods, kpis * span)


def sampled_windows(
    panel: Panel, span: int, most: int, fewest: int, seed: int, *, is_normalized: bool
) -> Floats:
    """Return windows ending at sampled periods with data, [at most `most`, KPIs * span].

    Raises:
        InputError: fewer than `fewest` periods have data.
    """
    cells, periods = sample(panel, most, fewest, seed)
    padded = _padded(panel.values, span)
    views = np.lib.stride_tricks.sliding_window_view(padded, span, axis=2)
    found = _picked(views, cells, periods)
    if is_normalized:
        found = _shape_only(found)
    return np.ascontiguousarray(found).reshape(len(cells), -1)


def by_kpi(rows: Floats, span: int) -> Floats:
    """Return squared windows [rows, KPIs * span] summed over the window, [rows, KPIs]."""
    shaped = rows.reshape(len(rows), -1, span)
    return np.asarray(np.einsum("rks,rks->rk", shaped, shaped))


def _picked(views: Floats, cells: Integers, periods: Integers) -> Floats:
    return np.asarray(views[cells, :, periods])


def _padded(values: Floats, span: int) -> Floats:
    filled = np.clip(np.nan_to_num(values), -_WILDEST, _WILDEST).astype(np.float32)
    return np.pad(filled, ((0, 0), (0, 0), (span - 1, 0)))


def _shape_only(found: Floats) -> Floats:
    middle = found.mean(axis=-1, keepdims=True)
    width = np.maximum(found.std(axis=-1, keepdims=True), _STILL)
    return np.asarray((found - middle) / width)
