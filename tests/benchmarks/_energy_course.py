"""A week under a policy: what is chosen each quarter, who is woken in between, and the bill."""

import time
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from semantic_layer.energy_waking import EnergyWakingRules, energy_waking_rules
from tasks.energy.planning.problem import IS_OFF, Floats, Moves, Numbers
from tasks.energy.waking.fast_rule import Seen, awakenings, wake_delay_s
from tasks.energy.waking.mode_course import ACTIVE, ModeCourse, awake_for_long
from tasks.energy.waking.own_work import carried_work
from tests.benchmarks._energy_truth import HOURS, Outcome, TrueTown

PERIOD_S = 3600.0 * HOURS
_HOLE_SHARE = 1e-9
_PROMISED_TO_ALL_BUT = 0.05


@dataclass(frozen=True)
class Watch:
    """What the fast rule looks at within a period.

    Attributes:
        moves: where the work of sleepers goes.
        limit: (C, M) work above which a cell is full, by the mode that it is in.
        own_work: (C,) as expected.
    """

    moves: Moves
    limit: Floats
    own_work: Floats


class Policy(Protocol):
    """What chooses modes by the quarter."""

    name: str

    def modes(self, period: int, course: ModeCourse) -> Numbers:
        """Return the modes (C,) of a period that begins now."""
        ...

    def told(self, period: int, load: Floats, modes: Numbers) -> None:
        """Take in what was measured in a period, and the modes that stood in it."""
        ...

    def watch(self) -> Watch | None:
        """Return what the fast rule looks at in the period just planned; None without a rule."""
        ...


@dataclass
class Bill:
    """What a policy cost, by period (P,), floor (F, P) or cell (C,).

    `under_minutes` are users' below a floor. `broken_minutes` are those of them beyond the promise:
    it is given to all but five in a hundred users of a cell, and to no more than have it when all
    cells are active.
    """

    name: str
    site_kwh: Floats
    radio_kwh: Floats
    user_minutes: Floats
    under_minutes: Floats
    broken_minutes: Floats
    holes: Floats
    waiting_s: Floats
    asleep_hours: Floats
    switch_kwh: float = 0.0
    woken_fast: int = 0
    woken_by_plan: int = 0
    seconds: list[float] = field(default_factory=list)


def course_of(town: TrueTown, policy: Policy, periods: range) -> Bill:
    """Return the bill of a policy over periods of the week, every cell active before them."""
    count = len(periods)
    bill = Bill(
        policy.name,
        *(np.zeros(count) for _ in range(3)),
        np.zeros((len(town.floors), count)),
        np.zeros((len(town.floors), count)),
        np.zeros(count),
        np.zeros(count),
        np.zeros(len(town.cells)),
    )
    course = awake_for_long(len(town.cells))
    for place, period in enumerate(periods):
        began = time.process_time()
        chosen = np.asarray(policy.modes(period, course))
        bill.seconds.append(time.process_time() - began)
        _count_switches(town, bill, course.mode, chosen)
        course = course.entering(chosen)
        course = _lived(town, policy, (place, period), course, bill)
    return bill


def _lived(
    town: TrueTown, policy: Policy, at: tuple[int, int], course: ModeCourse, bill: Bill
) -> ModeCourse:
    """Let one period pass; return the course at its end."""
    place, period = at
    before = course.mode
    parts, course = _stretches(town, policy, period, course, bill, place)
    for share, outcome, mode in parts:
        _charge(bill, place, share, outcome)
        bill.broken_minutes[:, place] += (
            share * 60.0 * HOURS * beyond_promise(town, period, outcome)
        )
        bill.asleep_hours += IS_OFF[mode] * share * HOURS
    load = sum(share * outcome.load for share, outcome, _ in parts)
    policy.told(period, town.measured(load, period), before)
    return course.after(HOURS)


def _stretches(
    town: TrueTown, policy: Policy, period: int, course: ModeCourse, bill: Bill, place: int
) -> tuple[list[tuple[float, Outcome, Numbers]], ModeCourse]:
    """Return what a period consists of, as shares of it, and the course at its end."""
    rules, watch, elapsed = energy_waking_rules(), policy.watch(), 0.0
    outcome, parts = town.outcome(period, course.mode), []
    while watch is not None:
        cells = _woken(town, watch, outcome, course.mode, rules)
        if not len(cells):
            break
        delay = min(_delay_s(town, cells, course.mode, rules), PERIOD_S - elapsed)
        parts.append((delay / PERIOD_S, outcome, course.mode))
        elapsed += delay
        bill.waiting_s[place] += delay
        bill.woken_fast += int(IS_OFF[course.mode[cells]].sum())
        course = course.woken(cells, rules.hold_hours)
        outcome = town.outcome(period, course.mode)
        if elapsed >= PERIOD_S:
            break
    parts.append(((PERIOD_S - elapsed) / PERIOD_S, outcome, course.mode))
    return parts, course


def _woken(
    town: TrueTown, watch: Watch, outcome: Outcome, mode: Numbers, rules: EnergyWakingRules
) -> Numbers:
    kept = np.array([radio.capacity for radio in town.radios])
    seen = Seen(
        work=carried_work(outcome.load, mode, kept),
        limit=watch.limit[np.arange(len(mode)), mode],
        is_troubled=np.zeros(len(mode), dtype=bool),
    )
    seen = Seen(np.where(IS_OFF[mode], 0.0, seen.work), seen.limit, seen.is_troubled)
    found = awakenings(seen, mode, watch.moves, watch.own_work, rules)
    return np.array([one.cell for one in found], dtype=np.int64)


def _delay_s(town: TrueTown, cells: Numbers, mode: Numbers, rules: EnergyWakingRules) -> float:
    return max(wake_delay_s(mode[[cell]], town.radios[int(cell)].switch_s, rules) for cell in cells)


def _charge(bill: Bill, place: int, share: float, outcome: Outcome) -> None:
    bill.site_kwh[place] += share * HOURS * outcome.site_w / 1000.0
    bill.radio_kwh[place] += share * HOURS * float(outcome.radio_w.sum()) / 1000.0
    minutes = share * 60.0 * HOURS * outcome.users
    bill.user_minutes[place] += minutes.sum()
    bill.under_minutes[:, place] += outcome.under @ minutes
    bill.holes[place] += share * float((outcome.newly_uncovered > _HOLE_SHARE).sum())


def beyond_promise(town: TrueTown, period: int, outcome: Outcome) -> Floats:
    """Return (F,) users under each floor beyond the promise."""
    active = town.outcome(period, np.full(len(town.cells), ACTIVE))
    spared = np.maximum(active.under, _PROMISED_TO_ALL_BUT)
    return np.maximum(outcome.under - spared, 0.0) @ outcome.users


def _count_switches(town: TrueTown, bill: Bill, before: Numbers, after: Numbers) -> None:
    falls = np.flatnonzero(~IS_OFF[before] & IS_OFF[after])
    watt_hours = sum(float(town.radios[cell].switch_wh[after[cell]]) for cell in falls)
    bill.switch_kwh += watt_hours / 1000.0
    bill.woken_by_plan += int((IS_OFF[before] & ~IS_OFF[after]).sum())
