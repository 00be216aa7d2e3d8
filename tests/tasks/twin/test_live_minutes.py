"""A village lives on by the minute: however time is cut, and whoever dies of it."""

import shutil
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from semantic_layer.errors import InputError
from tasks.adapters.sample_files import LiveReport, read_report
from tasks.adapters.sample_gateway import SampleClock
from tasks.twin.live_network import LiveNetwork
from tasks.twin.minute_stream import MINUTE, stream_folder
from tests.tasks.twin.living import (
    NIGHT,
    QUARTER,
    digests,
    minutes,
    tell,
)


def test_a_minute_passes_alone_and_the_quarter_is_counted_when_it_ends(night):
    before, begin = read_report(night.folder), night.now
    night.advance(begin + 7 * MINUTE)
    told = read_report(night.folder)
    assert told == LiveReport(begin + 7 * MINUTE, before.writes, before.departures)
    assert told.counted_until == begin
    assert SampleClock(night.folder, None).now() == night.now == begin + 7 * MINUTE
    assert not (night.folder / "delivered/pm").exists()
    night.advance(begin + 16 * MINUTE)
    assert read_report(night.folder).counted_until == begin + QUARTER
    counted = {path.name for path in (night.folder / "delivered/pm").iterdir()}
    assert len(counted) == 4


def test_however_minutes_are_cut_the_same_bytes_are_delivered(live_at, unwritten, booster):
    begin, found = unwritten.following.chosen.end + NIGHT, []
    for number, steps in enumerate([(7, 5, 23), (1, 6, 2, 3, 3, 15, 5)]):
        network, passed_min = live_at(begin, f"cut{number}"), 0
        for step in steps:
            network.advance(network.now + step * MINUTE)
            network = LiveNetwork(network.folder, unwritten.following)
            passed_min += step
            if passed_min == 7:
                tell(network, booster, "LIGHT_SLEEP")
            if passed_min == 12:
                tell(network, booster, "LIGHT_SLEEP", is_back=True)
        found.append(digests(network.folder))
    assert found[0] == found[1]
    assert sum("stream" in name for name in found[0]) == 35


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(timedelta(seconds=30), id="half a minute"),
        pytest.param(timedelta(minutes=3, microseconds=1), id="a little more than three"),
    ],
)
def test_no_half_minute_passes(night, odd):
    with pytest.raises(InputError, match="whole minutes"):
        night.advance(night.now + odd)
    with pytest.raises(InputError, match="whole minutes"):
        night.advance((night.now + MINUTE).replace(tzinfo=None))
    assert night.advance(night.now - timedelta(hours=1)) is None
    assert not stream_folder(night.folder).exists()


def test_a_death_between_minutes_costs_nothing(night, booster, live_at, monkeypatch):
    begin, replace_file = night.now, Path.replace
    whole = live_at(begin, "whole")
    for network in (night, whole):
        minutes(network, 3)
        tell(network, booster, "LIGHT_SLEEP")
    whole.advance(begin + 17 * MINUTE)
    for deaths in range(60):
        left = [deaths]

        def renamed(path, target, left=left):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return replace_file(path, target)

        monkeypatch.setattr(Path, "replace", renamed)
        try:
            night.advance(begin + 17 * MINUTE)
        except KeyboardInterrupt:
            monkeypatch.setattr(Path, "replace", replace_file)
            assert night.now in (begin + 3 * MINUTE, begin + QUARTER)
        else:
            break
    monkeypatch.setattr(Path, "replace", replace_file)
    assert deaths > 20
    assert digests(night.folder) == digests(whole.folder)


def test_two_at_once_let_time_pass_once(night, live_at, unwritten):
    begin = night.now
    alone, until = live_at(begin, "alone"), begin + 33 * MINUTE
    alone.advance(until)
    both = [LiveNetwork(night.folder, unwritten.following) for _ in range(2)]
    threads = [Thread(target=one.advance, args=(until,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert night.now == until
    assert digests(night.folder) == digests(alone.folder)


def test_a_network_within_a_quarter_goes_on_by_quarters_too(night):
    begin = night.now
    minutes(night, 7)
    runs = list(night.runs(begin + 2 * QUARTER))
    assert [run.calendar.starts[0] for run in runs] == [begin, begin + QUARTER]
    assert night.now == begin + 2 * QUARTER
    shutil.rmtree(stream_folder(night.folder))
    minutes(night, 1)
    assert len(list(stream_folder(night.folder).iterdir())) == 1
