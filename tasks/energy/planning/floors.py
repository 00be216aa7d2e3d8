"""From a throughput floor to the most work that a cell may carry.

A user at the edge of a free cell has a rate, and shares it with the load: what that user needs of
the cell must stay free. Users who are moved hear their candidate as the map says.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.energy_planning import EnergyPlanningRules
from tasks.energy.planning.candidates import Carriers
from tasks.energy.planning.edges import rate_mbps
from tasks.energy.planning.problem import IS_OFF
from tasks.energy.planning.published import SavingNetwork
from tasks.energy.planning.published_facts import TAIL

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

_SLOW = 0.9
"""A mode that leaves less of the capacity slows all users."""


def own_need(
    network: SavingNetwork,
    edge_db: Floats,
    work: Floats,
    limits: tuple[float, float],
    rules: EnergyPlanningRules,
) -> Floats:
    """Return the share of a cell (C, T) that must stay free, so that its own users keep the floor.

    Those who have it under the cell's own work keep it, but for a few. So it is not always the
    percentile's user who counts: where only one in a hundred is under the floor now, hardly more
    may follow. Where more than the percentile are, nothing can be kept.

    Args:
        network: static facts.
        edge_db: (C, T) of the percentile's users.
        work: (C, T) own work.
        limits: the floor in Mbit/s, and the share of users who may newly fall under it.
        rules: the percentile, and what a user sees of a rate.
    """
    floor_mbps, most_newly = limits
    cells = np.arange(len(work))
    needs = np.stack(
        [
            needed_share(network, edge_db + part[:, None], cells, floor_mbps, rules)
            for part in network.edges.tail_db.T
        ]
    )
    shares = rules.edge_percentile / 100.0 * np.array(TAIL)
    under = _share_at(needs, shares, 1.0 - work)
    bearable = np.minimum(under + most_newly, shares[-1])
    above = np.clip(np.searchsorted(shares, bearable), 1, len(shares) - 1)
    part = (bearable - shares[above - 1]) / (shares[above] - shares[above - 1])
    rows, columns = np.indices(work.shape)
    low, high = needs[above - 1, rows, columns], needs[above, rows, columns]
    return np.asarray(low + np.clip(part, 0.0, 1.0) * (high - low))


def _share_at(needs: Floats, shares: Floats, free: Floats) -> Floats:
    """Return the share of users who need more than is free, at most the last of `shares`."""
    lacking = (needs > free).sum(axis=0)
    place = np.clip(lacking, 1, len(shares) - 1)
    rows, columns = np.indices(free.shape)
    low, high = needs[place - 1, rows, columns], needs[place, rows, columns]
    part = np.clip((low - free) / np.maximum(low - high, 1e-12), 0.0, 1.0)
    between = shares[place - 1] + part * (shares[place] - shares[place - 1])
    return np.asarray(np.where(lacking == 0, 0.0, between))


def needed_share(
    network: SavingNetwork,
    edge_db: Floats,
    cell: Numbers,
    floor_mbps: float,
    rules: EnergyPlanningRules,
) -> Floats:
    """Return the share of a cell that a user at the edge needs for the floor; above 1 where more.

    Where no floor is asked for, none is needed, of a cell that is known.
    """
    rate = rules.user_rate_share * rate_mbps(edge_db, network.radios, cell)
    need = floor_mbps / np.maximum(rate, 1e-9)
    return np.where(network.is_candidate[cell][:, None], np.minimum(need, 2.0), 2.0)


def most_work(
    network: SavingNetwork,
    needs: tuple[Floats, Floats],
    surge: float,
    rules: EnergyPlanningRules,
) -> Floats:
    """Return the most work (C, T, M) by own users' floor, surge and emergency.

    A mode that leaves a part of the capacity leaves as much of a user's rate alone.

    Args:
        network: static facts.
        needs: (C, T) share that must stay free in modes that leave users their rate, and in modes
            that slow them all, the whole day long in many cells.
        surge: rise of demand that finds room.
        rules: reserves.
    """
    left = network.radios.capacity[:, None, :]
    is_slow = left < _SLOW * left[:, :, :1]
    by_floor = left - np.where(is_slow, needs[1][:, :, None], needs[0][:, :, None])
    by_surge = left * rules.most_load / surge - rules.emergency_reserve
    capacity = np.maximum(np.minimum(by_floor, by_surge), 0.0)
    return np.asarray(np.where(IS_OFF, 0.0, capacity))


def fails(
    capacity: Floats, work: Floats, carriers: Carriers, need: Floats, rules: EnergyPlanningRules
) -> Flags:
    """Return where (E, T) moved users would fall under the floor, or need the candidate too empty.

    Of the room that a candidate has by itself they must leave a part, lest one pair shut out all.
    """
    room = np.maximum(capacity - work, 0.0)[carriers.candidate]
    least = work[carriers.candidate] + rules.least_room_left * room
    return np.asarray((1.0 - need < least) | (room <= 0.0))


def is_noticed(
    network: SavingNetwork, carriers: Carriers, work: Floats, rules: EnergyPlanningRules
) -> Flags:
    """Return where (E, T) moved users are enough beside a candidate's own to shift its edge."""
    traffic = np.nan_to_num(work * network.full_mbps[:, None])
    moved = carriers.bound[:, None] * traffic[carriers.booster]
    return np.asarray(moved > rules.least_noticed_share * traffic[carriers.candidate])


def lower(capacity: Floats, candidate: Numbers, need: Floats, network: SavingNetwork) -> None:
    """Lower candidates' capacity to where users who may be moved there keep the floor."""
    highest = np.zeros(capacity.shape[:2])
    order = np.argsort(candidate, kind="stable")
    if len(order):
        rows, first = np.unique(candidate[order], return_index=True)
        highest[rows] = np.maximum.reduceat(need[order], first, axis=0)
    left = network.radios.capacity[:, None, :]
    np.minimum(capacity, np.maximum(left - highest[:, :, None], 0.0), out=capacity)
    capacity[:, :, IS_OFF] = 0.0
