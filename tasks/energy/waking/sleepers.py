"""Who sleeps by what the ledger says was written and not taken back, and who came back lately."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from semantic_layer.identity import cell_dn_of, parent
from tasks.messages.change_sets import ChangeSet
from tasks.messages.ledger import EntryKind, LedgerEntry
from tasks.messages.proposal_life import ProposalLife, Stage, proposal_life
from tasks.twin.sleep_modes import MODE, MODES, SavingMode

USE_CASE = "save_energy"
EVIDENCE = "evidence"
"""Name in a ledger entry under which stands why cells were woken."""

BY_LOAD = ("FULL", "SLOW")
"""Words of the record for reasons that load of a cell, or throughput of its users, gave."""

TAKEN_BACK: Mapping[Stage, EntryKind] = {
    "RECALLED": "recalled",
    "UNDONE": "undone",
    "ROLLED_BACK": "rolled_back",
}
"""Stages in which cells were written back, and the entries that say so."""

_STANDING = ("APPLIED", "KEPT")


@dataclass(frozen=True)
class Asleep:
    """Cells that one proposal put to sleep.

    Attributes:
        modes: by cell.
        since: when the last of them was written, time of the network.
    """

    modes: Mapping[str, SavingMode]
    since: datetime


def savings_on_record(entries: Iterable[LedgerEntry]) -> list[ProposalLife]:
    """Return where each proposal to save energy stands, oldest first.

    Args:
        entries: of the ledger, oldest first.
    """
    told: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        told.setdefault(entry.subject_id, []).append(entry)
    return [proposal_life(own) for own in told.values() if _is_saving(own[0])]


def sleeping(entries: Iterable[LedgerEntry]) -> dict[str, dict[str, SavingMode]]:
    """Return the modes by cell of every proposal to save energy that stands, oldest first.

    Args:
        entries: of the ledger, oldest first.
    """
    standing = asleep_by(savings_on_record(entries))
    return {proposal_id: dict(one.modes) for proposal_id, one in standing.items()}


def asleep_by(lives: Iterable[ProposalLife]) -> dict[str, Asleep]:
    """Return who sleeps, by the id of the proposal that stands, oldest first."""
    return {
        life.proposal.proposal_id: Asleep(
            modes_written(life.proposal.change_set), life.applied_at or life.proposal.proposed_at
        )
        for life in lives
        if life.stage in _STANDING
    }


def half_woken(lives: Iterable[ProposalLife]) -> list[str]:
    """Return the proposals whose taking back was begun and has not come to its end."""
    return [
        life.proposal.proposal_id
        for life in lives
        if life.stage == "EXECUTING" and life.recall_reason
    ]


def counts_since(
    lives: Iterable[ProposalLife], switch_s: Callable[[str, SavingMode], float]
) -> dict[str, datetime]:
    """Return by cell from when on what it tells says how it fares now.

    A cell that was woken has told nothing before it was back on the air. A cell for whose load
    others were woken told of a load that these have not yet taken off it; one that fell silent, or
    has a finding, is relieved by no load.

    Args:
        lives: of proposals to save energy.
        switch_s: time that a cell takes back from a mode.
    """
    found: dict[str, datetime] = {}

    def count(cell: str, since: datetime) -> None:
        found[cell] = max(since, found.get(cell, since))

    for life in lives:
        ended, begun = (
            newest_entry(life, TAKEN_BACK.get(life.stage)),
            newest_entry(life, "recall_begun"),
        )
        if ended is not None:
            for cell, mode in modes_written(life.proposal.change_set).items():
                count(cell, ended.at + timedelta(seconds=switch_s(cell, mode)))
        if begun is not None:
            for row in begun.payload.get(EVIDENCE, {}).get("cells", ()):
                if row["because_of"] != row["cell_dn"] and row["reason"] in BY_LOAD:
                    count(row["because_of"], begun.at + timedelta(seconds=row["switch_s"]))
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


def newest_entry(life: ProposalLife, kind: EntryKind | None) -> LedgerEntry | None:
    """Return the newest entry of a kind; None where there is none, or no kind is asked for."""
    return next((one for one in reversed(life.entries) if one.kind == kind), None)


def _is_saving(first: LedgerEntry) -> bool:
    return first.kind == "proposed" and first.payload["proposal"].get("use_case") == USE_CASE
