"""Windows: half-open, in UTC, tiled by granularity periods."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import InputError
from semantic_layer.periods import GRANULARITIES, Window, floor_to, last_closed

moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
windows = st.builds(
    lambda start, seconds: Window(start, start + timedelta(seconds=seconds)),
    moments,
    st.integers(1, 5 * 86400),
)
granularities = st.sampled_from(sorted(GRANULARITIES))


@given(windows, granularities)
def test_periods_tile_a_window_without_gap_or_overlap(window, granularity):
    periods = list(window.split(granularity))
    assert periods[0].start <= window.start
    assert periods[-1].end >= window.end
    assert periods[0].covers(window.start)
    for earlier, later in pairwise(periods):
        assert earlier.end == later.start
    assert {period.seconds for period in periods} == {GRANULARITIES[granularity]}


@given(windows, granularities)
def test_widening_twice_is_widening_once(window, granularity):
    widened = window.widened_to(granularity)
    assert widened.widened_to(granularity) == widened
    assert widened.start <= window.start < window.end <= widened.end


@given(moments, granularities)
def test_a_moment_lies_in_its_own_period_and_not_in_the_last_closed(moment, granularity):
    start = floor_to(moment, granularity)
    assert start <= moment < start + timedelta(seconds=GRANULARITIES[granularity])
    assert last_closed(granularity, moment).end == start
    assert not last_closed(granularity, moment).covers(moment)


@given(windows)
def test_the_window_before_ends_where_this_one_starts(window):
    before = window.before(timedelta(hours=1))
    assert before.end == window.start
    assert not before.covers(window.start)


def test_a_window_is_the_same_moment_in_every_zone():
    paris = timezone(timedelta(hours=2))
    summer = Window(datetime(2026, 7, 1, 2, tzinfo=paris), datetime(2026, 7, 1, 3, tzinfo=paris))
    assert summer == Window(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 1, 1, tzinfo=UTC))
    assert str(summer) == "2026-07-01T00:00Z/2026-07-01T01:00Z"


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        pytest.param("2026-01-01T00:00", "2026-01-02T00:00", "has none", id="naive"),
        pytest.param("2026-01-01T00:00+00:00", "2026-01-01T00:00+00:00", "end after", id="empty"),
        pytest.param("2026-01-02T00:00+00:00", "2026-01-01T00:00+00:00", "end after", id="reverse"),
    ],
)
def test_what_is_no_window_is_refused(start, end, message):
    with pytest.raises(InputError, match=message):
        Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


def test_an_unknown_granularity_is_refused():
    with pytest.raises(InputError, match="'week'"):
        floor_to(datetime(2026, 1, 1, tzinfo=UTC), "week")
