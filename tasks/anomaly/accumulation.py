"""Short-term memory: exponentially weighted means, so that small lasting shifts add up."""

import numpy as np
from scipy.signal import lfilter

from tasks.anomaly.arrays import Floats

_SMALLEST_WEIGHT = 0.3  # of the memory must have been filled with data


def accumulated(deviations: Floats, span_periods: float) -> Floats:
    """Return the exponentially weighted mean over the last axis, causal; NaN where data lacks.

    Args:
        deviations: [..., periods]; NaN is no data and leaves the mean to what was seen.
        span_periods: memory, as the number of periods whose plain mean is as calm; up to 1 keeps
            `deviations` as they are.
    """
    if span_periods <= 1:
        return deviations
    rate = 2.0 / (span_periods + 1.0)
    known = np.isfinite(deviations)
    top, bottom = np.array([rate], np.float32), np.array([1.0, rate - 1.0], np.float32)
    total = lfilter(top, bottom, np.where(known, deviations, np.float32(0)), axis=-1)
    weight = lfilter(top, bottom, known.astype(np.float32), axis=-1)
    is_filled = known & (weight > _SMALLEST_WEIGHT)
    return np.asarray(
        np.where(is_filled, total / np.maximum(weight, _SMALLEST_WEIGHT), np.nan), np.float32
    )
