"""Modes over time: dwell, holds, and a plan brought to the next quarter."""

import numpy as np
import pytest

from tasks.energy.planning.problem import IS_OFF
from tasks.energy.waking.mode_course import awake_for_long
from tasks.energy.waking.rolling import LastPlan, replanned
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


def test_a_full_cell_that_saved_on_the_air_is_active_and_held_by_nothing():
    course = awake_for_long(4).entering(np.array([MUTED, DEEP, ACTIVE, ACTIVE]))
    course = course.woken(np.array([CARRIER, MUCH]), 1.0)
    assert course.mode[[CARRIER, MUCH]].tolist() == [ACTIVE, ACTIVE]
    assert course.hold_hours[[CARRIER, MUCH]].tolist() == [0.0, 1.0]


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


def test_a_new_plan_lets_a_woken_cell_stay_awake_for_its_hold_and_others_sleep():
    course = awake_for_long(4).entering(ASLEEP).after(2.0).woken(np.array([MUCH]), 0.5)
    plan = replanned(problem(), course, None, 5.0)
    assert plan.mode[MUCH, :2].tolist() == [ACTIVE, ACTIVE]
    assert IS_OFF[plan.mode[MUCH, 2:]].all()
    assert IS_OFF[plan.mode[[SOME, LITTLE]]].all()


def test_a_cell_that_the_plan_woke_stays_awake_for_its_dwell():
    course = awake_for_long(4).entering(ASLEEP).after(2.0).entering(np.full(4, ACTIVE))
    plan = replanned(problem(), course, None, 5.0)
    assert not IS_OFF[plan.mode[MUCH, :2]].any()
    assert IS_OFF[plan.mode[MUCH, 2:]].all()


def test_a_plan_begun_from_the_one_before_is_as_good():
    first = replanned(problem(), awake_for_long(4), None, 5.0)
    course = awake_for_long(4).entering(np.asarray(first.mode[:, 0])).after(0.25)
    last = LastPlan(first, problem().hours, 0.25)
    again, fresh = (replanned(problem(), course, told, 5.0) for told in (last, None))
    assert again.cost == pytest.approx(fresh.cost, rel=2e-4)
