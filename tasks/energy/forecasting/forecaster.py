"""Load by cell with calibrated quantiles, for all cells at once.

The expected week of each cell, what load strays from it just now and how long such strays last,
and how far such forecasts were off when they were made of the past. All of it on the logarithm of
load: demand moves by shares.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from semantic_layer.errors import InputError
from semantic_layer.load_forecasting import LoadForecastingRules
from tasks.energy.forecasting.error_model import ErrorModel, error_model
from tasks.energy.forecasting.findings import StandingFinding, widening_and_lift
from tasks.energy.forecasting.horizon import period_means
from tasks.energy.forecasting.load_calendar import (
    LoadCalendar,
    LoadEvent,
    event_factors,
    local_day_starts,
    week_slots,
)
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.forecasting.load_history import (
    QUARTER,
    QUARTERS_A_DAY,
    Flags,
    Floats,
    LoadHistory,
    Numbers,
    checked_quarter,
)
from tasks.energy.forecasting.outlook import (
    Outlook,
    expected_load,
    outlook,
    period_peaks,
    with_events,
)
from tasks.energy.forecasting.recalibration import highest_quarters, next_shift
from tasks.energy.forecasting.rehearsal import Rehearsing, rehearsal
from tasks.energy.forecasting.strays import LOOK_BACK, origin_of, strays_at
from tasks.energy.forecasting.week_profile import ProfileSums, WeekProfile

_MOST_AHEAD = 2 * QUARTERS_A_DAY
"""Quarters ahead that a forecast may reach, from the last known one."""


@dataclass(frozen=True, eq=False)
class LoadForecaster:
    """What a history taught; it forecasts any time after it, for a day or some.

    Fit it once a day; a forecast looks at the newest quarters by itself.

    Attributes:
        cell_dns: C cells.
        calendar: of local time, holidays and events.
        rules: definitions.
        profile: of C cells.
        is_known: (C,) whether a cell has history enough.
        errors: what is known of errors.
        shift: (Q,) expected deviations that quantiles were moved by since.
    """

    cell_dns: tuple[str, ...]
    calendar: LoadCalendar
    rules: LoadForecastingRules
    profile: WeekProfile
    is_known: Flags
    errors: ErrorModel
    shift: Floats

    @classmethod
    def fitted(
        cls, history: LoadHistory, calendar: LoadCalendar, rules: LoadForecastingRules
    ) -> "LoadForecaster":
        """Return a forecaster taught by the newest `rules.history_days` of a history.

        Events of the calendar teach nothing of the week. A cell with less than
        `least_history_days` of its own values is not forecast.

        Raises:
            InputError: too few days to rehearse a forecast for any cell.
        """
        newest = history.between(history.end - timedelta(days=rules.history_days), history.end)
        count = newest.load.shape[1]
        slots = week_slots(calendar, newest.first, count)
        days = local_day_starts(calendar, newest.first, count)
        values, teaching = _log_load(newest, calendar.events, rules.log_offset_share)
        is_known = _days_with_values(teaching, days) >= rules.least_history_days
        how = Rehearsing(
            rules.common_shapes, rules.lean_days, rules.half_life_days, rules.rehearsed_days,
            rules.rehearsed_after_days, rules.origins_a_day,
        )  # fmt: skip
        chosen = _spread_evenly(np.flatnonzero(is_known), rules.rehearsed_cells)
        past = (
            rehearsal(values[chosen], teaching[chosen], slots, days, how) if len(chosen) else None
        )
        if past is None:
            raise InputError(
                f"No load can be forecast from {len(days)} days of {len(newest.cell_dns)} cells: "
                f"a cell needs values on {rules.least_history_days:g} days."
            )
        sums = ProfileSums(len(values), rules.half_life_days)
        for begin, end in zip(days, [*days[1:], count], strict=True):
            sums.add(teaching[:, begin:end], slots[begin:end])
        levels = np.array(rules.quantiles)
        return cls(
            newest.cell_dns,
            calendar,
            rules,
            sums.profile(rules.common_shapes, rules.lean_days),
            is_known,
            error_model(past, levels, rules.log_offset_share),
            np.zeros(len(levels), np.float32),
        )

    def forecast(
        self,
        history: LoadHistory,
        start: datetime,
        hours: Floats,
        *,
        events: Sequence[LoadEvent] | None = None,
        findings: Sequence[StandingFinding] = (),
    ) -> LoadForecast:
        """Return the load of `history`'s cells in periods from `start`.

        Args:
            history: the newest quarters; what is not before `start` is not looked at. A cell that
                the forecaster does not know, or that was silent too long, is NaN.
            start: of the first period, a whole quarter.
            hours: (T,) lengths of periods in h, whole quarters.
            events: in place of those of the calendar.
            findings: that stand.

        Raises:
            InputError: times are no whole quarters, nothing was measured shortly before, or the
                periods reach more than two days beyond what was.
        """
        start, quarters = checked_quarter(start), _whole_quarters(hours)
        rules, total = self.rules, int(quarters.sum())
        events = self.calendar.events if events is None else events
        rows = _rows(self.cell_dns, history.cell_dns)
        values, lead = self._known_values(history, rows, start, events)
        if lead + total > _MOST_AHEAD:
            raise InputError(
                f"Load cannot be forecast for {total / 4:g} h from {start.isoformat()}, where the "
                f"last value known is {lead / 4:g} h old; it must end within "
                f"{_MOST_AHEAD / 4:g} h of it."
            )
        seen = self._outlook(values, rows, start, lead, total)
        firsts = np.concatenate([[0], np.cumsum(quarters)[:-1]])
        factors = event_factors(events, history.cell_dns, start, total)
        wider, lift = widening_and_lift(
            findings, history.cell_dns, rules.finding_widening, rules.most_lift
        )
        offset, levels = rules.log_offset_share, np.array(rules.quantiles)
        mean = period_means(expected_load(seen, self.errors, offset, factors), firsts, quarters)
        peaks = period_peaks(seen, self.errors, offset, firsts, quarters, self.shift, wider)
        peaks = _lifted(with_events(peaks, levels, factors, firsts), levels, mean, lift)
        peaks, mean = np.clip(peaks, 0.0, 1.0), np.clip(mean, 0.0, 1.0)
        is_silent = ~_spoke(values, int(rules.most_silent_hours * 4) - lead) | ~self.is_known[rows]
        peaks[:, is_silent], mean[is_silent] = np.nan, np.nan
        starts = tuple(start + int(first) * QUARTER for first in firsts)
        return LoadForecast(history.cell_dns, starts, quarters / 4.0, levels, peaks, mean)

    def _known_values(
        self, history: LoadHistory, rows: Numbers, start: datetime, events: Sequence[LoadEvent]
    ) -> tuple[Floats, int]:
        """Return (C, P) log load up to the last quarter known, and how many are lacking to `start`.

        Raises:
            InputError: no quarter is known.
        """
        recent = history.between(start - (LOOK_BACK + QUARTERS_A_DAY) * QUARTER, start)
        values, _ = _log_load(recent, events, self.rules.log_offset_share)
        values = np.where((rows >= 0)[:, None], values, np.float32(np.nan))
        told = np.flatnonzero(np.isfinite(values).any(axis=0))
        if not len(told):
            raise InputError(
                f"Load cannot be forecast from {start.isoformat()}: nothing is known of any cell "
                "in the days before."
            )
        end = int(told[-1]) + 1
        return values[:, :end], int((start - recent.first) / QUARTER) - end

    def _outlook(
        self, values: Floats, rows: Numbers, start: datetime, lead: int, total: int
    ) -> Outlook:
        """Return what is expected of `total` quarters from `start`, `lead` after those known."""
        profile = _of_cells(self.profile, rows)
        past = values.shape[1]
        before = week_slots(self.calendar, start - (lead + past) * QUARTER, past)
        known = origin_of(strays_at(values, profile, before), profile)
        slots = week_slots(self.calendar, start, total)
        seen = outlook(profile, known, self.errors, lead + np.arange(1, total + 1), slots)
        unlearned = np.maximum(1.0 - profile.evidence[:, slots], 0.0)
        return replace(seen, scale=seen.scale * (1.0 + self.rules.unlearned_widening * unlearned))

    def recalibrated(self, forecast: LoadForecast, history: LoadHistory) -> "LoadForecaster":
        """Return the forecaster as it is once a forecast was seen to come, as far as it has.

        Call it once for each forecast of a rolling series, in order of time, when its first period
        is over. Cells are matched by their order, which must be the same.
        """
        came = highest_quarters(history, forecast)
        levels, step = forecast.quantiles, self.rules.recalibration_step
        peaks = forecast.peak.reshape(len(levels), -1)
        shift = next_shift(self.shift, levels, peaks, came.reshape(-1), step)
        return replace(self, shift=shift)


def _log_load(
    history: LoadHistory, events: Sequence[LoadEvent], offset: float
) -> tuple[Floats, Floats]:
    """Return (C, P) log load without what events made of it, and what of it may teach a week."""
    values = np.log(history.learnable + np.float32(offset))
    factors = event_factors(events, history.cell_dns, history.first, values.shape[1])
    if factors is None:
        return values, values
    teaching = np.where(factors == 1.0, values, np.float32(np.nan))
    return np.asarray(values - np.log(factors)), np.asarray(teaching)


def _days_with_values(values: Floats, days: list[int]) -> Numbers:
    """Return by cell on how many local days it has a value; `days` is where they begin."""
    has_any = np.add.reduceat(np.isfinite(values), days, axis=1, dtype=int) > 0
    return np.asarray(has_any.sum(axis=1))


def _spread_evenly(rows: Numbers, most: int) -> Numbers:
    """Return at most so many of the rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.arange(most) * len(rows) // most]


