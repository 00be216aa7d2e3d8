"""Means over the last periods, which leave out what has no data."""

import numpy as np

from tasks.anomaly.arrays import Floats


def trailing_mean(values: Floats, span: int) -> Floats:
    """Return the mean over each period and the `span` - 1 before it, over the last axis.

    NaN where none of them has data.
    """
    known = np.isfinite(values)
    total = _trailing_sum(np.where(known, values, 0.0), span)
    count = _trailing_sum(known.astype(np.float64), span)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return np.asarray(mean, np.float32)


def recent_mean(values: Floats, span: int) -> Floats:
    """Return the mean over the `span` periods before each period; NaN where none has data."""
    before = np.full_like(values, np.nan)
    before[..., 1:] = trailing_mean(values, span)[..., :-1]
    return before


def _trailing_sum(values: Floats, span: int) -> Floats:
    sums = np.cumsum(values, axis=-1, dtype=np.float64)
    sums[..., span:] -= sums[..., :-span].copy()
    return sums
