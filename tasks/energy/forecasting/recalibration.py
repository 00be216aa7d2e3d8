"""Quantiles that follow what was seen beyond them, while forecasts roll on.

Adaptive conformal inference, one step a forecast and level: a quantile that was passed too often
moves out, one that was passed too seldom moves in, by the pinball loss's gradient (Gibbs and
Candes, Adaptive conformal inference under distribution shift, NeurIPS 2021; Angelopoulos, Candes
and Tibshirani, Conformal PID control for time series prediction, NeurIPS 2023).
"""

import numpy as np

from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.forecasting.load_history import QUARTER, Floats, LoadHistory

_FADE = 0.995
"""What remains of a shift at each step: what nothing confirms is forgotten."""


def next_shift(shift: Floats, levels: Floats, peaks: Floats, came: Floats, step: float) -> Floats:
    """Return the shift of quantiles after one more forecast was seen to come.

    The further a quantile is from the median, the more it moves: half of all cells above their
    median is a busy hour, not a fault of the forecast.

    Args:
        shift: (Q,) so far, in expected deviations.
        levels: (Q,) of the quantiles.
        peaks: (Q, N) quantiles as they were forecast.
        came: (N,) what came; NaN on either side teaches nothing.
        step: how far a quantile moves that all values pass.
    """
    known = np.isfinite(came) & np.isfinite(peaks[0])
    if not known.any():
        return shift
    under = (came[known] <= peaks[:, known]).mean(axis=1)
    tail = 1.0 - 2.0 * np.minimum(levels, 1.0 - levels)
    return np.asarray(_FADE * shift + step * tail * (levels - under), np.float32)


def highest_quarters(history: LoadHistory, forecast: LoadForecast) -> Floats:
    """Return (C, T) the highest own load in each period of a forecast, NaN unless all is known.

    Args:
        history: of the same cells in the same order.
        forecast: what was told of them.
    """
    came = np.full((len(history.cell_dns), len(forecast.starts)), np.nan, np.float32)
    load = history.learnable
    for place, (start, hours) in enumerate(zip(forecast.starts, forecast.hours, strict=True)):
        low = int((start - history.first) / QUARTER)
        high = low + round(float(hours) * 4)
        if low >= 0 and high <= load.shape[1]:
            came[:, place] = load[:, low:high].max(axis=1)
    return came
