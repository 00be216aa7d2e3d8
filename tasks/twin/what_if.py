"""What would follow if cells were locked or tilted: coverage, load and users, from published facts.

The map is set up once for an inventory; a question works only on the points that hear the changed
cells. Present traffic calibrates the map: who carries it now tells where demand is. What-ifs of
this kind are right in direction and order, not in every digit; how far, tests tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError
from tasks.twin.what_if_layout import PublishedCells, ground_points
from tasks.twin.what_if_radio import (
    OFF_DBM,
    Angles,
    Layer,
    appeal,
    chosen,
    gain_db,
    hole,
    inverse_rate,
    layers_of,
    received_power,
)

Array = npt.NDArray[np.floating[Any]]
Indexes = npt.NDArray[np.int64]

_HEARD_DB = 20.0
_TOUCHED_SHARE = 0.002
_TAKER_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class CellLoad:
    """What a cell carries now: traffic in Mbit/s, resource blocks in use in %, connected users."""

    traffic_mbps: float
    load_pct: float
    users: float


@dataclass(frozen=True, slots=True)
class CellChange:
    """What would differ at a cell: it is locked, or its downtilt becomes another."""

    cell_dn: str
    is_locked: bool = False
    tilt_deg: float | None = None


@dataclass(frozen=True, slots=True)
class CellOutlook:
    """What a cell would be like.

    Attributes:
        uncovered_share_before, uncovered_share_after: of the ground that it serves now, 0 to 1.
    """

    uncovered_share_before: float
    uncovered_share_after: float
    traffic_before_mbps: float
    traffic_after_mbps: float
    load_before_pct: float
    load_after_pct: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would follow.

    Attributes:
        cells: the changed cells and those whose traffic or coverage would move with them.
        users_interrupted: connected users of the locked cells.
        users_uncovered: those of them who would find no other cell.
        traffic_lost_mbps: what nobody would carry.
    """

    cells: Mapping[str, CellOutlook]
    users_interrupted: float
    users_uncovered: float
    traffic_lost_mbps: float


@dataclass(frozen=True)
class PublishedMap:
    """What the ground hears, for one inventory and one state of tilts.

    Attributes:
        chance: by (points, cells), that a cell serves a point, times its layer's appeal there.
        open: by (points, layers), the chance that the layer leaves a user uncovered.
    """

    cells: PublishedCells
    layers: tuple[Layer, ...]
    threshold_dbm: float
    received_dbm: Array
    angles: Angles
    chance: Array
    cost: Array
    open: Array


def published_map(cells: PublishedCells, threshold_dbm: float) -> PublishedMap:
    """Return the map of an inventory.

    Args:
        cells: of the inventory.
        threshold_dbm: power on a resource element below which ground is not covered.
    """
    received, angles = received_power(cells, ground_points(cells))
    layers = layers_of(cells)
    chance, cost = np.zeros_like(received), np.zeros_like(received)
    uncovered = np.ones((len(received), len(layers)))
    for number, layer in enumerate(layers):
        part = layer_part(layer, received[:, layer.cells], threshold_dbm)
        chance[:, layer.cells], cost[:, layer.cells], uncovered[:, number] = part
    return PublishedMap(cells, layers, threshold_dbm, received, angles, chance, cost, uncovered)


def what_if(
    told: PublishedMap, loads: Mapping[str, CellLoad], changes: Sequence[CellChange]
) -> WhatIf:
    """Return what would follow if all changes stood at once.

    Args:
        told: the map.
        loads: by cell; a cell that lacks takes no traffic.
        changes: at most one a cell.

    Raises:
        InputError: a changed cell is not on the map or reported nothing, or a cell reported nothing
            that would have to take much of the traffic.
    """
    columns = [column_of(told, change.cell_dn) for change in changes]
    _check(loads, changes)
    place = told.cells.place
    traffic, load, users = (
        np.array([getattr(loads[dn], name) if dn in loads else 0.0 for dn in place])
        for name in ("traffic_mbps", "load_pct", "users")
    )
    spread = traffic / np.maximum(told.chance.sum(axis=0), 1e-9)
    after_dbm = _changed_columns(told, columns, changes)
    rows = heard_points(told, columns, after_dbm)
    before, after = part_before(told, rows), part_after(told, rows, columns, after_dbm)
    _check_takers(told, loads, columns, (before, after))
    return _told(told, Moved(rows, before, after, spread), (traffic, load, users), changes)


