"""What a cell normally shows at each time of the week, and how much it strays from it.

Few weeks of history give few values a time-of-week slot. So the expectation is a robust
time-of-day profile of working days and of weekends, smoothed over neighboring slots, plus each
weekday's own shift by part of the day, shrunk towards none. Medians throughout: earlier faults
that fill less than half of the days do not move it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from tasks.anomaly.arrays import Booleans, Floats, Integers
from tasks.anomaly.quantiles import median, quantile

PARTS_OF_THE_DAY = 8
_SMOOTHED_OVER_S = 2700.0
_DAYS_OF_DOUBT = 2.0  # a weekday's own shift counts n / (n + this) after n such days
_NORMAL_MAD = 1.4826
_DAYS_SHARE = 0.8
_JUMPY = 0.4  # a body narrower than this share of the tail hides jumps
_SMALLEST_SPREAD_SHARE = 0.3  # of the network's typical spread
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WeekBaseline:
    """Fitted expectations of some cells, on the scale of even noise.

    Attributes:
        profile: [cells, KPIs, 2, slots a day], for working days and weekends.
        weekday_shift: [cells, KPIs, 7, parts of the day].
        spread: [cells, KPIs, parts of the day], a robust standard deviation; NaN if unknown.
        days: [cells, KPIs], days of history with any data.
    """

    profile: Floats
    weekday_shift: Floats
    spread: Floats
    days: Integers

    def expected(self, weekdays: Integers) -> Floats:
        """Return [cells, KPIs, days, slots] for days with these weekday numbers (Monday is 0)."""
        slots = self.profile.shape[-1]
        shift = along_the_day(self.weekday_shift, slots)
        return self.profile[:, :, _is_weekend(weekdays).astype(int)] + shift[:, :, weekdays]

    def of_kpis(self, which: Booleans) -> "WeekBaseline":
        """Return the expectations of some KPIs."""
        return WeekBaseline(
            self.profile[:, which],
            self.weekday_shift[:, which],
            self.spread[:, which],
            self.days[:, which],
        )


def fit_week_baseline(history: Floats, weekdays: Integers) -> WeekBaseline:
    """Fit from whole days of history.

    Args:
        history: [cells, KPIs, days, slots a day], on the scale of even noise; NaN is no data.
        weekdays: the weekday number of each day.
    """
    profile = _day_profiles(history, _is_weekend(weekdays))
    rest = history - profile[:, :, _is_weekend(weekdays).astype(int)]
    shift = _weekday_shifts(rest, weekdays)
    slots = history.shape[-1]
    rest -= along_the_day(shift, slots)[:, :, weekdays]
    days = np.isfinite(history).any(axis=-1).sum(axis=-1)
    return WeekBaseline(profile, shift, _spreads(rest), days)


def pooled_spread(spread: Floats, typical: Floats) -> Floats:
    """Return each cell's spread, never implausibly small beside the network's typical one.

    Args:
        spread: [cells, KPIs, parts], NaN where unknown.
        typical: [KPIs, parts], the network's median spread, above zero.
    """
    floor = _SMALLEST_SPREAD_SHARE * typical
    return np.where(np.isfinite(spread), np.maximum(spread, floor), typical)


def along_the_day(parts: Floats, slots: int) -> Floats:
    """Return values by part of the day as values by slot, linear in between, around midnight."""
    count = parts.shape[-1]
    if slots <= count:
        return parts[..., :slots]
    place = (np.arange(slots) + 0.5) * count / slots - 0.5
    below = np.floor(place).astype(int)
    weight = (place - below).astype(parts.dtype)
    return np.asarray(
        parts[..., below % count] * (1 - weight) + parts[..., (below + 1) % count] * weight
    )


def parts_of(slots: int) -> int:
    """Return into how many parts a day of `slots` periods is divided."""
    return PARTS_OF_THE_DAY if slots % PARTS_OF_THE_DAY == 0 else 1


def smoothed(profile: Floats) -> Floats:
    """Return a circular triangular mean over neighboring slots that leaves NaN out."""
    slots = profile.shape[-1]
    reach = min(round(_SMOOTHED_OVER_S * slots / 86_400), slots // 4)
    if reach == 0:
        return profile
    known = np.isfinite(profile)
    filled = np.where(known, profile, 0)
    total = np.zeros_like(profile)
    weight = np.zeros_like(profile)
    for step in range(-reach, reach + 1):
        share = np.float32(1 - abs(step) / (reach + 1))
        total += share * np.roll(filled, step, axis=-1)
        weight += share * np.roll(known, step, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(weight > 0, total / weight, np.nan))


def _is_weekend(weekdays: Integers) -> Booleans:
    return np.asarray(weekdays >= _SATURDAY)


def _day_profiles(history: Floats, is_weekend: Booleans) -> Floats:
    """Return smoothed medians of working days and weekends; one stands in for a missing other."""
    slots = history.shape[-1]
    pair = [
        median(history[:, :, chosen], axis=2)
        if chosen.any()
        else np.full((*history.shape[:2], slots), np.nan, history.dtype)
        for chosen in (~is_weekend, is_weekend)
    ]
    smooth = [smoothed(profile) for profile in pair]
    return np.stack(
        [np.where(np.isfinite(own), own, other) for own, other in (smooth, (smooth[1], smooth[0]))],
        axis=2,
    )


def _weekday_shifts(rest: Floats, weekdays: Integers) -> Floats:
    cells, kpis, days, slots = rest.shape
    parts = parts_of(slots)
    by_part = median(rest.reshape(cells, kpis, days, parts, slots // parts))
    shifts = np.zeros((cells, kpis, 7, parts), rest.dtype)
    for weekday in np.unique(weekdays):
        own = by_part[:, :, weekdays == weekday]
        count = np.isfinite(own).sum(axis=2)
        trust = (count / (count + _DAYS_OF_DOUBT)).astype(rest.dtype)
        shifts[:, :, weekday] = np.where(count > 1, _cautious_median(own) * trust, 0)
    return shifts


def _cautious_median(values: Floats) -> Floats:
    """Return, over the third axis, the one of the two middle values that is nearer to zero.

    So two troubled days of four make no shift.
    """
    ordered = np.sort(values, axis=2)
    last = np.maximum(np.isfinite(ordered).sum(axis=2, keepdims=True) - 1, 0)
    low = np.take_along_axis(ordered, last // 2, axis=2)
    high = np.take_along_axis(ordered, (last + 1) // 2, axis=2)
    nearer = np.where(np.abs(low) < np.abs(high), low, high)
    return np.asarray(np.where(low * high > 0, nearer, 0)[:, :, 0])


def _spreads(rest: Floats) -> Floats:
    """Return a robust standard deviation by part of the day, wide enough for rare jumps.

    Rates over few attempts are still for hours and then jump by one failure in three. The body of
    such residuals knows nothing of the jumps; the worst of each day does. Taken at four days of
    five, it is blind to faults that fill less than a fifth of the days.
    """
    cells, kpis, days, slots = rest.shape
    parts = parts_of(slots)
    strays = np.abs(rest).reshape(cells, kpis, days, parts, slots // parts)
    by_part = strays.transpose(0, 1, 3, 2, 4).reshape(cells, kpis, parts, -1)
    body = median(by_part) * np.float32(_NORMAL_MAD)
    worst = np.fmax.reduce(strays, axis=4)
    of_part = quantile(worst, _DAYS_SHARE, axis=2) / _worst_of(slots // parts)
    of_day = quantile(np.fmax.reduce(worst, axis=3), _DAYS_SHARE, axis=2) / _worst_of(slots)
    is_jumpy = body < _JUMPY * of_day[..., None]
    tail = np.where(is_jumpy, np.fmax(of_part, of_day[..., None]), of_part)
    return np.asarray(np.fmax(body, tail), rest.dtype)


def _worst_of(count: int) -> float:
    """Return what the worst of so many standard normal values stays below on four days of five."""
    return float(ndtri((1 + _DAYS_SHARE ** (1 / count)) / 2))
