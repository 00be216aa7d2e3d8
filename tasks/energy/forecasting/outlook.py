"""From what is expected of each quarter to quantiles of each planning period."""

from dataclasses import dataclass

import numpy as np

from tasks.energy.forecasting.error_model import ErrorModel, combined, deviation_parts
from tasks.energy.forecasting.horizon import bin_of, length_of, part_of, period_means, period_tops
from tasks.energy.forecasting.load_history import Floats, Numbers
from tasks.energy.forecasting.strays import Origin, expected_strays
from tasks.energy.forecasting.week_profile import WeekProfile


@dataclass(frozen=True)
class Outlook:
    """What is expected of C cells in H quarters.

    Attributes:
        level: (C, H) log load.
        scale: (C, H) expected deviation from it.
        stretch: (H,) of the horizon.
        part: (H,) of the day.
    """

    level: Floats
    scale: Floats
    stretch: Numbers
    part: Numbers


def outlook(
    profile: WeekProfile, known: Origin, errors: ErrorModel, ahead: Numbers, slots: Numbers
) -> Outlook:
    """Return what is expected of quarters.

    Args:
        profile: of C cells.
        known: of them at the origin.
        errors: what is known of errors.
        ahead: (H,) quarters from the last known one.
        slots: (H,) of the week.
    """
    stretch = bin_of(ahead)
    evidence = profile.evidence[:, slots]
    level = profile.level[:, slots] + expected_strays(known, ahead, errors.weights[stretch])
    parts = deviation_parts(
        known.spread, profile.deviation, profile.slot_deviation[slots], evidence, level
    )
    scale = combined(parts, errors.spread_weights[stretch], errors.least[stretch])
    return Outlook(level, scale, stretch, part_of(slots))


def expected_load(
    seen: Outlook, errors: ErrorModel, offset: float, factors: Floats | None
) -> Floats:
    """Return (C, H) mean load by quarter, events counted."""
    load = (np.exp(seen.level) - np.float32(offset)) * errors.mean_factor[seen.stretch, seen.part]
    return np.asarray(load if factors is None else load * factors, np.float32)


def period_peaks(
    seen: Outlook, errors: ErrorModel, offset: float, firsts: Numbers, quarters: Numbers,
    shift: Floats, wider: Floats,
) -> Floats:  # fmt: skip
    """Return (Q, C, T) quantiles of the highest quarter of periods.

    Args:
        seen: by quarter.
        errors: what is known of errors.
        offset: that was added to load before its logarithm was taken.
        firsts: (T,) first quarter of each period.
        quarters: (T,) lengths.
        shift: (Q,) expected deviations to move quantiles by.
        wider: (C,) factor on deviations.
    """
    top = period_tops(seen.level, firsts)
    width = period_means(seen.scale, firsts, quarters) * wider[:, None]
    scores = errors.scores[length_of(quarters), seen.stretch[firsts], seen.part[firsts]].T
    scores = np.maximum.accumulate(scores + shift[:, None], axis=0).astype(np.float32)
    peaks = np.exp(top + width * scores[:, None, :]) - np.float32(offset)
    return np.asarray(peaks, np.float32)


def with_events(peaks: Floats, levels: Floats, factors: Floats | None, firsts: Numbers) -> Floats:
    """Return peaks as events move them.

    What is expected may not come: the median moves by the factor, what lies on the event's side of
    it moves along, what lies on the other side stays.
    """
    if factors is None:
        return peaks
    most = np.maximum.reduceat(factors, firsts, axis=1)
    least = np.minimum.reduceat(factors, firsts, axis=1)
    factor = np.where(most > 1.0, most, least)
    up, down = np.maximum(factor, 1.0), np.minimum(factor, 1.0)
    by_level = [factor if q == 0.5 else up if q > 0.5 else down for q in levels]
    return np.asarray(peaks * np.stack(by_level), np.float32)
