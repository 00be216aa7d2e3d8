"""A night in which a plan moves on by quarters and demand rises once: who sleeps when."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.energy.planning.problem import IS_OFF
from tasks.energy.waking.fast_rule import Seen, awakenings
from tasks.energy.waking.mode_course import awake_for_long
from tasks.energy.waking.own_work import moved_work
from tasks.energy.waking.rolling import LastPlan, replanned
from tests.tasks.energy.waking.network import LITTLE, MOVES, MUCH, RULES, SOME, problem

QUARTERS, SURGE, QUIET = 12, range(4, 6), 0.04
NOBODY_TROUBLED = np.zeros(4, dtype=bool)


@pytest.fixture(scope="module")
def night():
    """Return who is off the air at the end of each quarter: (quarters, cells)."""
    course, last, told = awake_for_long(4), None, []
    posed = replace(problem(), work=np.full((4, 5), QUIET), expected_work=np.full((4, 5), QUIET))
    for quarter in range(QUARTERS):
        plan = replanned(posed, course, last, 5.0)
        last = LastPlan(plan, posed.hours, 0.25)
        course = course.entering(np.asarray(plan.mode[:, 0]))
        own = np.full(4, QUIET * (5.0 if quarter in SURGE else 1.0))
        carried = own + moved_work(course.mode, MOVES, own)
        limit = posed.capacity[np.arange(4), 0, course.mode]
        seen = Seen(np.where(IS_OFF[course.mode], 0.0, carried), limit, NOBODY_TROUBLED)
        woken = [one.cell for one in awakenings(seen, course.mode, MOVES, posed.work[:, 0], RULES)]
        course = course.woken(np.array(woken, dtype=int), RULES.hold_hours)
        told.append(IS_OFF[course.mode])
        course = course.after(0.25)
    return np.array(told)


def test_all_that_may_sleep_while_demand_is_low(night):
    assert night[: SURGE.start, [MUCH, SOME, LITTLE]].all()


def test_who_leans_on_the_full_cell_wakes_within_the_quarter_in_which_demand_rises(night):
    assert not night[SURGE.start, [MUCH, SOME]].any()


def test_who_brought_next_to_nothing_sleeps_through(night):
    assert night[:, LITTLE].all()


def test_the_woken_stay_awake_for_their_hold_though_every_plan_expects_little(night):
    held = slice(SURGE.start, SURGE.start + round(RULES.hold_hours / 0.25))
    assert not night[held, MUCH].any()


def test_they_sleep_again_once_the_hold_is_over_and_demand_is_low(night):
    assert night[-2:, [MUCH, SOME]].all()
