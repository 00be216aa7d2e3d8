"""How long load must be seen above its limit: what minutes that scatter wake for nothing.

A calm night in which nobody asks for more than usual passes under the plan in motion. Each minute
is drawn from the truth as the sample network streams it, and cells wake by the fast rule, with all
cells of their sites, for as long as load may hold them. What wakes although the true load of the
quarter lies well below the limit wakes for nothing.

    ANOPS_HOME=FOLDER ANOPS_SAMPLE_SEED=11 python -m tests.benchmarks energy_detection
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from semantic_layer.energy_waking import EnergyWakingRules, energy_waking_rules
from semantic_layer.identity import managed_element_dn
from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Numbers
from tasks.energy.waking.fast_rule import Awakening, Seen, awakenings
from tasks.energy.waking.mode_course import ACTIVE, awake_for_long
from tasks.energy.waking.own_work import carried_work
from tasks.twin.minute_stream import MINUTE, minute_load
from tasks.twin.sleeping import sleeping_conditions
from tasks.twin.state import network_state
from tests.benchmarks._energy_course import Watch
from tests.benchmarks._energy_network import town_and_network
from tests.benchmarks._energy_policies import PlanInMotion, plan_in_motion
from tests.benchmarks._energy_truth import HOURS, LEAD, TrueTown

_PERIODS = range(24)
"""The first six hours of the week."""

_CHOICES = ((60, 60), (120, 120), (120, 300), (180, 300))
"""Seconds for cells that others lean on, and for others that save on the air."""

_DRAWS, _MINUTES, _NEAR = 3, 15, 0.9


@dataclass(frozen=True)
class Quarter:
    """What stands and is true in a quarter of an hour; by cell (C,)."""

    mode: Numbers
    load: Floats
    sessions: Floats
    watch: Watch


@dataclass
class Night:
    """What one way of looking woke, counted as minutes pass.

    Attributes:
        held: (C,) minute until which a cell is awake.
        since: (C,) minute from which on what a cell tells counts.
    """

    held: Floats
    since: Floats
    sites: int = 0
    off_air: int = 0
    lost_minutes: int = 0
    told: list[Floats] = field(default_factory=list)


def main() -> None:
    """Print what is woken for nothing, by seconds of detection."""
    town, network = town_and_network()
    quarters = _quarters(town, plan_in_motion(town, network, "anops", has_fast_rule=True))
    asleep = sum(int(IS_OFF[one.mode].sum()) for one in quarters) * HOURS
    print(f"bench energy_detection: town {town.seed}, {asleep:.0f} cell-hours off the air")
    for seconds in _CHOICES:
        nights = [_night(town, network.kept, quarters, seconds, draw) for draw in range(_DRAWS)]
        sites, off_air, lost = (
            np.mean([getattr(night, name) for night in nights])
            for name in ("sites", "off_air", "lost_minutes")
        )
        print(
            f"bench energy_detection:   {seconds[0]} s, own mode {seconds[1]} s: for nothing "
            f"{sites:.1f} sites were taken back, {off_air:.1f} cells off the air woken; "
            f"{lost / 60.0:.1f} cell-hours off the air lost in all",
            flush=True,
        )


def _quarters(town: TrueTown, policy: PlanInMotion) -> list[Quarter]:
    """Let the plan go through the night; return what stood in it."""
    course, found = awake_for_long(len(town.cells)), []
    for period in _PERIODS:
        before, modes = course.mode, policy.modes(period, course)
        course = course.entering(modes)
        watch = policy.watch()
        if watch is None:
            raise SystemExit("The plan in motion made no plan.")
        load, sessions = _true(town, period, course.mode)
        found.append(Quarter(course.mode.copy(), load, sessions, watch))
        policy.told(period, town.measured(load, period), before)
        course = course.after(HOURS)
    return found


def _true(town: TrueTown, period: int, modes: Numbers) -> tuple[Floats, Floats]:
    """Return the true load and sessions (C,) of a period under modes."""
    of_twin, at = np.empty(len(modes), dtype=np.int8), LEAD + period
    of_twin[town.order] = modes
    world = town.following.world.between(at, at + 1)
    conditions = town.conditions.between(at, at + 1)
    state = network_state(world, sleeping_conditions(world, conditions, of_twin[None, :]))
    load, sessions = state.load[0, town.order], state.sessions[0, town.order]
    return load.astype(np.float64), sessions.astype(np.float64)


def _night(
    town: TrueTown,
    kept: Floats,
    quarters: Sequence[Quarter],
    seconds: tuple[int, int],
    draw: int,
) -> Night:
    """Return what looking for so many seconds wakes in the night."""
    rules, count = energy_waking_rules(), len(town.cells)
    elements = [managed_element_dn(cell.dn) for cell in town.cells]
    site = np.unique([name or "" for name in elements], return_inverse=True)[1]
    night = Night(np.full(count, -1.0), np.full(count, -1.0))
    for number, quarter in enumerate(quarters):
        for minute in range(number * _MINUTES, (number + 1) * _MINUTES):
            mode = np.where(night.held > minute, ACTIVE, quarter.mode)
            night.lost_minutes += int((IS_OFF[quarter.mode] & ~IS_OFF[mode]).sum())
            end = town.starts[0] + (minute + 1) * MINUTE + draw * timedelta(days=400)
            night.told.append(minute_load(quarter.load, quarter.sessions, town.seed, end))
            look = [length // 60 for length in seconds]
            if len(night.told) >= max(look):
                _wake(night, quarter, mode, _Looked(kept, site, look, minute, rules))
    return night


@dataclass(frozen=True)
class _Looked:
    kept: Floats
    site: Numbers
    minutes: Sequence[int]
    at: int
    rules: EnergyWakingRules


def _wake(night: Night, quarter: Quarter, mode: Numbers, how: _Looked) -> None:
    """Look at one minute, wake whole sites by it, and count what woke for nothing."""
    watch, is_off = quarter.watch, IS_OFF[mode]
    needed = np.where(_is_patient(watch, mode, how.rules), how.minutes[1], how.minutes[0])
    least = [np.min(night.told[-minutes:], axis=0) for minutes in how.minutes]
    load = np.where(needed == how.minutes[1], least[1], least[0])
    is_unjudged = is_off | (how.at + 1 - needed < night.since)
    limit = watch.limit[np.arange(len(mode)), mode]
    work = np.where(is_unjudged, 0.0, carried_work(load, mode, how.kept))
    seen = Seen(work, limit, np.zeros(len(mode), dtype=bool))
    own = np.nan_to_num(watch.own_work, nan=1.0)
    truly = carried_work(quarter.load, mode, how.kept) > _NEAR * limit
    taken: set[int] = set()
    for one in awakenings(seen, mode, watch.moves, own, how.rules):
        night.since[one.because_of] = how.at + 5
        if int(how.site[one.cell]) not in taken:
            taken.add(int(how.site[one.cell]))
            _take_back(night, quarter, how, one, is_true=bool(truly[one.because_of]))


def _take_back(
    night: Night, quarter: Quarter, how: _Looked, one: Awakening, *, is_true: bool
) -> None:
    together = (how.site == how.site[one.cell]) & (quarter.mode != ACTIVE)
    if not is_true:
        night.sites += 1
        night.off_air += int((IS_OFF[quarter.mode] & together & (night.held <= how.at)).sum())
    night.held[together] = how.at + 60.0 * how.rules.hold_hours
    night.since[together] = how.at + 4


def _is_patient(watch: Watch, mode: Numbers, rules: EnergyWakingRules) -> Flags:
    """Return the cells that save on the air and carry for no sleeper."""
    moves, own = watch.moves, np.nan_to_num(watch.own_work, nan=1.0)
    is_leaning = IS_OFF[mode[moves.booster]]
    is_leaning &= moves.work * own[moves.booster] > rules.leaning_work
    carries = np.zeros(len(mode), dtype=bool)
    carries[moves.candidate[is_leaning]] = True
    return np.asarray((mode != ACTIVE) & ~IS_OFF[mode] & ~carries)
