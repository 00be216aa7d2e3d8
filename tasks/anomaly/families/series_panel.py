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
_AROUND = 15  # periods on either side, at most, that share in what a slot of the day lets expect
_UNKNOWN_PERIOD = 125
_FIRST_LAG, _LAST_LAG, _LONGEST = 3, 400, 300
_PERIOD_SAMPLES = 20_000


def series_panels(
    training: Floats,
    tested: Floats,
    least_spread: float,
    slots_a_day: int,
    *,
    has_day: bool = False,
    tested_slot: int | None = None,
) -> tuple[Panel, Panel]:
    """Return both parts of a series as deviations from the training part, in its spreads.

    Args:
        training: [periods, channels], from slot 0 of a day on; NaN is no data.
        tested: [periods, channels].
        least_spread: in the series' own unit; a channel that hardly moved in training is judged
            no finer than this. A channel that never moves in either part stays at 0.
        slots_a_day: periods a day.
        has_day: whether what the time of day lets expect is taken away first. It is learnt from
            the training part, and left where that has no two whole days.
        tested_slot: slot of the day at which `tested` begins; by default it follows `training`.

    Raises:
        InputError: the parts have different channels.
    """
    if training.ndim != 2 or tested.ndim != 2 or training.shape[1] != tested.shape[1]:
        raise InputError(
            f"Both parts of a series are [periods, channels] with the same channels; got "
            f"{training.shape} and {tested.shape}."
        )
    second = (len(training) if tested_slot is None else tested_slot) % slots_a_day
    usual = _usual_day(training, slots_a_day) if has_day else None
    calm = _without_day(training, usual, 0)
    middle = np.nanmean(calm, axis=0)
    spread = np.maximum(np.nanstd(calm, axis=0), least_spread)
    kpis = tuple(f"channel_{number + 1}" for number in range(training.shape[1]))
    made = []
    for part, slot in ((calm, 0), (_without_day(tested, usual, second), second)):
        strays = np.clip((part - middle) / spread, -_WILDEST, _WILDEST).astype(np.float32)
        made.append(Panel(np.ascontiguousarray(strays.T)[None], kpis, slots_a_day, slot))
    return made[0], made[1]


def _usual_day(training: Floats, slots_a_day: int) -> Floats | None:
    """Return the mean of each slot of the day and those around it, [slots, channels]."""
    days = len(training) // slots_a_day
    if days < 2:
        return None
    whole = training[: days * slots_a_day].reshape(days, slots_a_day, -1)
    known = np.isfinite(whole)
    total, count = np.where(known, whole, 0).sum(axis=0), known.sum(axis=0)
    reach = min(_AROUND, slots_a_day // 16)
    around = [np.roll(np.arange(slots_a_day), shift) for shift in range(-reach, reach + 1)]
    totals = np.sum([total[slots] for slots in around], axis=0)
    counts = np.sum([count[slots] for slots in around], axis=0)
    return np.asarray(totals / np.maximum(counts, 1))


def _without_day(part: Floats, usual: Floats | None, first_slot: int) -> Floats:
    if usual is None:
        return part
    return part - usual[(first_slot + np.arange(len(part))) % len(usual)]


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
