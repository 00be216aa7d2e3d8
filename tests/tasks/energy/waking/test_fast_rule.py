"""Who is woken at once, in which order, and how long that takes."""

import numpy as np
import pytest

from tasks.energy.waking.fast_rule import FULL, SILENT, TROUBLED, awakenings, wake_delay_s
from tests.tasks.energy.waking.network import (
    ACTIVE,
    ASLEEP,
    CARRIER,
    DEEP,
    LIGHT,
    MOVES,
    MUCH,
    MUTED,
    OWN,
    RULES,
    SOME,
    seen,
)

NAN = float("nan")


def woken(what, mode=ASLEEP, own=OWN):
    return [(one.cell, one.reason) for one in awakenings(what, mode, MOVES, own, RULES)]


def test_nobody_wakes_while_the_carrier_has_room():
    assert woken(seen(0.4, NAN, NAN, NAN)) == []


def test_those_who_lean_most_on_a_full_cell_wake_first_and_who_brought_nothing_sleeps_on():
    assert woken(seen(0.6, NAN, NAN, NAN)) == [(MUCH, FULL), (SOME, FULL)]


def test_order_follows_what_was_brought_and_not_the_cells_numbers():
    own = np.array([0.1, 0.01, 0.1, 0.1])
    assert woken(seen(0.6, NAN, NAN, NAN), own=own) == [(SOME, FULL), (MUCH, FULL)]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        pytest.param(seen(NAN, NAN, NAN, NAN), SILENT, id="no data is no evidence"),
        pytest.param(seen(0.1, NAN, NAN, NAN, troubled=(CARRIER,)), TROUBLED, id="a finding"),
    ],
)
def test_those_who_lean_wake_when_the_carrier_cannot_be_relied_on(what, reason):
    assert woken(what) == [(MUCH, reason), (SOME, reason)]


def test_a_full_cell_that_saves_on_the_air_leaves_its_mode_before_others_wake():
    mode = np.array([MUTED, DEEP, ACTIVE, ACTIVE])
    found = awakenings(seen(0.6, NAN, 0.1, 0.1), mode, MOVES, OWN, RULES)
    assert [(one.cell, one.because_of) for one in found] == [(CARRIER, CARRIER), (MUCH, CARRIER)]


def test_a_full_cell_for_which_nobody_sleeps_wakes_nobody():
    assert woken(seen(0.9, 0.9, 0.9, 0.9), mode=np.full(4, ACTIVE)) == []


def test_silence_of_a_sleeper_itself_is_no_reason():
    assert woken(seen(0.1, NAN, NAN, NAN)) == []


def test_who_leans_on_two_full_cells_wakes_once_for_the_fuller():
    both = type(MOVES)(
        booster=np.array([MUCH, MUCH]),
        candidate=np.array([CARRIER, SOME]),
        work=np.array([1.0, 1.0]),
        watts=np.zeros(2),
    )
    mode = np.array([ACTIVE, DEEP, ACTIVE, ACTIVE])
    found = awakenings(seen(0.6, NAN, 0.9, 0.1), mode, both, OWN, RULES)
    assert [(one.cell, one.because_of) for one in found] == [(MUCH, SOME)]


def test_delay_is_detection_command_and_the_slowest_way_back():
    switch_s = np.array([0.0, 0.0, 0.01, 0.0, 0.6, 10.0])
    assert wake_delay_s(np.array([LIGHT]), switch_s, RULES) == pytest.approx(80.6)
    assert wake_delay_s(np.array([LIGHT, DEEP]), switch_s, RULES) == pytest.approx(90.0)
    assert wake_delay_s(np.array([MUTED, DEEP]), switch_s, RULES) == pytest.approx(90.0)
    assert wake_delay_s(np.array([MUTED]), switch_s, RULES) == pytest.approx(200.01)
    assert wake_delay_s(np.array([], dtype=int), switch_s, RULES) == pytest.approx(80.0)
