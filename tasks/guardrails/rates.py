"""How often: changes in an hour or a day, rest for a cell, and causes that come back."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from semantic_layer.guardrails import GuardrailRules, Rate
from tasks.guardrails.change_forms import is_saving
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.wording import at_time, number, quoted
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import Breach, ChangeProposal

_OPEN = frozenset({"WAITING", "APPROVED"})


def rate_breaches(
    proposal: ChangeProposal,
    kept: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> list[Breach]:
    """Return the rates that one more change would exceed.

    A use case with rates of its own is counted by those, and by no other.
    Changes that were begun count from then; those allowed and not begun count as beginning now.
    """
    found = []
    for rate in rules.rates:
        if not _counts(rate, proposal, rules):
            continue
        lives = [
            life.proposal for life in circumstances.lives if _is_within(life, rate, circumstances)
        ]
        others = [one for one in (*kept, *lives) if _counts(rate, one, rules)]
        for what in sorted(_whose(rate, proposal, circumstances)):
            count = sum(what in _whose(rate, other, circumstances) for other in others)
            if count + 1 > rate.most:
                found.append(
                    Breach(
                        f"rate_of_{rate.each}",
                        f"{count} changes of {rate.each.replace('_', ' ')} {quoted(what)} in "
                        f"{number(rate.hours)} h; {rate.most} may be.",
                    )
                )
    return found


def rest_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return the cells that were changed so lately that they are left alone.

    A repair does not wait because its cell slept; rest after a saving is told in saving_cells.py.
    """
    rest = timedelta(hours=rules.same_cell_rest_hours)
    touched = circumstances.touched(proposal)
    lately = [
        (life.applied_at, life.proposal)
        for life in circumstances.lives
        if life.applied_at is not None
        and circumstances.at - life.applied_at < rest
        and not is_saving(life.proposal.change_set)
    ]
    return [
        Breach(
            "same_cell_rest",
            f"{quoted(dn)} was changed at {at_time(applied_at)} by proposal "
            f"{other.proposal_id}; it is left alone for {number(rules.same_cell_rest_hours)} h.",
        )
        for applied_at, other in lately
        for dn in sorted(touched & circumstances.touched(other))
    ]


def repairs_before(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> int:
    """Return how often the same cause was repaired lately at one of the same cells, at most.

    A saving repairs nothing: that load is low each night is no fault that comes back.
    """
    if is_saving(proposal.change_set):
        return 0
    since = circumstances.at - timedelta(days=rules.repeat_days)
    repaired: dict[str, int] = {}
    for life in circumstances.lives:
        is_same = life.proposal.hypothesis == proposal.hypothesis
        if is_same and life.applied_at is not None and life.applied_at > since:
            for dn in circumstances.touched(life.proposal):
                repaired[dn] = repaired.get(dn, 0) + 1
    return max((repaired.get(dn, 0) for dn in circumstances.touched(proposal)), default=0)


def _counts(rate: Rate, proposal: ChangeProposal, rules: GuardrailRules) -> bool:
    """Return whether a rate counts a proposal: its use case's own, or all without any."""
    own = {one.use_case for one in rules.rates if one.use_case}
    if rate.use_case:
        return proposal.use_case == rate.use_case
    return proposal.use_case not in own


def _is_within(life: ProposalLife, rate: Rate, circumstances: Circumstances) -> bool:
    if life.stage in _OPEN:
        return True
    began = life.prepared.at if life.prepared is not None else None
    return began is not None and circumstances.at - began < timedelta(hours=rate.hours)


def _whose(rate: Rate, proposal: ChangeProposal, circumstances: Circumstances) -> Iterable[str]:
    """Return what a rate counts a proposal by."""
    by: dict[str, Callable[[], Iterable[str]]] = {
        "identity": lambda: (proposal.proposed_by,),
        "use_case": lambda: (proposal.use_case,),
        "cell": lambda: circumstances.touched(proposal),
        "network": lambda: ("all",),
    }
    return frozenset(by[rate.each]())
