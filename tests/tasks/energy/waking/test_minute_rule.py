"""Who told enough by the minute to be judged, and who fell silent."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.energy.waking.load_rule import Measured
from tasks.energy.waking.minute_rule import deciding, fed_now, feed_window, least
from tasks.messages.cell_reports import CellReport
from tests.tasks.energy.waking.network import RULES

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
S = timedelta(seconds=1)


def report(ago_s, length_s=60, load=0.1, rate=None, cell="a"):
    """Return what a cell told of a period that ended some seconds ago."""
    end = NOW - ago_s * S
    return CellReport(cell, end - length_s * S, end, load, rate)


@pytest.mark.parametrize(
    ("course", "seconds", "count"),
    [
        pytest.param([report(60), report(0)], 60, 1, id="one minute is enough"),
        pytest.param([report(120), report(60), report(0)], 120, 2, id="two are"),
        pytest.param([report(180), report(0)], 120, 2, id="a lost minute is looked past"),
        pytest.param([report(0)], 120, 0, id="too little"),
        pytest.param([], 60, 0, id="nothing"),
        pytest.param([report(0, 30), report(0, 60)], 90, 0, id="the same time counts once"),
        pytest.param([report(30, 30), report(0, 30)], 60, 2, id="half minutes add up"),
        pytest.param([report(0, 300)], 120, 1, id="a longer one is enough"),
        pytest.param([report(0, 0)], 1, 0, id="no time at all"),
    ],
)
def test_the_newest_reports_that_cover_the_time_of_detection_decide(course, seconds, count):
    found = deciding(course, seconds)
    assert found == tuple(course[len(course) - count :])


def test_what_is_beyond_a_limit_by_the_least_is_so_in_each_report():
    reports = [report(60, load=0.9, rate=2.0), report(0, load=0.4, rate=8.0)]
    assert least(reports) == Measured(0.4, 8.0)
    assert least([*reports, report(0, load=0.9)]) == Measured(0.4, None), "one told of no users"


def test_who_told_and_tells_no_more_is_silent_since_its_last_report():
    told = [report(ago, cell=cell) for cell in "bcdefg" for ago in (360, 0)]
    fed = fed_now([*told, report(360, cell="a")], NOW, set("abcdefg"), RULES)
    assert fed.silent == {"a": NOW - 360 * S}
    assert set(fed.courses) == set("bcdefg")
    assert fed.says == ""


def test_who_is_off_the_air_or_unknown_is_neither_heard_nor_missed():
    told = [report(0, cell="a"), report(0, cell="asleep"), report(400, cell="stranger")]
    fed = fed_now(told, NOW, {"a", "never fed"}, RULES)
    assert set(fed.courses) == {"a"}
    assert fed.silent == {}


@pytest.mark.parametrize(
    ("lost", "is_broken"), [pytest.param(2, False, id="a fifth"), pytest.param(3, True, id="more")]
)
def test_more_that_fall_silent_than_cells_ever_do_are_left_to_counters(lost, is_broken):
    cells = [f"c{number}" for number in range(10)]
    told = [report(400 if place < lost else 0, cell=cell) for place, cell in enumerate(cells)]
    fed = fed_now(told, NOW, set(cells), RULES)
    assert set(fed.silent) == (set() if is_broken else set(cells[:lost]))
    assert ("3 of 10 cells fell silent" in fed.says) is is_broken


def test_a_feed_that_tells_nothing_any_more_says_so_and_is_not_used():
    fed = fed_now([report(300)], NOW, {"a"}, RULES)
    assert (fed.courses, fed.silent) == ({}, {})
    assert fed.says == "The feed told nothing since 02:55:00; counters speak."


def test_a_feed_is_read_for_a_quarter_or_for_as_long_as_silence_takes():
    assert feed_window(NOW, RULES).start == NOW - timedelta(minutes=15)
    patient = RULES.model_copy(update={"feed_silent_seconds": 1800.0})
    assert feed_window(NOW, patient).start == NOW - timedelta(minutes=30)
