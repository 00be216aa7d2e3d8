"""Which windows a run must bring in, told from what was delivered and what was read before."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_products.product import TIME
from semantic_layer.periods import Window
from tasks.ingestion.delivered_parts import PART_SCHEMA
from tasks.ingestion.due_windows import DueWindow, due, remembered_after, too_late

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TODAY = Window(START + 9 * DAY, START + 10 * DAY)
PM = ("measurement_files",)
REMEMBERED = {**PART_SCHEMA, "read_from": TIME, "read_until": TIME}


def nothing():
    return pl.DataFrame(schema=REMEMBERED)


def parts(*told):
    """Return parts: a file's name, the hour at which it begins, its hours, its content."""
    rows = [
        (
            "measurement_files",
            name,
            START + at * HOUR,
            START + (at + hours) * HOUR,
            content,
            content,
        )
        for name, at, hours, content in told
    ]
    return pl.DataFrame(rows, schema=PART_SCHEMA, orient="row")


def after(delivered, remembered, own):
    found = due(delivered, remembered, own)
    windows = [*(it.window for it in found.windows), own]
    return remembered_after(remembered, found.parts, windows)


def whole_days(days, content="a"):
    return [(f"{day}.xml", 24 * day, 24, content) for day in days]


def windows_of(found):
    return [(it.window.start, it.window.end) for it in found.windows]


def test_what_no_run_owned_is_due_by_weeks_and_days():
    delivered = parts(*whole_days(range(10)))
    found = due(delivered, nothing(), TODAY)
    week = Window(START, START + 7 * DAY)
    assert found.windows == (
        DueWindow(week, PM),
        DueWindow(Window(week.end, TODAY.start), PM),
    )
    assert found.late == ()
    assert len(found.parts) == 10


def test_what_was_read_is_not_due_again():
    delivered = parts(*whole_days(range(10)))
    known = after(delivered, nothing(), TODAY)
    again = due(delivered, known, TODAY)
    assert (again.windows, again.late, again.parts) == ((), (), ())
    assert after(delivered, known, TODAY).equals(known)


def test_a_run_that_died_leaves_its_windows_due():
    delivered = parts(*whole_days(range(10)))
    assert due(delivered, nothing(), TODAY) == due(delivered, nothing(), TODAY)


def test_a_late_file_reopens_just_its_time():
    before = parts(*whole_days(range(10)))
    known = after(before, nothing(), TODAY)
    found = due(pl.concat([before, parts(("late.xml", 60, 1, "b"))]), known, TODAY)
    assert windows_of(found) == [(START + 60 * HOUR, START + 61 * HOUR)]
    assert [it.part.source_file for it in found.late] == ["late.xml"]
    assert found.is_newest


def test_a_mended_file_reopens_what_it_told_before_and_what_it_tells_now():
    before = parts(*whole_days(range(10)), ("moved.xml", 60, 1, "a"))
    known = after(before, nothing(), TODAY)
    now = parts(*whole_days(range(10)), ("moved.xml", 70, 1, "b"))
    found = due(now, known, TODAY)
    assert windows_of(found) == [
        (START + 60 * HOUR, START + 61 * HOUR),
        (START + 70 * HOUR, START + 71 * HOUR),
    ]
    left = after(now, known, TODAY)
    assert left.filter(pl.col("source_file") == "moved.xml").height == 1
    assert due(now, left, TODAY).windows == ()


def test_a_file_that_is_taken_away_reopens_nothing():
    known = after(parts(*whole_days(range(10))), nothing(), TODAY)
    found = due(parts(*whole_days(range(5, 10))), known, TODAY)
    assert (found.windows, found.parts) == ((), ())


def test_a_late_file_whose_neighbours_are_gone_is_told_and_takes_no_row_away():
    known = after(parts(*whole_days(range(10))), nothing(), TODAY)
    now = parts(*whole_days(range(5, 10)), ("late.xml", 60, 1, "b"))
    found = due(now, known, TODAY)
    assert (found.windows, found.parts) == ((), ())
    told = too_late(found.late).row(0, named=True)
    assert told["source_file"] == "late.xml"
    assert "2.xml" in told["reason"]


