"""What a change set would do to cells, as rows: from operations on objects to the twin's numbers.

The published facts are read, and the map of the ground made, when the first question is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import RLock
from typing import Protocol

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.guardrails import GuardrailRules
from semantic_layer.periods import Window
from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import ChangeSet, ManagedObject, Operation
from tasks.twin.sleep_modes import CONTROL, MODE, MODES, OFF_AIR, SAVING_FUNCTION, acting_mode
from tasks.twin.what_if import CellChange, CellLoad, PublishedMap, WhatIf, published_map, what_if
from tasks.twin.what_if_facts import (
    CARRIER_REFERENCE,
    CONFIGURATION,
    TILTS,
    carrier_cells,
    cell_loads,
    cell_tilts,
    cells_of_object,
    load_columns,
    standing_values,
)
from tasks.twin.what_if_layout import COLUMNS as INVENTORY
from tasks.twin.what_if_layout import published_cells
from tasks.twin.what_if_sleep import Sleeper, map_with_sleepers

_REDUCED = "POWER_REDUCED"
ADMINISTRATIVE_STATE, LOCKED = "administrativeState", "LOCKED"
_STEEPEST_TENTHS = 900

Cells = Callable[[str], Sequence[str]]
"""The cells that an object is part of."""


class PublishedRows(Protocol):
    """Reads published tables; a `TableStore`'s `read` is one."""

    def __call__(
        self, table: str, window: Window | None = None, *, columns: Sequence[str]
    ) -> pl.LazyFrame:
        """Return columns of a table, of a window or all."""
        ...


def cell_changes(change_set: ChangeSet, cells_of: Cells) -> list[CellChange]:
    """Return what a change set does to cells while it acts; who is locked and unlocked, is locked.

    Args:
        change_set: whose objects are named by texts.
        cells_of: tells an object's cells; none where it is unknown.

    Raises:
        InputError: an operation does to no known cell what the twin can compute.
    """
    found: dict[str, CellChange] = {}
    for operation in change_set.operations:
        cells = cells_of(operation.dn)
        if not cells:
            raise InputError(f"No cell is known of {operation.dn!r}.")
        change = _change(operation, change_set)
        for dn in cells:
            found[dn] = _joined(found.get(dn, CellChange(dn)), change)
    return list(found.values())


def cannot_tell(operation: Operation) -> InputError:
    """Return the error of an operation whose effect on radio the twin cannot compute."""
    return InputError(
        f"The twin cannot tell what {operation.kind} of {operation.attribute!r} at "
        f"{operation.dn!r} does to coverage."
    )


def outlook_rows(told: WhatIf, changes: Sequence[CellChange]) -> list[Mapping[str, JsonValue]]:
    """Return a row for each cell that would notice: changed ones first, then by load after.

    Returns:
        `cell_dn`, `is_changed`, `uncovered_share_before` and `_after` of the ground that the cell
        serves now, `load_before_pct` and `load_after_pct` of its resource blocks; and, in every
        row the same, `users_interrupted` and `users_uncovered` of the whole change.
    """
    changed = {one.cell_dn for one in changes}
    order = sorted(
        told.cells, key=lambda dn: (dn not in changed, -told.cells[dn].load_after_pct, dn)
    )
    return [
        {
            "cell_dn": dn,
            "is_changed": dn in changed,
            "uncovered_share_before": told.cells[dn].uncovered_share_before,
            "uncovered_share_after": told.cells[dn].uncovered_share_after,
            "load_before_pct": told.cells[dn].load_before_pct,
            "load_after_pct": told.cells[dn].load_after_pct,
            "users_interrupted": told.users_interrupted,
            "users_uncovered": told.users_uncovered,
        }
        for dn in order
    ]


class SimulatedChanges:
    """What changes would do, for the tools of one run; called with a change set and a window.

    Of the window only its end counts: the present is what stood there.

    Args:
        read: published rows.
        rules: how old loads may be, and the power below which ground is not covered.
        live: objects as the network says they are; their tilts prevail over the newest dump's,
            and cells that save energy do not serve as if they were awake.
    """

    def __init__(
        self, read: PublishedRows, rules: GuardrailRules, live: Sequence[ManagedObject] = ()
    ) -> None:
        self._read, self._rules, self._live = read, rules, live
        self._sleepers = live_sleepers(live, rules)
        self._present: tuple[Window, _Present] | None = None
        self._map: tuple[Mapping[str, float], PublishedMap] | None = None
        self._lock = RLock()

    def __call__(self, change_set: ChangeSet, window: Window) -> list[Mapping[str, JsonValue]]:
        """Return rows as `outlook_rows` does.

        Raises:
            InputError: the change is none that the twin can compute, or a fact that it needs lacks.
            TransientError: a table did not answer.
        """
        _check_texts(change_set)
        with self._lock:
            present = self._standing_at(window)
            changes = cell_changes(change_set, present.cells_of)
            tilts = present.tilt_deg | _tilts_before(change_set, present.cells_of)
            told = what_if(self._mapped(present, tilts), present.loads, changes)
        return outlook_rows(told, changes)

    def _standing_at(self, window: Window) -> "_Present":
        if self._present is None or self._present[0] != window:
            self._map = None
            self._present = window, self._gathered(window)
        return self._present[1]

    def _gathered(self, window: Window) -> "_Present":
        hours = self._rules.stale_load_hours
        span = Window(window.end - timedelta(hours=hours), window.end)
        loads = cell_loads(self._read("cell_kpis", span, columns=load_columns()).collect())
        if not loads:
            raise InputError(
                f"No cell told its load in the {hours:g} h before {window.end:%Y-%m-%d %H:%M}Z."
            )
        off = {one.cell_dn for one in self._sleepers if one.is_off_air}
        loads = {dn: load for dn, load in loads.items() if dn not in off}
        attribute = pl.col("attribute")
        told = self._read("network_configuration", columns=CONFIGURATION)
        rows = told.filter(attribute.is_in([CARRIER_REFERENCE, *TILTS])).collect()
        standing = standing_values(rows, window.end)
        carriers = carrier_cells(standing)
        tilts = cell_tilts(standing, carriers)
        for one in self._live:
            for value in (one.attributes.get(name) for name in TILTS):
                if _is_tilt(value):
                    tilts |= dict.fromkeys(cells_of_object(one.dn, carriers), _degrees(value))
        inventory = self._read("network_topology", columns=INVENTORY).collect()
        return _Present(inventory, carriers, tilts, loads)

    def _mapped(self, present: "_Present", tilts: Mapping[str, float]) -> PublishedMap:
        """Return the map for these tilts; one is kept, as most questions find the same ones."""
        if self._map is None or self._map[0] != tilts:
            cells = published_cells(present.inventory, tilts)
            awake = published_map(cells, self._rules.coverage_dbm)
            self._map = tilts, map_with_sleepers(awake, self._sleepers)
        return self._map[1]


