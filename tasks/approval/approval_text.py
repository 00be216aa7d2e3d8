"""Proposals that wait, for a terminal, a form or another program. What others wrote stays text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tasks.approval.wording import counted, markdown, moment, plain, value_text
from tasks.messages.change_sets import Operation
from tasks.messages.proposal_life import ProposalLife

_SHOWN_OPERATIONS = 40
_SHOWN_EVIDENCE = 20


def waiting_text(lives: Sequence[ProposalLife]) -> str:
    """Return the proposals that wait as a table of text."""
    if not lives:
        return "Nothing waits for approval."
    head = ["proposal", "use case", "risk", "cells", "approved", "expires", "cause"]
    rows = [
        [
            life.proposal.proposal_id,
            plain(life.proposal.use_case, 40),
            life.proposal.risk,
            str(len(life.proposal.cell_dns)),
            f"{len(life.approvals)} of {needed(life)}",
            moment(life.expires_at),
            plain(f"{life.proposal.hypothesis} {life.proposal.probability:.0%}", 40),
        ]
        for life in lives
    ]
    told = counted(len(lives), "proposal waits", "proposals wait")
    return "\n".join([*table([head, *rows]), f"{told}; `anops approvals show ID` tells one."])


def decisions_text(lives: Sequence[ProposalLife], limit: int) -> str:
    """Return the newest proposals as a table of text, and how many there are of each stage."""
    if not lives:
        return "Nothing was ever proposed."
    head = ["proposed", "proposal", "stage", "use case", "cause", "effect", "approved by"]
    newest = sorted(lives, key=lambda life: life.entries[0].number, reverse=True)[:limit]
    rows = [
        [
            moment(life.proposal.proposed_at),
            life.proposal.proposal_id,
            life.stage,
            plain(life.proposal.use_case, 30),
            plain(life.proposal.hypothesis, 30),
            plain(life.effect, 12),
            plain(", ".join(life.approvals), 40),
        ]
        for life in newest
    ]
    stages = Counter(life.stage for life in lives)
    told = ", ".join(f"{count} {stage}" for stage, count in stages.most_common())
    return "\n".join([*table([head, *rows]), f"{len(newest)} of {len(lives)} shown: {told}."])


def proposal_text(life: ProposalLife) -> str:
    """Return all that a person must know to answer, as lines of text."""
    proposal, verdict = life.proposal, life.verdict
    lines = [
        f"Proposal {proposal.proposal_id}: {plain(proposal.use_case, 60)}, {life.stage}",
        f"  why        {plain(proposal.reason)}",
        f"  cause      {plain(proposal.hypothesis, 80)}, probability {proposal.probability:.0%}",
        f"  proposed   {plain(proposal.proposed_by, 60)} at {moment(proposal.proposed_at)}, "
        f"decided by {plain(proposal.decided_by, 60)}",
        f"  risk       {plain(proposal.risk, 10)}",
        f"  answer     {answer_line(life)}",
        "What is written, in this order, wholly or not at all",
        *(f"  {line}" for line in operation_lines(proposal.change_set.operations)),
        "How it is taken back",
        *(f"  {line}" for line in operation_lines(proposal.change_set.rollback().operations)),
        "Limits",
        f"  {plain(verdict.reason) if verdict else 'Not judged yet.'}",
        *(f"  broken: {plain(one.rule, 60)}: {plain(one.says)}" for one in breaches(life)),
        f"  checked: {plain(', '.join(verdict.checked) if verdict else 'nothing', 1000)}",
        f"  {effect_line(life)}",
        "Evidence",
        *(
            f"  {plain(one.kind, 30)} {plain(one.reference, 80)}: {plain(one.says)}"
            for one in proposal.evidence[:_SHOWN_EVIDENCE]
        ),
        f"Digest of the change set: {proposal.change_set.digest}",
    ]
    return "\n".join(lines)


def proposal_markdown(life: ProposalLife, number: int = 1, many: int = 1, problem: str = "") -> str:
    """Return what a form says above its fields: what, why, limits, rollback, digest.

    Args:
        life: of the proposal.
        number: which form it is, from 1.
        many: how many there are.
        problem: why the answer before could not be taken; empty where there was none.
    """
    proposal, verdict = life.proposal, life.verdict
    parts = [
        f"**That answer could not be taken: {markdown(problem)}**" if problem else "",
        f"**Change {number} of {many}: {markdown(proposal.use_case)}, {proposal.risk} risk.** "
        f"{markdown(answer_line(life))}",
        f"**Why.** {markdown(proposal.reason)} Cause: {markdown(proposal.hypothesis)}, probability "
        f"{proposal.probability:.0%}, decided by {markdown(proposal.decided_by)}.",
        "**What is written**, wholly or not at all:\n\n" + _items(proposal.change_set.operations),
        "**Taken back by**:\n\n" + _items(proposal.change_set.rollback().operations),
        f"**Limits.** {markdown(verdict.reason if verdict else 'Not judged yet.')} "
        f"{markdown(effect_line(life))}",
        "**Evidence**:\n\n"
        + "\n".join(
            f"- {markdown(one.kind, 30)} {markdown(one.reference, 80)}: {markdown(one.says)}"
            for one in proposal.evidence[:_SHOWN_EVIDENCE]
        ),
        f"Digest of the change set: `{proposal.change_set.digest}`",
    ]
    return "\n\n".join(part for part in parts if part)


def proposal_json(life: ProposalLife) -> dict[str, Any]:
    """Return a proposal as it stands as JSON values, for another program."""
    return {
        "proposal_id": life.proposal.proposal_id,
        "stage": life.stage,
        "proposal": life.proposal.to_json(),
        "change_digest": life.proposal.change_set.digest,
        "rollback": life.proposal.change_set.rollback().to_json(),
        "verdict": life.verdict.to_json() if life.verdict else None,
        "approvals": list(life.approvals),
        "persons_needed": needed(life),
        "delegations": [
            {"by": giver, "to": to, "until": until.isoformat()}
            for giver, to, until in life.delegations
        ],
        "expires_at": life.expires_at.isoformat() if life.expires_at else None,
        "effect": life.effect,
    }


def operation_lines(operations: Iterable[Operation]) -> list[str]:
    """Return each write as a line of plain text; those beyond a screenful are counted."""
    told = list(operations)
    lines = [
        f"{place}. {operation_line(one)}"
        for place, one in enumerate(told[:_SHOWN_OPERATIONS], start=1)
    ]
    more = len(told) - _SHOWN_OPERATIONS
    return [*lines, f"and {counted(more, 'more write')}"] if more > 0 else lines


def operation_line(one: Operation) -> str:
    """Return a write as plain text: what becomes of which value."""
    name = f"{plain(one.object_class, 60)} {plain(one.dn, 300)}"
    if one.kind == "MODIFY":
        before, after = value_text(one.before), value_text(one.after)
        return f"{plain(one.attribute, 80)} of {name}: {before} becomes {after}"
    value = value_text(one.after if one.kind == "CREATE" else one.before)
    return f"{one.kind.lower()} {name}: {value}"


def answer_line(life: ProposalLife) -> str:
    """Return who has answered and until when others may."""
    if life.verdict is None:
        return "Guardrails have not judged it yet."
    names = ", ".join(plain(name, 60) for name in life.approvals) or "nobody"
    until = f", until {moment(life.expires_at)}" if life.expires_at else ""
    return f"{counted(needed(life), 'person')} must approve{until}; approved by {names}."


def effect_line(life: ProposalLife) -> str:
    """Return what is expected, and when it is undone."""
    told = life.proposal.expected
    return (
        f"Expected: {plain(told.kpi, 80)} {told.better} by {told.least_gain:.1%} at least, against "
        f"control cells, over {counted(told.verify_periods, 'period')}; undone if worse by "
        f"{told.worst_loss:.1%}."
    )


def breaches(life: ProposalLife) -> tuple[Any, ...]:
    """Return the rules that a proposal breaks."""
    return life.verdict.breaches if life.verdict else ()


def needed(life: ProposalLife) -> int:
    """Return how many people must approve."""
    return life.verdict.persons_needed if life.verdict else 0


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, their cells below each other."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def told_at(at: datetime) -> str:
    """Return a moment to the second, UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _items(operations: Iterable[Operation]) -> str:
    return "\n".join(f"- {markdown(line, 900)}" for line in operation_lines(operations))