def test_hundreds_of_late_files_are_read_by_days():
    before = parts(*whole_days(range(10)))
    known = after(before, nothing(), TODAY)
    late = [(f"late{at}.xml", at, 1, "b") for at in range(0, 100, 2)]
    found = due(pl.concat([before, parts(*late)]), known, TODAY)
    assert windows_of(found) == [(START, START + 5 * DAY)]


def test_days_that_follow_are_due_when_a_run_skipped_them():
    known = after(parts(*whole_days(range(5))), nothing(), Window(START + 4 * DAY, START + 5 * DAY))
    found = due(parts(*whole_days(range(10))), known, TODAY)
    assert windows_of(found) == [(START + 5 * DAY, TODAY.start)]
    assert found.late == ()


def test_a_long_file_is_due_where_no_window_reached_it():
    delivered = parts(("long.xml", 0, 240, "a"))
    noon = Window(START + 12 * HOUR, START + 13 * HOUR)
    known = after(delivered, nothing(), noon)
    row = known.row(0, named=True)
    assert (row["read_from"], row["read_until"]) == (START, noon.end)
    found = due(delivered, known, TODAY)
    assert windows_of(found) == [(noon.end, START + 9 * DAY)] or windows_of(found) == [
        (noon.end, noon.end + 7 * DAY),
        (noon.end + 7 * DAY, TODAY.start),
    ]


def test_only_the_run_of_the_newest_window_says_that_it_is():
    known = after(parts(*whole_days(range(10))), nothing(), TODAY)
    yesterday = Window(TODAY.start - DAY, TODAY.start)
    assert not due(parts(*whole_days(range(10))), known, yesterday).is_newest


class Hours:
    """A naive store: which file and content each hour was read from, told which windows to read."""

    def __init__(self):
        self.read = {}

    def take(self, window, files):
        self.read = {
            at: told for at, told in self.read.items() if not window.covers(START + at * HOUR)
        }
        for at, file in self.held(files):
            if window.covers(START + at * HOUR):
                self.read.setdefault(at, set()).add(file)

    @staticmethod
    def held(files):
        for name, (first, hours, content) in files.items():
            for at in range(first, first + hours):
                yield at, (name, content)

    def before(self, end):
        return {(at, file) for at, told in self.read.items() for file in told if at < end}


A_DELIVERY = st.tuples(
    st.integers(0, 5), st.integers(0, 200), st.integers(1, 40), st.sampled_from("abc")
)


@settings(max_examples=25, deadline=None)
@given(
    deliveries=st.lists(A_DELIVERY, min_size=1, max_size=10),
    runs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=4),
)
def test_after_each_run_every_hour_was_read_as_its_files_now_are(deliveries, runs):
    known, store, day, count = nothing(), Hours(), 0, 0
    for days, more in runs:
        day, count = day + days, count + more
        files = {name: (at, hours, content) for name, at, hours, content in deliveries[:count]}
        delivered = parts(*((f"{name}.xml", *told) for name, told in files.items()))
        own = Window(START + day * DAY, START + (day + 1) * DAY)
        found = due(delivered, known, own)
        windows = [*(it.window for it in found.windows), own]
        for window in windows:
            store.take(window, files)
        known = remembered_after(known, found.parts, windows)
        end = 24 * (day + 1)
        assert store.before(end) == {(at, file) for at, file in Hours.held(files) if at < end}


@pytest.mark.parametrize("kind", ["alarms", "sessions"])
def test_kinds_are_due_by_themselves(kind):
    delivered = parts(*whole_days(range(10)))
    known = after(delivered, nothing(), TODAY)
    other = parts(("other", 30, 1, "x")).with_columns(pl.lit(kind).alias("kind"))
    found = due(pl.concat([delivered, other]), known, TODAY)
    assert {it.kinds for it in found.windows} == {(kind,)}
