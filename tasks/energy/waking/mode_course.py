"""Which cell stands in which mode, since when, and which may not sleep yet: modes over time."""

from dataclasses import dataclass, replace

import numpy as np

from tasks.energy.planning.problem import (
    IS_OFF,
    MODE_COUNT,
    Floats,
    Numbers,
    SleepProblem,
    Standing,
)
from tasks.twin.sleep_modes import MODES

ACTIVE = MODES.index("ACTIVE")

_LONG_H = 1_000.0
_INSTANT_H = 1e-6


@dataclass(frozen=True)
class ModeCourse:
    """The modes that stand at one moment, by cell (C,).

    Attributes:
        mode: that stands.
        hours: how long the cell has been on the air, or off it, at least.
        hold_hours: how long it may not sleep yet, because load woke it; 0 where nothing holds it.
    """

    mode: Numbers
    hours: Floats
    hold_hours: Floats

    def after(self, hours: float) -> "ModeCourse":
        """Return the course some time later, nothing having been switched."""
        return replace(
            self,
            hours=self.hours + hours,
            hold_hours=np.maximum(self.hold_hours - hours, 0.0),
        )

    def entering(self, mode: Numbers) -> "ModeCourse":
        """Return the course with other modes from now on; who changes sides of the air is new.

        Args:
            mode: (C,) modes from now on.
        """
        is_new = IS_OFF[self.mode] != IS_OFF[mode]
        return replace(self, mode=mode.copy(), hours=np.where(is_new, 0.0, self.hours))

    def woken(self, cells: Numbers, hold_hours: float) -> "ModeCourse":
        """Return the course with cells woken by load: active, and held if they were off the air.

        A cell that saved on the air is held by nothing: it can leave its mode again at once.

        Args:
            cells: numbers of the cells.
            hold_hours: how long they may not sleep.
        """
        mode, hold = self.mode.copy(), self.hold_hours.copy()
        hold[cells] = np.where(IS_OFF[mode[cells]], hold_hours, hold[cells])
        mode[cells] = ACTIVE
        return replace(self.entering(mode), hold_hours=hold)

    @property
    def standing(self) -> Standing:
        """How a plan from now on is entered."""
        return Standing(self.mode, self.hours)

    def bound(self, problem: SleepProblem) -> SleepProblem:
        """Return a problem that begins now: entered as cells stand, and no held cell sleeps.

        Only full activity is allowed to a held cell, in every period that begins within its hold.

        Args:
            problem: of the same cells, its first period beginning now.
        """
        begins = np.cumsum(problem.hours) - problem.hours
        is_held = begins[None, :] < self.hold_hours[:, None] - _INSTANT_H
        is_saving = np.arange(MODE_COUNT) != ACTIVE
        allowed = problem.allowed & ~(is_held[:, :, None] & is_saving)
        return replace(problem, allowed=allowed, standing=self.standing)


def awake_for_long(cells: int) -> ModeCourse:
    """Return the course of cells that were never put to sleep."""
    return ModeCourse(
        np.full(cells, ACTIVE, dtype=np.int64), np.full(cells, _LONG_H), np.zeros(cells)
    )
