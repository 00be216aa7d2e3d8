"""The sample network's minutes, heard by the feed that hears real collectors."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.memory_load_feed import MemoryLoadFeed
from tasks.adapters.ves_load_feed import VesLoadFeed
from tasks.settings import Settings
from tasks.twin.minute_stream import (
    MINUTE,
    STREAMED,
    minute_elements,
    stream_folder,
    write_minute,
)
from tasks.twin.sample_network import simulated_run
from tasks.twin.scenario import NETWORKS
from tasks.twin.ves_stream import StreamedCells, StreamedElement, stream_batch
from tasks.wiring import Services


@pytest.fixture(scope="module")
def run():
    """Return a village."""
    return simulated_run(replace(NETWORKS["village"], seed=7))[0]


@pytest.fixture(scope="module")
def streamed(run, tmp_path_factory):
    """Return the folder of a village's first minutes, and when they end."""
    folder = tmp_path_factory.mktemp("village")
    ends = [run.calendar.starts[0] + number * MINUTE for number in (1, 2, 3)]
    for end in ends:
        write_minute(run, end, stream_folder(folder))
    return stream_folder(folder), ends


def test_each_cell_that_tells_is_heard_as_it_told(run, streamed):
    folder, ends = streamed
    found = VesLoadFeed(folder).reports(Window(ends[0], ends[1]))
    told = {
        dn: (used / available, volume / time)
        for element in minute_elements(run, ends[1])
        for cells in element.told
        for dn, is_suspect, (used, available, volume, time) in cells.cells
        if not is_suspect
    }
    assert found.refused == ()
    assert len(told) > 5
    assert {one.cell_dn for one in found.reports} == set(told)
    for one in found.reports:
        assert (one.begin, one.end) == (ends[0], ends[1])
        assert (one.load, one.user_mbps) == pytest.approx(told[one.cell_dn], rel=1e-3)


def test_lte_cells_of_the_sample_network_are_heard_in_their_own_units(streamed, tmp_path):
    _, (begin, end, _) = streamed
    types = tuple(catalogue().measurement(name).standard_name for name in STREAMED["LTE"])
    cell = "SubNetwork=1,ManagedElement=4,ENBFunction=1,EUtranCellFDD=2"
    told = (cell, False, (20.0, 50.0, 12_000.0, 1_500.0))  # prb, prb, kbit, ms
    element = StreamedElement(
        "SubNetwork=1,ManagedElement=4", (StreamedCells("EUtranCellFDD", types, (told,)),)
    )
    (tmp_path / "one.json").write_text(json.dumps(stream_batch([element], begin, end)))
    (one,) = VesLoadFeed(tmp_path).reports(Window(begin, end)).reports
    assert (one.cell_dn, one.load, one.user_mbps) == (cell, 0.4, 8.0)


def test_a_window_of_several_minutes_hears_each_of_them(streamed):
    folder, ends = streamed
    found = VesLoadFeed(folder).reports(Window(ends[0] - MINUTE, ends[-1])).reports
    assert sorted({one.end for one in found}) == ends
    assert (
        VesLoadFeed(folder).reports(Window(ends[-1], ends[-1] + timedelta(hours=1))).reports == ()
    )


def test_the_sample_network_feeds_until_another_network_is_chosen(streamed, tmp_path):
    folder, ends = streamed
    window = Window(ends[0], ends[1])
    own = Settings(home=tmp_path)
    assert Services(own).load_feed.reports(window).reports == ()
    place = stream_folder(own.sample_folder)
    place.parent.mkdir(parents=True)
    place.symlink_to(folder)
    count = len(VesLoadFeed(folder).reports(window).reports)
    assert len(Services(own).load_feed.reports(window).reports) == count > 0
    for other in ({"gateway": "netconf://me@host:830"}, {"input_folder": tmp_path}):
        assert isinstance(Services(Settings(home=tmp_path, **other)).load_feed, MemoryLoadFeed)
        chosen = Services(Settings(home=tmp_path, load_feed_folder=folder, **other)).load_feed
        assert len(chosen.reports(window).reports) == count
