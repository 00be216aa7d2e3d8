"""When cells change how they save energy: asleep at once, awake once the radio has started."""

import numpy as np
import pytest

from tasks.twin.layout import BANDS
from tasks.twin.mode_power import modes_of
from tasks.twin.saving_courses import SavingCourses, Turn, course_of
from tasks.twin.sleep_modes import MODES
from tasks.twin.traffic import PERIOD_S

ACTIVE, MUTED, LIGHT, DEEP = (
    MODES.index(mode) for mode in ("ACTIVE", "MIMO_MUTED", "LIGHT_SLEEP", "DEEP_SLEEP")
)
SWITCH_S = np.array([0.0, 0.0, 0.0, 0.0, 5.0, 180.0])


def turns(*told):
    return [(turn.at_s, turn.mode, turn.starts) for turn in course_of(told, SWITCH_S)][1:]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([(60, DEEP)], [(60, DEEP, False)], id="sleeps at once"),
        pytest.param([(60, LIGHT), (90, DEEP)], [(60, LIGHT, False), (90, DEEP, False)],
                     id="deeper at once"),
        pytest.param([(60, MUTED), (90, ACTIVE)], [(60, MUTED, False), (90, ACTIVE, False)],
                     id="on the air all along"),
        pytest.param([(0, DEEP), (60, ACTIVE)],
                     [(0, DEEP, False), (60, DEEP, True), (240, ACTIVE, False)], id="wakes"),
        pytest.param([(0, DEEP), (60, ACTIVE), (60, ACTIVE)],
                     [(0, DEEP, False), (60, DEEP, True), (240, ACTIVE, False)],
                     id="told twice to wake"),
        pytest.param([(0, DEEP), (60, ACTIVE), (120, MUTED)],
                     [(0, DEEP, False), (60, DEEP, True), (240, MUTED, False)],
                     id="told otherwise while it starts"),
        pytest.param([(0, DEEP), (60, ACTIVE), (120, DEEP)],
                     [(0, DEEP, False), (60, DEEP, True), (120, DEEP, False)],
                     id="told to sleep on while it starts"),
        pytest.param([(0, DEEP), (60, ACTIVE), (120, DEEP), (130, ACTIVE)],
                     [(0, DEEP, False), (60, DEEP, True), (120, DEEP, False), (130, DEEP, True),
                      (310, ACTIVE, False)], id="starts anew"),
        pytest.param([(0, DEEP), (60, LIGHT)],
                     [(0, DEEP, False), (60, DEEP, True), (235, LIGHT, False)],
                     id="less deep takes all of the way but the rest"),
        pytest.param([(0, DEEP), (60, LIGHT), (200, ACTIVE)],
                     [(0, DEEP, False), (60, DEEP, True), (240, ACTIVE, False)],
                     id="half way up and on"),
    ],
)  # fmt: skip
def test_a_cell_sleeps_at_once_and_serves_when_its_radio_has_started(told, expected):
    assert turns(*told) == expected


@pytest.mark.parametrize("band", [band for band in BANDS.values() if band.technology == "NR"])
def test_a_sleeper_serves_again_after_what_its_radio_takes(band):
    switch_s = modes_of(band, 46.0, band.downlink_share).switch_s
    for mode in (LIGHT, DEEP):
        last = course_of([(0.0, mode), (600.0, ACTIVE)], switch_s)[-1]
        assert last == Turn(600.0 + switch_s[mode], ACTIVE)
        assert last.at_s > 600.0


def test_the_parts_of_a_quarter_fill_it_and_tell_who_saves_and_who_starts():
    told = {
        0: course_of([(100.0, DEEP), (950.0, ACTIVE)], SWITCH_S),
        2: course_of([(100.0, MUTED), (400.0, MUTED), (1800.0, ACTIVE)], SWITCH_S),
    }
    courses = SavingCourses(3, told)
    first, second, third = (courses.parts(period) for period in range(3))
    assert [(one.begin_s, one.end_s) for one in first] == [(0.0, 100.0), (100.0, 900.0)]
    assert [one.modes.tolist() for one in first] == [[0, 0, 0], [DEEP, 0, MUTED]]
    assert [(one.begin_s, one.end_s) for one in second] == [(0.0, 50.0), (50.0, 230.0),
                                                            (230.0, 900.0)]  # fmt: skip
    assert [one.starting.tolist()[0] for one in second] == [False, True, False]
    assert second[2].modes.tolist() == [ACTIVE, 0, MUTED]
    assert [(one.begin_s, one.end_s, one.modes.any()) for one in third] == [(0.0, 900.0, False)]


def test_parts_are_as_a_second_by_second_reading_says():
    rng = np.random.default_rng(5)
    told = {
        cell: course_of(
            sorted((float(at), int(mode)) for at, mode in zip(
                rng.integers(0, 2700, 6), rng.choice([ACTIVE, MUTED, LIGHT, DEEP], 6), strict=True
            )), SWITCH_S)
        for cell in range(4)
    }  # fmt: skip
    courses = SavingCourses(5, told)
    for period in range(4):
        parts = courses.parts(period)
        assert sum(part.share for part in parts) == pytest.approx(1.0, abs=1e-12)
        for second in range(PERIOD_S):
            part = next(one for one in parts if one.begin_s <= second < one.end_s)
            for cell, turns_of in told.items():
                at_s = period * PERIOD_S + second
                standing = [turn for turn in turns_of if turn.at_s <= at_s][-1]
                assert (part.modes[cell], part.starting[cell]) == (standing.mode, standing.starts)
