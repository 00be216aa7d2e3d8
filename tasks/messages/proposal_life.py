"""How far a proposal has come: a fold over its ledger entries, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from semantic_layer.errors import InputError
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposals import ChangeProposal, GuardVerdict

Stage = Literal[
    "PROPOSED",     # not judged yet
    "REFUSED",      # guardrails do not allow it
    "WAITING",      # for a person
    "APPROVED",     # by as many as are needed; not begun
    "REJECTED", "EXPIRED", "WITHDRAWN",
    "EXECUTING",    # prepared; some writes may be done, or are being taken back as planned
    "APPLIED",      # all writes done, not verified
    "ROLLED_BACK",  # execution failed, nothing stands
    "KEPT",         # verified, stands
    "UNDONE",       # verified worse, taken back
    "RECALLED",     # taken back as planned
]  # fmt: skip
ENDED: frozenset[Stage] = frozenset(
    {"REFUSED", "REJECTED", "EXPIRED", "WITHDRAWN", "ROLLED_BACK", "KEPT", "UNDONE", "RECALLED"}
)
_AFTER: dict[str, Stage] = {
    "rejected": "REJECTED",
    "expired": "EXPIRED",
    "withdrawn": "WITHDRAWN",
    "execution_prepared": "EXECUTING",
    "applied": "APPLIED",
    "rolled_back": "ROLLED_BACK",
    "undone": "UNDONE",
    "recall_begun": "EXECUTING",
    "recalled": "RECALLED",
}


@dataclass(frozen=True, slots=True)
class ProposalLife:
    """Where a proposal stands.

    Attributes:
        approvals: who approved this very change set, in order, each once.
        delegations: who may approve in whose place, and until when.
        expires_at: of the request for approval.
        prepared: entry of the last preparation.
        applied_at: time of the network at the last write.
        effect: verdict of the verification, empty before it.
        recall_reason: why it is or was taken back as planned, empty where that was never begun.
    """

    proposal: ChangeProposal
    stage: Stage
    verdict: GuardVerdict | None = None
    approvals: tuple[str, ...] = ()
    delegations: tuple[tuple[str, str, datetime], ...] = ()
    expires_at: datetime | None = None
    prepared: LedgerEntry | None = None
    applied_at: datetime | None = None
    effect: str = ""
    recall_reason: str = ""
    entries: tuple[LedgerEntry, ...] = ()


def proposal_life(entries: Sequence[LedgerEntry]) -> ProposalLife:
    """Return where the proposal of these entries stands.

    Approvals count only for the digest of the change set that was judged.

    Raises:
        InputError: the entries do not begin with a proposal.
    """
    if not entries or entries[0].kind != "proposed":
        raise InputError("A proposal's record begins with the proposal; these entries do not.")
    proposal = ChangeProposal.from_json(entries[0].payload["proposal"])
    life = ProposalLife(proposal, "PROPOSED", entries=tuple(entries))
    for entry in entries[1:]:
        life = _after(life, entry)
    return life


def _after(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    if entry.kind in _FOLDS:
        life = _FOLDS[entry.kind](life, entry)
    return replace(life, stage=_AFTER[entry.kind]) if entry.kind in _AFTER else life


def _judged(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    verdict = GuardVerdict.from_json(entry.payload["verdict"])
    return replace(life, verdict=verdict, stage="WAITING" if verdict.is_allowed else "REFUSED")


def _requested(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    return replace(life, expires_at=datetime.fromisoformat(entry.payload["expires_at"]))


def _delegated(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    until = datetime.fromisoformat(entry.payload["until"])
    given = (entry.actor, str(entry.payload["to"]), until)
    return replace(life, delegations=(*life.delegations, given))


def _prepared(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    return replace(life, prepared=entry)


def _applied(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    return replace(life, applied_at=datetime.fromisoformat(entry.payload["applied_at"]))


def _verified(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    effect = str(entry.payload["verdict"])
    is_kept = life.stage == "APPLIED" and effect != "worse"
    return replace(life, effect=effect, stage="KEPT" if is_kept else life.stage)


def _recall_begun(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    return replace(life, recall_reason=str(entry.payload["reason"]))


def _approved(life: ProposalLife, entry: LedgerEntry) -> ProposalLife:
    """Count an approval, if somebody is waited for and it is of the very change set judged."""
    verdict = life.verdict
    if life.stage != "WAITING" or verdict is None:
        return life
    if entry.payload["change_digest"] != verdict.change_digest:
        return life
    names = tuple(dict.fromkeys((*life.approvals, entry.actor)))
    persons = sum(not name.startswith("policy:") for name in names)
    is_enough = persons >= verdict.persons_needed
    return replace(life, approvals=names, stage="APPROVED" if is_enough else "WAITING")


_FOLDS: dict[str, Callable[[ProposalLife, LedgerEntry], ProposalLife]] = {
    "judged": _judged,
    "approval_requested": _requested,
    "approved": _approved,
    "delegated": _delegated,
    "execution_prepared": _prepared,
    "applied": _applied,
    "verified": _verified,
    "recall_begun": _recall_begun,
}
