"""The last look before the first write: what was approved is what is executed, and now is the time.

Hours may lie between judgment and execution. Everything here follows from the ledger and the rules,
so that it can be asked again at any moment, even by one who has read no product.
"""

from collections.abc import Sequence
from datetime import datetime

from semantic_layer.guardrails import GuardrailRules
from semantic_layer.identity import managed_element_dn
from tasks.guardrails.change_forms import is_saving
from tasks.guardrails.freeze import standstill_breaches
from tasks.messages.change_sets import ChangeSet
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import Breach

_OPEN_REPAIRS = frozenset({"WAITING", "APPROVED", "EXECUTING", "APPLIED"})


def beginning_breaches(
    life: ProposalLife, at: datetime, frozen: str | None, rules: GuardrailRules
) -> list[Breach]:
    """Return why an approved proposal may not be begun now; none where it may.

    Args:
        life: of the proposal.
        at: time of the network.
        frozen: why people have frozen the network, see `frozen_because`.
        rules: with the calendar.
    """
    found = list(standstill_breaches(at, frozen, rules))
    if life.stage != "APPROVED" or life.verdict is None:
        return [*found, Breach("approval", f"The proposal is {life.stage}, not APPROVED.")]
    found += digest_breaches(life.proposal.change_set, life.verdict.change_digest)
    persons = sum(not name.startswith("policy:") for name in life.approvals)
    if not life.approvals or persons < life.verdict.persons_needed:
        found.append(
            Breach(
                "approval",
                f"{persons} persons approved; {life.verdict.persons_needed} must.",
            )
        )
    return found


def repair_breaches(life: ProposalLife, others: Sequence[ProposalLife]) -> list[Breach]:
    """Return the repairs for which an approved saving waits: open ones at its cells' elements.

    Which cells are neighbors is not on record; guards saw to that when they judged.

    Args:
        life: of the proposal; only savings wait so.
        others: other proposals on record.
    """
    if not is_saving(life.proposal.change_set):
        return []
    own = {managed_element_dn(dn) for dn in life.proposal.cell_dns}
    return [
        Breach(
            "other_proposal",
            f"Repair {other.proposal.proposal_id} of the same element is {other.stage.lower()}.",
        )
        for other in others
        if other.stage in _OPEN_REPAIRS
        and not is_saving(other.proposal.change_set)
        and own & {managed_element_dn(dn) for dn in other.proposal.cell_dns}
    ]


def digest_breaches(change_set: ChangeSet, digest: str) -> list[Breach]:
    """Return a breach where a change set is not the one that a digest was taken of."""
    if change_set.digest == digest:
        return []
    return [
        Breach(
            "digest",
            f"The change set is {change_set.digest[:12]}, judged and approved was {digest[:12]}.",
        )
    ]


def frozen_because(entries: Sequence[LedgerEntry]) -> str | None:
    """Return why the network is frozen by hand; None where it is not.

    Args:
        entries: of the network, or of all subjects, oldest first.
    """
    last = next((one for one in reversed(entries) if one.kind in ("frozen", "thawed")), None)
    return str(last.payload["reason"]) if last is not None and last.kind == "frozen" else None
