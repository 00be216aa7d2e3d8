"""Who would carry a cell's users while it is off the air, at what cost, and how well they would do.

At every point the users of a sleeping cell go to the cells that are left, as chance and the layers'
appeal have it. A bit costs more resources where a cell is heard less well; the sleeper itself no
longer disturbs those of its layer. Sums over points make pairs: a booster and a candidate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.energy.planning.ground import NOBODY, HeardGround
from tasks.twin import link
from tasks.twin.what_if_layout import PublishedCells
from tasks.twin.what_if_radio import OFF_DBM, appeal, layers_of

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]

SINR_STEP_DB = 1.0
SINR_DB: Floats = np.arange(-15.0, 45.0, SINR_STEP_DB)
"""Lower edges of the ranges by which users are told apart."""

_POINTS_AT_ONCE = 20_000
_INDOOR_SHARE = 0.7
_REJECTION_DB = 2.5
_LOWEST_RATE = 0.1
_LEAST_CHANCE = 0.01
_LEAST_SHARE = 0.002


@dataclass(frozen=True)
class Pairs:
    """A booster and a candidate; where both are one cell, its own users while it is on.

    Attributes:
        booster, candidate: (E,) cells.
        share: (E,) of the booster's traffic that the candidate would carry if all others are on.
        cost: (E,) resources a bit takes, mean over that traffic; of one layer and Hz.
        edge_db: (E,) SINR below which so many of those users are as a percentile says.
    """

    booster: Numbers
    candidate: Numbers
    share: Floats
    cost: Floats
    edge_db: Floats


@dataclass(frozen=True)
class Hearing:
    """What users hear with: layers of a carrier, noise and walls; how loud others are.

    Attributes:
        layers: (C,) spatial layers.
        wall_db: (C,) what an outer wall takes.
        noise_mw: (C,) on a resource element.
        around: load of cells that disturb, 0 to 1.
    """

    layers: Floats
    wall_db: Floats
    noise_mw: Floats
    around: float


def hearing(cells: PublishedCells, layers: Floats, around: float) -> Hearing:
    """Return what users of an inventory's cells hear with."""
    wall_db, noise_mw = np.zeros(cells.count), np.zeros(cells.count)
    for layer in layers_of(cells):
        wall_db[layer.cells] = layer.wall_db
        noise_mw[layer.cells] = 10.0 ** (layer.noise_dbm / 10.0)
    return Hearing(layers, wall_db, noise_mw, around)


def demand_weight(ground: HeardGround, cells: int, traffic: Floats) -> Floats:
    """Return each cell's traffic over its chances and appeal at all points: (C,).

    Who carries much from little ground has demand there or is preferred; both last.
    """
    total = np.zeros(cells)
    is_cell = ground.cell != NOBODY
    np.add.at(total, ground.cell[is_cell], (ground.chance * ground.appeal)[is_cell])
    return np.where(total > 0, np.nan_to_num(traffic) / np.maximum(total, 1e-9), 0.0)


def carrying_pairs(
    ground: HeardGround, hears: Hearing, weight: Floats, layer: Numbers, percentile: float
) -> Pairs:
    """Return all pairs that matter, sorted; the shares of each booster sum to 1, or to 0.

    Args:
        ground: what points hear.
        hears: what users hear with.
        weight: (C,) of demand; 0 for cells that carry nothing, who take nothing either.
        layer: (C,) band of each cell.
        percentile: of users, 0 to 100, that `edge_db` tells.
    """
    parts = [
        _point_sums(ground.between(first, first + _POINTS_AT_ONCE), hears, weight, layer)
        for first in range(0, ground.points, _POINTS_AT_ONCE)
    ]
    sums = _added(parts)
    booster, candidate = np.divmod(sums.code, len(weight))
    is_own = booster == candidate
    total = np.bincount(booster, np.where(is_own, 0.0, sums.mass), len(weight))
    share = np.where(is_own, 1.0, sums.mass / np.maximum(total[booster], 1e-12))
    cost = sums.cost / np.maximum(sums.mass, 1e-12)
    return Pairs(booster, candidate, share, cost, _edge_db(sums.users, percentile))


@dataclass(frozen=True)
class _Users:
    """Users of pairs at points; by row.

    Attributes:
        code: of the pair.
        mass: traffic.
        sinr_db: (2, rows) outdoors and indoors.
        layers: of the carrier that serves them.
    """

    code: Numbers
    mass: Floats
    sinr_db: Floats
    layers: Floats


@dataclass(frozen=True)
class _Sums:
    """Sums over points; by pair, each pair once.

    Attributes:
        code: of the pair, sorted.
        mass, cost: traffic, and the resources that it takes.
        users: (pairs, ranges) traffic by range of SINR.
    """

    code: Numbers
    mass: Floats
    cost: Floats
    users: Floats


