"""A network in which cells save energy: who is on the air, who carries whom, what users get.

Modes become conditions, as faults and plans do, and state.py computes with them. All cells that
are off the air in a period leave coverage together: their users go to whoever is best without any
of them, and hear what the rest hear. This is the truth of the sample networks; what an operator
knows of it is computed elsewhere (what_if.py).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError
from tasks.twin import link
from tasks.twin.conditions import Conditions, Patch
from tasks.twin.coverage import AntennaChange, RadioMap
from tasks.twin.measurements import Stretch, cqi_shares
from tasks.twin.mode_power import FEATURES, HALF_POWER_DB, mode_capacity
from tasks.twin.sleep_modes import MODES, OFF_AIR
from tasks.twin.state import HALF_USER_SHARE, State, link_rate_mbps, network_state
from tasks.twin.world import World

Array = npt.NDArray[np.floating[Any]]
Modes = npt.NDArray[np.int8]

IS_OFF = np.array(OFF_AIR)
_REDUCED = MODES.index("POWER_REDUCED")
_LEAST_EFFICIENCY = 0.1


def saving_state(world: World, conditions: Conditions, modes: Modes) -> tuple[State, Conditions]:
    """Return the state of a stretch in which cells save energy, and its conditions.

    Args:
        world: of the stretch's periods (`World.between`).
        conditions: of the same periods, before any saving.
        modes: (periods, cells), places in `MODES`.

    Raises:
        InputError: as `sleeping_conditions`.
    """
    acting = sleeping_conditions(world, conditions, modes)
    return network_state(world, acting), acting


def sleeping_conditions(world: World, conditions: Conditions, modes: Modes) -> Conditions:
    """Return conditions with modes acting on them; the given ones stay as they are.

    Cells off the air are unavailable and gone from coverage, together; modes on the air leave the
    capacity that mode_power.py says, and POWER_REDUCED covers less. Coverage that faults change
    lies upon that, as it does upon planned changes.

    Args:
        world: of the same periods.
        conditions: before any saving.
        modes: (periods, cells), places in `MODES`.

    Raises:
        InputError: the modes have another shape, are none of `MODES`, or an LTE cell is in one.
    """
    network = world.radio.network
    _check(network.cells, conditions, modes)
    if not modes.any():
        return conditions
    asleep = IS_OFF[modes]
    places = np.arange(len(network.cells))
    left = np.stack([mode_capacity(cell.band, FEATURES) for cell in network.cells])
    left[:, _REDUCED] = left[:, MODES.index("MICRO_SLEEP")]  # the rest is in its coverage
    left[:, IS_OFF] = 1.0
    return replace(
        conditions,
        unavailable=np.where(asleep, np.float32(1.0), conditions.unavailable),
        rank_factor=conditions.rank_factor * left[places, modes].astype(np.float32),
        saving_mode=modes.astype(np.int8),
        patches=with_saving(world, conditions.patches, _saving_patches(world, modes)),
    )


def planned_patches(world: World, patches: tuple[Patch, ...]) -> tuple[Patch, ...]:
    """Return those patches that planned changes bring."""
    planned = {id(patch.tables) for patch in world.planned.patches}
    return tuple(patch for patch in patches if id(patch.tables) in planned)


def with_saving(
    world: World, patches: tuple[Patch, ...], saving: Sequence[Patch]
) -> tuple[Patch, ...]:
    """Return all patches in the order in which they act: plans, saving, then what is broken."""
    plans = planned_patches(world, patches)
    known = {id(patch) for patch in plans}
    return (*plans, *saving, *(patch for patch in patches if id(patch) not in known))


def users_under_floor(
    world: World, state: State, conditions: Conditions, floor_mbps: float
) -> Array:
    """Return the share of each cell's users whose throughput is under a floor.

    A user's rate alone follows from the CQI, is limited by terminal and links as the mean user's
    is, and is shared by the cell's load. Users of one CQI spread evenly over its efficiencies.

    Args:
        world: of the state's periods.
        state: of the periods.
        conditions: of the periods.
        floor_mbps: downlink throughput that every user should have.

    Returns:
        (periods, cells) share of users, 0 to 1; 0 where a cell has none.
    """
    periods, cells = state.load.shape
    everywhere = np.arange(cells)
    shares = cqi_shares(Stretch(world, state, conditions, 0, periods, everywhere))
    edges = np.append(np.maximum(link.CQI_EFFICIENCY, _LEAST_EFFICIENCY), link.CQI_EFFICIENCY[-1])
    sinr_db = 10.0 * np.log10(2.0 ** (edges / link.SHANNON_SHARE) - 1.0)
    layers = np.array([cell.band.layers for cell in world.radio.network.cells])
    alone = edges * link.mean_rank(sinr_db, layers[:, None])  # (cells, edges), bit/s/Hz
    width = np.exp(world.chance.quality) * world.traits.downlink_mbps * HALF_USER_SHARE
    width = width * conditions.rank_factor * conditions.rate_factor
    alone = width[:, :, None] * alone[None]
    limit = world.traits.terminal_limit_mbps[None, :, None]
    shared = alone * limit / (alone + limit) * (1.0 - state.load)[:, :, None]
    through = link_rate_mbps(world, conditions, state.site_offered_mbps, state.paths)[:, :, None]
    rate = shared * through / (shared + through)
    span = np.maximum(np.diff(rate, axis=2), 1e-9)
    under = np.clip((floor_mbps - rate[:, :, :-1]) / span, 0.0, 1.0)
    return np.asarray((shares * under).sum(axis=2) * (state.users > 0.0))


def coverage_holes(radio: RadioMap, off: Collection[int], threshold_dbm: float) -> Array:
    """Return the share of each area's users who are heard by nobody once some cells are off.

    Args:
        radio: the network's gains.
        off: cells off the air together.
        threshold_dbm: SS-RSRP from which a point counts as covered.

    Returns:
        (areas,) share of users who were covered by all cells and are by none of the rest.
    """
    stays = np.ones(len(radio.network.cells), dtype=bool)
    stays[list(off)] = False
    before = radio.received_dbm.max(axis=1) >= threshold_dbm
    after = radio.received_dbm.max(axis=1, where=stays, initial=-np.inf) >= threshold_dbm
    lost = radio.ground.weight * (before & ~after)
    return np.asarray(np.bincount(radio.ground.area, lost, radio.network.areas), np.float64)


def _check(cells: tuple[Any, ...], conditions: Conditions, modes: Modes) -> None:
    if modes.shape != conditions.unavailable.shape:
        raise InputError(
            f"Modes are told by (periods, cells) {conditions.unavailable.shape}; got {modes.shape}."
        )
    if modes.min() < 0 or modes.max() >= len(MODES):
        raise InputError(
            f"A mode is a place in MODES, 0 to {len(MODES) - 1}; got {modes.min()} to "
            f"{modes.max()}."
        )
    of_lte = [cell.index for cell in cells if cell.band.technology == "LTE"]
    saving = [cells[index].dn for index in of_lte if modes[:, index].any()]
    if saving:
        raise InputError(
            f"LTE cells carry voice and emergency calls and save no energy; got {saving[0]} saving."
        )


def _saving_patches(world: World, modes: Modes) -> list[Patch]:
    """Return the coverage of each stretch of periods with the same cells off or at half power."""
    moves = np.where(IS_OFF[modes], 2, np.where(modes == _REDUCED, 1, 0))
    is_new = np.any(moves[1:] != moves[:-1], axis=1)
    borders = [0, *(np.flatnonzero(is_new) + 1).tolist(), len(moves)]
    found: list[Patch] = []
    for first, last in pairwise(borders):
        row = moves[first]
        changes = tuple(
            AntennaChange(int(cell), is_off=True)
            if row[cell] == 2
            else AntennaChange(int(cell), loss_db=HALF_POWER_DB)
            for cell in np.flatnonzero(row)
        )
        if changes:
            found += world.antennas.joint_patches((first, last), changes, world.first)
    return found
