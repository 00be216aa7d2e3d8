"""Judges proposals: every rule of every family, then who prevails where proposals meet.

The verdicts do not depend on the order in which proposals are given. A proposal that breaks a rule
by itself contends with none; those left are taken in the order of precedence, each upon what was
kept before it. A stricter rule hence never lets a proposal pass that breaks another; it may let
one pass that had lost only to the one now refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from semantic_layer.autonomy import AutonomyRules
from semantic_layer.errors import InputError
from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.asleep import asleep_breaches
from tasks.guardrails.blast_radius import radius_breaches
from tasks.guardrails.change_forms import is_saving, is_writable
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.conflicts import (
    meeting_breaches,
    open_change_breaches,
    precedence,
    sibling_breaches,
    yielding,
)
from tasks.guardrails.floors import floor_breaches
from tasks.guardrails.freeze import freeze_breaches
from tasks.guardrails.limits import limit_breaches
from tasks.guardrails.persons import autonomy_breaches, persons_needed
from tasks.guardrails.privileges import privilege_breaches
from tasks.guardrails.protected import protection_breaches
from tasks.guardrails.rates import rate_breaches, rest_breaches
from tasks.guardrails.saving_cells import saving_cell_breaches
from tasks.guardrails.saving_floors import saving_floor_breaches
from tasks.guardrails.saving_form import saving_form_breaches
from tasks.guardrails.wording import at_time, number
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import Breach, ChangeProposal, GuardVerdict

UNWRITABLE = "unwritable"
"""Stands for id and digest of a proposal that cannot be written as JSON."""

_Check = Callable[[ChangeProposal, Circumstances, GuardrailRules], list[Breach]]
_OWN: dict[str, _Check] = {
    "limits": limit_breaches,
    "privileges": lambda proposal, _, rules: privilege_breaches(proposal, rules),
    "protected": protection_breaches,
    "floors": floor_breaches,
    "saving_form": saving_form_breaches,
    "saving_cells": saving_cell_breaches,
    "saving_floors": lambda proposal, facts, rules: saving_floor_breaches(
        proposal, (), facts, rules
    ),
    "freeze": freeze_breaches,
    "open_changes": open_change_breaches,
    "rest": rest_breaches,
}
CHECKED = ("form", *_OWN, "autonomy", "meeting", "siblings", "blast_radius", "rates", "asleep")
"""Families of rules, every one of which is applied."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """What is said of proposals judged together.

    Attributes:
        verdicts: one a proposal, in the order given.
        yielding: what waits for people and must be withdrawn, by the proposal that it yields to;
            only where this is done may the proposal go on.
    """

    verdicts: tuple[GuardVerdict, ...]
    yielding: dict[str, tuple[ProposalLife, ...]]


def judge_proposals(
    proposals: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
    autonomy: AutonomyRules,
) -> list[GuardVerdict]:
    """Return a verdict for each proposal, in the order given; see `judgment`."""
    return list(judgment(proposals, circumstances, rules, autonomy).verdicts)


def judgment(
    proposals: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
    autonomy: AutonomyRules,
) -> Judgment:
    """Return the verdicts on proposals that are judged together, and who yields to them.

    Args:
        proposals: in any order; one that is given twice is judged once.
        circumstances: all facts; the proposals' own lives among them are left out.
        rules: what is allowed.
        autonomy: who must approve.
    """
    own = {id(one): _own_breaches(one, circumstances, rules, autonomy) for one in proposals}
    named = {one.proposal_id: one for one in proposals if not _is_unfit(own[id(one)])}
    for one in proposals:
        if not _is_unfit(own[id(one)]) and named[one.proposal_id] != one:
            own[id(named[one.proposal_id])] = own[id(one)] = [
                Breach("form", f"Two different proposals bear the id {one.proposal_id}.")
            ]
    clean = {key: one for key, one in named.items() if not own[id(one)]}
    waiting = [one for one in named.values() if own[id(one)] and _passes(own[id(one)], rules)]
    lost, gave_way = _contended(list(clean.values()), waiting, circumstances, rules)
    verdicts = []
    for one in proposals:
        key = UNWRITABLE if _is_unfit(own[id(one)]) else one.proposal_id
        breaches = own[id(one)] or lost.get(key, [])
        verdicts.append(_verdict(one, key, breaches, (circumstances, rules, autonomy)))
    return Judgment(tuple(verdicts), gave_way)


def may_pass_later(
    verdict: GuardVerdict,
    proposal: ChangeProposal,
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> bool:
    """Return whether a proposal breaks only what passes by itself, and is young enough to wait.

    A saving never waits: what it rests on is planned anew before long.
    """
    if rules.saves_energy(proposal.use_case):
        return False
    keeps = timedelta(hours=rules.proposal_keeps_hours)
    is_young = circumstances.at - proposal.proposed_at < keeps
    return not verdict.is_allowed and is_young and _passes(verdict.breaches, rules)


def _own_breaches(
    proposal: ChangeProposal,
    circumstances: Circumstances,
    rules: GuardrailRules,
    autonomy: AutonomyRules,
) -> list[Breach]:
    """Return what a proposal breaks by itself, whatever else is proposed."""
    if not is_writable(proposal):
        return [Breach(UNWRITABLE, "A field of it holds what cannot stand there, or is no JSON.")]
    found = _form_breaches(proposal, circumstances, rules)
    for check in _OWN.values():
        found += check(proposal, circumstances, rules)
    found += autonomy_breaches(proposal, circumstances, autonomy)
    found += [
        breach
        for breach in sibling_breaches(proposal, (), circumstances)
        if breach.rule == "sibling_carriers"
    ]
    return found


def _form_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    found = []
    if not 0.0 <= proposal.probability <= 1.0:
        found.append(Breach("form", f"{number(proposal.probability)} is no probability."))
    if proposal.proposed_at.tzinfo is None:
        return [*found, Breach("form", "The time at which it was made has no zone.")]
    age = circumstances.at - proposal.proposed_at
    if age >= timedelta(hours=rules.proposal_keeps_hours):
        found.append(
            Breach(
                "too_old",
                f"It was made at {at_time(proposal.proposed_at)}; after "
                f"{number(rules.proposal_keeps_hours)} h what it rests on is too old.",
            )
        )
    return found


def _passes(breaches: Sequence[Breach], rules: GuardrailRules) -> bool:
    """Return whether everything that is broken passes by itself."""
    return all(one.rule in rules.passing_rules for one in breaches)


def _is_unfit(breaches: Sequence[Breach]) -> bool:
    """Return whether a proposal is not what its fields say."""
    return any(one.rule == UNWRITABLE for one in breaches)


def _contended(
    clean: Sequence[ChangeProposal],
    waiting: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> tuple[dict[str, list[Breach]], dict[str, tuple[ProposalLife, ...]]]:
    """Return what proposals lose to each other, to what stands and to shared limits.

    Args:
        clean: proposals that break nothing by themselves.
        waiting: those that break only what passes; savings yield to repairs among them.
        circumstances: all facts.
        rules: what is allowed.
    """
    repairs = [one for one in waiting if not is_saving(one.change_set)]
    kept: list[ChangeProposal] = []
    lost: dict[str, list[Breach]] = {}
    gave_way: dict[str, tuple[ProposalLife, ...]] = {}
    standing = [life.proposal for life in circumstances.lives if _may_lock(life)]
    asked = [life.proposal for life in circumstances.lives if life.stage == "WAITING"]
    for one in sorted(clean, key=lambda proposal: precedence(proposal, rules)):
        own = precedence(one, rules)
        prevailing = (other for other in asked if precedence(other, rules) < own)
        others = [*kept, *standing, *prevailing]
        found = [
            *meeting_breaches(one, [*kept, *_open_for(one, repairs)], circumstances, rules),
            *sibling_breaches(one, others, circumstances),
            *radius_breaches(one, kept, circumstances, rules),
            *rate_breaches(one, kept, circumstances, rules),
            *asleep_breaches(one, kept, circumstances, rules),
        ]
        found = found or saving_floor_breaches(one, kept, circumstances, rules)
        if found:
            lost[one.proposal_id] = found
            if _passes(found, rules) and not is_saving(one.change_set):
                repairs.append(one)
            continue
        kept.append(one)
        yields = tuple(yielding(one, circumstances, rules))
        if yields:
            gave_way[one.proposal_id] = yields
    return lost, gave_way


def _open_for(one: ChangeProposal, repairs: Sequence[ChangeProposal]) -> Sequence[ChangeProposal]:
    """Return the repairs that a proposal waits for though they cannot begin yet: a saving all."""
    return repairs if is_saving(one.change_set) else ()


def _may_lock(life: ProposalLife) -> bool:
    return life.stage in ("APPROVED", "EXECUTING")


def _names(proposal: ChangeProposal) -> tuple[str, str]:
    """Return the id and digest of a proposal that is not what it says, as far as it has any."""
    try:
        return proposal.proposal_id, proposal.change_set.digest
    except (InputError, AttributeError, TypeError, ValueError, RecursionError):
        return UNWRITABLE, UNWRITABLE


def _verdict(
    proposal: ChangeProposal,
    proposal_id: str,
    breaches: Sequence[Breach],
    told: tuple[Circumstances, GuardrailRules, AutonomyRules],
) -> GuardVerdict:
    circumstances, rules, autonomy = told
    if proposal_id == UNWRITABLE:
        return GuardVerdict(*_names(proposal), tuple(breaches), 0, 2, ("form",), "It is refused.")
    persons, reason = persons_needed(proposal, circumstances, rules, autonomy)
    return GuardVerdict(
        proposal_id=proposal_id,
        change_digest=proposal.change_set.digest,
        breaches=tuple(breaches),
        autonomy_level=circumstances.levels.get(proposal.use_case, 0),
        persons_needed=persons,
        checked=CHECKED,
        reason=reason,
    )
