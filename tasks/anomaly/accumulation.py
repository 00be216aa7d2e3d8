"""Short-term memory: exponentially weighted sums, so that small lasting shifts add up."""

import numpy as np

from tasks.anomaly.arrays import Floats

_MOST_A_PERIOD = 6.0  # spreads: a short pulse is judged when it happens, and leaves no trail


def accumulated(deviations: Floats, span_periods: float) -> Floats:
    """Return the exponentially weighted mean over the last axis, causal; NaN where data lacks.

    Where part of the memory is empty, the mean of what is there is damped so that noise alone
    strays no farther than with a full one. No period counts for more than six spreads.

    Args:
        deviations: [..., periods]; NaN is no data and leaves the mean to what was seen.
        span_periods: memory, as the number of periods whose plain mean is as calm; up to 1 keeps
            `deviations` as they are.
    """
    if span_periods <= 1:
        return deviations
    rate = 2.0 / (span_periods + 1.0)
    known = np.isfinite(deviations)
    held = np.clip(deviations, -_MOST_A_PERIOD, _MOST_A_PERIOD)
    total = _filtered(np.where(known, held, np.float32(0)), rate)
    filled = _filtered(known.astype(np.float32), 1 - (1 - rate) ** 2)
    mean = total / np.sqrt(np.maximum(filled, rate))
    return np.asarray(np.where(known, mean, np.nan), np.float32)


def _filtered(values: Floats, rate: float) -> Floats:
    from scipy.signal import lfilter  # noqa: PLC0415 - it costs every flow a second to import

    top, bottom = np.array([rate], np.float32), np.array([1.0, rate - 1.0], np.float32)
    return np.asarray(lfilter(top, bottom, values, axis=-1))
