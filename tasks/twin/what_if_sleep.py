"""What would follow if cells slept upon those that sleep already, from published facts.

Two things are compared: what ground hears with what it would hear if every cell were awake, so
that many small losses cannot add up unseen; and what cells carry now with what they would carry,
so that the traffic of sleepers, which others carry already, is counted once. The silence of a
sleeper is no lack of measurements; a cell that is silent otherwise counts as off the air.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError
from tasks.twin.what_if import (
    CellLoad,
    Moved,
    Part,
    PublishedMap,
    carried_after,
    column_of,
    heard_points,
    parts_after,
)
from tasks.twin.what_if_radio import OFF_DBM

Array = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Indexes = npt.NDArray[np.int64]

_NOTICED = 1e-4
"""Smaller shares of ground or of resource blocks are no change that anybody could tell."""


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A cell that saves energy.

    Attributes:
        is_off_air: it serves nobody.
        power_db: change of its transmitted power while it is on the air.
        capacity_share: of its capacity that stays, 0 to 1.
    """

    cell_dn: str
    is_off_air: bool
    power_db: float = 0.0
    capacity_share: float = 1.0


@dataclass(frozen=True, slots=True)
class CellAmongSleepers:
    """What a cell would be like.

    Attributes:
        lost_share_before, lost_share_after: of the ground that it serves while all are awake, what
            has no coverage since cells sleep, 0 to 1.
        load_before_pct, load_after_pct: of the resource blocks that it has.
    """

    lost_share_before: float
    lost_share_after: float
    load_before_pct: float
    load_after_pct: float


@dataclass(frozen=True, slots=True)
class SleepOutlook:
    """What would follow if more cells slept.

    Attributes:
        cells: those that enter a mode, and those that would notice.
        unheard_near: the cells whose ground has points that no cell on the air would reach with
            the coverage threshold, though one does now.
        users_moved: connected users of the cells that leave the air.
        users_alone: those of them who would find no other cell.
    """

    cells: Mapping[str, CellAmongSleepers]
    unheard_near: tuple[str, ...]
    users_moved: float
    users_alone: float


@dataclass(frozen=True)
class SleepingGround:
    """The ground while some cells sleep.

    Attributes:
        awake: what it hears if every cell that tells of itself is awake.
        now: what it hears.
        is_off: (cells,) whether each is off the air.
        traffic, load, users: (cells,) what each carries now: Mbit/s, % and connected users.
    """

    awake: PublishedMap
    now: PublishedMap
    is_off: Flags
    traffic: Array
    load: Array
    users: Array


def sleeping_ground(
    told: PublishedMap, loads: Mapping[str, CellLoad], sleepers: Sequence[Sleeper]
) -> SleepingGround:
    """Return the ground as it is.

    Args:
        told: the map with every cell awake.
        loads: of the cells that serve now.
        sleepers: cells that save energy now, each once; those that the map lacks carry nobody.
    """
    known = _on_map(told, sleepers)
    off = {one.cell_dn for one in known if one.is_off_air}
    silent = [
        column for dn, column in told.cells.place.items() if dn not in loads and dn not in off
    ]
    awake = _with_power(told, silent, np.full((len(told.received_dbm), len(silent)), OFF_DBM))
    now = map_with_sleepers(awake, known)
    is_off = np.zeros(told.cells.count, dtype=bool)
    is_off[[*silent, *(told.cells.place[dn] for dn in off)]] = True
    traffic, load, users = (
        np.array([getattr(loads[dn], name) if dn in loads else 0.0 for dn in told.cells.place])
        * ~is_off
        for name in ("traffic_mbps", "load_pct", "users")
    )
    return SleepingGround(awake, now, is_off, traffic, load, users)


def map_with_sleepers(told: PublishedMap, sleepers: Sequence[Sleeper]) -> PublishedMap:
    """Return a map on which cells are heard as their modes let them be."""
    known = _on_map(told, sleepers)
    columns = [told.cells.place[one.cell_dn] for one in known]
    return _with_power(told, columns, _powers(told, columns, known))


def sleep_outlook(ground: SleepingGround, sleepers: Sequence[Sleeper]) -> SleepOutlook:
    """Return what would follow if these cells slept too.

    Raises:
        InputError: no cell is named, or one twice, or one that the map lacks or that serves nobody.
    """
    if not sleepers:
        raise InputError("A what-if of sleep names no cell.")
    columns, moved = _moved(ground, sleepers)
    load, stranded = _carried(ground, sleepers, columns, moved)[1:]
    newly = moved.before.covered - moved.after.covered
    total = np.maximum(ground.awake.chance.sum(axis=0), 1e-9)
    lost_before = _lost_share(ground)
    lost_after = lost_before + newly @ ground.awake.chance[moved.rows] / total
    is_touched = (np.abs(load - ground.load) > 100.0 * _NOTICED) | (
        np.abs(lost_after - lost_before) > _NOTICED
    )
    is_touched[columns] = True
    off = [column for column, one in zip(columns, sleepers, strict=True) if one.is_off_air]
    cells = {
        dn: CellAmongSleepers(
            float(lost_before[column]),
            float(lost_after[column]),
            float(ground.load[column]),
            float(load[column]),
        )
        for dn, column in ground.now.cells.place.items()
        if is_touched[column]
    }
    return SleepOutlook(
        cells,
        _unheard_near(ground, sleepers),
        float(ground.users[off].sum()),
        float((ground.users * stranded)[off].sum()),
    )


