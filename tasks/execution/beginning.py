"""Whether an approved change may begin now: everything that can have changed since the approval."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from semantic_layer.execution_rules import ExecutionRules
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a change does not begin.

    Attributes:
        end: the entry that ends the proposal; None where it waits and may begin later.
        reason: a sentence.
    """

    end: Literal["expired", "withdrawn"] | None
    reason: str


@dataclass(frozen=True, slots=True)
class Present:
    """What is known at the moment of beginning.

    Attributes:
        now: time of the network.
        of_network: entries about the network: freezes and thaws.
        of_use_case: entries about the proposal's use case: its autonomy.
        not_now: why guards or approvals do not let it begin now; empty where they do.
    """

    now: datetime
    of_network: Sequence[LedgerEntry]
    of_use_case: Sequence[LedgerEntry]
    not_now: str


def hindrance(life: ProposalLife, present: Present, rules: ExecutionRules) -> Hindrance | None:
    """Return why a change may not begin; None where it may.

    Args:
        life: of a proposal that is approved.
        present: what is known now.
        rules: how old a verdict may be.
    """
    verdict = life.verdict
    if verdict is None or verdict.change_digest != life.proposal.change_set.digest:
        return Hindrance("withdrawn", "What was judged and approved is not this change set.")
    if life.expires_at is not None and present.now >= life.expires_at:
        return Hindrance(
            "expired", f"It was to begin before {life.expires_at:%Y-%m-%d %H:%M}Z and had not."
        )
    stale = _stale(life, present, rules)
    if stale is not None:
        return stale
    if present.not_now:
        return Hindrance(None, present.not_now)
    return _pause(life, verdict.autonomy_level, present, rules)


def frozen_reason(of_network: Sequence[LedgerEntry]) -> str:
    """Return why the network is frozen; empty where it is not."""
    told = [one for one in of_network if one.kind in ("frozen", "thawed")]
    if not told or told[-1].kind == "thawed":
        return ""
    return f"The network was frozen by {told[-1].actor}: {told[-1].payload.get('reason', '')}"


def _stale(life: ProposalLife, present: Present, rules: ExecutionRules) -> Hindrance | None:
    """Return why a change that follows the load of the hour may not begin any more."""
    if life.proposal.use_case not in rules.recallable:
        return None
    age = present.now - _judged_at(life)
    if age <= timedelta(minutes=rules.recallable_verdict_minutes):
        return None
    return Hindrance(
        "withdrawn",
        f"Its guard's verdict is {age.total_seconds() / 60:.0f} min old, and load is another after "
        f"{rules.recallable_verdict_minutes:g} min; it is to be planned anew.",
    )


def _judged_at(life: ProposalLife) -> datetime:
    return next(one.at for one in reversed(life.entries) if one.kind == "judged")


def _pause(
    life: ProposalLife, level: int, present: Present, rules: ExecutionRules
) -> Hindrance | None:
    frozen = frozen_reason(present.of_network)
    if frozen:
        return Hindrance(None, frozen)
    age = present.now - _judged_at(life)
    if age > timedelta(hours=rules.verdict_hours):
        return Hindrance(
            None,
            f"Its guard's verdict is {age.total_seconds() / 3600:.0f} h old, at most "
            f"{rules.verdict_hours:g} h count; it is to be judged again.",
        )
    lowered = [one for one in present.of_use_case if one.kind == "autonomy_changed"]
    if lowered and int(lowered[-1].payload["to_level"]) < level:
        return Hindrance(
            None,
            f"{life.proposal.use_case} was lowered from level {level} to "
            f"{lowered[-1].payload['to_level']} since it was judged; it is to be judged again.",
        )
    return None