@dataclass(frozen=True)
class _Present:
    """What stands: places, cells of carriers, tilts in degrees by cell, loads by cell."""

    inventory: pl.DataFrame
    carriers: Mapping[str, tuple[str, ...]]
    tilt_deg: dict[str, float]
    loads: Mapping[str, CellLoad]

    def cells_of(self, dn: str) -> tuple[str, ...]:
        return cells_of_object(dn, self.carriers)


def live_sleepers(live: Sequence[ManagedObject], rules: GuardrailRules) -> list[Sleeper]:
    """Return the cells that save energy, as their saving functions tell.

    Args:
        live: objects of the network.
        rules: what each mode leaves.
    """
    found: list[Sleeper] = []
    for one in live:
        mode = acting_mode(one.attributes) if one.object_class == SAVING_FUNCTION else MODES[0]
        told = rules.saving_mode(mode)
        if told is not None:
            what = told.is_off_air, told.power_db, told.capacity_share
            found.extend(Sleeper(dn, *what) for dn in cells_of_object(one.dn, {}))
    return found


def _change(operation: Operation, change_set: ChangeSet) -> CellChange:
    if operation.object_class == SAVING_FUNCTION and operation.attribute in (MODE, CONTROL):
        return CellChange("", is_locked=_leaves_air(operation, change_set))
    if operation.kind == "MODIFY" and operation.attribute == ADMINISTRATIVE_STATE:
        if any(_locks(other, operation.dn) for other in change_set.operations):
            return CellChange(operation.dn, is_locked=True)
    elif operation.attribute in TILTS and _is_tilt(operation.after):
        return CellChange(operation.dn, tilt_deg=_degrees(operation.after))
    raise cannot_tell(operation)


def _leaves_air(operation: Operation, change_set: ChangeSet) -> bool:
    """Return whether a cell is told to leave the air, for good or for now.

    Raises:
        InputError: the mode is none, or changes how the cell is heard.
    """
    modes = [
        one.after
        for one in change_set.operations
        if (one.dn, one.attribute) == (operation.dn, MODE)
    ]
    if not modes or modes[-1] not in MODES or modes[-1] == _REDUCED:
        raise cannot_tell(operation)
    return any(mode == told and off for told, off in zip(MODES, OFF_AIR, strict=True)
               for mode in modes)  # fmt: skip


def _locks(operation: Operation, dn: str) -> bool:
    return (operation.dn, operation.attribute, operation.after) == (
        dn,
        ADMINISTRATIVE_STATE,
        LOCKED,
    )


def _joined(before: CellChange, more: CellChange) -> CellChange:
    tilt = before.tilt_deg if more.tilt_deg is None else more.tilt_deg
    return CellChange(before.cell_dn, before.is_locked or more.is_locked, tilt)


def _tilts_before(change_set: ChangeSet, cells_of: Cells) -> dict[str, float]:
    """Return the tilts that a change set expects to find, which it may know better than a dump."""
    found: dict[str, float] = {}
    for operation in reversed(change_set.operations):
        if operation.attribute in TILTS and _is_tilt(operation.before):
            found |= dict.fromkeys(cells_of(operation.dn), _degrees(operation.before))
    return found


def _is_tilt(value: object) -> bool:
    """Return whether a value is tenths of a degree between straight up and straight down."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -_STEEPEST_TENTHS <= value <= _STEEPEST_TENTHS  # type: ignore[operator]


def _degrees(tenths: object) -> float:
    return float(tenths) / 10.0  # type: ignore[arg-type]


def _check_texts(change_set: ChangeSet) -> None:
    for one in change_set.operations:
        if not all(isinstance(text, str) for text in (one.dn, one.attribute)):
            raise InputError("An operation's object and attribute must be named by texts.")