def entered(ground: SleepingGround, sleepers: Sequence[Sleeper]) -> SleepingGround:
    """Return the ground as it would be once these cells sleep too.

    Raises:
        InputError: as `sleep_outlook`.
    """
    if not sleepers:
        return ground
    columns, moved = _moved(ground, sleepers)
    traffic, load, _ = _carried(ground, sleepers, columns, moved)
    is_off = ground.is_off.copy()
    is_off[[c for c, one in zip(columns, sleepers, strict=True) if one.is_off_air]] = True
    return replace(
        ground,
        now=_with_power(ground.now, columns, _powers(ground.now, columns, sleepers)),
        is_off=is_off,
        traffic=traffic * ~is_off,
        load=load * ~is_off,
        users=ground.users * ~is_off,
    )


def unheard_points(ground: SleepingGround) -> Indexes:
    """Return the points that no cell on the air reaches with the threshold, though one could."""
    threshold = ground.now.threshold_dbm
    could = ground.awake.received_dbm.max(axis=1) >= threshold
    return np.flatnonzero(could & (ground.now.received_dbm.max(axis=1) < threshold))


def lost_shares(ground: SleepingGround) -> dict[str, float]:
    """Return by cell the share of its ground that has no coverage since cells sleep."""
    lost = _lost_share(ground)
    return {dn: float(lost[column]) for dn, column in ground.now.cells.place.items()}


def _on_map(told: PublishedMap, sleepers: Sequence[Sleeper]) -> list[Sleeper]:
    return [one for one in sleepers if one.cell_dn in told.cells.place]


def _moved(ground: SleepingGround, sleepers: Sequence[Sleeper]) -> tuple[list[int], Moved]:
    """Return the places of cells, and what moves where they are heard."""
    now = ground.now
    columns = [column_of(now, one.cell_dn) for one in sleepers]
    if len(set(columns)) != len(columns):
        raise InputError("A what-if of sleep names a cell twice.")
    silent = [one.cell_dn for one in sleepers if ground.is_off[column_of(now, one.cell_dn)]]
    if silent:
        raise InputError(f"Off the air, or silent, is already {', '.join(sorted(silent))}.")
    after_dbm = _powers(now, columns, sleepers)
    rows = heard_points(now, columns, after_dbm)
    parts = parts_after(now, rows, columns, after_dbm)
    before = Part(now.chance[rows], now.cost[rows], 1.0 - now.open[rows].prod(axis=1))
    after = Part(parts[0], parts[1], 1.0 - parts[2].prod(axis=1))
    spread = ground.traffic / np.maximum(now.chance.sum(axis=0), 1e-9)
    return columns, Moved(rows, before, after, spread)


def _carried(
    ground: SleepingGround, sleepers: Sequence[Sleeper], columns: Sequence[int], moved: Moved
) -> tuple[Array, Array, Array]:
    """Return traffic, load, and the share of each cell's traffic that is left alone."""
    traffic, load, alone = carried_after(ground.now, moved, ground.traffic, ground.load)
    for column, one in zip(columns, sleepers, strict=True):
        traffic[column] *= not one.is_off_air
        load[column] = 0.0 if one.is_off_air else load[column] / max(one.capacity_share, 1e-9)
    return traffic, load, alone


def _powers(told: PublishedMap, columns: Sequence[int], sleepers: Sequence[Sleeper]) -> Array:
    """Return the power received of cells in their modes, a column each."""
    after = told.received_dbm[:, list(columns)].copy()
    for number, one in enumerate(sleepers):
        after[:, number] = OFF_DBM if one.is_off_air else after[:, number] + one.power_db
    return after


def _with_power(told: PublishedMap, columns: Sequence[int], after_dbm: Array) -> PublishedMap:
    """Return a map on which cells are received with another power."""
    if not len(columns):
        return told
    rows = heard_points(told, columns, after_dbm)
    chance, cost, uncovered = parts_after(told, rows, columns, after_dbm)
    received = told.received_dbm.copy()
    received[:, list(columns)] = after_dbm
    arrays = {"chance": chance, "cost": cost, "open": uncovered}
    changed = {name: getattr(told, name).copy() for name in arrays}
    for name, values in arrays.items():
        changed[name][rows] = values
    return replace(told, received_dbm=received, **changed)


def _lost_share(ground: SleepingGround) -> Array:
    """Return by cell the share of the ground that it serves, all awake, that lost coverage."""
    awake = ground.awake
    lost = ground.now.open.prod(axis=1) - awake.open.prod(axis=1)
    return np.asarray(lost @ awake.chance / np.maximum(awake.chance.sum(axis=0), 1e-9))


def _unheard_near(ground: SleepingGround, sleepers: Sequence[Sleeper]) -> tuple[str, ...]:
    """Return the cells that alone reach points with the threshold, of those that leave the air."""
    now = ground.now
    columns = [column_of(now, one.cell_dn) for one in sleepers]
    rest = now.received_dbm.copy()
    rest[:, columns] = _powers(now, columns, sleepers)
    own = now.received_dbm[:, columns]
    is_lost = (own.max(axis=1) >= now.threshold_dbm) & (rest.max(axis=1) < now.threshold_dbm)
    nearest = own[is_lost].argmax(axis=1)
    return tuple(sorted({sleepers[place].cell_dn for place in nearest}))
