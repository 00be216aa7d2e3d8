"""Shifts, departures from plan, candidates and new tries."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.system_clock import SystemClock
from tasks.healing.candidates import (
    attempt_trigger,
    candidates,
    lives_of,
    no_longer_standing,
    outcomes_of,
)
from tasks.healing.departures import departures, plan_of
from tasks.healing.gathering import cell_states, saving_cells
from tasks.healing.shifts import past_of, shifts
from tasks.messages.change_sets import ChangeSet, ManagedObject
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal
from tests.tasks.healing.test_healing_stories import ASLEEP, CELL
from tests.tasks.healing.world import (
    CELLS,
    DAYS,
    END,
    KPIS,
    RULES,
    calm_rows,
    column,
    decision_on,
    disturbed,
    facts_of,
)

DU = "SubNetwork=1,ManagedElement=1,GNBDUFunction=1"
CU = "SubNetwork=1,ManagedElement=1,GNBCUCPFunction=1"


@pytest.fixture(scope="module")
def calm():
    return calm_rows()


def test_a_shift_is_what_a_plain_loop_computes(calm):
    rows = disturbed(calm, CELL, 2, traffic_volume_dl=0.5)
    name = column("traffic_volume_dl")
    wide = rows.pivot("cell_dn", index="period_start", values=name).sort("period_start")
    logs = {cell: np.log(wide[cell].to_numpy()) for cell in CELLS}

    def moved(cell: str) -> float:
        told = []
        for back in range(RULES.seen_periods):
            slot = len(logs[cell]) - 1 - back
            weeks = [
                np.mean(logs[cell][slot - 672 * week - 2 : slot - 672 * week + 3])
                for week in (1, 2, 3)
            ]
            told.append(logs[cell][slot] - np.median(weeks))
        return float(np.mean(told))

    common = np.median([moved(cell) for cell in CELLS])
    found = shifts(past_of(rows, KPIS, END, DAYS), RULES)[CELL]
    (shift,) = [one for one in found if one.kpi == "traffic_volume_dl" and not one.is_long]
    assert np.log(shift.ratio) == pytest.approx(moved(CELL) - common, abs=1e-9)
    assert shift.scatters < -8


def test_calm_cells_stay_within_a_few_scatters(calm):
    found = shifts(past_of(calm, KPIS, END, DAYS), RULES)
    assert max(abs(one.scatters) for told in found.values() for one in told) < 5.5


def _planned(*rows):
    columns = ("managed_object_dn", "object_class", "attribute", "value", "value_number")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns[:4], pl.String) | {
        "value_number": pl.Float64}, orient="row")  # fmt: skip
    return frame.with_columns(valid_from=pl.lit(END - timedelta(days=20)), is_removed=False)


PLANNED = _planned(
    (f"{DU},NRCellDU=7", "NRCellDU", "cellLocalId", "1", 1.0),
    (f"{DU},NRCellDU=7", "NRCellDU", "nRSectorCarrierRef", f'["{DU},NRSectorCarrier=3"]', None),
    (f"{DU},NRSectorCarrier=3,CommonBeamformingFunction=1", "CommonBeamformingFunction",
     "digitalTilt", "36", 36.0),
    (f"{CU},NRCellCU=4", "NRCellCU", "cellLocalId", "1", 1.0),
    (f"{CU},NRCellCU=4,NRCellRelation=2-1", "NRCellRelation", "isHOAllowed", "true", None),
)  # fmt: skip


def test_a_departure_belongs_to_the_cell_that_the_plan_refers_to():
    live = [
        ManagedObject(f"{DU},NRCellDU=7", "NRCellDU", {}),
        ManagedObject(
            f"{DU},NRSectorCarrier=3,CommonBeamformingFunction=1", "CommonBeamformingFunction",
            {"digitalTilt": 90},
        ),
    ]  # fmt: skip
    tilt, relation = departures(plan_of(PLANNED), live)[::-1]
    assert (tilt.kind, tilt.cell_dn, tilt.planned, tilt.live) == (
        "tilt", f"{DU},NRCellDU=7", 36, 90,
    )  # fmt: skip
    assert (relation.kind, relation.planned) == ("relation", {"isHOAllowed": True})


def test_a_cell_that_is_not_there_departs_from_nothing():
    assert departures(plan_of(PLANNED), []) == []


def test_only_what_stands_at_the_moment_counts():
    alarms = pl.DataFrame(
        {
            "alarm_name": ["standing", "over", "later"],
            "managed_object_dn": [CELL] * 3,
            "cell_dn": [CELL] * 3,
            "raised_at": [END - timedelta(hours=2), END - timedelta(hours=2), END + timedelta(1)],
            "cleared_at": [None, END - timedelta(hours=1), None],
        }
    )
    changes = pl.DataFrame(
        {
            "change_id": ["fresh", "old"],
            "actual_start": [END - timedelta(hours=5), END - timedelta(days=9)],
            "managed_object_dns": [["SubNetwork=1,ManagedElement=1"], [CELL]],
        }
    )
    live = [ManagedObject(CELL, "NRCellDU", {"administrativeState": "UNLOCKED"})]
    state = cell_states([CELL, CELLS[4]], live, alarms, changes, END)
    assert list(state) == [CELL]
    assert (state[CELL]["alarms"], state[CELL]["changes"]) == (["standing"], ["fresh"])


@pytest.fixture(scope="module")
def proposal(calm):
    decision, _ = decision_on(facts_of(disturbed(calm, CELL, 2, **ASLEEP)))
    return ChangeProposal.from_json(decision["proposal"])


def from_elsewhere(proposal: ChangeProposal) -> ChangeSet:
    """Return the same write from another value: it moved on meanwhile."""
    return ChangeSet((replace(proposal.change_set.operations[0], before="SHUTTINGDOWN"),))


class Story:
    """A ledger that a story writes into, kind by kind."""

    def __init__(self, proposal: ChangeProposal) -> None:
        self.ledger = MemoryLedger(SystemClock())
        self.proposal = proposal
        self.say("proposed", {"proposal": proposal.to_json()})

    def say(self, kind, payload, at=END):
        self.ledger.append(
            EntryDraft(kind, self.proposal.proposal_id, "healing_agent", at, payload)
        )
        return self

    def lives(self):
        return lives_of(self.ledger.entries())


@pytest.mark.parametrize(
    ("kind", "payload", "hours", "trigger"),
    [
        pytest.param("rejected", {"comment": ""}, 100, None, id="people said no"),
        pytest.param("undone", {}, 100, None, id="it made things worse"),
        pytest.param("expired", {}, 1, None, id="just expired"),
        pytest.param("expired", {}, 5, "attempt:2", id="expired long ago"),
        pytest.param("rolled_back", {}, 5, "attempt:2", id="failed long ago"),
    ],
)
def test_a_repair_is_tried_again_only_where_that_makes_sense(
    proposal, kind, payload, hours, trigger
):
    lives = Story(proposal).say(kind, payload).lives()
    later = END + timedelta(hours=hours)
    assert attempt_trigger(proposal.change_set, lives, later, RULES) == trigger


def test_an_open_repair_is_not_proposed_twice(proposal):
    lives = Story(proposal).lives()
    assert attempt_trigger(proposal.change_set, lives, END, RULES) is None
    other = from_elsewhere(proposal)
    assert attempt_trigger(other, lives, END, RULES) == "attempt:1"


def test_a_value_that_still_moves_is_given_time_to_stand(proposal):
    lives = Story(proposal).say("withdrawn", {"reason": "It moved on."}).lives()
    moved = from_elsewhere(proposal)
    assert attempt_trigger(moved, lives, END + timedelta(minutes=15), RULES) is None
    assert attempt_trigger(moved, lives, END + timedelta(minutes=60), RULES) == "attempt:1"


def test_a_new_try_is_another_proposal(proposal):
    tried = replace(proposal, trigger_ids=(*proposal.trigger_ids, "attempt:2"))
    assert tried.proposal_id != proposal.proposal_id


def test_an_open_repair_whose_cause_is_gone_no_longer_stands(proposal):
    lives = Story(proposal).lives()
    assert no_longer_standing(lives, {CELL: [proposal.change_set.digest]}) == []
    assert [life.proposal for life in no_longer_standing(lives, {})] == [proposal]


def test_a_cell_under_repair_is_left_alone(proposal):
    story = Story(proposal).say("execution_prepared", {"attempt": 1})
    findings = pl.DataFrame({"anomaly_id": ["a", "b"], "cell_dn": [CELL, CELLS[1]]})
    found = candidates([], findings, story.lives(), RULES)
    assert [one.cell_dn for one in found] == [CELLS[1]]


def test_outcomes_count_what_the_ledger_says(proposal):
    story = Story(proposal).say("applied", {"attempt": 1, "applied_at": END.isoformat()})
    story.say("verified", {"verdict": "better"})
    row = outcomes_of(story.lives())["heal_sleeping_cell"]
    assert row == {"kept_count": 1, "without_effect_count": 0, "undone_count": 0}


def test_a_cell_that_saves_energy_is_no_case_until_it_wakes():
    findings = pl.DataFrame({"anomaly_id": ["f1", "f2"], "cell_dn": CELLS[:2]})
    function = CELLS[0].replace("GNBDUFunction", "GNBCUCPFunction").replace("NRCellDU", "NRCellCU")
    told = {"cesSwitch": True, "energySavingMode": "DEEP_SLEEP"}
    asleep = told | {"energySavingControl": "toBeEnergySaving"}
    awake = told | {"energySavingControl": "toBeNotEnergySaving"}
    for attributes, looked_at_cells in ((asleep, CELLS[1:2]), (awake, CELLS[:2])):
        live = [ManagedObject(f"{function},CESManagementFunction=1", "CESManagementFunction",
                              attributes)]  # fmt: skip
        found = candidates([], findings, [], RULES, saving_cells(live))
        assert [one.cell_dn for one in found] == list(looked_at_cells)
