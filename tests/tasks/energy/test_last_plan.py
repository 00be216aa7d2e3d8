"""The plan before, read back from rows: modes as they were told, and a start that can be used."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_products.sleep_plans.derive import derive
from tasks.energy.last_plan import COLUMNS, last_plans
from tasks.energy.plan_rows import PlanFacts, plan_rows
from tasks.energy.planning.problem import SleepPlan
from tasks.energy.planning.solving import shifted
from tasks.energy.promises import promised
from tasks.twin.sleep_modes import MODES
from tests.tasks.energy import planned
from tests.tasks.energy.planned import BEGIN, CELLS, HOURS, decision_on
from tests.tasks.energy.test_proposing import told_plan

QUARTER = timedelta(minutes=15)
DEEP, ACTIVE = MODES.index("DEEP_SLEEP"), MODES.index("ACTIVE")


def rows_of(mode: np.ndarray, made_at=BEGIN, promise: str = "keen"):
    """Return what is published of a plan of the small network."""
    decision, desk, _ = decision_on("Save energy everywhere tonight.")
    starts = [made_at + (start - BEGIN) for start in planned.STARTS]
    facts = PlanFacts(
        made_at, starts, desk.ground.site_ids, planned.PRICES, "g",
        {**decision, "promise": promise}, "run",
    )  # fmt: skip
    goal = desk.goal
    limits = promised(goal, 5.0, planned.PLANNING, planned.RULES)[0]
    plan = SleepPlan(mode, 1.0, 1.0, "exact", 0.0)
    return derive(plan_rows(planned.problem(goal, limits), plan, facts)).select(COLUMNS)


@given(st.integers(0, 10**6))
def test_published_modes_come_back_as_they_were_told(rows_told, seed):
    _, rows = rows_told
    rng = np.random.default_rng(seed)
    order = tuple(rng.permutation(CELLS).tolist())
    last = last_plans(rows.sample(fraction=1.0, shuffle=True, seed=seed), order, LATER, ["keen"])
    mode = dict(zip(order, last["keen"].plan.mode.tolist(), strict=True))
    assert [mode[cell] for cell in CELLS] == rows_told[0].tolist()
    assert last["keen"].hours.tolist() == list(HOURS)
    assert last["keen"].hours_ago == 0.25


LATER = BEGIN + QUARTER


@pytest.fixture(scope="module")
def rows_told():
    """Return modes of a plan, and its rows."""
    mode = np.random.default_rng(4).integers(0, len(MODES), (len(CELLS), len(HOURS)))
    mode[5] = ACTIVE
    return mode, rows_of(mode)


def test_cells_that_came_are_active_and_those_that_went_are_passed_over(rows_told):
    mode, rows = rows_told
    last = last_plans(rows, ("new", *CELLS[3:]), LATER, ["keen"])["keen"]
    assert last.plan.mode.shape == (len(CELLS) - 2, len(HOURS))
    assert (last.plan.mode[0] == ACTIVE).all()
    assert (last.plan.mode[1:] == mode[3:]).all()
    assert shifted(last.plan, last.hours, np.ones(3), last.hours_ago).mode.shape[1] == 3


def test_each_promise_begins_from_its_own_plan_or_the_newest():
    deep, none = np.full((len(CELLS), len(HOURS)), DEEP), np.zeros((len(CELLS), len(HOURS)), int)
    none[0] = DEEP
    rows = rows_of(deep).vstack(rows_of(none, BEGIN + QUARTER, "timid"))
    last = last_plans(rows, CELLS, BEGIN + 3 * QUARTER, ["keen", "careful", "timid"])
    sleepers = {name: int((one.plan.mode == DEEP).all(axis=1).sum()) for name, one in last.items()}
    assert sleepers == {"keen": len(CELLS), "careful": 1, "timid": 1}
    assert {name: one.hours_ago for name, one in last.items()} == {
        "keen": 0.75, "careful": 0.5, "timid": 0.5,
    }  # fmt: skip


def test_a_plan_of_the_same_moment_or_later_is_no_start(rows_told):
    assert last_plans(rows_told[1], CELLS, BEGIN, ["keen"]) == {}
    assert last_plans(rows_told[1].clear(), CELLS, LATER, ["keen"]) == {}


def test_a_plan_that_was_taken_is_read_back_from_the_product_s_own_rows():
    rows, _, _ = told_plan()
    last = last_plans(rows.select(COLUMNS), CELLS, LATER, ["keen"])["keen"]
    saving = set(rows["cell_dn"])
    told = {cell for cell, row in zip(CELLS, last.plan.mode, strict=True) if (row > ACTIVE).any()}
    assert told == saving
