"""How many cells, and which share of a community, all repairs together touch at a time.

Cells that sleep have limits of their own (asleep.py): neither counts against the other.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.change_forms import is_saving
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.conflicts import STANDING
from tasks.guardrails.wording import number, quoted
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import Breach, ChangeProposal


def radius_breaches(
    proposal: ChangeProposal,
    kept: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> list[Breach]:
    """Return where a proposal, upon all that stand, would touch too much at a time.

    Args:
        proposal: to be judged.
        kept: judged with it and allowed.
        circumstances: whose lives are those on record; those that are open, under way, not
            verified, or recent count.
        rules: with the limits.
    """
    if is_saving(proposal.change_set):
        return []
    own = circumstances.touched(proposal)
    lives = [life.proposal for life in circumstances.lives if _counts(life, circumstances, rules)]
    repairs = [one for one in (*kept, *lives) if not is_saving(one.change_set)]
    others = frozenset(dn for one in repairs for dn in circumstances.touched(one))
    return [
        *_count_breaches(own, others, rules),
        *_share_breaches(own, others, circumstances, rules),
    ]


def _count_breaches(
    own: frozenset[str], others: frozenset[str], rules: GuardrailRules
) -> Iterator[Breach]:
    count = len(own | others)
    if count <= rules.most_cells_at_once:
        return
    rule = "cells_of_proposal" if len(own) > rules.most_cells_at_once else "cells_at_once"
    yield Breach(
        rule,
        f"{count} cells would be touched at a time, {len(own)} of them by this proposal; "
        f"{rules.most_cells_at_once} may be.",
    )


def _share_breaches(
    own: frozenset[str],
    others: frozenset[str],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> Iterator[Breach]:
    cells = circumstances.cells
    for name in sorted({cells[dn].community for dn in own if dn in cells}):
        size = circumstances.community_sizes[name]
        most = max(rules.most_community_share * size, rules.least_community_cells)
        inside = {dn for dn in own | others if dn in cells and cells[dn].community == name}
        if len(inside) <= most:
            continue
        alone = {dn for dn in own if dn in cells and cells[dn].community == name}
        yield Breach(
            "community_of_proposal" if len(alone) > most else "community_share",
            f"{len(inside)} of the {size} cells around {quoted(name)} would be touched at a time; "
            f"{number(most)} may be.",
        )


def _counts(life: ProposalLife, circumstances: Circumstances, rules: GuardrailRules) -> bool:
    if life.stage == "WAITING" or life.stage in STANDING:
        return True
    recent = timedelta(hours=rules.recent_hours)
    return life.applied_at is not None and circumstances.at - life.applied_at < recent
