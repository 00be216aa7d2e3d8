"""Who sleeps by what the ledger says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.adapters.memory_ledger import MemoryLedger
from tasks.energy.waking.sleepers import modes_written, proposals_of, sleeping
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal, ExpectedEffect
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, SAVE, SAVING_FUNCTION

NIGHT = datetime(2026, 3, 2, 1, tzinfo=UTC)
ELEMENT = "SubNetwork=1,ManagedElement=7"


class Night:
    def now(self):
        return NIGHT


def cell(number):
    return f"{ELEMENT},GNBDUFunction=1,NRCellDU={number}"


def put_to_sleep(**modes):
    operations = []
    for number, mode in modes.items():
        dn = f"{ELEMENT},GNBCUCPFunction=1,NRCellCU={number[1:]},{SAVING_FUNCTION}=1"
        operations += [
            Operation("MODIFY", dn, SAVING_FUNCTION, MODE, "ACTIVE", mode),
            Operation("MODIFY", dn, SAVING_FUNCTION, CONTROL, DO_NOT_SAVE, SAVE),
        ]
    return ChangeSet(tuple(operations))


def proposal(change, use_case="save_energy"):
    expected = ExpectedEffect("site_power", "lower", (cell(1),), 0.02, 0.05, 1, 4)
    return ChangeProposal(
        use_case, "energy_agent", "solver", NIGHT, change, (cell(1),), "low_load", 1.0,
        "Load is low.", "low", (), (), expected, (), "run-1",
    )  # fmt: skip


def ledger_of(*stories):
    """Return the entries of proposals that went some way each."""
    ledger = MemoryLedger(Night())
    for told, kinds in stories:
        name = told.proposal_id
        payloads = {
            "proposed": {"proposal": told.to_json()},
            "applied": {"applied_at": NIGHT.isoformat()},
            "verified": {"verdict": "better"},
        }
        for kind in ("proposed", *kinds):
            payload = payloads.get(kind, {})
            ledger.append(EntryDraft(kind, name, "anops", NIGHT, payload, f"{kind}:{name}"))
    return ledger.entries()


SLEEP = proposal(put_to_sleep(c1="DEEP_SLEEP", c2="MIMO_MUTED"))


@pytest.mark.parametrize(
    ("kinds", "is_asleep"),
    [
        pytest.param((), False, id="only proposed"),
        pytest.param(("applied",), True, id="written"),
        pytest.param(("applied", "verified"), True, id="verified and kept"),
        pytest.param(("applied", "undone"), False, id="taken back for harm"),
    ],
)
def test_a_cell_sleeps_while_what_put_it_to_sleep_stands(kinds, is_asleep):
    found = sleeping(ledger_of((SLEEP, kinds)))
    expected = {SLEEP.proposal_id: {cell(1): "DEEP_SLEEP", cell(2): "MIMO_MUTED"}}
    assert found == (expected if is_asleep else {})


def test_what_others_write_puts_nobody_to_sleep():
    other = proposal(put_to_sleep(c1="DEEP_SLEEP"), use_case="heal_sleeping_cell")
    assert sleeping(ledger_of((other, ("applied",)))) == {}


def test_a_mode_that_nobody_knows_is_no_mode():
    assert modes_written(put_to_sleep(c1="HIBERNATION")) == {}


def test_cells_wake_by_taking_back_the_proposals_that_hold_them_most_urgent_first():
    one = replace(SLEEP, change_set=put_to_sleep(c1="DEEP_SLEEP", c2="DEEP_SLEEP"))
    two = replace(SLEEP, change_set=put_to_sleep(c3="DEEP_SLEEP"))
    asleep = sleeping(ledger_of((one, ("applied",)), (two, ("applied",))))
    wanted = [cell(3), cell(1), cell(2)]
    assert proposals_of(wanted, asleep) == [two.proposal_id, one.proposal_id]
    assert proposals_of([cell(9)], asleep) == []
