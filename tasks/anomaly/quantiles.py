"""Medians and quantiles that leave NaN out, several times faster than NumPy's own."""

import numpy as np

from tasks.anomaly.arrays import Floats


def quantile(values: Floats, share: float, axis: int = -1, *, is_sorted: bool = False) -> Floats:
    """Return the quantile over `axis`, interpolated, of what is not NaN; NaN where nothing is."""
    ordered = values if is_sorted else np.sort(values, axis=axis)
    counts = np.isfinite(ordered).sum(axis=axis, keepdims=True)
    place = np.maximum(counts - 1, 0) * share
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    weight = (place - below).astype(values.dtype)
    low = np.take_along_axis(ordered, below, axis)
    high = np.take_along_axis(ordered, above, axis)
    return np.asarray(np.squeeze(low + weight * (high - low), axis=axis))


def median(values: Floats, axis: int = -1) -> Floats:
    """Return the median over `axis` of what is not NaN."""
    return quantile(values, 0.5, axis)
