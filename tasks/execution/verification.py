"""What became of a change: better, as before, worse or unclear, and since when that can be said.

Judged anew with each period that comes: worse may be said early, where the numbers leave no doubt;
anything else only when all periods are there. What is worse is taken back, so where all periods
are there the stated bound alone decides: to be as before is no harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import polars as pl

from semantic_layer.execution_rules import ExecutionRules
from semantic_layer.kpis import Kpi
from semantic_layer.periods import GRANULARITIES, Window, floor_to
from tasks.execution.control_cells import Controls
from tasks.execution.effect import Comparison, Effect, Periods, effect_of
from tasks.messages.proposals import ExpectedEffect

PERIOD = "15min"
EffectVerdict = Literal["better", "as_before", "worse", "unclear"]
_LENGTH = timedelta(seconds=GRANULARITIES[PERIOD])


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which periods are compared.

    Attributes:
        before: right before the change, while its fault stood.
        after: those to be judged that had ended at the moment asked for.
        is_all: they are all that are to be judged.
        is_over: they are, and late measurements were waited for.
    """

    before: tuple[datetime, ...]
    after: tuple[datetime, ...]
    is_all: bool
    is_over: bool

    @property
    def window(self) -> Window:
        """From the first period compared to the end of the last."""
        starts = [*self.before, *self.after]
        return Window(min(starts), max(starts) + _LENGTH)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured around a change.

    Attributes:
        sums: by KPI, as `effect_of` takes them.
        kpis: definitions of these KPIs, the expected one and guards that fit the cells.
        controls: cells to compare with.
        around: neighbors of the change, in which guard KPIs are looked at.
        bounds: of guard KPIs: how much worse each may get, relative.
        guard_controls: by technology, cells to compare those around with; the same as `controls`
            where it lacks.
    """

    sums: Mapping[str, pl.DataFrame]
    kpis: Mapping[str, Kpi]
    controls: Controls
    around: tuple[str, ...]
    bounds: Mapping[str, float]
    guard_controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a change, with the numbers that say so.

    Attributes:
        effect: JSON values: the effect, the periods, the control cells, guard KPIs around.
        measured_until: end of the last period judged.
    """

    verdict: EffectVerdict
    reason: str
    effect: Mapping[str, Any]
    measured_until: datetime


def schedule(
    prepared_at: datetime,
    applied_at: datetime,
    expected: ExpectedEffect,
    fault_start: datetime | None,
    horizon: datetime,
    rules: ExecutionRules,
) -> Schedule:
    """Return which periods of a change are compared.

    Args:
        prepared_at: before the first write.
        applied_at: of the last write.
        expected: how long to settle and to judge.
        fault_start: since when the fault stood that was repaired; None where that is not known.
        horizon: what had ended by then is measured.
        rules: how many periods before, and how long late data is waited for.
    """
    end = floor_to(prepared_at, PERIOD)
    before = [end - _LENGTH * count for count in range(rules.before_periods, 0, -1)]
    if fault_start is not None:
        faulty = [start for start in before if start >= floor_to(fault_start, PERIOD)]
        before = max(faulty, before[-rules.least_before_periods :], key=len)
    begin = floor_to(applied_at, PERIOD)
    begin += _LENGTH * ((begin < applied_at) + expected.settle_periods)
    planned = [begin + _LENGTH * count for count in range(expected.verify_periods)]
    after = [start for start in planned if start + _LENGTH <= horizon]
    last = begin + _LENGTH * (expected.verify_periods + rules.late_periods)
    return Schedule(
        tuple(before), tuple(after), len(after) == len(planned), is_over=last <= horizon
    )


def verification(
    expected: ExpectedEffect,
    due: Schedule,
    evidence: Evidence,
    rules: ExecutionRules,
    own_due: Schedule | None = None,
) -> Verification | None:
    """Return what became of a change; None where later periods are to say it.

    Args:
        expected: what was to follow, and the bounds that it is judged by.
        due: which periods are compared.
        evidence: what was measured.
        rules: how sure to be.
        own_due: the periods of `due` in which the expected KPI tells of this change alone; all
            where it lacks.
    """
    if not due.after:
        return None
    own_due = due if own_due is None else own_due
    sums = evidence.sums[expected.kpi]
    told = _told(sums, expected.cell_dns)
    periods = Periods(
        tuple(one for one in own_due.before if one in told),
        tuple(one for one in own_due.after if one in told),
    )
    is_final = due.is_over or (due.is_all and periods.after == own_due.after)
    effect = None
    if periods.after and len(periods.before) >= rules.least_before_periods:
        how = _comparison(evidence.kpis[expected.kpi], expected.better, rules, is_final=is_final)
        effect = effect_of(sums, expected.cell_dns, evidence.controls.cell_dns, periods, how)
    around = _around(expected, due, evidence, rules)
    verdict, reason = _verdict(expected, effect, around, evidence.bounds, is_final=is_final)
    if verdict is None:
        return None
    return Verification(
        verdict,
        reason,
        _told_effect(effect, periods, evidence, around),
        due.after[-1] + _LENGTH,
    )


