"""Floors under savings, by the twin's numbers, upon every cell that sleeps and every saving kept.

Coverage is compared with all cells awake, so that many small losses cannot add up; loads have no
tolerance, for each saving upon the one before could use it up anew.
"""

import math
from collections.abc import Iterator, Sequence

from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.change_forms import is_saving
from tasks.guardrails.circumstances import Circumstances, Prediction
from tasks.guardrails.wording import listed, number, quoted
from tasks.messages.proposals import Breach, ChangeProposal

_SHARE_TOLD, _LOAD_TOLD = 1e-4, 0.1
"""Smaller differences are those of numbers, not of the network."""


def saving_floor_breaches(
    proposal: ChangeProposal,
    kept: Sequence[ChangeProposal],
    circumstances: Circumstances,
    rules: GuardrailRules,
) -> list[Breach]:
    """Return where savings together would take coverage, the last cell, or room from users.

    Args:
        proposal: to be judged; only savings are looked at.
        kept: judged with it and allowed.
        circumstances: with what the twin says.
        rules: with the floors.
    """
    if not rules.saves_energy(proposal.use_case):
        return []
    if circumstances.sleep_what_if is None:
        return [Breach("what_if", "The twin was not asked what this saving does.")]
    savings = [one for one in kept if is_saving(one.change_set)]
    told = circumstances.sleep_what_if(savings, proposal)
    if told.lacking:
        return [Breach("what_if", f"The twin cannot say what this saving does. {told.lacking}")]
    if not _is_finite(told) or not circumstances.touched(proposal) <= told.cells.keys():
        return [Breach("what_if", "The twin's numbers do not hold every cell that is to sleep.")]
    return [
        *_unheard_breaches(told),
        *_coverage_breaches(told, rules),
        *_load_breaches(told, rules),
    ]


def _is_finite(told: Prediction) -> bool:
    return all(
        math.isfinite(value)
        for cell in told.cells.values()
        for value in (
            cell.uncovered_share_before,
            cell.uncovered_share_after,
            cell.load_before_pct,
            cell.load_after_pct,
        )
    )


def _unheard_breaches(told: Prediction) -> Iterator[Breach]:
    if told.unheard_near:
        yield Breach(
            "emergency_coverage",
            f"Ground would hear no cell on the air at all, and nobody there could call for help: "
            f"near {listed(told.unheard_near)}.",
        )


def _coverage_breaches(told: Prediction, rules: GuardrailRules) -> Iterator[Breach]:
    most = rules.most_coverage_lost_share
    for dn, cell in sorted(told.cells.items()):
        before, after = cell.uncovered_share_before, cell.uncovered_share_after
        if after > most and after > before + _SHARE_TOLD:
            yield Breach(
                "coverage_floor",
                f"{number(100 * after)} % of the ground of {quoted(dn)} would have no coverage "
                f"since cells sleep; {number(100 * most)} % may.",
            )


def _load_breaches(told: Prediction, rules: GuardrailRules) -> Iterator[Breach]:
    most = rules.most_saving_load_pct
    for dn, cell in sorted(told.cells.items()):
        before, after = cell.load_before_pct, cell.load_after_pct
        if after > most and after > before + _LOAD_TOLD:
            yield Breach(
                "capacity_floor",
                f"{quoted(dn)} would use {number(after)} % of its resource blocks, after "
                f"{number(before)} %; {number(most)} % are allowed while cells sleep.",
            )
