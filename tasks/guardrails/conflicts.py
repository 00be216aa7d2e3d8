"""Conflicts: with open change requests, and of proposals that meet on same or neighboring cells.

Where proposals meet, the use case of higher priority prevails, then the larger expected gain
(probability times gain), then the smaller id. Who came first never matters: a proposal that only
waits for people yields to one that prevails; what is approved or begun stands, and others wait.

Repairs never wait for savings, except for one that is being written at the very same cells; a
saving waits for repairs near it, and for other savings of its own cells alone: what it does
together with those around it, the twin says.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from semantic_layer.guardrails import GuardrailRules
from semantic_layer.identity import managed_element_dn
from tasks.guardrails.change_forms import is_saving, restarted_dns
from tasks.guardrails.circumstances import Circumstances, OpenChange
from tasks.guardrails.wording import at_time, listed, quoted
from tasks.messages.proposal_life import ProposalLife, Stage
from tasks.messages.proposals import Breach, ChangeProposal

Precedence: TypeAlias = tuple[int, float, str]

STANDING: frozenset[Stage] = frozenset({"APPROVED", "EXECUTING", "APPLIED"})
"""Stages in which a proposal yields to none."""


def precedence(proposal: ChangeProposal, rules: GuardrailRules) -> Precedence:
    """Return what proposals are ordered by; the smallest prevails."""
    gain = proposal.probability * proposal.expected.least_gain
    weight = -gain if math.isfinite(gain) else math.inf
    return rules.priority(proposal.use_case), weight, proposal.proposal_id


def do_meet(first: ChangeProposal, second: ChangeProposal, circumstances: Circumstances) -> bool:
    """Return whether two proposals write one object, or touch the same or neighboring cells.

    Two savings meet only where they write one object or touch the same cells.
    """
    if set(first.change_set.dns) & set(second.change_set.dns):
        return True
    if is_saving(first.change_set) and is_saving(second.change_set):
        return bool(circumstances.touched(first) & circumstances.touched(second))
    around = circumstances.around(circumstances.touched(first))
    return bool(around & circumstances.touched(second))


def meeting_breaches(
    proposal: ChangeProposal,
    kept: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> list[Breach]:
    """Return the other proposals that a proposal must wait for.

    Args:
        proposal: to be judged.
        kept: judged with it, and prevailing.
        circumstances: whose lives are those on record.
        rules: with the priorities.
    """
    own = precedence(proposal, rules)
    prevailing = [(other, "which prevails") for other in kept]
    prevailing += [
        (life.proposal, f"which is {life.stage.lower()}")
        for life in circumstances.lives
        if _stands_before(life, proposal, circumstances)
        or (life.stage == "WAITING" and precedence(life.proposal, rules) < own)
    ]
    return [
        _meeting(other, how) for other, how in prevailing if do_meet(proposal, other, circumstances)
    ]


def yielding(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[ProposalLife]:
    """Return the lives that wait for people and must yield if a proposal is allowed."""
    own = precedence(proposal, rules)
    return [
        life
        for life in circumstances.lives
        if life.stage == "WAITING"
        and own < precedence(life.proposal, rules)
        and (
            do_meet(proposal, life.proposal, circumstances)
            or sibling_breaches(proposal, [life.proposal], circumstances)
        )
    ]


def sibling_breaches(
    proposal: ChangeProposal, others: Sequence[ChangeProposal], circumstances: Circumstances
) -> list[Breach]:
    """Return the sectors of which more than one carrier would be locked, with other proposals."""
    own = _locked(proposal, circumstances)
    theirs = {dn for other in others for dn in _locked(other, circumstances)}
    found = []
    for dn in sorted(own):
        sector = circumstances.cells[dn].sector
        siblings = {
            other for other in (own | theirs) - {dn} if circumstances.cells[other].sector == sector
        }
        if siblings:
            rule = "sibling_carriers" if siblings & own else "sibling_carrier"
            found.append(
                Breach(
                    rule,
                    f"{quoted(dn)} and {listed(siblings)} carry one sector; only one may be "
                    "locked at a time.",
                )
            )
    return found


def open_change_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return the open change requests on the same or neighboring objects, now or soon."""
    if circumstances.open_changes is None:
        return [
            Breach(
                "change_record",
                "Nobody knows which change requests are open: change_history was never published.",
            )
        ]
    return [
        Breach(
            "open_change",
            f"Change request {quoted(change.change_id)} is open from "
            f"{_told(change.begins)} to {_told(change.ends)} on {listed(change.dns, 2)}, the same "
            "or a neighboring object.",
        )
        for change in circumstances.open_changes
        if _is_near_in_time(change, circumstances.at, rules)
        and _is_near(proposal, change, circumstances)
    ]


def _stands_before(
    life: ProposalLife, proposal: ChangeProposal, circumstances: Circumstances
) -> bool:
    """Return whether a proposal must wait for one that stands, if they meet."""
    if not is_saving(life.proposal.change_set):
        return life.stage in STANDING
    if is_saving(proposal.change_set):
        return life.stage in STANDING or life.stage == "KEPT"
    own, theirs = circumstances.touched(proposal), circumstances.touched(life.proposal)
    return life.stage == "EXECUTING" and bool(own & theirs)


def _meeting(other: ChangeProposal, how: str) -> Breach:
    return Breach(
        "other_proposal",
        f"It meets proposal {other.proposal_id} of {quoted(other.proposed_by)} "
        f"({quoted(other.use_case)}) on the same or neighboring cells, {how}.",
    )


def _locked(proposal: ChangeProposal, circumstances: Circumstances) -> set[str]:
    cells = circumstances.cells_of(restarted_dns(proposal.change_set))
    return {dn for dn in cells if dn in circumstances.cells}


def _is_near_in_time(change: OpenChange, at: datetime, rules: GuardrailRules) -> bool:
    """A change without times bars always; one that was forgotten does so no more."""
    if change.begins is not None and at < change.begins - timedelta(hours=rules.change_ahead_hours):
        return False
    return change.ends is None or at < change.ends + timedelta(days=rules.change_open_days)


def _is_near(proposal: ChangeProposal, change: OpenChange, circumstances: Circumstances) -> bool:
    if not change.dns:
        return True
    around = circumstances.around(circumstances.touched(proposal))
    near = around | set(proposal.change_set.dns) | set(_elements(around))
    return any(_is_in(dn, one) or _is_in(one, dn) for dn in change.dns for one in near)


def _elements(cells: frozenset[str]) -> Iterator[str]:
    for dn in cells:
        element = managed_element_dn(dn)
        if element is not None:
            yield element


def _is_in(dn: str, container: str) -> bool:
    return dn == container or dn.startswith(f"{container},")


def _told(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else at_time(moment)
