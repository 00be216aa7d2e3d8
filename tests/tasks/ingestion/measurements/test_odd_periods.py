"""Periods that no clock ever showed."""

import pytest

from tasks.ingestion.measurements.delivered_periods import period_of


@pytest.mark.parametrize(
    "end", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"]
)
def test_a_period_at_the_end_of_the_calendar_is_no_crash(end):
    with pytest.raises(ValueError, match="beyond the calendar"):
        period_of(end, "PT900S")
