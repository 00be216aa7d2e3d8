"""How many cells may be off the air at a time, and how many may enter modes in an hour.

Counted are the cells that sleep as the network says, those of savings that are open or being
written, and those judged together: in whatever portions cells are put to sleep, they add up.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.change_forms import entered_modes, is_off_air
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.wording import number, quoted
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import Breach, ChangeProposal

OPEN = frozenset({"WAITING", "APPROVED", "EXECUTING"})
"""Stages of savings whose cells sleep soon, whatever the network says now."""


def asleep_breaches(
    proposal: ChangeProposal,
    kept: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> list[Breach]:
    """Return where a saving, upon all that sleeps or is about to, would put too much to sleep.

    Args:
        proposal: to be judged; only savings are looked at.
        kept: judged with it and allowed.
        circumstances: with the cells that sleep, and savings on record.
        rules: with the limits.
    """
    if not rules.saves_energy(proposal.use_case) or circumstances.asleep is None:
        return []
    others = [one for one in kept if rules.saves_energy(one.use_case)]
    others += [life.proposal for life in _savings(circumstances, rules, _is_open)]
    own = frozenset(_leaving(proposal, circumstances, rules))
    off = own | {dn for dn, mode in circumstances.asleep.items() if is_off_air(mode, rules)}
    off |= {dn for one in others for dn in _leaving(one, circumstances, rules)}
    off &= circumstances.cells.keys()
    return [
        *_share_breaches(own, off, circumstances, rules),
        *_entering_breaches(proposal, others, circumstances, rules),
    ]


def _share_breaches(
    own: frozenset[str], off: frozenset[str], circumstances: Circumstances, rules: GuardrailRules
) -> Iterator[Breach]:
    cells = circumstances.cells
    for name in sorted({cells[dn].community for dn in own if dn in cells}):
        size = circumstances.community_sizes[name]
        count = sum(cells[dn].community == name for dn in off)
        if count > rules.most_asleep_share * size:
            yield Breach(
                "asleep_share",
                f"{count} of the {size} cells around {quoted(name)} would be off the air; "
                f"{number(rules.most_asleep_share * size)} may be.",
            )
    if own and len(off) > rules.most_network_asleep_share * len(cells):
        yield Breach(
            "asleep_in_network",
            f"{len(off)} of {len(cells)} cells would be off the air; "
            f"{number(rules.most_network_asleep_share * len(cells))} may be.",
        )


def _entering_breaches(
    proposal: ChangeProposal,
    others: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> Iterator[Breach]:
    span = timedelta(hours=rules.entering_hours)

    def began_lately(life: ProposalLife) -> bool:
        return life.prepared is not None and circumstances.at - life.prepared.at < span

    lately = [life.proposal for life in _savings(circumstances, rules, began_lately)]
    entering = {
        dn for one in (proposal, *others, *lately) for dn in circumstances.touched(one)
    } & circumstances.cells.keys()
    most = rules.most_entering_share * len(circumstances.cells)
    if len(entering) > most:
        yield Breach(
            "entering_share",
            f"{len(entering)} of {len(circumstances.cells)} cells would enter modes within "
            f"{number(rules.entering_hours)} h; {number(most)} may.",
        )


def _leaving(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> Iterable[str]:
    """Return the cells that a saving takes off the air."""
    modes = entered_modes(proposal.change_set)
    return circumstances.cells_of(dn for dn, mode in modes.items() if is_off_air(mode, rules))


def _savings(
    circumstances: Circumstances, rules: GuardrailRules, counts: Callable[[ProposalLife], bool]
) -> list[ProposalLife]:
    return [
        life
        for life in circumstances.lives
        if rules.saves_energy(life.proposal.use_case) and counts(life)
    ]


def _is_open(life: ProposalLife) -> bool:
    return life.stage in OPEN
