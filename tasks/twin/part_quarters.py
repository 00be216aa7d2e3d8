"""A quarter of an hour in which cells changed how they save energy: its parts, weighed together.

What adds up over time (volumes, sessions, users) is weighed by time; what is told only while a
cell is on the air (load, quality, shares of failures) by its time on the air; and a user's rate as
it is counted: all that was sent, by the time that it took.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import supply
from tasks.twin.conditions import Conditions, Indexes, Patch
from tasks.twin.delivered_rows import Run
from tasks.twin.quality import QualityTables
from tasks.twin.saving_courses import QuarterPart
from tasks.twin.sleep_modes import MODES
from tasks.twin.sleeping import planned_patches, with_saving
from tasks.twin.state import State
from tasks.twin.world import World

Array = npt.NDArray[np.floating[Any]]
Parts = Sequence[tuple[QuarterPart, Run]]

_OVER_TIME = frozenset({
    "downlink_mbps", "uplink_mbps", "sessions", "users", "handovers_inter", "handovers_intra",
    "available", "asleep", "restrained", "site_offered_mbps", "site_carried_mbps",
    "site_uplink_mbps", "site_discarded",
})  # fmt: skip
_SENT_AT = {"downlink_user_mbps": "downlink_mbps", "uplink_user_mbps": "uplink_mbps"}
_LITTLE = 1e-9


def blended(base: Conditions, parts: Parts) -> Run:
    """Return a quarter of an hour as its parts make it.

    Args:
        base: its conditions before any saving of energy.
        parts: in order, filling the quarter; each with the quarter as it would be if the part
            lasted for all of it.
    """
    first = parts[0][1]
    shares = np.array([part.share for part, _ in parts])[:, None, None]
    state = _state([run.state for _, run in parts], shares)
    modes = np.stack([run.conditions.saving_mode for _, run in parts])
    time_in = np.stack([(shares * (modes == mode)).sum(axis=0) for mode in range(len(MODES))])
    conditions = replace(
        first.conditions,
        unavailable=np.float32(1.0) - state.available,
        rank_factor=state.rank_factor,
        saving_mode=time_in.argmax(axis=0).astype(np.int8),
        patches=_patches(first.world, base, [run.conditions for _, run in parts], shares),
    )
    watts = _weighed([_equipment_w(base, part, run) for part, run in parts], shares)
    return replace(first, state=state, conditions=conditions, equipment_w=watts)


def _state(states: Sequence[State], shares: Array) -> State:
    """Return the states' blend; shares are (parts, 1, 1)."""

    def all_of(name: str) -> list[Any]:
        return [getattr(state, name) for state in states]

    on_air = _or_else(shares * np.stack(all_of("available")), shares)
    found: dict[str, Any] = {}
    for name in (item.name for item in fields(State)):
        if name in ("paths", "links"):
            found[name] = _by_name(all_of(name), shares)
        elif name in _SENT_AT:
            sent = _or_else(shares * np.stack(all_of(_SENT_AT[name])), on_air)
            slowness = [1.0 / np.maximum(rate, _LITTLE) for rate in all_of(name)]
            found[name] = np.float32(1.0) / _weighed(slowness, sent)
        else:
            found[name] = _weighed(all_of(name), shares if name in _OVER_TIME else on_air)
    return State(**found)


def _by_name(states: Sequence[Any], shares: Array) -> Any:  # noqa: ANN401 - of paths or of links
    names = [item.name for item in fields(states[0])]
    values = ([getattr(state, name) for state in states] for name in names)
    return type(states[0])(*(_weighed(one, shares) for one in values))


def _or_else(weights: Array, others: Array) -> Array:
    """Return weights (parts, 1, cells), or the others where a cell has none in any part."""
    return np.where(weights.sum(axis=0) > 0.0, weights, others)


def _weighed(values: Sequence[Array], weights: Array) -> Array:
    """Return the mean of values (1, columns) a part, under weights (parts, 1, columns or 1)."""
    whole = np.stack(values).astype(np.float64)
    mean = (weights * whole).sum(axis=0) / weights.sum(axis=0)
    return np.asarray(mean, dtype=np.float32)


def _equipment_w(base: Conditions, part: QuarterPart, run: Run) -> Array:
    """Return what sites draw in a part; a radio that starts draws what an idle one does."""
    starting = part.starting[None, :]
    return supply.equipment_w(
        run.world.radio.network,
        run.state.load,
        np.where(starting, np.float32(1.0) - base.unavailable, run.state.available),
        np.where(starting, np.int8(0), run.conditions.saving_mode),
    )


def _patches(
    world: World, base: Conditions, parts: Sequence[Conditions], shares: Array
) -> tuple[Patch, ...]:
    """Return the quarter's patches; those of saving become one that holds all parts by share."""
    known = {id(patch.tables) for patch in base.patches}
    saving = [
        [patch for patch in conditions.patches if id(patch.tables) not in known]
        for conditions in parts
    ]
    cells = np.unique([cell for patches in saving for patch in patches for cell in patch.cells])
    if not len(cells):
        return base.patches
    cells = cells.astype(np.int64)
    plain = _planned_tables(world, base, cells)
    moved = np.zeros((len(cells), world.demand.shape[1]), dtype=np.float32)
    tables = {item.name: np.zeros_like(getattr(plain, item.name)) for item in fields(plain)}
    for patches, share in zip(saving, shares[:, 0, 0].astype(np.float32), strict=True):
        there = _laid(plain, [(patch, np.searchsorted(cells, patch.cells)) for patch in patches])
        for name, table in tables.items():
            tables[name] = table + share * getattr(there, name)
        for patch in patches:
            moved[np.searchsorted(cells, patch.cells)] += share * patch.share_change
    mixed = Patch(0, 1, np.ones(1, np.float32), cells, moved, QualityTables(**tables))
    return with_saving(world, base.patches, [mixed])


def _planned_tables(world: World, base: Conditions, cells: Indexes) -> QualityTables:
    """Return what cells offer without any saving, as built and as planned changes leave them."""
    place = {int(cell): row for row, cell in enumerate(cells)}
    laid = []
    for patch in planned_patches(world, base.patches):
        rows = [row for row, cell in enumerate(patch.cells) if int(cell) in place]
        if rows:
            part = replace(patch, cells=patch.cells[rows], tables=patch.tables.rows(np.array(rows)))
            laid.append((part, np.array([place[int(cell)] for cell in part.cells])))
    return _laid(world.tables.rows(cells), laid)


def _laid(tables: QualityTables, patches: Sequence[tuple[Patch, Indexes]]) -> QualityTables:
    """Return tables with patches upon them, each with the rows where its cells stand."""
    found = {item.name: getattr(tables, item.name).copy() for item in fields(tables)}
    for patch, rows in patches:
        for name, table in found.items():
            changed = getattr(patch.tables, name)
            table[rows] += patch.severity[0] * (changed - table[rows])
    return QualityTables(**found)
