"""Faults of the days after a run: those that stood at its end go on, and new ones come.

Periods count from some days before the run's end, so that a fault which goes on keeps its course.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tasks.twin.faults import (
    KINDS,
    Fault,
    FaultKind,
    FaultPlan,
    Terrain,
    place_faults,
    planned_kinds,
    radio_neighbors,
    usual_periods,
)
from tasks.twin.traffic import PERIODS_A_DAY

HEALABLE: tuple[FaultKind, ...] = ("sleeping_cell", "tilt_slip", "wrong_neighbor")
"""Kinds whose cause shows at the cell itself, and which a write to it ends."""

_OVER: tuple[FaultKind, ...] = ("overload_by_event", "core_function_restart")
_KINDS_SEED, _LENGTHS_SEED = 71, 72
_SITES_A_FAULT_A_DAY = 13


def carried_faults(
    faults: Sequence[Fault], periods: int, lead: int, last: int, seed: int
) -> list[Fault]:
    """Return the faults that stood when a run ended, for as long as such a kind may last.

    A crowd has gone home and a function has come back by then: these are over.

    Args:
        faults: of the run.
        periods: length of the run.
        lead: periods before its end that are counted from.
        last: the period, counted so, in which nothing is told any more.
        seed: of what is drawn.
    """
    rng = np.random.default_rng([seed, _LENGTHS_SEED])
    found = []
    for fault in faults:
        low, high = usual_periods(fault.kind)
        length = rng.uniform(low, high)
        if fault.last < periods or fault.kind in _OVER or fault.first < periods - lead:
            continue
        elapsed = periods - fault.first
        if length <= elapsed:  # among the lengths that are left
            length = elapsed + (length - low) / (high - low) * max(high - elapsed, 0.0)
        first = fault.first - periods + lead
        over = min(max(first + round(length), lead + 1), last)
        found.append(replace(fault, first=first, last=over))
    return found


def following_faults(
    terrain: Terrain,
    relations: Mapping[int, Sequence[int]],
    standing: Sequence[Fault],
    stretch: tuple[int, int],
    seed: int,
) -> list[Fault]:
    """Return the faults that begin in some days, in order of onset.

    Args:
        terrain: the network as built, and how full it is.
        relations: by cell, the neighbors that it has relations to.
        standing: faults that go on.
        stretch: first and last period of the days.
        seed: of what is drawn.
    """
    first, last = stretch
    days = [(begin, min(begin + PERIODS_A_DAY, last)) for begin in range(first, last, 96)]
    cells = len(terrain.network.cells)
    others = _others(len(days) * max(1, len(terrain.network.sites) // _SITES_A_FAULT_A_DAY), seed)
    a_day = -(-len(others) // len(days))
    stretches = []
    for number, (begin, end) in enumerate(days):
        own = others[number * a_day : (number + 1) * a_day]
        healable = HEALABLE * 2 if cells > 100 else (HEALABLE[number % len(HEALABLE)],)
        stretches.append((begin, end, (*healable, *own)))
    plan = FaultPlan(tuple(stretches), periods=last)
    return [
        _related(terrain, fault, relations) for fault in place_faults(terrain, plan, seed, standing)
    ]


def _others(count: int, seed: int) -> list[FaultKind]:
    """Return kinds as they come, without those that are placed apart."""
    rng = np.random.default_rng([seed, _KINDS_SEED])
    drawn = planned_kinds(2 * count + len(KINDS), rng)
    return [kind for kind in drawn if kind not in HEALABLE][:count]


def _related(terrain: Terrain, fault: Fault, relations: Mapping[int, Sequence[int]]) -> Fault:
    """Return the fault; a relation can only be lost where one was planned."""
    if fault.kind != "wrong_neighbor":
        return fault
    planned = relations[fault.cells[0]]
    if fault.target in planned:
        return fault
    near = [int(cell) for cell in radio_neighbors(terrain.built, fault.cells[0])]
    known = [cell for cell in near if cell in planned] or list(planned)
    return replace(fault, target=known[0] if known else None)
