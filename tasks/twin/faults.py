"""Faults: what breaks, where, when, how much; placed at random from a seed.

A fault here is a cause. What it does to measurements follows from radio and load (effects.py,
state.py). Some are abrupt and some gradual; many are too weak to stand out in one KPI.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tasks.twin import radio_faults, site_faults
from tasks.twin.coverage import Tally
from tasks.twin.radio_faults import Scope, Sketch, Terrain, radio_neighbors

__all__ = ["KINDS", "Fault", "FaultKind", "FaultPlan", "Terrain", "place_faults", "radio_neighbors"]

FaultKind = Literal[
    "outage",
    "sleeping_cell",
    "interference",
    "feeder_loss",
    "tilt_slip",
    "backhaul_congestion",
    "wrong_neighbor",
    "overload_by_event",
    "mimo_branch_loss",
    "core_link_failure",
    "passive_intermodulation",
    "link_cut",
    "dwdm_degradation",
    "clock_loss",
    "power_failure",
    "core_function_restart",
    "software_regression",
]

PERIODS_AN_HOUR = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; periods are indexes from the run's start, half-open.

    Attributes:
        cells: indexes of the cells that the fault sits on.
        ramp: periods until it has its full size; 0 is abrupt.
        size: in `size_unit`; what it means depends on the kind.
        has_alarm: the equipment notices and raises an alarm.
        target: for a wrong neighbor, the cell that handovers fail to reach.
        objects: what is struck beside cells: DNs, or identifiers of links.
        change_id: the change of the network that brought it, where one did.
    """

    fault_id: str
    kind: FaultKind
    cells: tuple[int, ...]
    first: int
    last: int
    ramp: int
    size: float
    size_unit: str
    scope: Scope
    has_alarm: bool
    target: int | None = None
    objects: tuple[str, ...] = ()
    change_id: str | None = None

    def severity(self) -> npt.NDArray[Any]:
        """Return the fault's course, 0 to 1, over its periods."""
        steps = np.arange(1, self.last - self.first + 1, dtype=np.float32)
        return np.asarray(np.minimum(steps / (self.ramp + 1.0), 1.0))


@dataclass(frozen=True, slots=True)
class _Habit:
    """How a kind of fault comes: hours it lasts, chance to be gradual, hours of the ramp.

    Attributes:
        weight: how often it comes, next to others; what strikes many cells comes rarely.
    """

    hours: tuple[float, float]
    gradual: float
    ramp_hours: tuple[float, float]
    weight: float = 1.0


_HABITS: dict[FaultKind, _Habit] = {
    "outage": _Habit((1.0, 8.0), 0.0, (0.0, 0.0)),
    "sleeping_cell": _Habit((4.0, 20.0), 0.3, (1.0, 4.0)),
    "interference": _Habit((5.0, 24.0), 0.3, (1.0, 6.0)),
    "feeder_loss": _Habit((10.0, 48.0), 0.5, (4.0, 20.0)),
    "tilt_slip": _Habit((12.0, 48.0), 0.3, (2.0, 10.0)),
    "backhaul_congestion": _Habit((6.0, 24.0), 0.3, (1.0, 4.0), 0.4),
    "wrong_neighbor": _Habit((12.0, 48.0), 0.0, (0.0, 0.0)),
    "overload_by_event": _Habit((2.0, 5.0), 1.0, (0.5, 1.0)),
    "mimo_branch_loss": _Habit((10.0, 48.0), 0.0, (0.0, 0.0)),
    "core_link_failure": _Habit((1.0, 8.0), 0.3, (0.5, 2.0), 0.4),
    "passive_intermodulation": _Habit((12.0, 48.0), 0.4, (4.0, 16.0)),
    "link_cut": _Habit((2.0, 9.0), 0.0, (0.0, 0.0), 0.1),
    "dwdm_degradation": _Habit((8.0, 30.0), 1.0, (3.0, 12.0), 0.02),
    "clock_loss": _Habit((8.0, 20.0), 0.0, (0.0, 0.0), 0.2),
    "power_failure": _Habit((3.0, 9.0), 0.0, (0.0, 0.0), 0.2),
    "core_function_restart": _Habit((0.5, 1.25), 0.0, (0.0, 0.0), 0.02),
    "software_regression": _Habit((6.0, 30.0), 0.0, (0.0, 0.0), 0.3),
}
KINDS: tuple[FaultKind, ...] = tuple(_HABITS)

_WIDE: tuple[FaultKind, ...] = ("link_cut", "dwdm_degradation", "core_function_restart")
"""Kinds that strike many sites at once."""

