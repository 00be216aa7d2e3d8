"""What faults change: antennas become patches of coverage, the rest becomes conditions of a cell.

Nothing here touches a measurement; state.py computes with patches and conditions as with weather.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.conditions import Conditions, Patch, no_conditions
from tasks.twin.coverage import AntennaChange, RadioMap, Tally
from tasks.twin.faults import Fault, radio_neighbors
from tasks.twin.quality import QualityTables, quality_tables
from tasks.twin.site_effects import SITE_KINDS, Reach, act_on_sites
from tasks.twin.state import State
from tasks.twin.traffic import wander
from tasks.twin.world import World

Array = npt.NDArray[np.floating[Any]]

_MOVED_SHARE = 0.01


def sound_conditions(world: World) -> Conditions:
    """Return the conditions of a network without a fault."""
    network = world.radio.network
    return no_conditions(
        world.periods,
        len(network.cells),
        len(network.sites),
        network.areas,
        len(world.routes.optical),
    )


def conditions_of(world: World, faults: Sequence[Fault], sound: State) -> Conditions:
    """Return the conditions under all `faults`.

    Args:
        world: the run's world.
        faults: all that strike.
        sound: the state without any; what a battery has to bear is read from it.
    """
    radio = world.radio
    found = sound_conditions(world)
    patches: list[Patch] = []
    reach = Reach(world, sound)
    for fault in faults:
        changes = _antenna_changes(fault)
        if changes:
            patches.append(_patch(radio, fault, changes))
        if fault.kind in SITE_KINDS:
            act_on_sites(found, reach, fault)
        else:
            _act(found, radio, fault)
    for first, last, cells in reach.dark:
        changes = [AntennaChange(cell, is_off=True) for cell in cells]
        patches.append(_stretch_patch(radio, (first, last), cells, changes))
    return replace(
        found,
        patches=tuple(patches),
        cuts=tuple(reach.cuts),
        intermodulations=tuple(reach.intermodulations),
        restarts=tuple(reach.restarts),
    )


def _antenna_changes(fault: Fault) -> list[AntennaChange]:
    if fault.kind in ("outage", "sleeping_cell"):
        return [AntennaChange(cell, is_off=True) for cell in fault.cells]
    if fault.kind == "feeder_loss":
        return [AntennaChange(cell, loss_db=fault.size) for cell in fault.cells]
    if fault.kind == "tilt_slip":
        return [AntennaChange(cell, tilt_change_deg=fault.size) for cell in fault.cells]
    return []


def _patch(radio: RadioMap, fault: Fault, changes: Sequence[AntennaChange]) -> Patch:
    severity = fault.severity()
    if fault.kind == "sleeping_cell":
        severity = severity * np.float32(fault.size)
    return _stretch_patch(radio, (fault.first, fault.last), fault.cells, changes, severity)


def _stretch_patch(
    radio: RadioMap,
    periods: tuple[int, int],
    struck: Sequence[int],
    changes: Sequence[AntennaChange],
    severity: Array | None = None,
) -> Patch:
    after = radio.changed(changes)
    before = radio.built
    moved = np.abs(after.weight - before.weight) > _MOVED_SHARE * np.maximum(before.weight, 0.05)
    moved |= _quality_moved(before, after)
    moved[list(struck)] = True
    cells = np.flatnonzero(moved)
    if severity is None:
        severity = np.ones(periods[1] - periods[0], dtype=np.float32)
    tables = quality_tables(radio.network, after)
    if changes[0].is_off:  # the few users who stay hear what they always heard
        tables = _kept_rows(tables, quality_tables(radio.network, before), struck)
    return Patch(
        first=periods[0],
        last=periods[1],
        severity=severity.astype(np.float32),
        cells=cells,
        share_change=(after.share - before.share)[cells].astype(np.float32),
        tables=tables.rows(cells),
    )


def _quality_moved(before: Tally, after: Tally) -> npt.NDArray[np.bool_]:
    old = before.inverse_rate[:, 2] / np.maximum(before.weight, 1e-6)
    new = after.inverse_rate[:, 2] / np.maximum(after.weight, 1e-6)
    return np.asarray(np.abs(new - old) > _MOVED_SHARE * old)


def _kept_rows(tables: QualityTables, built: QualityTables, cells: Sequence[int]) -> QualityTables:
    rows = list(cells)
    for name in QualityTables.__slots__:
        getattr(tables, name)[rows] = getattr(built, name)[rows]
    return tables


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
        rng = np.random.default_rng([fault.first, cells[0]])
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
    cells = radio.network.cells
    is_own_site = cells[target].site.index == cells[cell].site.index
    group = [
        int(other)
        for other in radio_neighbors(radio.built, cell)
        if (cells[int(other)].site.index == cells[cell].site.index) == is_own_site
    ]
    overlap = radio.built.handover[cell]
    lost = fault.size * overlap[target] / max(float(overlap[group].sum()), 1e-9)
    where = found.handover_lost_intra if is_own_site else found.handover_lost_inter
    where[fault.first : fault.last, cell] = np.float32(lost)
