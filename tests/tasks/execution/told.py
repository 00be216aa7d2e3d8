"""Proposals, approvals and a small network, as tests of execution tell them."""

from datetime import UTC, datetime, timedelta

from semantic_layer.execution_rules import execution_rules
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.execution.executing import Hands
from tasks.messages.change_sets import ChangeSet, ManagedObject, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal, ExpectedEffect, GuardVerdict

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ELEMENT = "SubNetwork=1,ManagedElement=7"
DU = f"{ELEMENT},GNBDUFunction=1"
CELL = f"{DU},NRCellDU=1"
BEAM = f"{DU},NRSectorCarrier=1,CommonBeamformingFunction=1"
CU_CELL = f"{ELEMENT},GNBCUCPFunction=1,NRCellCU=1"
RELATION = f"{CU_CELL},NRCellRelation=8-1"
RELATED = {"adjacentNRCellRef": CU_CELL, "isHOAllowed": True}


class StoppedClock:
    """Tells the moment that it is set to."""

    def __init__(self, moment=NOON):
        self.moment = moment

    def now(self):
        return self.moment


def network_objects():
    return [
        ManagedObject(ELEMENT, "ManagedElement", {"userLabel": "Mill"}),
        ManagedObject(DU, "GNBDUFunction", {"gNBId": 7}),
        ManagedObject(CELL, "NRCellDU", {"administrativeState": "UNLOCKED", "nRPCI": 12}),
        ManagedObject(f"{DU},NRSectorCarrier=1", "NRSectorCarrier", {"configuredMaxTxPower": 40}),
        ManagedObject(BEAM, "CommonBeamformingFunction", {"digitalTilt": 90, "coverageShape": 1}),
        ManagedObject(f"{ELEMENT},GNBCUCPFunction=1", "GNBCUCPFunction", {"gNBId": 7}),
        ManagedObject(CU_CELL, "NRCellCU", {"cellLocalId": 1}),
        ManagedObject(
            SAVING,
            "CESManagementFunction",
            {"energySavingMode": "ACTIVE", "energySavingControl": "toBeNotEnergySaving"},
        ),
    ]


def modify(dn, object_class, attribute, before, after):
    return Operation("MODIFY", dn, object_class, attribute, before, after)


LOCK = modify(CELL, "NRCellDU", "administrativeState", "UNLOCKED", "LOCKED")
UNLOCK = LOCK.inverse()
TILT = modify(BEAM, "CommonBeamformingFunction", "digitalTilt", 90, 60)
RELATE = Operation("CREATE", RELATION, "NRCellRelation", "", None, RELATED)
RESTART = ChangeSet((LOCK, UNLOCK))
TILT_BACK = ChangeSet((TILT,))
NEIGHBOR = ChangeSet((RELATE,))
SAVING = f"{CU_CELL},CESManagementFunction=1"
DEEP = modify(SAVING, "CESManagementFunction", "energySavingMode", "ACTIVE", "DEEP_SLEEP")
SAVE = modify(
    SAVING, "CESManagementFunction", "energySavingControl", "toBeNotEnergySaving",
    "toBeEnergySaving",
)  # fmt: skip
SLEEP = ChangeSet((DEEP, SAVE))
ALL_THREE = ChangeSet((LOCK, TILT, RELATE, UNLOCK))

EXPECTED = ExpectedEffect("drb_setup_success_rate", "higher", (CELL,), 0.02, 0.05, 1, 4)


def proposal(change, expected=EXPECTED, use_case="heal_tilt_slip", cells=(CELL,)):
    return ChangeProposal(
        use_case, "healing_agent", "solver", NOON, change, cells, "tilt_slip", 0.9,
        "The tilt slipped.", "low", ("finding-1",), (), expected, (), "run-1",
    )  # fmt: skip


def approved(
    ledger, change, *, at=NOON, expires_at=None, expected=EXPECTED, digest=None,
    use_case="heal_tilt_slip", cells=(CELL,),
):  # fmt: skip
    """Put a proposal and all that approves it on record; return its id."""
    told = proposal(change, expected, use_case, cells)
    name, digest = told.proposal_id, digest or change.digest
    verdict = GuardVerdict(name, digest, (), 3, 1, ("limits",), "One person approves.")
    entries = [
        ("proposed", "healing_agent", {"proposal": told.to_json()}, f"proposed:{name}"),
        ("judged", "guards", {"verdict": verdict.to_json()}, f"judged:{name}:{digest}"),
        (
            "approval_requested",
            "approval",
            {"expires_at": (expires_at or at + timedelta(hours=4)).isoformat()},
            f"approval_requested:{name}",
        ),
        ("approved", "anna", {"change_digest": digest, "comment": ""}, f"approved:{name}:anna"),
    ]
    for kind, actor, payload, key in entries:
        ledger.append(EntryDraft(kind, name, actor, at, payload, key))
    return name


def hands(ledger, gateway, clock=None, **changed):
    """Return what an executor works with, so that nothing waits."""
    rules = execution_rules().model_copy(update={"write_wait_s": 0.0, **changed})
    clock = clock or StoppedClock()
    return Hands(ledger, gateway, clock.now, lambda _seconds: None, lambda _life, _now: "", rules)


def memory_ledger():
    return MemoryLedger(StoppedClock())
