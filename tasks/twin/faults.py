"""Faults: what breaks, where, when, how much; placed at random from a seed.

A fault here is a cause. What it does to measurements follows from radio and load (effects.py,
state.py). Some are abrupt and some gradual; many are too weak to stand out in one KPI.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tasks.twin.coverage import Tally
from tasks.twin.layout import Cell, Network

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
]
Scope = Literal["cell", "sector", "site", "neighborhood"]

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

    def severity(self) -> np.ndarray:
        """Return the fault's course, 0 to 1, over its periods."""
        steps = np.arange(1, self.last - self.first + 1, dtype=np.float32)
        return np.minimum(steps / (self.ramp + 1.0), 1.0)


@dataclass(frozen=True, slots=True)
class _Habit:
    """How a kind of fault comes: hours it lasts, chance to be gradual, hours of the ramp."""

    hours: tuple[float, float]
    gradual: float
    ramp_hours: tuple[float, float]


_HABITS: dict[FaultKind, _Habit] = {
    "outage": _Habit((1.0, 8.0), 0.0, (0.0, 0.0)),
    "sleeping_cell": _Habit((4.0, 20.0), 0.3, (1.0, 4.0)),
    "interference": _Habit((5.0, 24.0), 0.3, (1.0, 6.0)),
    "feeder_loss": _Habit((10.0, 48.0), 0.5, (4.0, 20.0)),
    "tilt_slip": _Habit((12.0, 48.0), 0.3, (2.0, 10.0)),
    "backhaul_congestion": _Habit((6.0, 24.0), 0.3, (1.0, 4.0)),
    "wrong_neighbor": _Habit((12.0, 48.0), 0.0, (0.0, 0.0)),
    "overload_by_event": _Habit((2.0, 5.0), 1.0, (0.5, 1.0)),
    "mimo_branch_loss": _Habit((10.0, 48.0), 0.0, (0.0, 0.0)),
    "core_link_failure": _Habit((1.0, 8.0), 0.3, (0.5, 2.0)),
}
KINDS: tuple[FaultKind, ...] = tuple(_HABITS)

_Sketch = tuple[tuple[int, ...], float, str, Scope, bool, int | None]


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How many faults start in each stretch of periods: (first, last, count)."""

    stretches: tuple[tuple[int, int, int], ...]
    periods: int
    spared_sites: tuple[int, ...] = ()


def place_faults(network: Network, built: Tally, plan: FaultPlan, seed: int) -> list[Fault]:
    """Return the faults of a run, in order of onset.

    Two faults whose cells are radio neighbors never overlap in time, so that a label names one
    cause. Kinds take turns, in an order drawn from the seed.

    Args:
        network: the network as built.
        built: its tally, for radio neighbors.
        plan: how many faults, and when.
        seed: of the run.
    """
    rng = np.random.default_rng([seed, 4])
    placed: list[tuple[Fault, frozenset[int]]] = []
    turn = list(rng.permutation(len(KINDS)))
    wanted = [(first, last) for first, last, count in plan.stretches for _ in range(count)]
    for number, (first, last) in enumerate(wanted):
        kind = KINDS[turn[number % len(KINDS)]]
        for _ in range(60):
            fault = _draw(network, built, kind, (first, last, plan.periods), rng)
            near = _neighborhood(built, fault)
            sites = {network.cells[cell].site.index for cell in fault.cells}
            if not sites & set(plan.spared_sites) and _is_free(fault, near, placed):
                placed.append((fault, near))
                break
    ordered = sorted((fault for fault, _ in placed), key=lambda fault: (fault.first, fault.cells))
    return [replace(fault, fault_id=f"F{n + 1:03d}") for n, fault in enumerate(ordered)]


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


def radio_neighbors(built: Tally, cell: int) -> np.ndarray:
    """Return the cells that a cell's users are handed over to, most overlap first."""
    overlap = built.handover[cell].copy()
    overlap[cell] = 0.0
    order = np.argsort(-overlap, kind="stable")
    return order[overlap[order] > 0.002 * built.weight[cell]]


