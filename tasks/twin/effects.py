"""What faults change: antennas become patches of coverage, the rest becomes conditions of a cell.

Nothing here touches a measurement; state.py computes with patches and conditions as with weather.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.conditions import Conditions, Patch
from tasks.twin.coverage import AntennaChange, RadioMap
from tasks.twin.faults import Fault, radio_neighbors
from tasks.twin.site_effects import SITE_KINDS, Reach, act_on_sites
from tasks.twin.state import State
from tasks.twin.traffic import wander
from tasks.twin.world import World

Array = npt.NDArray[np.floating[Any]]


def sound_conditions(world: World) -> Conditions:
    """Return the conditions of a network without a fault: what planned changes make of it."""
    return world.planned.between(0, world.periods)


def conditions_of(world: World, faults: Sequence[Fault], sound: State) -> Conditions:
    """Return the conditions under all `faults`, on top of the planned changes.

    Args:
        world: the run's world.
        faults: all that strike.
        sound: the state without any; what a battery has to bear is read from it.
    """
    found = sound_conditions(world)
    patches = list(found.patches)
    reach = Reach(world, sound)
    for fault in faults:
        changes = _antenna_changes(fault)
        if changes:
            patches += _patches(world, fault, changes)
        if fault.kind in SITE_KINDS:
            act_on_sites(found, reach, fault)
        else:
            _act(found, world.radio, fault)
    for first, last, cells in reach.dark:
        off = tuple(AntennaChange(cell, is_off=True) for cell in cells)
        patches += world.antennas.patches((first, last), cells, off, offset=world.first)
    return replace(
        found,
        patches=tuple(patches),
        cuts=tuple(reach.cuts),
        intermodulations=tuple(reach.intermodulations),
        restarts=tuple(reach.restarts),
    )


def _antenna_changes(fault: Fault) -> tuple[AntennaChange, ...]:
    if fault.kind in ("outage", "sleeping_cell"):
        return tuple(AntennaChange(cell, is_off=True) for cell in fault.cells)
    if fault.kind == "feeder_loss":
        return tuple(AntennaChange(cell, loss_db=fault.size) for cell in fault.cells)
    if fault.kind == "tilt_slip":
        return tuple(AntennaChange(cell, tilt_change_deg=fault.size) for cell in fault.cells)
    return ()


def _patches(world: World, fault: Fault, changes: tuple[AntennaChange, ...]) -> list[Patch]:
    severity = fault.severity()
    if fault.kind == "sleeping_cell":
        severity = severity * np.float32(fault.size)
    periods = (fault.first, fault.last)
    return world.antennas.patches(periods, fault.cells, changes, severity, world.first)


def _act(found: Conditions, radio: RadioMap, fault: Fault) -> None:
    """Write a fault's conditions into `found`."""
    time = slice(fault.first, fault.last)
    course = fault.severity().astype(np.float32)
    cells = list(fault.cells)
    size = np.float32(fault.size)
    if fault.kind == "outage":
        found.unavailable[time, cells] = 1.0
    elif fault.kind == "sleeping_cell":
        found.access_blocked[time, cells] = (course * size)[:, None]
    elif fault.kind == "interference":
        strength = size * np.array([1.0, 0.6, 0.45, 0.4])[: len(cells)]
        # What disturbs is a machine that somebody uses: it comes and goes by a third.
        rng = np.random.default_rng([round(1000 * fault.size), cells[0]])
        use = np.clip(1.0 + 0.3 * wander(rng, (len(course), 1), 0.85), 0.2, 1.5)
        rise = course[:, None] * use * strength.astype(np.float32)
        found.uplink_rise_db[time, cells] += rise
    elif fault.kind == "backhaul_congestion":
        site = radio.network.cells[cells[0]].site.index - 1
        found.backhaul_share[time, site] = size + (1.3 - size) * (1.0 - course)
    elif fault.kind == "wrong_neighbor":
        _lose_handovers(found, radio, fault)
    else:
        _act_on_service(found, radio, fault, course)


def _act_on_service(found: Conditions, radio: RadioMap, fault: Fault, course: Array) -> None:
    time = slice(fault.first, fault.last)
    cells = list(fault.cells)
    if fault.kind == "mimo_branch_loss":
        found.rank_factor[time, cells] *= 1.0 - (course * np.float32(1.0 - fault.size))[:, None]
    elif fault.kind == "core_link_failure":
        found.core_failure[time, cells] = (course * np.float32(fault.size))[:, None]
    elif fault.kind == "overload_by_event":
        area = radio.network.area_of(radio.network.cells[cells[0]])
        leaving = np.minimum(np.arange(len(course), 0, -1) / 3.0, 1.0)
        found.demand_factor[time, area] *= 1.0 + (fault.size - 1.0) * course * leaving


def _lose_handovers(found: Conditions, radio: RadioMap, fault: Fault) -> None:
    cell, target = fault.cells[0], fault.target
    if target is None:
        return
    is_own_site, share = handover_share(radio, cell, target)
    where = found.handover_lost_intra if is_own_site else found.handover_lost_inter
    where[fault.first : fault.last, cell] = np.float32(fault.size * share)


def handover_share(radio: RadioMap, cell: int, target: int) -> tuple[bool, float]:
    """Return whether two cells share a site, and how many handovers of that kind go to `target`.

    The share is of those from `cell` within its site, or of those to other sites.
    """
    cells = radio.network.cells
    is_own_site = cells[target].site.index == cells[cell].site.index
    group = [
        int(other)
        for other in radio_neighbors(radio.built, cell)
        if (cells[int(other)].site.index == cells[cell].site.index) == is_own_site
    ]
    overlap = radio.built.handover[cell]
    return is_own_site, float(overlap[target] / max(float(overlap[group].sum()), 1e-9))
