"""Local time, holidays and events: what a forecast must take from the calendar."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.energy.forecasting.forecaster import LoadForecaster
from tasks.energy.forecasting.load_calendar import (
    LoadCalendar,
    LoadEvent,
    event_factors,
    local_day_starts,
    week_slots,
)
from tasks.energy.forecasting.load_history import QUARTER
from tests.tasks.energy.forecasting.world import (
    CALENDAR,
    DAY_AHEAD,
    DAYS,
    RULES,
    ZONE,
    expected_week,
    midnight,
    names,
    planted,
)

SUMMER_TIME = datetime(2026, 3, 29, tzinfo=UTC)  # 02:00 is followed by 03:00, at 01:00 UTC
WINTER_TIME = datetime(2026, 10, 25, tzinfo=UTC)  # 03:00 is followed by 02:00, at 01:00 UTC
MATCH = midnight(DAYS) + timedelta(hours=14)


def fitted(history, calendar=CALENDAR):
    return LoadForecaster.fitted(history, calendar, RULES)


def match(factor: float, begins: datetime = MATCH) -> LoadEvent:
    place = frozenset(names(12)[:2])
    return LoadEvent("match", place, begins, begins + timedelta(hours=3), factor)


@pytest.mark.parametrize(
    ("day", "quarters", "lacking", "doubled"),
    [
        pytest.param(SUMMER_TIME, 92, range(8, 12), (), id="clocks put forward"),
        pytest.param(WINTER_TIME, 100, (), range(8, 12), id="clocks put back"),
        pytest.param(SUMMER_TIME - timedelta(days=7), 96, (), (), id="a plain Sunday"),
    ],
)
def test_slots_follow_local_time_when_clocks_change(day, quarters, lacking, doubled):
    first = day - timedelta(days=1)
    days = local_day_starts(CALENDAR, first, 3 * 96)
    slots = week_slots(CALENDAR, first, 3 * 96)
    whole = slots[days[1] : days[2]]
    assert len(whole) == quarters
    counts = np.bincount(whole - 2 * 96, minlength=96)
    assert list(np.flatnonzero(counts == 0)) == list(lacking)
    assert list(np.flatnonzero(counts == 2)) == list(doubled)


@pytest.mark.parametrize("change", [SUMMER_TIME, WINTER_TIME])
def test_people_keep_their_hours_when_clocks_change(change):
    history = planted(start=change - timedelta(days=27, hours=1), days=30, spread=0.05)
    start = change + timedelta(hours=6)
    found = fitted(history.between(history.first, start)).forecast(history, start, DAY_AHEAD)
    load = history.between(start, start + timedelta(days=1)).load
    came = np.stack([part.mean(axis=1) for part in _periods(load)], axis=1)
    assert np.abs(found.mean - came).sum() < 0.1 * came.sum()


def test_a_holiday_is_like_a_sunday_if_the_calendar_says_so():
    holiday = midnight(DAYS + 1)
    date_of = (holiday + timedelta(hours=12)).date()
    history = planted(days=DAYS + 3, free=(date_of,), spread=0.05)
    known = LoadCalendar(ZONE, {date_of: "SUNDAY"})
    load = history.between(holiday, holiday + timedelta(days=1)).load
    came = np.stack([part.mean(axis=1) for part in _periods(load)], axis=1)
    wrong = []
    for calendar in (known, CALENDAR):
        forecaster = fitted(history.between(history.first, midnight(DAYS)), calendar)
        found = forecaster.forecast(history, holiday, DAY_AHEAD)
        wrong.append(np.abs(found.mean - came).sum() / came.sum())
    assert wrong[0] < 0.12
    assert wrong[1] > 3 * wrong[0]


def test_a_holiday_past_does_not_teach_workdays():
    free = (midnight(DAYS - 7) + timedelta(hours=12)).date()
    plain, with_holiday = planted(spread=0.05), planted(free=(free,), spread=0.05)
    start = midnight(DAYS) + timedelta(hours=6)
    calendar = LoadCalendar(ZONE, {free: "SUNDAY"})
    told = [
        fitted(history, known).forecast(history, start, DAY_AHEAD).mean
        for history, known in ((plain, CALENDAR), (with_holiday, calendar))
    ]
    assert told[1] == pytest.approx(told[0], rel=0.1)


def test_an_event_raises_the_quantiles_of_its_cells_while_it_lasts():
    history, start = planted(), midnight(DAYS)
    forecaster = fitted(history)
    plain = forecaster.forecast(history, start, DAY_AHEAD)
    found = forecaster.forecast(history, start, DAY_AHEAD, events=[match(1.7)])
    during = [MATCH <= at < MATCH + timedelta(hours=3) for at in found.starts]
    usual = plain.peak[:, :2][:, :, during]
    rising = (np.array(RULES.quantiles) >= 0.5)[:, None, None]
    raised = np.minimum(np.where(rising, 1.7 * usual, usual), 1.0)
    assert found.peak[:, :2][:, :, during] == pytest.approx(raised, rel=1e-3)
    assert found.mean[:2, during] == pytest.approx(1.7 * plain.mean[:2, during], rel=1e-3)
    assert np.array_equal(found.peak[:, 2:], plain.peak[:, 2:])
    assert np.array_equal(found.peak[:, :, ~np.array(during)], plain.peak[:, :, ~np.array(during)])


def test_an_event_that_empties_a_place_lowers_no_upper_quantile():
    history, start = planted(), midnight(DAYS)
    forecaster = fitted(history)
    plain = forecaster.forecast(history, start, DAY_AHEAD)
    found = forecaster.forecast(history, start, DAY_AHEAD, events=[match(0.4)])
    upper = np.array(RULES.quantiles) > 0.5
    assert np.array_equal(found.peak[upper], plain.peak[upper])
    assert (found.mean <= plain.mean).all()
    assert found.mean[0].sum() < 0.97 * plain.mean[0].sum()
    assert (np.diff(found.peak, axis=0) >= 0).all()


def test_a_known_event_past_teaches_neither_week_nor_errors():
    plain = planted()
    events = tuple(match(2.0, MATCH - timedelta(days=days)) for days in range(3, 15))
    factors = event_factors(events, plain.cell_dns, plain.first, plain.load.shape[1])
    crowded = type(plain)(plain.cell_dns, plain.first, np.clip(plain.load * factors, 0, 1))
    start = midnight(DAYS)
    known = LoadCalendar(ZONE, {}, events)
    told = [
        fitted(history, calendar).forecast(history, start, DAY_AHEAD)
        for history, calendar in ((plain, CALENDAR), (crowded, known), (crowded, CALENDAR))
    ]
    during = [MATCH <= at < MATCH + timedelta(hours=3) for at in told[0].starts]
    taught, spared, misled = (it.mean[:2, during] for it in told)
    assert spared == pytest.approx(taught, rel=0.05)
    assert (misled > 1.05 * taught).all()


def test_events_that_meet_multiply_quarter_by_quarter():
    first = midnight(0)
    events = [
        LoadEvent("a", frozenset({"x"}), first + QUARTER, first + 3 * QUARTER, 2.0),
        LoadEvent(
            "b", frozenset({"x", "y"}), first + timedelta(minutes=40), first + 9 * QUARTER, 3.0
        ),
    ]
    assert event_factors(events, ["x", "y", "z"], first, 4).tolist() == [
        [1, 2, 6, 3], [1, 1, 3, 3], [1, 1, 1, 1],
    ]  # fmt: skip
    assert event_factors(events, ["x"], first + timedelta(days=1), 4) is None


def test_the_planted_week_is_by_local_time():
    """The world itself: its office is busiest at 13:00 in winter and in summer."""
    for start in (datetime(2026, 1, 11, 23, tzinfo=UTC), datetime(2026, 6, 7, 22, tzinfo=UTC)):
        assert expected_week(start, 96)[0].argmax() == 13 * 4


def _periods(load):
    ends = np.cumsum((DAY_AHEAD * 4).astype(int))
    return np.split(load, ends[:-1], axis=1)
