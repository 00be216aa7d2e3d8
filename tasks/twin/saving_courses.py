"""When cells change how deep they save energy: to the second, within a quarter of an hour too.

Going to sleep, deeper or not, is at once. Who is told to save less waits for the radio to start
(`RadioModes.switch_s`) and sleeps on until then; told otherwise meanwhile, it goes on from there.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tasks.twin.mode_power import Floats, Modes
from tasks.twin.sleep_modes import MODES
from tasks.twin.traffic import PERIOD_S

_DIGITS = 6  # of seconds: what is left of a sum of large ones


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment from which a cell saves energy otherwise.

    Attributes:
        at_s: when, in seconds from the first period's start.
        mode: place in `MODES` that stands from then on.
        starts: the radio starts to save less, and is in the mode still.
    """

    at_s: float
    mode: int
    starts: bool = False


@dataclass(frozen=True, slots=True)
class QuarterPart:
    """A stretch of a quarter of an hour in which no cell changes how it saves energy.

    Attributes:
        begin_s, end_s: seconds from the quarter's start.
        modes: (cells,) places in `MODES`.
        starting: (cells,) cells whose radio starts, off the air still.
    """

    begin_s: float
    end_s: float
    modes: Modes
    starting: npt.NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Of the quarter of an hour."""
        return (self.end_s - self.begin_s) / PERIOD_S


def course_of(told: Sequence[tuple[float, int]], switch_s: Floats) -> list[Turn]:
    """Return what becomes of a cell that is told modes; it is active at first.

    Args:
        told: second and place in `MODES`, in the order of the telling.
        switch_s: (M,) time from being told to serve again until a carrier serves, by mode.
    """
    turns = [Turn(-np.inf, MODES.index("ACTIVE"))]
    for at_s, mode in told:
        turns = [turn for turn in turns if turn.at_s <= at_s]  # a start under way is told anew
        last = turns[-1]
        wait_s = float(switch_s[last.mode] - switch_s[mode])
        if wait_s <= 0.0:
            turns.append(Turn(at_s, mode))
            continue
        if not last.starts:
            last = Turn(at_s, last.mode, starts=True)
            turns.append(last)
        turns.append(Turn(max(last.at_s + wait_s, at_s), mode))
    return turns


class SavingCourses:
    """How deep every cell saves energy at any second.

    Attributes:
        cells: how many there are.
    """

    def __init__(self, cells: int, turns: Mapping[int, Sequence[Turn]]) -> None:
        """Take the turns of the cells that were ever told anything, in order of time."""
        self.cells = cells
        self._turns = turns
        self._times = {cell: [turn.at_s for turn in told] for cell, told in turns.items()}

    def parts(self, period: int) -> tuple[QuarterPart, ...]:
        """Return the stretches of a period, in order; one where no cell changes."""
        first_s, last_s = float(period * PERIOD_S), float((period + 1) * PERIOD_S)
        inside = {at for times in self._times.values() for at in times if first_s < at < last_s}
        found: list[QuarterPart] = []
        for begin_s, end_s in pairwise(sorted({first_s, last_s, *inside})):
            modes, starting = self._standing(begin_s)
            since_s = round(begin_s - first_s, _DIGITS)
            if found and _is_same(found[-1], modes, starting):
                since_s = found.pop().begin_s
            found.append(QuarterPart(since_s, round(end_s - first_s, _DIGITS), modes, starting))
        return tuple(found)

    def _standing(self, at_s: float) -> tuple[Modes, npt.NDArray[np.bool_]]:
        modes = np.zeros(self.cells, dtype=np.int8)
        starting = np.zeros(self.cells, dtype=bool)
        for cell, times in self._times.items():
            turn = self._turns[cell][bisect_right(times, at_s) - 1]
            modes[cell], starting[cell] = turn.mode, turn.starts
        return modes, starting


def _is_same(part: QuarterPart, modes: Modes, starting: npt.NDArray[np.bool_]) -> bool:
    return bool((part.modes == modes).all() and (part.starting == starting).all())
