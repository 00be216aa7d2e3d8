"""Proposals, people and a stopped clock, as tests of approval tell them."""

from datetime import UTC, datetime, timedelta

from semantic_layer.approval_rules import approval_rules
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.approval.deciding import Speaker
from tasks.approval.desk import Desk
from tasks.guardrails.approvals import People
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import (
    Alternative,
    Breach,
    ChangeProposal,
    EvidenceReference,
    ExpectedEffect,
    GuardVerdict,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DU = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1"
CELL = f"{DU},NRCellDU=1"
BEAM = f"{DU},NRSectorCarrier=1,CommonBeamformingFunction=1"
LOCK = Operation("MODIFY", CELL, "NRCellDU", "administrativeState", "UNLOCKED", "LOCKED")
RESTART = ChangeSet((LOCK, LOCK.inverse()))
TILT_BACK = ChangeSet((
    Operation("MODIFY", BEAM, "CommonBeamformingFunction", "digitalTilt", 90, 60),
))  # fmt: skip
HOSTILE = "<script>alert(1)</script> ![x](//evil/p) \u202eDROP\u202c \x1b[2J {{7*7}} | `rm`"


class StoppedClock:
    """Tells the moment that it is set to."""

    def __init__(self, moment=NOON):
        self.moment = moment

    def now(self):
        return self.moment


PEOPLE = People.model_validate(
    {
        "roles": {
            "lead": {"use_cases": "all", "highest_risk": "high", "description": "Leads."},
            "radio": {
                "use_cases": ["heal_tilt_slip"],
                "highest_risk": "medium",
                "description": "Tunes.",
            },
            "night": {
                "use_cases": ["heal_sleeping_cell"],
                "highest_risk": "low",
                "description": "Watches.",
            },
        },
        "persons": {
            "anna": {"name": "Anna Berg", "roles": ["lead"]},
            "bo": {"name": "Bo Lind", "roles": ["lead"]},
            "cy": {"name": "Cy Young", "roles": ["radio"]},
            "dee": {"name": "Dee Dee", "roles": ["night"]},
            "eve": {"name": "Eve Holt", "roles": ["lead"], "needs_token": True},
        },
    }
)


def proposal(change=TILT_BACK, *, risk="medium", by="healing_agent", text="The tilt slipped."):
    return ChangeProposal(
        use_case="heal_tilt_slip",
        proposed_by=by,
        decided_by="solver",
        proposed_at=NOON,
        change_set=change,
        cell_dns=(CELL,),
        hypothesis="tilt_slip",
        probability=0.91,
        reason=text,
        risk=risk,
        trigger_ids=("finding-1",),
        evidence=(
            EvidenceReference("finding", "finding-1", "DL throughput fell by 38 %."),
            EvidenceReference("alarm", "alarm-9", f'An alarm said "{text}".'),
        ),
        expected=ExpectedEffect("drb_setup_success_rate", "higher", (CELL,), 0.02, 0.05, 1, 4),
        alternatives=(Alternative("restart_cell", 2, 0.2, "The cell carries traffic."),),
        run_id="run-1",
    )


def judged(ledger, told=None, *, persons=1, breaches=(), at=NOON):
    """Put a proposal and what guards say of it on record; return its id."""
    told = told or proposal()
    name, digest = told.proposal_id, told.change_set.digest
    verdict = GuardVerdict(
        name, digest, tuple(breaches), 2, persons, ("range", "protected", "freeze"),
        f"{persons} must approve: heal_tilt_slip is at L2.",
    )  # fmt: skip
    entries = [
        ("proposed", "healing_agent", {"proposal": told.to_json()}, f"proposed:{name}"),
        ("judged", "guarding", {"verdict": verdict.to_json()}, f"judged:{name}:{digest}"),
    ]
    for kind, actor, payload, key in entries:
        ledger.append(EntryDraft(kind, name, actor, at, payload, key))
    return name


BREACH = Breach("floor", "Coverage would be 0.91; at least 0.95 must stand.")


def desk(people=PEOPLE, ledger=None):
    return Desk(ledger or MemoryLedger(StoppedClock()), people, approval_rules(), StoppedClock())


def asked(at_desk, told=None, *, persons=1):
    """Put a proposal on record and ask people about it; return its id."""
    name = judged(at_desk.ledger, told, persons=persons)
    assert at_desk.request([name]) == [name]
    return name


def by(person, **how):
    return Speaker(person, "command", **how)


def later(at_desk, **by_how_much):
    at_desk.clock.moment = NOON + timedelta(**by_how_much)


def told(at_desk, name, kind, actor, **payload):
    """Put an entry on record past the desk, as one would who can write to the ledger."""
    at_desk.ledger.append(EntryDraft(kind, name, actor, at_desk.clock.now(), payload))
