"""What people's writes do: which faults they end, which cells they lock or move, which users lose.

A write acts from the period that begins at its moment, or next after it; one to save energy, or to
save none, acts from its moment on (saving_courses.py). A wrong one makes things worse as truly as a
right one mends them; what names no cell, antenna or relation does nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from tasks.adapters.sample_files import StandingWrite
from tasks.twin.conditions import Conditions, Patch
from tasks.twin.configuration_objects import power_place, relation_dn, saving_dn, tilt_place
from tasks.twin.coverage import AntennaChange
from tasks.twin.effects import handover_share
from tasks.twin.faults import Fault
from tasks.twin.following import Following
from tasks.twin.mode_power import modes_of
from tasks.twin.saving_courses import SavingCourses, course_of
from tasks.twin.sleep_modes import CONTROL, MODE, MODES, SWITCH, acting_mode

Place = tuple[str, str]
"""DN and attribute; the attribute is empty for a whole object."""

_LOCK = "administrativeState"
_ALLOWED = "isHOAllowed"
_SAVING = (SWITCH, CONTROL, MODE)


@dataclass(frozen=True, slots=True)
class Healing:
    """How a fault comes to its end.

    Attributes:
        fault: as it would have gone on.
        ends: by cell, the period that is the first without it; the fault's own last at most.
        muted: by cell, the period from which it does nothing more: a locked cell cannot sleep.
    """

    fault: Fault
    ends: Mapping[int, int]
    muted: Mapping[int, int]

    @property
    def last(self) -> int:
        """The first period in which none of its cells has it."""
        return max(self.ends.values(), default=self.fault.last)

    def remains(self) -> Iterator[Fault]:
        """Yield what the fault comes down to: its cells by the period in which it stops there."""
        for last in sorted(set(self.muted.values())):
            cells = tuple(cell for cell in self.fault.cells if self.muted[cell] == last)
            if last > self.fault.first:
                yield replace(self.fault, cells=cells, last=last)


class Writes:
    """The writes to a network, by what they touch."""

    def __init__(self, following: Following, writes: Sequence[StandingWrite]) -> None:
        self._following = following
        self._network = following.world.radio.network
        self._at: dict[Place, list[StandingWrite]] = {}
        for write in writes:
            place = write.operation.dn, write.operation.attribute
            self._at.setdefault(place, []).append(write)

    def after(self, place: Place, moment: datetime) -> list[StandingWrite]:
        """Return the writes to a place that came after a moment, oldest first."""
        return [write for write in self._at.get(place, []) if write.at > moment]

    def healing(self, fault: Fault) -> Healing:
        """Return how a fault comes to its end."""
        begins = self._following.calendar.starts[fault.first]
        ends = dict.fromkeys(fault.cells, fault.last)
        muted = dict(ends)
        for cell in fault.cells:
            mute, end = self._mending(fault, cell, begins)
            if end is not None:
                ends[cell] = min(self._first_period(end), fault.last)
            if mute is not None:
                muted[cell] = min(self._first_period(mute), fault.last)
        return Healing(fault, ends, muted)

    def _mending(
        self, fault: Fault, cell: int, begins: datetime
    ) -> tuple[StandingWrite | None, StandingWrite | None]:
        """Return the write that silences a fault at a cell, and the one that ends it there."""
        cells = self._network.cells
        if fault.kind == "tilt_slip":
            found = self.after(tilt_place(cells[cell]), begins)
            return (found[0], found[0]) if found else (None, None)
        if fault.kind == "wrong_neighbor" and fault.target is not None:
            dn = relation_dn(cells[cell], cells[fault.target])
            made = [it for it in self.after((dn, ""), begins) if it.operation.kind == "CREATE"]
            return (made[0], made[0]) if made else (None, None)
        if fault.kind == "sleeping_cell":
            return self._restart(cells[cell].dn, begins)
        return None, None

    def _restart(
        self, dn: str, begins: datetime
    ) -> tuple[StandingWrite | None, StandingWrite | None]:
        found = self.after((dn, _LOCK), begins)
        back = [write for write in found if write.operation.after == "UNLOCKED"]
        return (found[0] if found else None), (back[0] if back else None)

    def _first_period(self, write: StandingWrite) -> int:
        """Return the first period on which a write acts."""
        return self._following.period_from(write.at)

    def conditions(self) -> Conditions:
        """Return the conditions under all faults and writes, before any saving of energy."""
        remains = [one for it in self._following.faults for one in self.healing(it).remains()]
        found = self._following.conditions(remains)
        patches: list[Patch] = []
        for cell in self._network.cells:
            patches += self._act_on_cell(found, cell.index)
        for cell_index, targets in self._following.configuration.built.targets.items():
            for target in targets:
                self._act_on_relation(found, cell_index, target)
        return replace(found, patches=(*found.patches, *patches))

    def saving_courses(self) -> SavingCourses:
        """Return how deep every cell saves energy, and since when."""
        cells = self._network.cells
        turns = {}
        for cell in cells:
            told = self._told_modes(saving_dn(cell)) if cell.band.technology == "NR" else []
            if told:
                switch_s = modes_of(cell.band, cell.tx_power_dbm, cell.band.downlink_share).switch_s
                turns[cell.index] = course_of(told, switch_s)
        return SavingCourses(len(cells), turns)

    def _told_modes(self, dn: str) -> list[tuple[float, int]]:
        """Return the second and the mode of all that was written to one saving function."""
        steps = [write for name in ("", *_SAVING) for write in self._at.get((dn, name), [])]
        if not steps:
            return []
        standing: dict[str, Any] | None = dict(self._following.planned[dn][1])
        begin = self._following.calendar.starts[0]
        told = []
        for write in sorted(steps, key=lambda write: write.number):
            standing = _related(standing, write)
            mode = MODES.index(acting_mode(standing or {}))
            told.append(((write.at - begin).total_seconds(), mode))
        return told

    def _act_on_cell(self, found: Conditions, index: int) -> list[Patch]:
        cell = self._network.cells[index]
        places = {"lock": (cell.dn, _LOCK), "tilt": tilt_place(cell), "power": power_place(cell)}
        steps = sorted(
            (write.number, self._first_period(write), word, write.operation.after)
            for word, place in places.items()
            for write in self._at.get(place, [])
        )
        patches: list[Patch] = []
        set_to: dict[str, Any] = {}
        for number, (_, first, word, value) in enumerate(steps):
            set_to[word] = value
            last = steps[number + 1][1] if number + 1 < len(steps) else found.unavailable.shape[0]
            if first < last:
                patches += self._stretch(found, index, (first, last), set_to)
        return patches

    def _stretch(
        self, found: Conditions, index: int, periods: tuple[int, int], set_to: Mapping[str, Any]
    ) -> list[Patch]:
        """Write one stretch in which a cell is set so into `found`; return its patches."""
        first, last = periods
        cell = self._network.cells[index]
        if set_to.get("lock", "UNLOCKED") != "UNLOCKED":
            found.unavailable[first:last, index] = 1.0
            change = AntennaChange(index, is_off=True)
        else:
            moment = self._following.calendar.starts[first]
            tilt = loss = 0.0
            if "tilt" in set_to:
                tilt = (set_to["tilt"] - self._planned(tilt_place(cell), moment)) / 10.0
            if "power" in set_to:
                planned = self._planned(power_place(cell), moment)
                is_lte = cell.band.technology == "LTE"
                loss = _loss_db(planned, set_to["power"], is_dbm=is_lte)
            change = AntennaChange(index, round(tilt, 3), round(loss, 3))
        if change == AntennaChange(index):
            return []
        world = self._following.world
        return world.antennas.patches(periods, (index,), (change,), offset=world.first)

    def _planned(self, place: Place, moment: datetime) -> float:
        """Return what is planned of an attribute at a moment."""
        dn, attribute = place
        value = self._following.planned[dn][1][attribute]
        for change in self._following.configuration.changes:
            if change.at <= moment and (change.dn, change.attribute) == place:
                value = change.value
        return float(value)

    def _act_on_relation(self, found: Conditions, cell: int, target: int) -> None:
        cells = self._network.cells
        dn = relation_dn(cells[cell], cells[target])
        steps = [
            write
            for attribute in ("", _ALLOWED, *_REFERENCES)
            for write in self._at.get((dn, attribute), [])
        ]
        if not steps:
            return
        planned = self._following.planned[dn][1]
        standing: dict[str, Any] | None = dict(planned)
        steps.sort(key=lambda write: write.number)
        for number, write in enumerate(steps):
            standing = _related(standing, write)
            first = self._first_period(write)
            last = len(found.unavailable)
            if number + 1 < len(steps):
                last = self._first_period(steps[number + 1])
            if _is_usable(standing, planned) or first >= last:
                continue
            is_own_site, share = handover_share(self._following.world.radio, cell, target)
            lost = found.handover_lost_intra if is_own_site else found.handover_lost_inter
            lost[first:last, cell] = np.minimum(lost[first:last, cell] + share, 1.0)


_REFERENCES = ("adjacentNRCellRef", "adjacentCell")


def _related(standing: dict[str, Any] | None, write: StandingWrite) -> dict[str, Any] | None:
    """Return what a relation is after a write; None where there is none."""
    operation = write.operation
    if operation.kind == "DELETE":
        return None
    if operation.kind == "CREATE":
        return dict(operation.after) if isinstance(operation.after, Mapping) else None
    return {**(standing or {}), operation.attribute: operation.after}


def _is_usable(standing: Mapping[str, Any] | None, planned: Mapping[str, Any]) -> bool:
    """Tell whether a relation stands, allows handovers, and leads to whom it was planned to."""
    if standing is None or standing.get(_ALLOWED) is not True:
        return False
    return all(standing.get(name) == planned.get(name) for name in _REFERENCES)


def _loss_db(planned: float, now: float, *, is_dbm: bool) -> float:
    """Return what is lost of a planned power; a cell set to nothing is as good as silent."""
    if is_dbm:
        return planned - now
    return float(10.0 * np.log10(planned / max(now, 1e-3)))
