"""Times as people and spreadsheets write them."""

from datetime import UTC, datetime

import pytest

from semantic_layer.errors import InputError
from tasks.feedback.sheet_times import sheet_moment


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-06-05T13:30:00Z", at(2025, 6, 5, 13, 30)),
        ("2025-06-05 13:30", at(2025, 6, 5, 13, 30)),
        ("2025-06-05T15:30+02:00", at(2025, 6, 5, 13, 30)),
        (" 05.06.2025 13:30 ", at(2025, 6, 5, 13, 30)),
        ("25/06/2025 01:30 PM", at(2025, 6, 25, 13, 30)),
        ("6/25/2025 12:05 am", at(2025, 6, 25, 0, 5)),
        ("06/06/2025 7:00:01", at(2025, 6, 6, 7, 0, 1)),
        ("45813.5625", at(2025, 6, 5, 13, 30)),
    ],
)
def test_a_moment_is_read_in_utc(text, moment):
    assert sheet_moment(text) == (moment, False)


@pytest.mark.parametrize("text", ["2025-06-05", "5.6.2025", "20250605", "45813"])
def test_a_day_alone_counts_as_its_end(text):
    assert sheet_moment(text) == (at(2025, 6, 5, 23, 59, 59), True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("05/06/2025 13:30", "may be two days; write the year first, such as 2025-06-05"),
        ("31.02.2025", "is no time"),
        ("soon", "is no time"),
        ("13:30", "is no time"),
        ("13/13/2025", "is no time"),
        ("5/25/2025 13:00 PM", "is no time"),
        ("0001-01-01T00:00+14:00", "is no time"),
        ("9999-12-31T23:59-14:00", "is no time"),
    ],
)
def test_what_names_no_moment_or_two_is_refused(text, reason):
    with pytest.raises(InputError, match=reason):
        sheet_moment(text)
