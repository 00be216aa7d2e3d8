"""Modes over time: dwell, holds, and a plan brought to the next quarter."""

import numpy as np
import pytest

from tasks.energy.planning.problem import SleepPlan
from tasks.energy.waking.mode_course import awake_for_long
from tasks.energy.waking.rolling import LastPlan, carried_over
from tests.tasks.energy.waking.network import (
    ACTIVE,
    ASLEEP,
    CARRIER,
    DEEP,
    LIGHT,
    LITTLE,
    MUCH,
    MUTED,
    SOME,
    problem,
)


def test_time_on_a_side_of_the_air_begins_anew_only_when_the_side_changes():
    course = awake_for_long(4).entering(ASLEEP).after(0.5)
    course = course.entering(np.array([MUTED, LIGHT, ACTIVE, DEEP]))
    assert course.hours[CARRIER] > 100
    assert course.hours[[MUCH, SOME, LITTLE]].tolist() == [0.5, 0.0, 0.5]


def test_a_woken_cell_is_active_new_on_the_air_and_held():
    course = awake_for_long(4).entering(ASLEEP).after(2.0).woken(np.array([MUCH]), 1.0)
    assert course.mode[MUCH] == ACTIVE
    assert course.hours[MUCH] == 0.0
    assert course.hold_hours.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert course.after(0.75).hold_hours[MUCH] == pytest.approx(0.25)
    assert course.after(5.0).hold_hours[MUCH] == 0.0


def test_a_plan_may_not_let_a_held_cell_save_before_its_hold_ends():
    course = awake_for_long(4).entering(ASLEEP).woken(np.array([MUCH]), 0.5)
    bound = course.bound(problem())
    may_save = bound.allowed[MUCH, :, 1:].any(axis=1)
    assert may_save.tolist() == [False, False, True, True, True]
    assert bound.allowed[MUCH, :, ACTIVE].all()
    assert (bound.allowed[SOME] == problem().allowed[SOME]).all()


def test_a_plan_is_entered_as_cells_stand():
    course = awake_for_long(4).entering(ASLEEP).after(0.25)
    standing = course.bound(problem()).standing
    assert standing.mode.tolist() == ASLEEP.tolist()
    assert standing.hours[MUCH] == 0.25


def test_a_plan_goes_on_by_the_clock_when_its_periods_have_moved():
    mode = np.array([[0, 1, 2, 3, 4, 5]])
    last = LastPlan(
        SleepPlan(mode, 1.0, 0.0, "exact", 0.0),
        np.array([0.25, 0.25, 0.25, 0.25, 1.0, 1.0]),
        hours_ago=0.25,
    )
    told = carried_over(last, np.array([0.25, 0.25, 0.25, 0.25, 1.0, 1.0]))
    assert told.tolist() == [[1, 2, 3, 4, 4, 5]]


def test_past_its_end_the_last_period_of_a_plan_goes_on():
    plan = SleepPlan(np.array([[0, 5]]), 1.0, 0.0, "exact", 0.0)
    told = carried_over(LastPlan(plan, np.array([0.25, 0.25]), 9.0), np.array([0.25, 1.0]))
    assert told.tolist() == [[5, 5]]
