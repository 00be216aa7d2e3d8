"""What a village tells of each minute: its load, with the scatter of few sessions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from semantic_layer.loading import catalogue
from tasks.twin.live_network import LiveNetwork
from tasks.twin.minute_stream import MINUTE, STREAMED, minute_load, stream_folder
from tasks.twin.quarters import Quarters
from tasks.twin.state import filled, wanted_of
from tasks.twin.traffic import Shock
from tests.tasks.twin.living import NIGHT, QUARTER, cell_of, minutes, names, tell, told_by


def test_only_the_last_hour_is_streamed(night):
    begin = night.now
    night.advance(begin + 3 * QUARTER, has_files=False)
    night.advance(begin + 16 * QUARTER + 2 * MINUTE, has_files=False)
    folder = stream_folder(night.folder)
    last = begin + 16 * QUARTER + 2 * MINUTE
    expected = names(last, *range(-59, 1))
    assert sorted(path.stem for path in folder.iterdir()) == expected


def test_cells_off_the_air_tell_nothing_until_they_serve_again(night, booster):
    begin = night.now
    minutes(night, 2)
    tell(night, booster, "DEEP_SLEEP")
    minutes(night, 3)
    tell(night, booster, "DEEP_SLEEP", is_back=True)
    minutes(night, 5)
    assert list(told_by(night, booster)) == names(begin, 1, 2, 9, 10)
    assert len(told_by(night, cell_of(night, 0))) == 10


def test_an_element_that_delivers_no_measurements_streams_none(night, booster):
    flaws, begin = night.following.flaws, night.now
    missing = flaws.missing_sites.copy()
    missing[night.following.period_from(begin), booster.site.index - 1] = True
    following = replace(night.following, flaws=replace(flaws, missing_sites=missing))
    minutes(LiveNetwork(night.folder, following), 16)
    assert list(told_by(night, booster)) == names(begin, 16)


def test_minutes_scatter_around_the_quarters_load_and_the_busy_less(unwritten):
    following = unwritten.following
    at = following.period_from(following.chosen.end + timedelta(hours=10))
    load, sessions = following.sound.load[at], following.sound.sessions[at]
    end = following.calendar.starts[at]
    seen = np.array([minute_load(load, sessions, 7, end + n * MINUTE) for n in range(3000)])
    assert seen.min() >= 0.0
    assert seen.max() <= 1.0
    assert load.max() < 0.6
    assert seen.mean(axis=0) == pytest.approx(load, rel=0.05)
    expected = load * np.sqrt(2.0 / np.maximum(sessions / 15.0, 4.0))
    assert seen.std(axis=0) == pytest.approx(expected, rel=0.1)
    busier = [minute_load(load, 100 * sessions, 7, end + n * MINUTE) for n in range(300)]
    assert np.std(busier, axis=0).max() < 0.2 * seen.std(axis=0).max()


def test_a_cell_of_which_far_more_is_asked_than_it_has_is_full_in_every_minute():
    load, sessions = filled(np.array([5.0])), np.array([300.0])
    end = datetime(2025, 6, 5, tzinfo=UTC)
    seen = [minute_load(load, sessions, 7, end + n * MINUTE)[0] for n in range(500)]
    assert min(seen) > 0.9
    assert np.mean(seen) == pytest.approx(load[0], rel=0.01)


def test_what_users_want_is_known_from_what_they_fill():
    wanted = np.array([0.0, 0.01, 0.4, 0.9, 1.3, 2.0])
    assert wanted_of(filled(wanted)) == pytest.approx(wanted, rel=1e-6)


def test_what_is_streamed_is_what_load_and_throughput_rest_on():
    for technology, prefix in (("NR", ""), ("LTE", "lte_")):
        kpis = [
            catalogue().kpi(f"{prefix}{name}") for name in ("prb_usage_dl", "user_throughput_dl")
        ]
        parts = [part for kpi in kpis for part in (*kpi.numerator, *kpi.denominator)]
        assert list(STREAMED[technology]) == [str(part) for part in parts]


def test_the_streamed_quarter_comes_to_what_is_counted(live_at, unwritten):
    network = live_at(unwritten.following.chosen.end + NIGHT + timedelta(hours=9))
    begin = network.now
    network.advance(begin + 4 * QUARTER, has_files=False)
    cells = network.following.world.radio.network.cells
    first = network.following.period_from(begin)
    quarters = Quarters(network.following)
    true = np.mean([quarters.run(first + n).state.load[0] for n in range(4)], axis=0)
    seen = [np.mean(list(told_by(network, cell).values())) for cell in cells]
    assert seen == pytest.approx(true, rel=0.15)
    assert np.mean(seen) == pytest.approx(true.mean(), rel=0.05)


def test_a_surge_is_told_in_its_first_minute(night, live_at):
    area = night.following.world.radio.network.area_of(cell_of(night, 0))
    first = night.following.period_from(night.now)
    surge = Shock("event", first, first + 4, 5.0, (area,))
    surging = LiveNetwork(
        live_at(night.now, "surging").folder, night.following.with_shocks([surge])
    )
    for network in (night, surging):
        minutes(network, 1)
    calm, surged = (
        sum(load for cell in night.following.world.radio.network.cells
            for load in told_by(network, cell).values())
        for network in (night, surging)
    )  # fmt: skip
    assert surged > 1.5 * calm
