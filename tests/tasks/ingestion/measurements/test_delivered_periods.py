import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ingestion.delivered_bytes import ReadingLimits
from tasks.ingestion.delivered_time import covered, newest_period, together
from tasks.ingestion.deliveries import batches, delivered_in, deliveries, measurement_files
from tasks.ingestion.measurements.delivered_periods import span_of_file, span_of_name
from tests.tasks.ingestion.written import DAY, NAME, NOON, info, measurement_file, value

QUARTER = timedelta(minutes=15)
LIMITS = ReadingLimits()


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        pytest.param(
            "A20181002.0000-1000-0015-1000_5G.xml",
            "2018-10-02T10:00",
            "2018-10-02T10:15",
            id="west",
        ),
        pytest.param(
            "A20000626.2315+0200-2330+0200_x.xml.gz",
            "2000-06-26T21:15",
            "2000-06-26T21:30",
            id="east",
        ),
        pytest.param(
            "A20230515.0700_0100-0715_0100_GNODEB-0.xml",
            "2023-05-15T06:00",
            "2023-05-15T06:15",
            id="plus that a file system refused",
        ),
        pytest.param(
            "A20260105.2345+0000-0000+0000_x.xml",
            "2026-01-05T23:45",
            "2026-01-06T00:00",
            id="midnight",
        ),
        pytest.param(
            "C20260105.0000+0000-20260106.0000+0000_x.xml",
            "2026-01-05T00:00",
            "2026-01-06T00:00",
            id="end with its date",
        ),
        pytest.param(
            "D20241211.0934+0000-0936+0000_-0_DC=K.com,SubNetwork=M,ManagedElement=GNB-1_-_1.xml",
            "2024-12-11T09:34",
            "2024-12-11T09:36",
            id="several elements and periods",
        ),
        pytest.param("A20220418.1900-1915_seliitdus00487.xml", None, None, id="no offset"),
        pytest.param("pm.xml", None, None, id="no period"),
        pytest.param("A20261399.2500+0000-2515+0000_x.xml", None, None, id="no such day"),
    ],
)
def test_a_files_name_says_which_time_it_covers(name, start, end):
    expected = None if start is None else Window(at(start), at(end))
    assert span_of_name(name) == expected


def test_a_file_whose_name_is_silent_is_asked_itself(tmp_path):
    path = tmp_path / "pm.xml"
    path.write_text(
        measurement_file(
            info(["a"], value("X=1", [(1, "1")])),
            info(["a"], value("X=1", [(1, "1")]), "2026-01-05T15:00:00+02:00"),
            info(["a"], value("X=1", [(1, "1")]), "unreadable"),
        )
    )
    assert span_of_file(path, LIMITS) == Window(NOON, at("2026-01-05T13:00"))


def test_files_are_chosen_by_their_period_and_never_by_the_file_systems_clock(tmp_path):
    names = [
        "A20260105.1145+0000-1200+0000_x.xml",
        "A20260105.1200+0000-1215+0000_x.xml",
        "A20260105.1215+0000-1230+0000_x.xml",
    ]
    for age, name in enumerate(names):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (age * 1e9, age * 1e9))
    (tmp_path / "unreadable.xml").write_text("no period, so somebody must be told")
    (tmp_path / "cells.csv").write_text("not a measurement file")
    (tmp_path / ".A20260105.1200+0000-1215+0000_x.xml").write_text("still being copied")
    found = delivered_in(deliveries(measurement_files(tmp_path)), Window(NOON, NOON + QUARTER))
    assert [path.name for path in found] == [names[1], "unreadable.xml"]


def test_batches_are_bounded_whole_and_the_same_each_time(tmp_path):
    for number in range(450):
        (tmp_path / f"{number:03}.xml").write_text("x")
    paths = measurement_files(tmp_path)
    told = batches(paths)
    assert [len(batch) for batch in told] == [50] * 9
    assert [path for batch in told for path in batch] == [str(path) for path in paths]
    assert batches(paths) == told
    assert batches([]) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        measurement_files(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("delivered", "moment", "granularity", "start"),
    [
        pytest.param(DAY, "2026-02-01T00:00", "day", "2026-01-05T00:00", id="a whole day"),
        pytest.param(
            DAY, "2026-01-05T12:20", "hour", "2026-01-05T11:00", id="not beyond its moment"
        ),
        pytest.param(
            Window(NOON, NOON + QUARTER),
            "2026-02-01T00:00",
            "day",
            "2026-01-05T00:00",
            id="a quarter",
        ),
        pytest.param(
            Window(NOON - timedelta(days=3), NOON),
            "2026-02-01T00:00",
            "day",
            "2026-01-04T00:00",
            id="the last whole day, not the half one",
        ),
        pytest.param(
            Window(NOON, NOON + QUARTER),
            "2026-02-01T00:00",
            "15min",
            "2026-01-05T12:00",
            id="itself",
        ),
    ],
)
def test_the_newest_period_is_the_last_whole_one_that_was_delivered(
    delivered, moment, granularity, start
):
    assert newest_period(delivered, at(moment), granularity).start == at(start)


@pytest.mark.parametrize(
    ("delivered", "reason"),
    [
        pytest.param(None, "Nothing that was delivered", id="nothing"),
        pytest.param(DAY, "lies after", id="only the future"),
    ],
)
def test_without_anything_due_there_is_no_newest_period(delivered, reason):
    with pytest.raises(InputError, match=reason):
        newest_period(delivered, at("2025-01-01T00:00"), "day")


def test_history_comes_in_pieces_that_memory_can_hold_and_not_too_many():
    start = at("2016-01-01T00:00")
    month = together([Window(start, start + timedelta(days=30))])
    years = together([Window(start, start + timedelta(days=1461))])
    assert [piece.seconds / 86400 for piece in month] == [7, 7, 7, 7, 2]
    assert len(years) <= 26
    assert covered(years) == Window(start, start + timedelta(days=1461))
    assert all(earlier.end == later.start for earlier, later in pairwise(years))


def test_the_time_that_nothing_covers_is_none():
    assert covered([None, None]) is None
    assert span_of_name(NAME) == Window(NOON, NOON + QUARTER)