def _whole_quarters(hours: Floats) -> Numbers:
    quarters = np.rint(np.asarray(hours, float) * 4.0).astype(int)
    if not len(quarters) or (quarters < 1).any() or not np.allclose(quarters / 4.0, hours):
        raise InputError(f"Periods are one or more whole quarters of an hour long; got {hours} h.")
    return quarters


def _rows(known: tuple[str, ...], asked: tuple[str, ...]) -> Numbers:
    """Return where each cell asked for is among those known, -1 where it is not."""
    if known == asked:
        return np.arange(len(known))
    places = {name: row for row, name in enumerate(known)}
    return np.array([places.get(name, -1) for name in asked])


def _of_cells(profile: WeekProfile, rows: Numbers) -> WeekProfile:
    """Return the profile of these cells; of a cell that is not known (-1), any: it is not told."""
    if np.array_equal(rows, np.arange(len(profile.level))):
        return profile
    return replace(
        profile,
        level=profile.level[rows],
        evidence=profile.evidence[rows],
        deviation=profile.deviation[rows],
    )


def _spoke(values: Floats, quarters: int) -> Flags:
    """Return by cell whether it told something in the last quarters."""
    newest = values[:, max(values.shape[1] - max(quarters, 0), 0) :]
    return np.asarray(np.isfinite(newest).any(axis=1))


def _lifted(peaks: Floats, levels: Floats, mean: Floats, lift: Floats) -> Floats:
    """Return peaks whose upper quantiles reach the lift of findings."""
    floor = np.where(lift[:, None] > 1.0, mean * lift[:, None], np.float32(0.0))
    is_upper = (levels > 0.5)[:, None, None]
    return np.asarray(np.where(is_upper, np.maximum(peaks, floor), peaks), np.float32)
