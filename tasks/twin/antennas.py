"""What cells cover while antennas differ from how they were built, as patches of coverage.

Planned changes come first; a fault's patch lies upon the changes that stand near it by then. What
a set of changes covers is computed once and remembered, since runs are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.conditions import Indexes, Patch
from tasks.twin.coverage import AntennaChange, RadioMap, Tally
from tasks.twin.quality import QualityTables, quality_tables
from tasks.twin.radio_faults import radio_neighbors

Array = npt.NDArray[np.floating[Any]]

_MOVED_SHARE = 0.01
_NEAREST = 6
_MOST_JOINT = 128

Changes = tuple[AntennaChange, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """An antenna as it is from one period to another, and the cells that this moves."""

    first: int
    last: int
    change: AntennaChange
    moved: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Footprint:
    cells: Indexes
    share_change: Array
    tables: QualityTables


class Antennas:
    """The antennas of a run: as built, and as planned changes leave them."""

    def __init__(self, radio: RadioMap) -> None:
        self._radio = radio
        self._stages: list[Stage] = []
        self._known: dict[tuple[tuple[int, ...], Changes, Changes], _Footprint] = {}
        self._standing: dict[Changes, tuple[Tally, QualityTables]] = {}
        self._joint: dict[tuple[Changes, Changes], _Footprint] = {}

    def unchanged(self) -> "Antennas":
        """Return the antennas as built; what was computed of changes stays known."""
        found = Antennas(self._radio)
        found._known, found._standing = self._known, self._standing
        found._joint = self._joint
        return found

    def change(self, first: int, last: int, change: AntennaChange) -> list[Patch]:
        """Return the patches of a planned change, upon those told before; it stands from now on."""
        patches = self.patches((first, last), (change.cell,), (change,))
        moved = frozenset(int(cell) for patch in patches for cell in patch.cells)
        self._stages.append(Stage(first, last, change, moved))
        return patches

    def patches(
        self,
        periods: tuple[int, int],
        struck: Sequence[int],
        changes: Changes,
        severity: Array | None = None,
        offset: int = 0,
    ) -> list[Patch]:
        """Return the patches of changes that come upon the planned ones, one a stretch.

        Args:
            periods: first and last of the patch, counted from `offset`.
            struck: cells that belong to it even if nothing moved there.
            changes: of antennas.
            severity: how far each period is from unchanged to changed; whole when None.
            offset: the run's period that `periods` count from.
        """
        first, last = periods
        course = np.ones(last - first, np.float32) if severity is None else severity
        near = self._near(struck, first + offset, last + offset)
        found = []
        for begin, end in pairwise(_borders(near, first + offset, last + offset)):
            standing = tuple(one.change for one in near if one.first <= begin < one.last)
            footprint = self._footprint(tuple(struck), changes, standing)
            begin, end = begin - offset, end - offset  # noqa: PLW2901 - the same, counted otherwise
            part = course[begin - first : end - first].astype(np.float32)
            found.append(
                Patch(begin, end, part, footprint.cells, footprint.share_change, footprint.tables)
            )
        return found

    def joint_patches(
        self, periods: tuple[int, int], changes: Changes, offset: int = 0
    ) -> list[Patch]:
        """Return the patches of changes at many cells at once, upon all planned ones.

        What a cell gives up is taken by whoever is best without all that gave up: the changes act
        together, wherever they are. Their tables hold for all that planned changes and they move.

        Args:
            periods: first and last of the patches, counted from `offset`.
            changes: of antennas, one a cell.
            offset: the run's period that `periods` count from.
        """
        first, last = periods[0] + offset, periods[1] + offset
        found = []
        for begin, end in pairwise(_borders(self._stages, first, last)):
            standing = tuple(one.change for one in self._stages if one.first <= begin < one.last)
            footprint = self._joint_footprint(changes, standing)
            whole = np.ones(end - begin, np.float32)
            at = begin - offset, end - offset, whole
            found.append(Patch(*at, footprint.cells, footprint.share_change, footprint.tables))
        return found

    def _joint_footprint(self, changes: Changes, standing: Changes) -> _Footprint:
        """Return what changes move; the patterns of late stay known."""
        key = changes, standing
        known = self._joint.pop(key, None)
        if known is None:
            after = self._radio.jointly_changed(_together(standing, changes))
            off = tuple(change.cell for change in changes if change.is_off)
            touched = tuple(change.cell for change in (*standing, *changes))
            known = self._moved(self._before(standing), after, touched, off)
        self._joint[key] = known
        if len(self._joint) > _MOST_JOINT:
            del self._joint[next(iter(self._joint))]
        return known

    def _near(self, struck: Sequence[int], first: int, last: int) -> list[Stage]:
        built = self._radio.built
        around = set(struck)
        for cell in struck:
            around.update(int(other) for other in radio_neighbors(built, cell)[:_NEAREST])
        return [
            stage
            for stage in self._stages
            if stage.first < last and first < stage.last and not around.isdisjoint(stage.moved)
        ]

    def _before(self, standing: Changes) -> tuple[Tally, QualityTables]:
        if standing not in self._standing:
            radio = self._radio
            sums = radio.changed(standing) if standing else radio.built
            self._standing[standing] = sums, quality_tables(radio.network, sums)
        return self._standing[standing]

    def _footprint(
        self, struck: tuple[int, ...], changes: Changes, standing: Changes
    ) -> _Footprint:
        key = struck, changes, standing
        if key not in self._known:
            self._known[key] = self._computed(struck, changes, standing)
        return self._known[key]

    def _computed(self, struck: tuple[int, ...], changes: Changes, standing: Changes) -> _Footprint:
        after = self._radio.changed(_together(standing, changes))
        off = struck if changes[0].is_off else ()
        return self._moved(self._before(standing), after, struck, off)

    def _moved(
        self,
        stood: tuple[Tally, QualityTables],
        after: Tally,
        touched: Sequence[int],
        off: Sequence[int],
    ) -> _Footprint:
        """Return what moved from what stood; cells that were touched belong to it in any case."""
        before, tables_before = stood
        moved = np.abs(after.weight - before.weight) > _MOVED_SHARE * np.maximum(
            before.weight, 0.05
        )
        moved |= _quality_moved(before, after)
        moved[list(touched)] = True
        cells = np.flatnonzero(moved)
        tables = quality_tables(self._radio.network, after)
        if off:  # the few users who stay hear what they always heard
            _keep_rows(tables, tables_before, off)
        share_change = (after.share - before.share)[cells].astype(np.float32)
        return _Footprint(cells, share_change, tables.rows(cells))


def _borders(near: Sequence[Stage], first: int, last: int) -> list[int]:
    inside = {at for one in near for at in (one.first, one.last) if first < at < last}
    return sorted({first, last, *inside})


def _together(standing: Changes, changes: Changes) -> Changes:
    """Return one change a cell: what was planned and what comes upon it add up."""
    summed: dict[int, AntennaChange] = {}
    for one in (*standing, *changes):
        known = summed.get(one.cell)
        summed[one.cell] = one if known is None else AntennaChange(
            one.cell,
            known.tilt_change_deg + one.tilt_change_deg,
            known.loss_db + one.loss_db,
            is_off=known.is_off or one.is_off,
        )  # fmt: skip
    return tuple(summed.values())


def _quality_moved(before: Tally, after: Tally) -> npt.NDArray[np.bool_]:
    old = before.inverse_rate[:, 2] / np.maximum(before.weight, 1e-6)
    new = after.inverse_rate[:, 2] / np.maximum(after.weight, 1e-6)
    return np.asarray(np.abs(new - old) > _MOVED_SHARE * old)


def _keep_rows(tables: QualityTables, built: QualityTables, cells: Sequence[int]) -> None:
    rows = list(cells)
    for name in QualityTables.__slots__:
        getattr(tables, name)[rows] = getattr(built, name)[rows]
