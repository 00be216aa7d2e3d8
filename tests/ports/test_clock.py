"""What every `Clock` promises."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.adapters.system_clock import SystemClock


@pytest.fixture(params=[SystemClock])
def clock(request: pytest.FixtureRequest):
    return request.param()


def test_the_present_has_its_zone_and_is_utc(clock):
    assert clock.now().utcoffset() == timedelta(0)


def test_the_present_lies_between_a_moment_before_and_a_moment_after(clock):
    before = datetime.fromtimestamp(datetime.now(UTC).timestamp() - 1, UTC)  # noqa: TID251
    first, second = clock.now(), clock.now()
    assert before <= first <= second <= before + timedelta(seconds=60)
