"""A little town in which everything that guards need is known, and proposals that are in order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from semantic_layer.autonomy import autonomy_rules
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.protected import ProtectedPlace, ProtectedPlaces
from tasks.guardrails.circumstances import (
    CellFacts,
    Circumstances,
    ObjectFacts,
    PredictedCell,
    Prediction,
)
from tasks.guardrails.judging import judge_proposals
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import ChangeProposal, ExpectedEffect, GuardVerdict

NOON = datetime(2025, 6, 4, 10, 0, tzinfo=UTC)
EVENING = datetime(2025, 6, 4, 18, 0, tzinfo=UTC)
SITES, SECTORS = 12, 3
AWAKE = {
    "cesSwitch": True,
    "energySavingControl": "toBeNotEnergySaving",
    "energySavingState": "isNotEnergySaving",
    "energySavingMode": "ACTIVE",
}
RULES, AUTONOMY = guardrail_rules(), autonomy_rules()


def cell(site: int, number: int = 1) -> str:
    """Numbers 1 to 3 are one band's sectors, 4 to 6 the other band's on the same sectors."""
    return f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRCellDU={number}"


def beam(site: int, number: int = 1) -> str:
    carrier = f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRSectorCarrier={number}"
    return f"{carrier},CommonBeamformingFunction=1"


def relation(site: int, other: int, number: int = 1) -> str:
    half = f"SubNetwork=1,ManagedElement={site},GNBCUCPFunction=1,NRCellCU={number}"
    return f"{half},NRCellRelation={other}-1"


def saver(site: int, number: int = 1) -> str:
    """The object by which a cell is told to save energy."""
    half = f"SubNetwork=1,ManagedElement={site},GNBCUCPFunction=1,NRCellCU={number}"
    return f"{half},CESManagementFunction=1"


def planned_relation(other: int) -> dict[str, object]:
    target = f"SubNetwork=1,ManagedElement={other},GNBCUCPFunction=1,NRCellCU=1"
    return {"adjacentNRCellRef": target, "isHOAllowed": True}


@cache
def _cells() -> dict[str, CellFacts]:
    """Sites stand in a row; a cell's neighbors are its site's cells of its band and the next's."""
    found = {}
    for site in range(1, SITES + 1):
        for number in range(1, 2 * SECTORS + 1):
            band = (number - 1) // SECTORS
            own = {cell(site, n + band * SECTORS) for n in range(1, SECTORS + 1)}
            following = {cell(site + 1, number)} if site < SITES else set()
            found[cell(site, number)] = CellFacts(
                cell_dn=cell(site, number),
                site_id=f"S{site:03d}",
                sector=f"S{site:03d}/{(number - 1) % SECTORS}",
                community=f"S{1 + (site - 1) // 6 * 6:03d}",
                neighbor_dns=frozenset((own | following) - {cell(site, number)}),
            )
    return found


@cache
def _objects() -> dict[str, ObjectFacts]:
    found = {}
    for site in range(1, SITES + 1):
        for number in range(1, 2 * SECTORS + 1):
            dn = cell(site, number)
            state = {"administrativeState": "UNLOCKED"}
            found[dn] = ObjectFacts("NRCellDU", (dn,), state, state)
            found[saver(site, number)] = ObjectFacts(
                "CESManagementFunction", (dn,), dict(AWAKE), None
            )
            found[beam(site, number)] = ObjectFacts(
                "CommonBeamformingFunction", (dn,), {"digitalTilt": 95}, {"digitalTilt": "40"}
            )
        plan = {
            "adjacentNRCellRef": str(planned_relation(site + 1)["adjacentNRCellRef"]),
            "isHOAllowed": "true",
        }
        found[relation(site, site + 1)] = ObjectFacts("NRCellRelation", (cell(site),), None, plan)
    return found


def restart(dn: str) -> tuple[Operation, ...]:
    state = "administrativeState"
    return (
        Operation("MODIFY", dn, "NRCellDU", state, "UNLOCKED", "LOCKED"),
        Operation("MODIFY", dn, "NRCellDU", state, "LOCKED", "UNLOCKED"),
    )


def proposal(use_case: str, *operations: Operation, cells: tuple[str, ...], **others):
    told = {
        "use_case": use_case,
        "proposed_by": "healing_agent",
        "decided_by": "solver",
        "proposed_at": NOON - timedelta(minutes=5),
        "change_set": ChangeSet(tuple(operations)),
        "cell_dns": cells,
        "hypothesis": use_case.removeprefix("heal_"),
        "probability": 0.9,
        "reason": "Its traffic fell to a tenth, its neighbors' rose.",
        "risk": "low",
        "trigger_ids": ("finding-1",),
        "evidence": (),
        "expected": ExpectedEffect("traffic_volume_dl", "higher", cells, 0.3, 0.1, 1, 4),
        "alternatives": (),
        "run_id": "run-1",
    }
    return ChangeProposal(**{**told, **others})