_MOST_TRIES = 60


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which kinds of faults start in each stretch of periods: (first, last, kinds)."""

    stretches: tuple[tuple[int, int, tuple[FaultKind, ...]], ...]
    periods: int
    spared_sites: tuple[int, ...] = ()


def planned_kinds(count: int, rng: np.random.Generator) -> list[FaultKind]:
    """Return as many kinds as asked, each by its weight, in an order drawn.

    Where there is room for all, each comes at least once; a share of one is drawn.
    """
    weights = np.array([_HABITS[kind].weight for kind in KINDS])
    least = 1 if count >= len(KINDS) else 0
    shares = weights / weights.sum() * (count - least * len(KINDS))
    numbers = np.floor(shares).astype(int) + least
    left = shares - np.floor(shares)
    rest = count - int(numbers.sum())
    if rest:
        drawn = rng.choice(len(KINDS), rest, replace=False, p=left / left.sum())
        numbers[drawn] += 1
    whole = [kind for kind, number in zip(KINDS, numbers, strict=True) for _ in range(number)]
    return [whole[place] for place in rng.permutation(len(whole))]


def kinds_in_turn(count: int, rng: np.random.Generator) -> list[FaultKind]:
    """Return as many kinds as asked, in an order drawn, none twice before all have come."""
    turn = rng.permutation(len(KINDS))
    return [KINDS[turn[number % len(KINDS)]] for number in range(count)]


def usual_periods(kind: FaultKind) -> tuple[float, float]:
    """Return how long a kind of fault lasts, at least and at most, in periods."""
    low, high = _HABITS[kind].hours
    return low * PERIODS_AN_HOUR, high * PERIODS_AN_HOUR


def place_faults(
    terrain: Terrain, plan: FaultPlan, seed: int, standing: Sequence[Fault] = ()
) -> list[Fault]:
    """Return the faults of a run, in order of onset.

    Two faults whose cells are radio neighbors never overlap in time, but for those that strike
    many sites: these strike where others stand as well. They are placed last, and the first link
    that is cut in a stretch leaves some site without a way.

    Args:
        terrain: the network as built, and how full it is.
        plan: which kinds, and when.
        seed: of the run.
        standing: faults that are there already; they are not returned again.
    """
    rng = np.random.default_rng([seed, 4])
    placed = [(fault, _neighborhood(terrain.built, fault)) for fault in standing]
    wanted = [(first, last, kind) for first, last, kinds in plan.stretches for kind in kinds]
    cut_off: set[int] = set()
    for first, last, kind in sorted(wanted, key=lambda one: one[2] in _WIDE):
        for _ in range(_MOST_TRIES):
            fault = _draw(terrain, kind, (first, last, plan.periods), rng)
            if fault is None or not _fits(terrain, fault, plan):
                continue
            if kind == "link_cut" and first not in cut_off and not _isolates(terrain, fault):
                continue
            near = _neighborhood(terrain.built, fault)
            if kind in _WIDE or _is_free(fault, near, placed):
                placed.append((fault, near))
                cut_off |= {first} if kind == "link_cut" else set()
                break
    fresh = (fault for fault, _ in placed[len(standing) :])
    ordered = sorted(fresh, key=lambda fault: (fault.first, fault.cells))
    return [_named(fault, number) for number, fault in enumerate(ordered, 1)]


def _named(fault: Fault, number: int) -> Fault:
    change = f"CRQ{number:06d}" if fault.kind == "software_regression" else None
    return replace(fault, fault_id=f"F{number:03d}", change_id=change)


def _fits(terrain: Terrain, fault: Fault, plan: FaultPlan) -> bool:
    sites = {terrain.network.cells[cell].site.index for cell in fault.cells}
    return not sites & set(plan.spared_sites)


def _isolates(terrain: Terrain, fault: Fault) -> bool:
    standing = terrain.transport.paths_without(fault.objects)
    return len(standing) < len(terrain.transport.router_of_site)


def _is_free(
    fault: Fault, near: frozenset[int], placed: Sequence[tuple[Fault, frozenset[int]]]
) -> bool:
    return not any(
        fault.first < other.last
        and other.first < fault.last
        and (near & set(other.cells) or others_near & set(fault.cells))
        for other, others_near in placed
    )


def _neighborhood(built: Tally, fault: Fault) -> frozenset[int]:
    near = set(fault.cells)
    for cell in fault.cells:
        near.update(int(other) for other in radio_neighbors(built, cell)[:3])
    return frozenset(near)


def _draw(
    terrain: Terrain,
    kind: FaultKind,
    bounds: tuple[int, int, int],
    rng: np.random.Generator,
) -> Fault | None:
    habit = _HABITS[kind]
    sketch = _SKETCHES[kind](terrain, rng)
    if sketch is None:
        return None
    length = max(2, round(rng.uniform(*habit.hours) * PERIODS_AN_HOUR))
    first, last, end = bounds
    onset = int(rng.integers(first, max(first + 1, last - min(length, (last - first) // 3))))
    if kind == "overload_by_event":  # people gather from noon to evening
        onset = onset - onset % 96 + int(rng.integers(44, 76))
    onset = min(onset, end - 4)
    ramp = 0
    if rng.random() < habit.gradual:
        ramp = round(rng.uniform(*habit.ramp_hours) * PERIODS_AN_HOUR)
    return Fault(
        fault_id="",
        kind=kind,
        cells=sketch.cells,
        first=onset,
        last=min(onset + length, end),
        ramp=min(ramp, length // 2),
        size=round(sketch.size, 3),
        size_unit=sketch.size_unit,
        scope=sketch.scope,
        has_alarm=sketch.has_alarm,
        target=sketch.target,
        objects=sketch.objects,
    )


_SKETCHES: dict[FaultKind, Callable[[Terrain, np.random.Generator], Sketch | None]] = {
    "outage": radio_faults.outage,
    "sleeping_cell": radio_faults.sleeping_cell,
    "interference": radio_faults.interference,
    "feeder_loss": radio_faults.feeder_loss,
    "tilt_slip": radio_faults.tilt_slip,
    "backhaul_congestion": radio_faults.backhaul_congestion,
    "wrong_neighbor": radio_faults.wrong_neighbor,
    "overload_by_event": radio_faults.overload_by_event,
    "mimo_branch_loss": radio_faults.mimo_branch_loss,
    "core_link_failure": radio_faults.core_link_failure,
    "passive_intermodulation": site_faults.passive_intermodulation,
    "link_cut": site_faults.link_cut,
    "dwdm_degradation": site_faults.dwdm_degradation,
    "clock_loss": site_faults.clock_loss,
    "power_failure": site_faults.power_failure,
    "core_function_restart": site_faults.core_function_restart,
    "software_regression": site_faults.software_regression,
}
