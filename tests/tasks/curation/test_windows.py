from datetime import UTC, datetime, timedelta

import pytest

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.curation.windows import newest_closed


def at(hour, minute=0):
    return datetime(2026, 3, 1, hour, minute, tzinfo=UTC)


ROWS = Window(at(3), at(9, 45) + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("moment", "granularity", "expected"),
    [
        pytest.param(at(9, 50), "15min", Window(at(9, 30), at(9, 45)), id="newest still open"),
        pytest.param(at(10), "15min", Window(at(9, 45), at(10)), id="newest just closed"),
        pytest.param(at(20), "15min", Window(at(9, 45), at(10)), id="nothing newer arrived"),
        pytest.param(at(7, 20), "hour", Window(at(6), at(7)), id="a run of an earlier moment"),
        pytest.param(at(4), "hour", Window(at(3), at(4)), id="the first hour"),
    ],
)
def test_the_newest_closed_period_with_rows_is_taken(moment, granularity, expected):
    assert newest_closed("loads", ROWS, moment, granularity) == expected


def test_an_empty_table_says_what_to_do():
    with pytest.raises(InputError, match="publish it first"):
        newest_closed("loads", None, at(3), "15min")


def test_a_moment_before_the_first_period_ended_is_told():
    with pytest.raises(InputError, match="no hour of it had ended"):
        newest_closed("loads", ROWS, at(3, 59), "hour")
