"""Who sleeps by what the ledger says."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.adapters.memory_ledger import MemoryLedger
from tasks.energy.waking.sleepers import (
    Asleep,
    asleep_by,
    counts_since,
    half_woken,
    modes_written,
    savings_on_record,
    sleeping,
)
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
    entries = ledger_of((SLEEP, kinds))
    found = asleep_by(savings_on_record(entries))
    modes = {cell(1): "DEEP_SLEEP", cell(2): "MIMO_MUTED"}
    expected = {SLEEP.proposal_id: Asleep(modes, NIGHT)}
    assert found == (expected if is_asleep else {})
    assert sleeping(entries) == ({SLEEP.proposal_id: modes} if is_asleep else {})


def test_what_others_write_puts_nobody_to_sleep():
    other = proposal(put_to_sleep(c1="DEEP_SLEEP"), use_case="heal_sleeping_cell")
    assert sleeping(ledger_of((other, ("applied",)))) == {}


def test_a_mode_that_nobody_knows_is_no_mode():
    assert modes_written(put_to_sleep(c1="HIBERNATION")) == {}


def taken_back(ledger_entries_of, evidence):
    """Return lives of a proposal that was taken back for the sake of cell 9."""
    ledger = MemoryLedger(Night())
    name = SLEEP.proposal_id
    told = [
        ("proposed", {"proposal": SLEEP.to_json()}),
        ("applied", {"applied_at": NIGHT.isoformat()}),
        ("recall_begun", {"reason": "Load.", "evidence": evidence}),
        *ledger_entries_of,
    ]
    for kind, payload in told:
        ledger.append(EntryDraft(kind, name, "executor", NIGHT, payload, f"{kind}:{name}"))
    return savings_on_record(ledger.entries())


ROWS = [
    {"cell_dn": cell(1), "because_of": cell(9), "switch_s": 190.0, "reason": "FULL"},
    {"cell_dn": cell(1), "because_of": cell(8), "switch_s": 190.0, "reason": "SILENT"},
    {"cell_dn": cell(2), "because_of": cell(2), "switch_s": 0.0, "reason": "FULL"},
]
ENDED = ("recalled", {"attempt": 1, "reason": "Load."})


def test_what_was_begun_to_be_taken_back_and_has_not_ended_is_half_woken():
    begun = taken_back([], {"cells": ROWS})
    assert half_woken(begun) == [SLEEP.proposal_id]
    assert asleep_by(begun) == {}
    assert half_woken(taken_back([ENDED], {"cells": ROWS})) == []


def test_who_came_back_and_who_was_relieved_counts_anew_from_when_that_was_done():
    def switch_s(_cell, mode):
        return {"DEEP_SLEEP": 190.0}.get(mode, 0.0)

    found = counts_since(taken_back([ENDED], {"cells": ROWS}), switch_s)
    back = NIGHT + timedelta(seconds=190)
    assert found == {cell(1): back, cell(2): NIGHT, cell(9): back}
    assert counts_since(taken_back([], {}), switch_s) == {}
