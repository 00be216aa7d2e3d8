"""The healing agent, from KPIs to a proposal, without a model."""

import pytest

from tasks.healing.departures import Departure
from tasks.messages.proposals import ChangeProposal
from tests.tasks.healing.world import CELLS, calm_rows, decision_on, disturbed, facts_of

CELL = CELLS[0]
BEAM = "SubNetwork=1,ManagedElement=1,GNBDUFunction=1,NRSectorCarrier=1,CommonBeamformingFunction=1"
RELATION = "SubNetwork=1,ManagedElement=1,GNBCUCPFunction=1,NRCellCU=1,NRCellRelation=2-1"
SLIPPED = Departure("tilt", CELL, BEAM, "CommonBeamformingFunction", "digitalTilt", 36, 98)
LACKING = Departure(
    "relation", CELL, RELATION, "NRCellRelation", "",
    {"adjacentNRCellRef": "SubNetwork=1,ManagedElement=2,GNBCUCPFunction=1,NRCellCU=1",
     "isHOAllowed": True}, None,
)  # fmt: skip
ASLEEP = {"traffic_volume_dl": 0.2, "mean_active_users": 0.2, "rach_attempt_rate": 0.25}


@pytest.fixture(scope="module")
def calm():
    return calm_rows()


def proposed(decision) -> ChangeProposal:
    return ChangeProposal.from_json(decision["proposal"])


def test_a_sleeping_cell_is_locked_and_unlocked(calm):
    decision, _ = decision_on(facts_of(disturbed(calm, CELL, 2, **ASLEEP)))
    proposal = proposed(decision)
    assert decision["cause"] == proposal.hypothesis == "sleeping_cell"
    assert [(one.dn, one.before, one.after) for one in proposal.change_set.operations] == [
        (CELL, "UNLOCKED", "LOCKED"),
        (CELL, "LOCKED", "UNLOCKED"),
    ]
    assert proposal.decided_by == "solver"
    assert proposal.expected.better == "higher"
    assert proposal.trigger_ids == ("finding-1",)


def test_a_slipped_tilt_is_set_to_what_is_planned_and_to_nothing_else(calm):
    rows = disturbed(calm, CELL, 2, traffic_volume_dl=0.6, mean_cqi=0.8)
    proposal = proposed(decision_on(facts_of(rows, (SLIPPED,)))[0])
    (write,) = proposal.change_set.operations
    assert (write.dn, write.attribute, write.before, write.after) == (BEAM, "digitalTilt", 98, 36)


def test_a_relation_that_lacks_is_created_as_planned(calm):
    rows = disturbed(calm, CELL, 2, ho_execution_success_rate=0.75)
    proposal = proposed(decision_on(facts_of(rows, (LACKING,)))[0])
    (write,) = proposal.change_set.operations
    assert (write.kind, write.dn, write.after) == ("CREATE", RELATION, LACKING.planned)
    assert proposal.expected.kpi == "ho_execution_success_rate"
    assert proposal.risk == "low"


@pytest.mark.parametrize(
    ("departed", "change"),
    [
        pytest.param((SLIPPED,), {}, id="a tilt off its plan that harms nobody"),
        pytest.param((LACKING,), {}, id="a relation that nobody misses"),
        pytest.param((), {}, id="nothing is wrong"),
        pytest.param((), {"traffic_volume_dl": 0.75, "mean_active_users": 0.75}, id="a quiet day"),
        pytest.param((), {**ASLEEP, "cell_availability": 0.1}, id="an outage is no sleep"),
        pytest.param((), {**ASLEEP, "mean_cqi": 0.6}, id="the radio itself changed"),
    ],
)
def test_a_cell_is_left_alone_with_a_reason(calm, departed, change):
    decision, _ = decision_on(facts_of(disturbed(calm, CELL, 2, **change), departed))
    assert decision["proposal"] is None
    assert "probable" in decision["left_because"]


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"administrative_state": "LOCKED"}, id="somebody locked it"),
        pytest.param({"alarms": ["Cell service unavailable"]}, id="an alarm tells the cause"),
        pytest.param({"changes": ["CRQ1", "CRQ2"]}, id="somebody works on it"),
    ],
)
def test_a_cell_with_another_story_is_not_restarted(calm, state):
    rows = disturbed(calm, CELL, 2, **dict.fromkeys(ASLEEP, 0.45))
    decision, _ = decision_on(facts_of(rows, **state))
    assert decision["proposal"] is None


def test_a_site_that_fell_as_a_whole_is_not_restarted_cell_by_cell(calm):
    for cell in CELLS[:3]:
        calm = disturbed(calm, cell, 2, **ASLEEP)
    assert decision_on(facts_of(calm))[0]["proposal"] is None


def test_a_cell_that_reported_nothing_is_left_to_people(calm):
    import polars as pl

    silent = calm.filter(pl.col("cell_dn") != CELL)
    decision, _ = decision_on(facts_of(silent))
    assert decision["proposal"] is None
    assert "reported nothing" in decision["left_because"]


def test_what_the_fault_adds_to_all_cells_is_no_fault_of_one(calm):
    for cell in CELLS:
        calm = disturbed(calm, cell, 2, **ASLEEP)
    assert decision_on(facts_of(calm))[0]["cause"] != "tilt_slip"
    assert decision_on(facts_of(calm))[0]["proposal"] is None


def test_roles_hand_over_typed_messages_on_record(calm):
    _, events = decision_on(facts_of(disturbed(calm, CELL, 2, **ASLEEP)))
    told = [one["content"] for one in events if one["kind"] == "handed_over"]
    assert [(one["from_role"], one["message"]["type"]) for one in told] == [
        ("perception", "Observation"), ("analysis", "Diagnosis"), ("decision", "ProposalMade"),
    ]  # fmt: skip


def test_reasons_add_up_to_the_probability(calm):
    from math import exp

    decision, _ = decision_on(facts_of(disturbed(calm, CELL, 2, **ASLEEP)))
    total = sum(weight for _, weight in decision["reasons"])
    assert decision["probability"] == pytest.approx(1 / (1 + exp(-total)), abs=1e-4)


def test_the_same_facts_give_the_same_decision(calm):
    facts = facts_of(disturbed(calm, CELL, 2, **ASLEEP))
    assert decision_on(facts)[0] == decision_on(facts)[0]