def sleeping(site: int, number: int = 1, **others) -> ChangeProposal:
    dn = cell(site, number)
    return proposal("heal_sleeping_cell", *restart(dn), cells=(dn,), **others)


def slipped(site: int, number: int = 1, before: object = 95, after: object = 40, **others):
    change = Operation(
        "MODIFY", beam(site, number), "CommonBeamformingFunction", "digitalTilt", before, after
    )
    return proposal("heal_tilt_slip", change, cells=(cell(site, number),), **others)


def lonely(site: int, attributes: object = None, **others) -> ChangeProposal:
    made = planned_relation(site + 1) if attributes is None else attributes
    change = Operation("CREATE", relation(site, site + 1), "NRCellRelation", "", None, made)
    return proposal("heal_wrong_neighbor", change, cells=(cell(site),), **others)


def sleep(dn: str, mode: object = "DEEP_SLEEP") -> tuple[Operation, ...]:
    """The two writes that put one cell to sleep."""
    kind, function = "MODIFY", "CESManagementFunction"
    save = "energySavingControl"
    return (
        Operation(kind, dn, function, "energySavingMode", "ACTIVE", mode),
        Operation(kind, dn, function, save, "toBeNotEnergySaving", "toBeEnergySaving"),
    )


def saving(site: int, *numbers: int, mode: object = "DEEP_SLEEP", **others) -> ChangeProposal:
    """A saving that is in order: cells of one site go to sleep."""
    own = numbers or (4,)
    cells = tuple(cell(site, number) for number in own)
    told = {
        "proposed_by": "energy_agent",
        "hypothesis": "low_load",
        "reason": "Few use it, and others can carry them.",
        "expected": ExpectedEffect("site_power", "lower", cells, 0.02, 0.05, 1, 4),
    }
    writes = [write for number in own for write in sleep(saver(site, number), mode)]
    return replace(proposal("save_energy", *writes, cells=cells, **told), **others)


def calm_sleep(_kept, one) -> Prediction:
    """What the twin says where nothing speaks against a saving."""
    cells = dict.fromkeys(one.cell_dns, PredictedCell(0.0, 0.005, 10.0, 0.0))
    return Prediction(cells, 3.0, 0.0)


def predicted(*proposals: ChangeProposal, **others) -> dict[str, Prediction]:
    calm = PredictedCell(0.01, 0.01, 40.0, 45.0)
    return {
        one.change_set.digest: Prediction(
            **{
                "cells": dict.fromkeys(one.cell_dns, calm),
                "users_interrupted": 4.0,
                "users_uncovered": 0.5,
                **others,
            }
        )
        for one in proposals
    }


def facts(*proposals: ChangeProposal, **others) -> Circumstances:
    told = {
        "at": NOON,
        "cells": _cells(),
        "objects": _objects(),
        "open_changes": (),
        "lives": (),
        "predictions": predicted(*proposals),
        "levels": {own.use_case: own.first for own in AUTONOMY.use_cases},
        "protected": ProtectedPlaces(places=(), ahead_hours=2),
        "asleep": {},
        "troubled": {},
        "sleep_what_if": calm_sleep,
    }
    return Circumstances(**{**told, **others})


def verdicts(*proposals: ChangeProposal, rules=RULES, **others) -> list[GuardVerdict]:
    return judge_proposals(proposals, facts(*proposals, **others), rules, AUTONOMY)


def broken(one: ChangeProposal, rules=RULES, **others) -> set[str]:
    """Return the rules that a proposal breaks when judged alone."""
    return {breach.rule for breach in verdicts(one, rules=rules, **others)[0].breaches}


def life(one: ChangeProposal, stage: str, hours_ago: float = 0.5, **others) -> ProposalLife:
    """Return the life of another proposal; one that was begun was prepared so long ago."""
    at = NOON - timedelta(hours=hours_ago)
    begun = stage in ("EXECUTING", "APPLIED", "KEPT", "UNDONE", "ROLLED_BACK")
    was_applied = stage in ("APPLIED", "KEPT", "UNDONE")
    entry = LedgerEntry(1, "execution_prepared", one.proposal_id, "executor", at, at, {}, "", "",
                        "", "")  # fmt: skip
    told = ProposalLife(one, stage, prepared=entry if begun else None)
    return replace(told, applied_at=at if was_applied else None, **others)


def place(rule: str, site: int, **others) -> ProtectedPlaces:
    told = {"name": "hospital", "service": "hospital", "rule": rule, "site_ids": (f"S{site:03d}",)}
    return ProtectedPlaces(places=(ProtectedPlace(**{**told, **others}),), ahead_hours=2)
