"""Who sleeps by what the ledger says was written and not taken back."""

from collections.abc import Mapping, Sequence

from semantic_layer.identity import cell_dn_of, parent
from tasks.messages.change_sets import ChangeSet
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import proposal_life
from tasks.twin.sleep_modes import MODE, MODES, SavingMode

USE_CASE = "save_energy"
_STANDING = ("APPLIED", "KEPT")

Sleeping = Mapping[str, Mapping[str, SavingMode]]
"""Modes by cell, by the id of the proposal that put them there."""


def sleeping(entries: Sequence[LedgerEntry]) -> dict[str, dict[str, SavingMode]]:
    """Return the modes by cell of every proposal to save energy that stands, oldest first.

    Args:
        entries: of the ledger, oldest first.
    """
    told: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        told.setdefault(entry.subject_id, []).append(entry)
    found: dict[str, dict[str, SavingMode]] = {}
    for own in told.values():
        if own[0].kind != "proposed" or own[0].payload["proposal"].get("use_case") != USE_CASE:
            continue
        life = proposal_life(own)
        if life.stage in _STANDING:
            found[life.proposal.proposal_id] = modes_written(life.proposal.change_set)
    return found


def modes_written(change_set: ChangeSet) -> dict[str, SavingMode]:
    """Return the mode that a change set takes each cell into."""
    found: dict[str, SavingMode] = {}
    by_name: dict[object, SavingMode] = {mode: mode for mode in MODES}
    for operation in change_set.operations:
        above = parent(operation.dn)
        cell = cell_dn_of(above) if above else None
        if operation.attribute == MODE and operation.after in by_name and cell is not None:
            found[cell] = by_name[operation.after]
    return found


def proposals_of(cells: Sequence[str], asleep: Sleeping) -> list[str]:
    """Return the proposals whose taking back wakes these cells, in the order of the cells.

    A proposal is taken back as a whole, so that cells of one site wake together.
    """
    found: dict[str, None] = {}
    for cell in cells:
        for proposal_id, modes in asleep.items():
            if cell in modes:
                found.setdefault(proposal_id)
    return list(found)
