"""Taking back as planned: what was applied, or half written, is undone by its stored rollback.

A change that only waits is withdrawn instead, so that it does not begin after all. The reason is
on record before the first write back, so that a crash anywhere leaves what the next run goes on
with. To be taken back as planned says nothing against a change: it is no bad outcome.
"""

from collections.abc import Mapping

from semantic_layer.execution_rules import ExecutionRules
from tasks.execution.executing import Carried, Hands, append, carried_out
from tasks.execution.writing import progress
from tasks.messages.canonical import JsonValue
from tasks.messages.proposal_life import ProposalLife, Stage, proposal_life

NOTHING_STANDS: frozenset[Stage] = frozenset({"RECALLED", "WITHDRAWN", "ROLLED_BACK", "UNDONE"})
"""Stages in which nothing of a change stands, or will."""

_NOT_BEGUN: frozenset[Stage] = frozenset({"PROPOSED", "WAITING", "APPROVED"})
_STANDING: frozenset[Stage] = frozenset({"APPLIED", "KEPT"})


def recall_refusal(life: ProposalLife, rules: ExecutionRules) -> str:
    """Return why a proposal is not taken back as planned; empty where it may be.

    Args:
        life: of the proposal.
        rules: with the use cases that may be.
    """
    proposal = life.proposal
    if proposal.use_case not in rules.recallable:
        return (
            f"Proposal {proposal.proposal_id} is of {proposal.use_case[:60]!r}, which is not taken "
            f"back as planned; {', '.join(rules.recallable)} is."
        )
    if life.stage in ("REFUSED", "REJECTED", "EXPIRED"):
        return (
            f"Proposal {proposal.proposal_id} is {life.stage}: nothing of it was ever written, so "
            "there is nothing to take back."
        )
    return ""


def recalled(
    proposal_id: str, reason: str, hands: Hands, evidence: Mapping[str, JsonValue] | None = None
) -> Carried:
    """Take a proposal back, alone, and return how far that came.

    Called again, or by two at once, it does so once. What fails on its own meanwhile, or was found
    worse, is taken back as such.

    Args:
        proposal_id: of a proposal that `recall_refusal` has nothing against.
        reason: a sentence, for the record.
        hands: what to write with.
        evidence: on which the reason rests; it goes on record with it, once, before any write.
    """
    payload = {"reason": reason, **({"evidence": evidence} if evidence else {})}
    with hands.ledger.alone(proposal_id):
        life = proposal_life(hands.ledger.entries(proposal_id))
        if life.stage in _NOT_BEGUN:
            append(hands, proposal_id, "withdrawn", f"withdrawn:{proposal_id}", payload)
            return Carried(proposal_id, "WITHDRAWN")
        if _is_to_begin(life):
            append(hands, proposal_id, "recall_begun", f"recall_begun:{proposal_id}", payload)
    return carried_out(proposal_id, hands)


def _is_to_begin(life: ProposalLife) -> bool:
    """Return whether something stands, or half does, that nothing takes back yet."""
    if life.recall_reason or life.effect == "worse":
        return False
    return life.stage in _STANDING or (life.stage == "EXECUTING" and not progress(life).failure)
