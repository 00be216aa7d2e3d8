"""Policies that operators know: everything on, a threshold at night, greedy by load."""

from dataclasses import dataclass, field

import numpy as np

from tasks.energy.planning.problem import IS_OFF, Cover, Floats, Moves, Numbers
from tasks.energy.waking.mode_course import ModeCourse
from tests.benchmarks._energy_course import Watch
from tests.benchmarks._energy_truth import ACTIVE, DEEP, TrueTown

_NIGHT = (0.0, 6.0)
_SLEEP_BELOW = 0.10
_WAKE_ABOVE = 0.30
_FULL = 0.5


@dataclass
class AllOn:
    """Nobody ever sleeps."""

    town: TrueTown
    name: str = "all on"

    def modes(self, period: int, course: ModeCourse) -> Numbers:  # noqa: ARG002
        """Return all active."""
        return np.full(len(self.town.cells), ACTIVE)

    def told(self, period: int, load: Floats, modes: Numbers) -> None:
        """Take in nothing."""

    def watch(self) -> Watch | None:
        """Return nothing to look at."""
        return None


@dataclass
class NightThreshold:
    """A cell sleeps at night while it and another carrier of its sector are below thresholds.

    As equipment offers it: from midnight to six, local time; asleep below 10 % of resource blocks,
    awake again where a carrier of the sector exceeds 30 %. The lowest carrier never sleeps.
    """

    town: TrueTown
    name: str = "PRB threshold at night"
    _load: Floats | None = None

    def modes(self, period: int, course: ModeCourse) -> Numbers:
        """Return who sleeps by what was measured last."""
        modes = np.full(len(self.town.cells), ACTIVE)
        hour = self.town.local_hour(period)
        if self._load is None or not _NIGHT[0] <= hour < _NIGHT[1]:
            return modes
        for sector in self.town.sectors():
            awake = [cell for cell in sector if course.mode[cell] == ACTIVE]
            if max(float(self._load[cell]) for cell in awake) > _WAKE_ABOVE:
                continue
            for cell in sector[1:]:
                is_asleep = course.mode[cell] != ACTIVE
                if self.town.is_nr[cell] and (is_asleep or self._load[cell] < _SLEEP_BELOW):
                    modes[cell] = DEEP
        return modes

    def told(self, period: int, load: Floats, modes: Numbers) -> None:  # noqa: ARG002
        """Take in the newest load."""
        self._load = load

    def watch(self) -> Watch | None:
        """Return nothing to look at."""
        return None


@dataclass
class GreedyByLoad:
    """The least loaded cell sleeps first, as long as its neighbors stay half empty by last load.

    It knows where work goes and what keeps ground covered, as the plan does; it has no forecast, no
    margin and no dwell. Of a sleeper it knows what was measured before it fell asleep.
    """

    town: TrueTown
    moves: Moves
    cover: Cover
    name: str = "greedy by load"
    _load: Floats | None = None
    _off: Floats = field(default_factory=lambda: np.zeros(0))

    def modes(self, period: int, course: ModeCourse) -> Numbers:  # noqa: ARG002
        """Return who sleeps by what was measured last."""
        modes = np.full(len(self.town.cells), ACTIVE)
        if self._load is None:
            return modes
        carried, weight = self._load.copy(), self.cover.weight.tocsc()
        left = np.asarray(weight.sum(axis=1)).reshape(-1)
        for cell in np.argsort(self._load, kind="stable"):
            entries = np.flatnonzero(self.moves.booster == cell)
            candidates = self.moves.candidate[entries]
            brought = self.moves.work[entries] * self._load[cell]
            column = weight[:, [cell]].toarray().reshape(-1)
            if (
                not self.town.is_nr[cell]
                or not len(entries)
                or IS_OFF[modes[candidates]].any()
                or (carried[candidates] + brought > _FULL).any()
                or (left - column < self.cover.need - 1e-9)[column > 0].any()
            ):
                continue
            modes[cell] = DEEP
            carried[candidates] += brought
            left -= column
        return modes

    def told(self, period: int, load: Floats, modes: Numbers) -> None:  # noqa: ARG002
        """Take in the newest load; of sleepers the last one measured stays."""
        known = load if self._load is None else self._load
        self._load = np.where(IS_OFF[modes], known, load)

    def watch(self) -> Watch | None:
        """Return nothing to look at."""
        return None
