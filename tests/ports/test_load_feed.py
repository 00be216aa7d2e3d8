"""What every `LoadFeed` promises."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semantic_layer.periods import Window
from tasks.adapters.memory_load_feed import MemoryLoadFeed
from tasks.adapters.ves_load_feed import VesLoadFeed
from tasks.messages.cell_reports import CellReport, FedReports
from tests.ports.ves_minutes import event_of, write

NOON = datetime(2025, 6, 5, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIRST = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=1"
SECOND = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=2"
LTE_CELL = "SubNetwork=1,ManagedElement=9,ENBFunction=1,EUtranCellFDD=1"


def report(cell=FIRST, end=NOON, load=0.5, rate=20.0, seconds=60.0) -> CellReport:
    return CellReport(cell, end - timedelta(seconds=seconds), end, load, rate)


class Told:
    """A feed, and the way in which a network tells it something."""

    def __init__(self, kind, folder):
        self.folder = folder
        self.feed = MemoryLoadFeed() if kind == "memory" else VesLoadFeed(folder)
        self._count = 0

    def tell(self, *reports):
        """Tell reports, after all that was told before."""
        if isinstance(self.feed, MemoryLoadFeed):
            for one in reports:
                self.feed.tell(one)
            return
        path = write(self.folder, f"{self._count:04d}.json", *map(event_of, reports))
        os.utime(path, ns=(10**18 + self._count, 10**18 + self._count))
        self._count += 1

    def heard(self, start=NOON - MINUTE, end=NOON) -> FedReports:
        return self.feed.reports(Window(start, end))


@pytest.fixture(params=["memory", "ves"])
def kind(request):
    return request.param


@pytest.fixture
def told(kind, tmp_path):
    return Told(kind, tmp_path)


def same(found, expected):
    """Tell whether reports are alike but for the last digits of their numbers."""
    assert [(one.cell_dn, one.begin, one.end) for one in found.reports] == [
        (one.cell_dn, one.begin, one.end) for one in expected
    ]
    for one, other in zip(found.reports, expected, strict=True):
        assert one.load == pytest.approx(other.load, rel=1e-9)
        assert one.user_mbps == (other.user_mbps and pytest.approx(other.user_mbps, rel=1e-9))


def test_where_nothing_is_fed_nothing_is_returned(told):
    assert told.heard() == FedReports()


def test_what_a_cell_tells_is_heard(told):
    told.tell(report())
    same(told.heard(), [report()])
    assert told.heard().refused == ()


def test_lte_and_nr_cells_tell_the_same_quantities(told):
    told.tell(report(LTE_CELL, load=0.25, rate=8.0), report(load=0.75))
    same(told.heard(), [report(load=0.75), report(LTE_CELL, load=0.25, rate=8.0)])


def test_a_cell_without_users_tells_load_alone(told):
    told.tell(report(rate=None, load=0.0))
    assert told.heard().reports[0].user_mbps is None
    assert told.heard().reports[0].load == 0.0


@pytest.mark.parametrize(
    ("end", "is_heard"),
    [
        pytest.param(NOON - MINUTE, False, id="ended as the window starts"),
        pytest.param(NOON - MINUTE + timedelta(seconds=1), True, id="ended just after its start"),
        pytest.param(NOON, True, id="ended as it ends"),
        pytest.param(NOON + timedelta(seconds=1), False, id="ended just after it"),
    ],
)
def test_a_period_counts_where_it_ends(told, end, is_heard):
    told.tell(report(end=end))
    assert bool(told.heard().reports) is is_heard


def test_windows_that_touch_hear_each_period_once(told):
    ends = [NOON + number * timedelta(seconds=20) for number in range(10)]
    told.tell(*(report(end=end) for end in ends))
    heard = [
        one.end
        for number in range(-1, 4)
        for one in told.heard(NOON + number * MINUTE, NOON + (number + 1) * MINUTE).reports
    ]
    assert heard == ends


def test_reports_come_by_end_and_cell(told):
    late = report(FIRST, end=NOON)
    early = [report(cell, end=NOON - timedelta(seconds=30)) for cell in (SECOND, LTE_CELL)]
    told.tell(late, *early)
    same(told.heard(), [*early, late])


def test_of_a_period_told_twice_the_last_counts(told):
    told.tell(report(load=0.2))
    told.tell(report(load=0.9))
    same(told.heard(), [report(load=0.9)])


def test_of_a_period_told_twice_in_one_breath_the_last_counts(told):
    told.tell(report(load=0.2), report(load=0.9))
    same(told.heard(), [report(load=0.9)])


def test_periods_that_end_together_and_begin_apart_are_two(told):
    told.tell(report(seconds=60.0, load=0.4), report(seconds=10.0, load=0.9))
    assert [one.load for one in told.heard().reports] == pytest.approx([0.4, 0.9])


def test_hearing_changes_nothing(told):
    told.tell(report(), report(SECOND))
    assert told.heard() == told.heard()


def test_what_is_told_later_is_heard_by_the_same_feed(told):
    told.tell(report())
    assert len(told.heard().reports) == 1
    told.tell(report(SECOND))
    assert len(told.heard().reports) == 2


def test_a_window_in_another_zone_is_the_same_window(told):
    told.tell(report())
    berlin = timezone(timedelta(hours=2))
    there = told.heard((NOON - MINUTE).astimezone(berlin), NOON.astimezone(berlin))
    assert there == told.heard()
    assert there.reports[0].end.utcoffset() == timedelta(0)


SOME = st.builds(
    report,
    st.sampled_from([FIRST, SECOND, LTE_CELL]),
    st.sampled_from([NOON + number * timedelta(seconds=30) for number in range(-3, 2)]),
    st.floats(0.0, 1.0).map(lambda load: round(load, 6)),
    st.none() | st.floats(0.001, 1e4).map(lambda rate: round(rate, 4)),
    st.sampled_from([30.0, 60.0]),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(SOME, max_size=5), max_size=4))
def test_files_and_memory_hear_the_same(tmp_path_factory, batches):
    files, memory = (Told(kind, tmp_path_factory.mktemp("fed")) for kind in ("ves", "memory"))
    for batch in batches:
        for each in (files, memory):
            each.tell(*batch)
    same(files.heard(), memory.heard().reports)


def test_no_throughput_told_last_takes_the_place_of_one_told_before(told):
    told.tell(report(rate=20.0))
    told.tell(replace(report(), user_mbps=None))
    assert told.heard().reports[0].user_mbps is None
