"""What the ledger says: proposals on record, a freeze that stands, and how verdicts are shown."""

from collections.abc import Sequence

from tasks.guardrails.beginning import frozen_because
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife, proposal_life
from tasks.messages.proposals import ChangeProposal, GuardVerdict

__all__ = ["frozen_because", "lives_on_record", "verdict_row"]


def lives_on_record(entries: Sequence[LedgerEntry]) -> dict[str, ProposalLife]:
    """Return the life of each proposal by its id, in the order in which they were made."""
    of: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        if entry.kind == "proposed" or entry.subject_id in of:
            of.setdefault(entry.subject_id, []).append(entry)
    return {key: proposal_life(told) for key, told in of.items()}


def verdict_row(
    proposal: ChangeProposal, verdict: GuardVerdict, *, is_waiting: bool
) -> dict[str, str]:
    """Return a verdict as a row of texts, for a run's page."""
    word = "allowed" if verdict.is_allowed else "refused"
    return {
        "proposal": verdict.proposal_id,
        "use case": proposal.use_case,
        "verdict": "waits" if is_waiting else word,
        "persons": str(verdict.persons_needed),
        "why": " ".join(breach.says for breach in verdict.breaches) or verdict.reason,
    }
