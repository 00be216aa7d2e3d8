"""A labelled multivariate series as a panel of one cell, and the period of a channel.

Public series have no weeks, peers or catalogue: what a channel usually is, is all that its
training part can tell.
"""

import numpy as np
from scipy.signal import argrelextrema

from semantic_layer.errors import InputError
from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel

_WILDEST = 20.0
_UNKNOWN_PERIOD = 125
_FIRST_LAG, _LAST_LAG, _LONGEST = 3, 400, 300
_PERIOD_SAMPLES = 20_000


def series_panels(
    training: Floats, tested: Floats, least_spread: float, slots_a_day: int
) -> tuple[Panel, Panel]:
    """Return both parts of a series as deviations from the training part, in its spreads.

    Args:
        training: [periods, channels]; NaN is no data.
        tested: [periods, channels], what follows.
        least_spread: in the series' own unit; a channel that hardly moved in training is judged
            no finer than this. A channel that never moves in either part stays at 0.
        slots_a_day: periods a day.

    Raises:
        InputError: the parts have different channels.
    """
    if training.ndim != 2 or tested.ndim != 2 or training.shape[1] != tested.shape[1]:
        raise InputError(
            f"Both parts of a series are [periods, channels] with the same channels; got "
            f"{training.shape} and {tested.shape}."
        )
    middle = np.nanmean(training, axis=0)
    spread = np.maximum(np.nanstd(training, axis=0), least_spread)
    kpis = tuple(f"channel_{number + 1}" for number in range(training.shape[1]))
    made = []
    for part in (training, tested):
        strays = np.clip((part - middle) / spread, -_WILDEST, _WILDEST).astype(np.float32)
        made.append(Panel(np.ascontiguousarray(strays.T)[None], kpis, slots_a_day))
    return made[0], made[1]


def channel_period(channel: Floats) -> int:
    """Return the lag of the highest local maximum of the autocorrelation, or 125 if there is none.

    Source: `find_length_rank` of TSB-AD (Liu and Paparrizos, NeurIPS 2024), whose window of VUS
    and of sub-sequences this is: lags from 3 to 400 of at most 20,000 samples; a maximum at a lag
    under 6 or over 303 counts as none.
    """
    sampled = channel[:_PERIOD_SAMPLES].astype(np.float64)
    centered = sampled - sampled.mean()
    size = 1 << (2 * len(centered) - 1).bit_length()
    spectrum = np.fft.rfft(centered, size)
    products = np.fft.irfft(spectrum * spectrum.conj(), size)[_FIRST_LAG : _LAST_LAG + 1]
    peaks = argrelextrema(products[: len(centered) - _FIRST_LAG], np.greater)[0]
    if not len(peaks):
        return _UNKNOWN_PERIOD
    highest = int(peaks[np.argsort(products[peaks])[::-1][0]])
    return highest + _FIRST_LAG if _FIRST_LAG <= highest <= _LONGEST else _UNKNOWN_PERIOD