def _point_sums(ground: HeardGround, hears: Hearing, weight: Floats, layer: Numbers) -> _Sums:
    """Return what some points add to pairs."""
    told = _Told(ground, hears, weight, layer)
    found = [told.own_users()]
    found += [told.users_of(slot) for slot in range(ground.cell.shape[1])]
    code = np.concatenate([one.code for one in found])
    mass = np.concatenate([one.mass for one in found])
    sinr_db = np.concatenate([one.sinr_db for one in found], axis=1)
    layers = np.concatenate([one.layers for one in found])
    known, pair = np.unique(code, return_inverse=True)
    rate = np.maximum(link.efficiency(sinr_db) * link.mean_rank(sinr_db, layers), _LOWEST_RATE)
    place = np.clip(np.searchsorted(SINR_DB, sinr_db, side="right") - 1, 0, len(SINR_DB) - 1)
    cost, users = np.zeros(len(known)), np.zeros(len(known) * len(SINR_DB))
    for where, part in enumerate((1.0 - _INDOOR_SHARE, _INDOOR_SHARE)):
        cost += np.bincount(pair, part * mass / rate[where], len(known))
        key = pair * len(SINR_DB) + place[where]
        users += np.bincount(key, part * mass, len(users))
    total: Floats = np.bincount(pair, mass, len(known)).astype(np.float64)
    by_range = users.reshape(len(known), len(SINR_DB)).astype(np.float32)
    return _Sums(known, total, cost, by_range)


def _added(parts: Sequence[_Sums]) -> _Sums:
    """Return the sums of all parts, each pair once."""
    known, pair = np.unique(np.concatenate([part.code for part in parts]), return_inverse=True)
    if not len(known):
        return parts[0]
    mass, cost = (
        np.asarray(
            np.bincount(pair, np.concatenate([getattr(part, name) for part in parts]), len(known)),
            dtype=np.float64,
        )
        for name in ("mass", "cost")
    )
    order = np.argsort(pair, kind="stable")
    first = np.searchsorted(pair[order], np.arange(len(known)))
    users = np.concatenate([part.users for part in parts])[order]
    return _Sums(known, mass, cost, np.add.reduceat(users, first, axis=0))


def _edge_db(users: Floats, percentile: float) -> Floats:
    """Return the SINR, by pair, that a percentile of its users fall short of."""
    total = users.sum(axis=1, keepdims=True)
    reached = np.cumsum(users, axis=1) / np.maximum(total, 1e-12)
    place = np.argmax(reached >= percentile / 100.0, axis=1)
    rows = np.arange(len(users))
    above = reached[rows, place]
    below = np.where(place > 0, reached[rows, place - 1], 0.0)
    part = (percentile / 100.0 - below) / np.maximum(above - below, 1e-12)
    return np.asarray(SINR_DB[place] + SINR_STEP_DB * np.clip(part, 0.0, 1.0))


class _Told:
    """Points with what is known of the cells that they hear."""

    def __init__(self, ground: HeardGround, hears: Hearing, weight: Floats, layer: Numbers) -> None:
        self._cells = len(weight)
        self._cell = np.where(ground.cell == NOBODY, 0, ground.cell).astype(np.int64)
        is_cell = ground.cell != NOBODY
        self._layer = np.where(is_cell, layer[self._cell], -1)
        self._weight = np.where(is_cell, weight[self._cell], 0.0)
        self._power_mw = 10.0 ** (ground.received_dbm / 10.0)
        self._ground, self._hears = ground, hears

    def own_users(self) -> _Users:
        """Return what points add to the pairs of cells with themselves."""
        mass = self._ground.chance * self._ground.appeal * self._weight
        where = np.nonzero(_is_much(mass, mass.sum(axis=1)))
        own = self._cell[where]
        return self._users(own * self._cells + own, mass[where], where, np.zeros(len(own)))

    def users_of(self, slot: int) -> _Users:
        """Return what points add to the pairs of the cell that stands there, were it off."""
        chance, steered = self._ground.chance, self._ground.appeal
        users = chance[:, slot] * steered[:, slot] * self._weight[:, slot]
        rows = np.flatnonzero((users > 0.0) & (chance[:, slot] > _LEAST_CHANCE))
        same = self._layer[rows] == self._layer[rows, slot][:, None]
        left = np.maximum(1.0 - chance[rows, slot], 1e-6)[:, None]
        others = same.copy()
        others[:, slot] = False
        best = np.where(others, self._ground.received_dbm[rows], OFF_DBM).max(axis=1)
        likely = np.where(same, chance[rows] / left, chance[rows])
        taken = likely * np.where(same, appeal(best)[:, None], steered[rows]) * self._weight[rows]
        taken[:, slot] = 0.0
        share = taken / np.maximum(taken.sum(axis=1), 1e-12)[:, None]
        at, who = np.nonzero(_is_much(share, np.ones(len(rows))))
        where = rows[at], who
        silent_mw = np.where(same, self._power_mw[rows, slot][:, None], 0.0)[at, who]
        code = self._cell[rows[at], slot] * self._cells + self._cell[where]
        return self._users(code, (users[rows][:, None] * share)[at, who], where, silent_mw)

    def _users(
        self, code: Numbers, mass: Floats, where: tuple[Numbers, ...], silent_mw: Floats
    ) -> _Users:
        """Return users with their SINR.

        Args:
            code: of their pairs.
            mass: their traffic.
            where: points, and places of the cells that serve them.
            silent_mw: received there of cells of the layer that are off.
        """
        cell, power = self._cell[where], self._power_mw[where]
        others = np.maximum(self._ground.layer_mw[where] - power - silent_mw, 0.0)
        others = others * self._hears.around * 10.0 ** (-_REJECTION_DB / 10.0)
        noise = self._hears.noise_mw[cell]
        behind = noise * 10.0 ** (self._hears.wall_db[cell] / 10.0)
        ratio = np.stack([power / (others + noise), power / (others + behind)])
        sinr_db = 10.0 * np.log10(np.maximum(ratio, 1e-9))
        return _Users(code, mass, sinr_db, self._hears.layers[cell])


def _is_much(part: Floats, whole: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(part > _LEAST_SHARE * np.maximum(whole, 1e-12)[:, None])
