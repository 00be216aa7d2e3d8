"""Which fault that can be healed a cell has, if any: facts in, causes with their odds out.

Each fact adds to the logarithm of a cause's odds, as the rules say; the reasons are kept, so that
a person can add them up again. Nothing here reads text that others wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal

from semantic_layer.healing import HealingRules

Cause = Literal["sleeping_cell", "tilt_slip", "wrong_neighbor"]
CAUSES: tuple[Cause, ...] = ("sleeping_cell", "tilt_slip", "wrong_neighbor")
_LEAST_KEPT = 2
"""Outcomes of each kind that are assumed before any is known."""


@dataclass(frozen=True, slots=True)
class KpiShift:
    """A row of `measure_shifts`; of each KPI there is a short look and a longer one."""

    kpi: str
    seen: float
    usual: float
    ratio: float
    scatters: float
    is_long: bool = False


@dataclass(frozen=True)
class Facts:
    """What is known about one cell.

    Attributes:
        shifts: its KPIs beside their usual.
        site_ratios: traffic of the other cells at its site, as a share of their usual.
        tilt_departure: live tilt less planned, in tenths of a degree; None as planned.
        lacking_relations: how many planned relations lack.
        is_locked: somebody has locked it.
        alarms: names of alarms that stand at the cell or its site.
        changes: ids of changes at the cell of late.
        outcomes: by cause, repairs kept with effect, without, and undone.
    """

    shifts: Sequence[KpiShift]
    site_ratios: Sequence[float]
    tilt_departure: float | None
    lacking_relations: int
    is_locked: bool
    alarms: Sequence[str]
    changes: Sequence[str]
    outcomes: Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A cause, its probability, and what each fact added to its log-odds.

    Attributes:
        shift: the KPI whose shift speaks for it most; None where none was measured.
    """

    cause: Cause
    probability: float
    reasons: tuple[tuple[str, float], ...]
    shift: KpiShift | None


def diagnoses(facts: Facts, rules: HealingRules) -> list[Diagnosed]:
    """Return every cause with its probability, most probable first."""
    found = [
        _judged("sleeping_cell", *_sleeping(facts, rules), facts, rules),
        _judged("tilt_slip", *_tilt(facts, rules), facts, rules),
        _judged("wrong_neighbor", *_neighbor(facts, rules), facts, rules),
    ]
    return sorted(found, key=lambda one: (-one.probability, one.cause))


Reasons = list[tuple[str, float]]


def _judged(
    cause: Cause, reasons: Reasons, shift: KpiShift | None, facts: Facts, rules: HealingRules
) -> Diagnosed:
    odds = rules.log_odds
    reasons = [(f"prior_{cause}", odds[f"prior_{cause}"]), *reasons]
    if facts.is_locked:
        reasons.append(("cell_is_locked", odds["cell_is_locked"]))
    if facts.changes:
        reasons.append(("changed_lately", odds["changed_lately"]))
    kept, without, undone = facts.outcomes.get(cause, (0, 0, 0))
    if kept + without + undone:
        learned = log((kept + _LEAST_KEPT) / (without + undone + _LEAST_KEPT))
        reasons.append(("outcomes_so_far", round(learned, 3)))
    total = sum(weight for _, weight in reasons)
    return Diagnosed(cause, 1.0 / (1.0 + exp(-total)), tuple(reasons), shift)


def _sleeping(facts: Facts, rules: HealingRules) -> tuple[Reasons, KpiShift | None]:
    odds = rules.log_odds
    now = [s for s in facts.shifts if not s.is_long]
    fallen = [s for s in now if s.kpi in rules.traffic_kpis]
    least = max(fallen, key=lambda s: s.scatters, default=None)
    if least is None or least.scatters > -rules.sleeping_shift:
        return [("no_harm_seen", odds["no_harm_seen"])], least
    reasons = [("a_scatter", _of_shift(-least.scatters, rules))]
    volume = min(fallen, key=lambda s: s.ratio)
    if all(s.ratio <= rules.sleeping_traffic_share for s in fallen):
        reasons.append(("traffic_lost", odds["traffic_lost"]))
    else:
        reasons.append(("no_harm_seen", odds["no_harm_seen"]))
    available = [s for s in now if s.kpi in rules.availability_kpis]
    is_well = bool(available) and all(s.seen >= 99.0 for s in available)
    name = "is_available" if is_well else "is_unavailable"
    reasons.append((name, odds[name]))
    quality = [s for s in now if s.kpi in rules.quality_kpis]
    has_moved = any(abs(s.scatters) > rules.quality_shift for s in quality)
    name = "quality_moved" if has_moved or facts.tilt_departure is not None else "quality_as_usual"
    reasons.append((name, odds[name]))
    limit = rules.sleeping_traffic_share
    fell = sum(ratio <= limit for ratio in facts.site_ratios)
    if facts.site_ratios and fell >= rules.site_fall_share * len(facts.site_ratios):
        reasons.append(("site_fell", odds["site_fell"]))
    if facts.alarms:
        reasons.append(("alarm_stands", odds["alarm_stands"]))
    return reasons, volume


def _tilt(facts: Facts, rules: HealingRules) -> tuple[Reasons, KpiShift | None]:
    odds = rules.log_odds
    if facts.tilt_departure is None or abs(facts.tilt_departure) < rules.least_tilt_departure:
        return [("no_harm_seen", odds["no_harm_seen"])], None
    names = (*rules.traffic_kpis, *rules.quality_kpis)
    moved = max(
        (s for s in facts.shifts if s.kpi in names), key=lambda s: abs(s.scatters), default=None
    )
    reasons = [("tilt_departs", odds["tilt_departs"])]
    if moved is None or abs(moved.scatters) < rules.tilt_shift:
        return [*reasons, ("no_harm_seen", odds["no_harm_seen"])], moved
    return [*reasons, ("a_scatter", _of_shift(abs(moved.scatters), rules))], moved


def _neighbor(facts: Facts, rules: HealingRules) -> tuple[Reasons, KpiShift | None]:
    odds = rules.log_odds
    if not facts.lacking_relations:
        return [("no_harm_seen", odds["no_harm_seen"])], None
    lost = max(
        (s for s in facts.shifts if s.kpi in rules.handover_kpis),
        key=lambda s: s.scatters,
        default=None,
    )
    reasons = [("relation_lacks", odds["relation_lacks"])]
    if lost is None or lost.scatters < rules.handover_shift:
        return [*reasons, ("no_harm_seen", odds["no_harm_seen"])], lost
    return [*reasons, ("a_scatter", _of_shift(lost.scatters, rules))], lost


def _of_shift(scatters: float, rules: HealingRules) -> float:
    return round(min(rules.log_odds["a_scatter"] * scatters, rules.most_shift_odds), 3)