def _verdict(
    expected: ExpectedEffect,
    effect: Effect | None,
    around: Sequence[Effect],
    bounds: Mapping[str, float],
    *,
    is_final: bool,
) -> tuple[EffectVerdict | None, str]:
    harmed = [
        one
        for one in around
        if one.gain <= -bounds[one.kpi] and one.high < 0
    ]  # fmt: skip
    if harmed:
        return "worse", f"In the cells around, {_said(harmed[0])}."
    if effect is None:
        return ("unclear", "Measurements or control cells are too few.") if is_final else (None, "")
    says = f"In its cells, {_said(effect)}"
    is_below = effect.gain <= -expected.worst_loss
    if is_below and (is_final or effect.high < 0):
        return "worse", f"{says}; at most {expected.worst_loss:.1%} worse was allowed."
    return _kept(expected, effect, says) if is_final else (None, "")


def _kept(expected: ExpectedEffect, effect: Effect, says: str) -> tuple[EffectVerdict, str]:
    bound = f"{expected.least_gain:.1%} was to be gained"
    if effect.gain >= expected.least_gain and effect.low > 0:
        return "better", f"{says}; {bound}."
    if effect.high < expected.least_gain:
        return "as_before", f"{says}; {bound}, and is not."
    return "unclear", f"{says}; {bound}, and control cells stray as far."


def _around(
    expected: ExpectedEffect, due: Schedule, evidence: Evidence, rules: ExecutionRules
) -> list[Effect]:
    """Return what the change did to guard KPIs of the cells around it, taken together."""
    found = []
    for name in sorted(evidence.bounds.keys() & evidence.sums.keys()):
        kpi, sums = evidence.kpis[name], evidence.sums[name]
        better: Literal["higher", "lower"] = "higher" if kpi.better == "higher" else "lower"
        told = _told(sums, evidence.around)
        periods = Periods(
            tuple(one for one in due.before if one in told),
            tuple(one for one in due.after if one in told),
        )
        alike = evidence.guard_controls.get(kpi.technology, evidence.controls.cell_dns)
        others = [dn for dn in alike if dn not in evidence.around]
        how = _comparison(kpi, better, rules, is_final=False)
        cells = [dn for dn in evidence.around if dn not in expected.cell_dns]
        effect = effect_of(sums, cells, others, periods, how)
        if effect is not None:
            found.append(effect)
    return found


def _comparison(
    kpi: Kpi, better: Literal["higher", "lower"], rules: ExecutionRules, *, is_final: bool
) -> Comparison:
    confidence = rules.confidence if is_final else rules.early_confidence
    return Comparison(
        kpi.name, better, kpi.factor, confidence, rules.least_base_share, rules.least_controls
    )


def _told(sums: pl.DataFrame, cells: Sequence[str]) -> set[datetime]:
    """Return the periods in which any of these cells told the KPI."""
    own = sums.filter(pl.col("cell_dn").is_in(list(cells)) & (pl.col("below") != 0))
    return set(own["period_start"].to_list())


def _told_effect(
    effect: Effect | None, periods: Periods, evidence: Evidence, around: Sequence[Effect]
) -> dict[str, Any]:
    told = effect.to_json() if effect is not None else {}
    return told | {
        "periods_before": [one.isoformat() for one in periods.before],
        "periods_after": [one.isoformat() for one in periods.after],
        "alike_by": evidence.controls.alike_by,
        "cells_around": list(evidence.around),
        "around": [
            {key: value for key, value in one.to_json().items() if key != "controls"}
            for one in around
        ],
    }


def _said(effect: Effect) -> str:
    way = "better" if effect.gain >= 0 else "worse"
    return (
        f"{effect.kpi} is {effect.after:.4g} where {len(effect.controls)} control cells let "
        f"{effect.expected_after:.4g} be expected: {abs(effect.gain):.1%} {way} "
        f"({effect.low:+.1%} to {effect.high:+.1%})"
    )
