"""Three proposals as they stand: refused, waiting and kept, told as rows."""

import polars as pl

from data_products.change_proposals.derive import derive
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.approval.record import standing_rows
from tests.tasks.approval.world import (
    BREACH,
    RESTART,
    TILT_BACK,
    StoppedClock,
    asked,
    by,
    desk,
    judged,
    later,
    proposal,
    told,
)


def three():
    here = desk(ledger=MemoryLedger(StoppedClock()))
    judged(here.ledger, proposal(RESTART, text="It sleeps."), breaches=(BREACH,))
    asked(here, proposal(risk="low"))
    name = asked(here, proposal(by="planning_agent", risk="high"), persons=2)
    for person in ("anna", "bo"):
        here.approve(name, by(person), TILT_BACK.digest)
    later(here, hours=2)
    told(here, name, "execution_prepared", "execution", attempt=1, rollback=[])
    told(here, name, "applied", "execution", attempt=1, applied_at=here.clock.now().isoformat())
    later(here, hours=5)
    told(here, name, "verified", "execution", verdict="better", effect={"gain": 0.1})
    return here


def test_a_proposal_is_a_row_as_it_stands(golden):
    found = derive(standing_rows(three().lives()))
    lists = [name for name, kind in found.schema.items() if isinstance(kind, pl.List)]
    golden(
        found.with_columns(pl.col(lists).list.join("; ")), "change_proposals/change_proposals.csv"
    )


def test_no_proposal_is_no_row():
    assert derive(standing_rows([])).is_empty()
