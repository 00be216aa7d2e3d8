"""Faults: what breaks, where, when, how much; placed at random from a seed.

A fault here is a cause. What it does to measurements follows from radio and load (effects.py,
state.py). Some are abrupt and some gradual; many are too weak to stand out in one KPI.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

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

    def severity(self) -> npt.NDArray[Any]:
        """Return the fault's course, 0 to 1, over its periods."""
        steps = np.arange(1, self.last - self.first + 1, dtype=np.float32)
        return np.asarray(np.minimum(steps / (self.ramp + 1.0), 1.0))


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


@dataclass(frozen=True, slots=True)
class Terrain:
    """What is known of the network where faults may strike.

    Attributes:
        built: the tally as built, for radio neighbors.
        busy_use: by cell, the share of resource blocks that a busy hour needs.
    """

    network: Network
    built: Tally
    busy_use: npt.NDArray[np.float32]


def place_faults(terrain: Terrain, plan: FaultPlan, seed: int) -> list[Fault]:
    """Return the faults of a run, in order of onset.

    Two faults whose cells are radio neighbors never overlap in time, so that a label names one
    cause. Kinds take turns, in an order drawn from the seed.

    Args:
        terrain: the network as built, and how full it is.
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
            fault = _draw(terrain, kind, (first, last, plan.periods), rng)
            near = _neighborhood(terrain.built, fault)
            sites = {terrain.network.cells[cell].site.index for cell in fault.cells}
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


def radio_neighbors(built: Tally, cell: int) -> npt.NDArray[Any]:
    """Return the cells that a cell's users are handed over to, most overlap first."""
    overlap = built.handover[cell].copy()
    overlap[cell] = 0.0
    order = np.argsort(-overlap, kind="stable")
    return np.asarray(order[overlap[order] > 0.002 * built.weight[cell]])


def _draw(
    terrain: Terrain,
    kind: FaultKind,
    bounds: tuple[int, int, int],
    rng: np.random.Generator,
) -> Fault:
    habit = _HABITS[kind]
    cells, size, unit, scope, has_alarm, target = _SKETCHES[kind](terrain, rng)
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
        size=round(size, 3),
        size_unit=unit,
        scope=scope,
        has_alarm=has_alarm,
        target=target,
    )


def _any_cell(terrain: Terrain, rng: np.random.Generator) -> Cell:
    """Return a cell that carries something worth losing."""
    use = terrain.busy_use
    busy = np.flatnonzero(use > 0.5 * np.median(use))
    return terrain.network.cells[int(rng.choice(busy))]


def _same_sector(network: Network, cell: Cell) -> tuple[int, ...]:
    return tuple(
        other.index
        for other in network.cells
        if other.site.index == cell.site.index and other.sector == cell.sector
    )


def _same_site(network: Network, cell: Cell) -> tuple[int, ...]:
    return tuple(other.index for other in network.cells if other.site.index == cell.site.index)


def _outage(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(terrain, rng)
    chance = rng.random()
    if chance < 0.15:
        return _same_site(terrain.network, cell), 1.0, "share", "site", True, None
    if chance < 0.35:
        return _same_sector(terrain.network, cell), 1.0, "share", "sector", True, None
    return (cell.index,), 1.0, "share", "cell", True, None


def _sleeping(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(terrain, rng)
    return (cell.index,), rng.uniform(0.6, 1.0), "share", "cell", False, None


def _interference(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(terrain, rng)
    near = [
        int(other)
        for other in radio_neighbors(terrain.built, cell.index)[:6]
        if terrain.network.cells[int(other)].band.name == cell.band.name
    ]
    cells = (cell.index, *near[: int(rng.integers(0, 3))])
    scope: Scope = "neighborhood" if len(cells) > 1 else "cell"
    return cells, rng.uniform(2.5, 11.0), "dB", scope, False, None


def _feeder(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(terrain, rng)
    loss = rng.uniform(2.5, 8.0)
    return (cell.index,), loss, "dB", "cell", bool(loss > 6.5), None


def _tilt(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(terrain, rng)
    # A bracket gives way downward; a remote-controlled tilt may also run to its upper stop.
    is_upward = cell.tilt_deg > 5.0 and rng.random() < 0.5
    change = -(cell.tilt_deg + 1.0) if is_upward else rng.uniform(5.0, 10.0)
    if rng.random() < 0.4:
        return _same_sector(terrain.network, cell), change, "deg", "sector", False, None
    return (cell.index,), change, "deg", "cell", False, None


def _backhaul(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cells = _same_site(terrain.network, _any_cell(terrain, rng))
    return cells, rng.uniform(0.4, 0.9), "share of peak demand", "site", False, None


def _wrong_neighbor(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(terrain, rng)
    near = radio_neighbors(terrain.built, cell.index)
    target = int(near[min(int(rng.integers(0, 4)), len(near) - 1)]) if len(near) else None
    return (cell.index,), rng.uniform(0.5, 1.0), "share", "cell", False, target


def _event(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    """A crowd that fills its cells: as many times the demand as it takes, and somewhat more."""
    full = np.flatnonzero(terrain.busy_use > np.quantile(terrain.busy_use, 0.6))
    cell = terrain.network.cells[int(rng.choice(full))]
    times = float(np.clip(rng.uniform(1.1, 2.2) / terrain.busy_use[cell.index], 2.0, 9.0))
    sector = _same_sector(terrain.network, cell)
    cells = tuple(c for c in sector if terrain.busy_use[c] * times > 0.8) or (cell.index,)
    return cells, times, "times demand", "sector", False, None


def _mimo(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cell = _any_cell(terrain, rng)
    return (cell.index,), rng.uniform(0.4, 0.6), "share", "cell", bool(rng.random() < 0.3), None


def _core_link(terrain: Terrain, rng: np.random.Generator) -> _Sketch:
    cells = _same_site(terrain.network, _any_cell(terrain, rng))
    share = float(np.exp(rng.uniform(np.log(0.008), np.log(0.15))))
    return cells, share, "share", "site", bool(rng.random() < 0.5), None


_SKETCHES: dict[FaultKind, Callable[[Terrain, np.random.Generator], _Sketch]] = {
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