@dataclass(frozen=True)
class Part:
    """Chance, cost and coverage of some points."""

    chance: Array
    cost: Array
    covered: Array


@dataclass(frozen=True)
class Moved:
    """What some points would be like: which, before, after, and demand by cell and chance."""

    rows: Indexes
    before: Part
    after: Part
    spread: Array


def layer_part(layer: Layer, received: Array, threshold: float) -> tuple[Array, Array, Array]:
    """Return of points and a layer: chance of each cell, cost, and chance of no coverage."""
    serving, best = chosen(received)
    return (
        serving * appeal(best)[:, None],
        inverse_rate(layer, received),
        hole(layer, best, threshold),
    )


def column_of(told: PublishedMap, dn: str) -> int:
    """Return a cell's place on the map.

    Raises:
        InputError: it has none.
    """
    if dn in told.cells.place:
        return told.cells.place[dn]
    why = "its position, antenna or band" if dn in told.cells.unknown else "the cell"
    raise InputError(f"The inventory lacks {why}: {dn}.")


def _check(loads: Mapping[str, CellLoad], changes: Sequence[CellChange]) -> None:
    silent = sorted(change.cell_dn for change in changes if change.cell_dn not in loads)
    if silent:
        raise InputError(f"Nothing was measured lately at {', '.join(silent)}.")
    if len({change.cell_dn for change in changes}) != len(changes):
        raise InputError("A what-if holds two changes of one cell.")


def _changed_columns(
    told: PublishedMap, columns: Sequence[int], changes: Sequence[CellChange]
) -> Array:
    """Return the changed cells' received power, a column a change."""
    after = told.received_dbm[:, list(columns)].copy()
    for number, (column, change) in enumerate(zip(columns, changes, strict=True)):
        if change.is_locked:
            after[:, number] = OFF_DBM
        elif change.tilt_deg is not None:
            old = float(told.cells.tilt_deg[column])
            after[:, number] += gain_db(told.angles, column, change.tilt_deg)
            after[:, number] -= gain_db(told.angles, column, old)
    return after


def heard_points(told: PublishedMap, columns: Sequence[int], after_dbm: Array) -> Indexes:
    """Return the points where a changed cell is, or becomes, loud enough to matter."""
    is_heard = np.zeros(len(told.received_dbm), dtype=bool)
    for number, column in enumerate(columns):
        layer = told.layers[int(told.cells.layer[column])]
        best = told.received_dbm[:, layer.cells].max(axis=1)
        louder = np.maximum(told.received_dbm[:, column], after_dbm[:, number])
        is_heard |= louder > best - _HEARD_DB
    return np.flatnonzero(is_heard)


def part_before(told: PublishedMap, rows: Indexes) -> Part:
    """Return points as they are."""
    return Part(told.chance[rows], told.cost[rows], 1.0 - told.open[rows].prod(axis=1))


def part_after(told: PublishedMap, rows: Indexes, columns: Sequence[int], after_dbm: Array) -> Part:
    """Return points as they would be if cells were received with another power."""
    chance, cost, uncovered = parts_after(told, rows, columns, after_dbm)
    return Part(chance, cost, 1.0 - uncovered.prod(axis=1))


