"""Simpler forecasts of load, each with quantiles of its own past errors, and a floor for all.

Errors are on the logarithm of load, by part of the day, and pooled over cells, as are those of the
forecaster; for persistence by how far ahead as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tasks.energy.forecasting.horizon import PARTS, bin_of, part_of
from tasks.energy.forecasting.load_calendar import LoadCalendar, week_slots
from tasks.energy.forecasting.load_history import QUARTER, QUARTERS_A_DAY, Floats, LoadHistory
from tasks.energy.forecasting.strays import expected_strays, lagged, origin_of
from tasks.energy.forecasting.week_profile import WeekProfile

OFFSET = 0.005
_ORIGIN_STEP = 11


@dataclass(frozen=True)
class Told:
    """Of C cells and T periods: quantiles (Q, C, T) of the highest quarter, and the mean."""

    peak: Floats
    mean: Floats


@dataclass(frozen=True)
class Periods:
    """Planning periods by quarters from an origin: firsts and lengths, (T,)."""

    firsts: Floats
    quarters: Floats

    @property
    def total(self) -> int:
        """Quarters until the last one ends."""
        return int(self.quarters.sum())

    def peak_and_mean(self, load: Floats) -> tuple[Floats, Floats]:
        """Return (C, T) highest quarter and mean; NaN unless all quarters are known."""
        highest = np.maximum.reduceat(load, self.firsts, axis=1)
        return highest, np.add.reduceat(load, self.firsts, axis=1) / self.quarters


def periods_of(hours: Floats) -> Periods:
    """Return periods of these lengths in h."""
    quarters = np.rint(hours * 4).astype(int)
    return Periods(np.concatenate([[0], np.cumsum(quarters)[:-1]]), quarters)


class Rival:
    """A rule that copies load from before; `days` back, or the last value known when 0."""

    def __init__(
        self, history: LoadHistory, calendar: LoadCalendar, periods: Periods, days: int,
        quantiles: Floats, *, origins_from_day: int | None = None,
    ) -> None:  # fmt: skip
        self._calendar, self._periods, self._days = calendar, periods, days
        begin = (days if origins_from_day is None else origins_from_day) * QUARTERS_A_DAY
        end = history.load.shape[1] - periods.total
        errors, parts, bins = [], [], []
        for origin in range(max(begin, QUARTERS_A_DAY), end, _ORIGIN_STEP):
            start = history.first + origin * QUARTER
            told, _ = self._copied(history, origin)
            came, _ = periods.peak_and_mean(history.load[:, origin : origin + periods.total])
            errors.append(np.log(came + OFFSET) - np.log(told + OFFSET))
            parts.append(np.broadcast_to(self._part(start), told.shape))
            bins.append(np.broadcast_to(self._bin(), told.shape))
        known = np.concatenate(errors), np.concatenate(parts), np.concatenate(bins)
        self._table = _error_quantiles(*known, quantiles)

    def forecast(self, history: LoadHistory, start: datetime) -> Told:
        """Return the periods from `start`."""
        peak, mean = self._copied(history, int((start - history.first) / QUARTER))
        spread = self._table[self._bin(), self._part(start)].T[:, None, :]
        return Told(np.clip(np.exp(np.log(peak + OFFSET) + spread) - OFFSET, 0, 1), mean)

    def _copied(self, history: LoadHistory, origin: int) -> tuple[Floats, Floats]:
        if not self._days:
            last = history.load[:, [origin - 1]]
            shape = (len(last), len(self._periods.firsts))
            return np.broadcast_to(last, shape), np.broadcast_to(last, shape)
        low = origin - self._days * QUARTERS_A_DAY
        return self._periods.peak_and_mean(history.load[:, low : low + self._periods.total])

    def _part(self, start: datetime) -> Floats:
        return part_of(week_slots(self._calendar, start, self._periods.total))[self._periods.firsts]

    def _bin(self) -> Floats:
        far = bin_of(self._periods.firsts + 1)
        return far if not self._days else np.where(self._periods.quarters > 1, 1, 0)


def _error_quantiles(errors: Floats, parts: Floats, bins: Floats, quantiles: Floats) -> Floats:
    """Return (bins, parts, Q) quantiles of errors."""
    table = np.zeros((int(bins.max()) + 1, PARTS, len(quantiles)), np.float32)
    for far in range(len(table)):
        for part in range(PARTS):
            these = errors[(bins == far) & (parts == part)]
            these = these[np.isfinite(these)]
            if len(these):
                table[far, part] = np.quantile(these, quantiles)
    return table


def floor_errors(
    came: Floats, expected: Floats, first_judged: int, aheads: list[int]
) -> Iterator[tuple[int, float]]:
    """Yield for each distance its least weighted absolute error of single quarters.

    Of a forecaster that knows the true week of each cell, noise and faults left out, and the best
    linear use of strays from it, fitted to the very days that are judged.

    Args:
        came: (C, P) load as measured.
        expected: (C, P) load as it would be without chance.
        first_judged: first quarter that is judged.
        aheads: quarters ahead.
    """
    strays = (np.log(came + OFFSET) - np.log(expected + OFFSET)).astype(np.float32)
    cells = len(came)
    flat = WeekProfile(np.zeros((1, 1)), np.zeros((1, 1)), np.full(cells, 0.1), np.ones(1))
    origins = range(first_judged, came.shape[1] - max(aheads), 7)
    known = [origin_of(strays[:, :origin], flat) for origin in origins]
    for ahead in aheads:
        far = np.array([ahead])
        rows = [np.column_stack([it.bases, *lagged(it, far), np.ones(cells)]) for it in known]
        target = np.concatenate([strays[:, origin + ahead - 1] for origin in origins])
        factors, there = np.concatenate(rows), np.isfinite(target)
        weights = np.linalg.lstsq(factors[there], target[there], rcond=None)[0][None]
        told = np.concatenate([expected_strays(it, far, weights)[:, 0] for it in known])
        base = np.concatenate([expected[:, origin + ahead - 1] for origin in origins])
        seen = np.concatenate([came[:, origin + ahead - 1] for origin in origins])
        made = np.exp(np.log(base + OFFSET) + told) - OFFSET
        yield ahead, float(np.abs(made - seen)[there].sum() / seen[there].sum())


def rolling_starts(first: datetime, days: int, step_quarters: int) -> Iterator[datetime]:
    """Yield origins through days, other quarters of the hour on each."""
    for day in range(days):
        for quarter in range(day % 4, QUARTERS_A_DAY, step_quarters):
            yield first + timedelta(days=day) + quarter * QUARTER
