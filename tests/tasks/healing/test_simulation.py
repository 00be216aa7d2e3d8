"""What the twin says of a repair stands beside it as evidence, and stops no proposal."""

from datetime import timedelta

import pytest

from semantic_layer.errors import InputError, TransientError
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.periods import Window
from tasks.agents.replaying import replayed
from tasks.healing.agent import heal_cell
from tasks.messages.proposals import ChangeProposal
from tasks.twin.what_if_rows import SimulatedChanges
from tests.tasks.healing.test_healing_stories import ASLEEP, CELL, LACKING, SLIPPED
from tests.tasks.healing.world import CELLS, END, calm_rows, decision_on, disturbed, facts_of
from tests.tasks.twin.published import published

NEIGHBOR = CELLS[1]


@pytest.fixture(scope="module")
def calm():
    return calm_rows()


@pytest.fixture(scope="module")
def asleep(calm):
    return facts_of(disturbed(calm, CELL, 2, **ASLEEP))


@pytest.fixture(scope="module")
def slipped(calm):
    return facts_of(disturbed(calm, CELL, 2, traffic_volume_dl=0.6, mean_cqi=0.8), (SLIPPED,))


@pytest.fixture(scope="module")
def twin():
    return SimulatedChanges(published(END).read, guardrail_rules())


def row(dn=CELL, load=(30.0, 0.0), uncovered=(0.0, 0.0), users=(6.0, 0.25)):
    return {
        "cell_dn": dn,
        "is_changed": dn == CELL,
        "uncovered_share_before": uncovered[0],
        "uncovered_share_after": uncovered[1],
        "load_before_pct": load[0],
        "load_after_pct": load[1],
        "users_interrupted": users[0],
        "users_uncovered": users[1],
    }


def said(facts, what_if):
    """Return the proposal and the only piece of evidence that the twin gave for it."""
    decision, _ = decision_on(facts, what_if=what_if)
    proposal = ChangeProposal.from_json(decision["proposal"])
    (told,) = (one for one in proposal.evidence if one.kind == "twin")
    assert told.reference == f"twin#{proposal.change_set.digest[:16]}"
    return proposal, told.says


def calls(events):
    told = (one["content"] for one in events if one["kind"] == "tool_called")
    return [one for one in told if one["tool"] == "simulate_change"]


def test_a_restart_tells_whom_it_interrupts_and_who_takes_over(asleep, twin):
    proposal, says = said(asleep, twin)
    own, *others = twin(proposal.change_set, Window(END - timedelta(days=1), END))
    fullest = max(others, key=lambda one: one["load_after_pct"])
    lost = own["uncovered_share_after"] - own["uncovered_share_before"]
    assert (own["users_interrupted"], fullest["load_after_pct"] > 31) == (6.0, True)
    assert says == (
        "While it acts, 6.0 users are interrupted, of whom "
        f"{own['users_uncovered']:.1f} find no other cell. The fullest neighbor, "
        f"{fullest['cell_dn']}, comes to {fullest['load_after_pct']:.0f} % of its resource blocks "
        f"from {fullest['load_before_pct']:.0f} %. {100 * lost:.1f} % of the ground of {CELL} "
        "loses coverage."
    )


def test_a_tilt_set_back_interrupts_nobody_and_is_judged_from_where_the_antenna_is(slipped, twin):
    _, says = said(slipped, twin)
    assert says.startswith("No user is interrupted.")
    assert f"of the ground of {CELL} loses coverage" not in says


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        pytest.param(
            [row(uncovered=(0.01, 0.05)), row(NEIGHBOR, (30.0, 41.3), (0.0, 0.002))],
            "While it acts, 6.0 users are interrupted, of whom 0.2 find no other cell. "
            f"The fullest neighbor, {NEIGHBOR}, comes to 41 % of its resource blocks from 30 %. "
            f"4.0 % of the ground of {CELL} loses coverage.",
            id="a cell that others stand in for",
        ),
        pytest.param(
            [row(users=(0.0, 0.0)), row(NEIGHBOR, (50.0, 49.0), users=(0.0, 0.0)),
             row(CELLS[2], (20.0, 48.0), users=(0.0, 0.0))],
            "No user is interrupted. "
            f"The fullest neighbor, {NEIGHBOR}, comes to 49 % of its resource blocks from 50 %. "
            "No ground loses coverage.",
            id="the fullest is told, not who takes most",
        ),
        pytest.param(
            [row(users=(0.0, 0.0), uncovered=(0.2, 0.1))],
            "No user is interrupted. No neighbor's load moves. No ground loses coverage.",
            id="a cell alone",
        ),
        pytest.param(
            [], "The twin could not tell: a number lacks in what it answered.", id="no cell"
        ),
        pytest.param(
            [row(load=(30.0, float("nan")))],
            "The twin could not tell: a number lacks in what it answered.",
            id="a load that is no number",
        ),
    ],
)  # fmt: skip
def test_numbers_are_told_by_code(asleep, rows, says):
    assert said(asleep, lambda _change, _window: rows)[1] == says


@pytest.mark.parametrize("kind", [InputError, TransientError])
def test_a_twin_that_cannot_tell_stops_no_proposal(asleep, twin, kind):
    def silent(_change, _window):
        raise kind("No cell told its load.")

    proposal, says = said(asleep, silent)
    assert says.startswith("The twin could not tell: ")
    assert says.endswith("No cell told its load.")
    assert proposal.proposal_id == said(asleep, twin)[0].proposal_id
    assert "no twin stands beside this network" in said(asleep, None)[1]


def test_a_change_is_simulated_once_and_after_the_choice(asleep, twin):
    _, events = decision_on(asleep, what_if=twin)
    (call,) = calls(events)
    kinds = [one["kind"] for one in events]
    assert events.index(next(one for one in events if one["content"] is call)) > kinds.index(
        "chosen"
    )


def test_a_relation_that_is_created_is_not_simulated(calm, twin):
    facts = facts_of(disturbed(calm, CELL, 2, ho_execution_success_rate=0.75), (LACKING,))
    decision, events = decision_on(facts, what_if=twin)
    assert decision["cause"] == "wrong_neighbor"
    assert calls(events) == []
    assert all(one["kind"] != "twin" for one in decision["proposal"]["evidence"])


def test_a_cell_that_is_left_alone_costs_no_simulation(calm):
    def never(_change, _window):
        raise AssertionError

    assert decision_on(facts_of(calm), what_if=never)[0]["proposal"] is None


@pytest.mark.parametrize("has_twin", [True, False])
def test_a_run_with_a_twin_is_repeated_without_it(asleep, twin, has_twin):
    _, events = decision_on(asleep, what_if=twin if has_twin else None)
    versions = {"code_version": "", "catalogue_version": ""}
    told = replayed(events, heal_cell, versions)
    assert (told.is_same, told.difference) == (True, "")