def parts_after(
    told: PublishedMap, rows: Indexes, columns: Sequence[int], after_dbm: Array
) -> tuple[Array, Array, Array]:
    """Return chance, cost and lacking coverage of points, as `PublishedMap` has them."""
    received = told.received_dbm[rows]
    received[:, list(columns)] = after_dbm[rows]
    chance, cost, uncovered = (part[rows] for part in (told.chance, told.cost, told.open))
    for number in sorted({int(told.cells.layer[column]) for column in columns}):
        layer = told.layers[number]
        part = layer_part(layer, received[:, layer.cells], told.threshold_dbm)
        chance[:, layer.cells], cost[:, layer.cells], uncovered[:, number] = part
    return chance, cost, uncovered


def _check_takers(
    told: PublishedMap,
    loads: Mapping[str, CellLoad],
    columns: Sequence[int],
    parts: tuple[Part, Part],
) -> None:
    """Refuse to answer where a cell that reported nothing would have to take much."""
    before, after = parts
    lost = before.chance[:, list(columns)].sum(axis=1, keepdims=True)
    share = after.chance / np.maximum(after.chance.sum(axis=1, keepdims=True), 1e-9)
    takes = (lost * share).sum(axis=0) / max(float(lost.sum()), 1e-9)
    silent = [
        dn
        for dn, index in told.cells.place.items()
        if dn not in loads and takes[index] > _TAKER_SHARE and index not in columns
    ]
    if silent:
        raise InputError(
            f"Nothing was measured lately at {', '.join(silent)}, which would take much traffic."
        )


def _told(
    told: PublishedMap,
    moved: Moved,
    present: tuple[Array, Array, Array],
    changes: Sequence[CellChange],
) -> WhatIf:
    traffic, load, users = present
    locked = [told.cells.place[one.cell_dn] for one in changes if one.is_locked]
    own = [told.cells.place[one.cell_dn] for one in changes]
    traffic_after, load_after, stranded = carried_after(told, moved, traffic, load)
    traffic_after[locked], load_after[locked] = 0.0, 0.0
    total = np.maximum(told.chance.sum(axis=0), 1e-9)
    hole_before = told.open.prod(axis=1) @ told.chance / total
    newly = (moved.before.covered - moved.after.covered) @ moved.before.chance / total
    is_touched = np.abs(traffic_after - traffic) > _TOUCHED_SHARE * np.maximum(traffic, 1.0)
    is_touched |= np.abs(newly) > _TOUCHED_SHARE
    is_touched[own] = True
    cells = {
        dn: CellOutlook(
            uncovered_share_before=float(hole_before[index]),
            uncovered_share_after=float(hole_before[index] + newly[index]),
            traffic_before_mbps=float(traffic[index]),
            traffic_after_mbps=float(traffic_after[index]),
            load_before_pct=float(load[index]),
            load_after_pct=float(load_after[index]),
        )
        for dn, index in told.cells.place.items()
        if is_touched[index]
    }
    return WhatIf(
        cells=cells,
        users_interrupted=float(users[locked].sum()),
        users_uncovered=float((users * stranded)[locked].sum()),
        traffic_lost_mbps=float(np.maximum(traffic.sum() - traffic_after.sum(), 0.0)),
    )


def carried_after(
    told: PublishedMap, moved: Moved, traffic: Array, load: Array
) -> tuple[Array, Array, Array]:
    """Return traffic and load after the change, and the share of a cell's traffic left alone."""
    before, after = moved.before, moved.after
    carried = before.chance * moved.spread
    weight = after.chance * moved.spread
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    kept = np.minimum(after.covered / np.maximum(before.covered, 1e-6), 1.0)
    carries = (carried.sum(axis=1) * kept)[:, None] * share
    traffic_after = np.maximum(traffic + (carries - carried).sum(axis=0), 0.0)
    work = (told.chance * told.cost).sum(axis=0) * moved.spread
    more = (carries * after.cost - carried * before.cost).sum(axis=0)
    load_after = load * np.maximum(1.0 + more / np.maximum(work, 1e-9), 0.0)
    alone = (carried * (1.0 - kept)[:, None]).sum(axis=0)
    return traffic_after, load_after, alone / np.maximum(traffic, 1e-9)
