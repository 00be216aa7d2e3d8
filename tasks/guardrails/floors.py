"""Floors of coverage and capacity, by the numbers that the twin's what-if gives.

A change that only adds relations changes no radio and needs none. For any other a missing number
is a breach. What a restart does lasts minutes and depends on the load of the hour: its breaches,
`coverage_for_now` and `capacity_for_now`, pass; the floors of lasting changes do not.
"""

import math
from collections.abc import Iterator

from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.change_forms import interrupts, is_saving
from tasks.guardrails.circumstances import Circumstances, PredictedCell, Prediction
from tasks.guardrails.wording import number, quoted
from tasks.messages.change_sets import ChangeSet
from tasks.messages.proposals import Breach, ChangeProposal


def floor_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return where the twin sees coverage or capacity fall below their floors."""
    if not changes_radio(proposal.change_set):
        return []
    told = circumstances.predictions.get(proposal.change_set.digest)
    if told is None:
        return [Breach("what_if", "The twin was not asked what this change does to coverage.")]
    if told.lacking:
        return [Breach("what_if", f"The twin cannot say what this change does. {told.lacking}")]
    if not _is_finite(told) or not circumstances.touched(proposal) <= told.cells.keys():
        return [Breach("what_if", "The twin's numbers do not hold every cell that is touched.")]
    if interrupts(proposal.change_set):
        return [
            *_passing_breaches(told, rules),
            *_load_breaches(told, "capacity_for_now", rules.most_passing_load_pct, rules),
        ]
    return [
        *_lasting_breaches(told, rules),
        *_load_breaches(told, "capacity_floor", rules.most_load_pct, rules),
    ]


def changes_radio(change_set: ChangeSet) -> bool:
    """Return whether a change set does more than create objects, or put cells to sleep.

    What sleep does rests on all cells that sleep; see saving_floors.py.
    """
    return not is_saving(change_set) and any(
        operation.kind != "CREATE" for operation in change_set.operations
    )


def _is_finite(told: Prediction) -> bool:
    values = [told.users_interrupted, told.users_uncovered]
    for cell in told.cells.values():
        values += [
            cell.uncovered_share_before,
            cell.uncovered_share_after,
            cell.load_before_pct,
            cell.load_after_pct,
        ]
    return all(math.isfinite(value) for value in values)


def _passing_breaches(told: Prediction, rules: GuardrailRules) -> Iterator[Breach]:
    if told.users_uncovered > rules.most_users_uncovered:
        yield Breach(
            "coverage_for_now",
            f"{number(told.users_uncovered)} users would find no cell for "
            f"{number(rules.restart_minutes)} min; {number(rules.most_users_uncovered)} may.",
        )


def _lasting_breaches(told: Prediction, rules: GuardrailRules) -> Iterator[Breach]:
    for dn, cell in sorted(told.cells.items()):
        lost = cell.uncovered_share_after - cell.uncovered_share_before
        if lost > rules.most_coverage_lost_share:
            yield Breach(
                "coverage_floor",
                f"{number(100 * lost)} % of the ground of {quoted(dn)} would lose coverage; "
                f"{number(100 * rules.most_coverage_lost_share)} % may.",
            )


def _load_breaches(
    told: Prediction, rule: str, most_pct: float, rules: GuardrailRules
) -> Iterator[Breach]:
    for dn, cell in sorted(told.cells.items()):
        if cell.load_after_pct > _allowed_load(cell, most_pct, rules):
            yield Breach(
                rule,
                f"{quoted(dn)} would use {number(cell.load_after_pct)} % of its resource blocks, "
                f"after {number(cell.load_before_pct)} %; {number(most_pct)} % are allowed.",
            )


def _allowed_load(cell: PredictedCell, most_pct: float, rules: GuardrailRules) -> float:
    return max(most_pct, cell.load_before_pct + rules.load_tolerance_pct)
