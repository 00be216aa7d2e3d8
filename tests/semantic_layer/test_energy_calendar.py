"""The calendar of load: real holidays, and refusal of what would mislead a forecast."""

from datetime import date

import pytest

from semantic_layer.energy_calendar import PACKAGED, energy_calendar, load_energy_calendar
from semantic_layer.errors import DefinitionError
from tasks.twin.traffic import public_holidays

MATCH = """\
    - {name: match, site_ids: [S1], begins: "2026-06-07T12:00:00+02:00",
       ends: "2026-06-07T20:00:00+02:00", load_factor: 2}"""


def written(folder, *changes):
    text = PACKAGED.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "energy_calendar.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def event(text: str) -> tuple[str, str]:
    whole = PACKAGED.read_text(encoding="utf-8")
    start = whole.index("    - name: home match")
    return whole[start : whole.index('  unit: "1"', start)], text + "\n"


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_the_public_holidays_of_the_sample_network_stand_in_it(year):
    told = {day.date for day in energy_calendar().days if day.date.year == year}
    assert told == public_holidays(year)


def test_a_day_is_like_a_sunday_unless_it_says_otherwise(tmp_path):
    change = (
        '{date: "2025-01-01", name: New Year}',
        '{date: "2025-01-01", name: x, like: WORKDAY}',
    )
    days = {day.date: day.like for day in load_energy_calendar(written(tmp_path, change)).days}
    assert days[date(2025, 1, 1)] == "WORKDAY"
    assert days[date(2025, 5, 1)] == "SUNDAY"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(event(MATCH.replace("site_ids: [S1], ", "")), "names no site", id="nowhere"),
        pytest.param(event(MATCH.replace("+02:00", "")), "times with a zone", id="no zone"),
        pytest.param(event(MATCH.replace("T20", "T10")), "ends before", id="backwards"),
        pytest.param(
            event(MATCH.replace("load_factor: 2", "load_factor: 0")), "greater than 0", id="zero"
        ),
        pytest.param(("Europe/Berlin", "Europe/Nowhere"), "no time zone", id="no such zone"),
        pytest.param(("2025-05-01", "2025-01-01"), "stands twice", id="a date twice"),
    ],
)
def test_a_calendar_that_misleads_is_refused(tmp_path, change, said):
    with pytest.raises(DefinitionError, match=said):
        load_energy_calendar(written(tmp_path, change))