def _draw(
    network: Network,
    built: Tally,
    kind: FaultKind,
    bounds: tuple[int, int, int],
    rng: np.random.Generator,
) -> Fault:
    habit = _HABITS[kind]
    cells, size, unit, scope, has_alarm, target = _SKETCHES[kind](network, built, rng)
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
        cells=cells,
        first=onset,
        last=min(onset + length, end),
        ramp=min(ramp, length // 2),
        size=round(size, 2),
        size_unit=unit,
        scope=scope,
        has_alarm=has_alarm,
        target=target,
    )


def _any_cell(network: Network, built: Tally, rng: np.random.Generator) -> Cell:
    """Return a cell that carries something worth losing."""
    busy = np.flatnonzero(built.weight > 0.6 * np.median(built.weight))
    return network.cells[int(rng.choice(busy))]


def _same_sector(network: Network, cell: Cell) -> tuple[int, ...]:
    return tuple(
        other.index
        for other in network.cells
        if other.site.index == cell.site.index and other.sector == cell.sector
    )


def _same_site(network: Network, cell: Cell) -> tuple[int, ...]:
    return tuple(other.index for other in network.cells if other.site.index == cell.site.index)


def _outage(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(network, built, rng)
    chance = rng.random()
    if chance < 0.15:
        return _same_site(network, cell), 1.0, "share", "site", True, None
    if chance < 0.35:
        return _same_sector(network, cell), 1.0, "share", "sector", True, None
    return (cell.index,), 1.0, "share", "cell", True, None


def _sleeping(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(network, built, rng)
    return (cell.index,), rng.uniform(0.6, 1.0), "share", "cell", False, None


def _interference(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(network, built, rng)
    near = [
        int(other)
        for other in radio_neighbors(built, cell.index)[:6]
        if network.cells[int(other)].band.name == cell.band.name
    ]
    cells = (cell.index, *near[: int(rng.integers(0, 3))])
    scope: Scope = "neighborhood" if len(cells) > 1 else "cell"
    return cells, rng.uniform(3.0, 13.0), "dB", scope, False, None


def _feeder(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(network, built, rng)
    loss = rng.uniform(3.0, 9.0)
    return (cell.index,), loss, "dB", "cell", bool(loss > 6.5), None


def _tilt(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(network, built, rng)
    up = -min(cell.tilt_deg + 1.0, rng.uniform(4.0, 7.0))
    change = up if rng.random() < 0.5 else rng.uniform(4.0, 8.0)
    if rng.random() < 0.4:
        return _same_sector(network, cell), change, "deg", "sector", False, None
    return (cell.index,), change, "deg", "cell", False, None


def _backhaul(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cells = _same_site(network, _any_cell(network, built, rng))
    return cells, rng.uniform(0.3, 0.7), "share of peak demand", "site", False, None


def _wrong_neighbor(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(network, built, rng)
    near = radio_neighbors(built, cell.index)
    target = int(near[min(int(rng.integers(0, 2)), len(near) - 1)]) if len(near) else None
    return (cell.index,), rng.uniform(0.5, 1.0), "share", "cell", False, target


def _event(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cells = _same_sector(network, _any_cell(network, built, rng))
    return cells, rng.uniform(3.0, 6.0), "times demand", "sector", False, None


def _mimo(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(network, built, rng)
    return (cell.index,), rng.uniform(0.4, 0.6), "share", "cell", bool(rng.random() < 0.3), None


def _core_link(network: Network, built: Tally, rng: np.random.Generator) -> _Sketch:
    cells = _same_site(network, _any_cell(network, built, rng))
    return cells, rng.uniform(0.03, 0.3), "share", "site", bool(rng.random() < 0.5), None


_SKETCHES: dict[FaultKind, Callable[[Network, Tally, np.random.Generator], _Sketch]] = {
    "outage": _outage,
    "sleeping_cell": _sleeping,
    "interference": _interference,
    "feeder_loss": _feeder,
    "tilt_slip": _tilt,
    "backhaul_congestion": _backhaul,
    "wrong_neighbor": _wrong_neighbor,
    "overload_by_event": _event,
    "mimo_branch_loss": _mimo,
    "core_link_failure": _core_link,
}
