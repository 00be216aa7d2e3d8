"""The planning problem: which carrier saves how deep in which period, and what binds the choice.

Everything is numbers and names; where they come from is told elsewhere. Work is counted in shares
of a cell's capacity when it is active: a cell that carries work .3 uses .3 of its resource blocks.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from tasks.twin.sleep_modes import MODES, OFF_AIR

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

IS_OFF: Flags = np.array(OFF_AIR)
MODE_COUNT = len(MODES)


@dataclass(frozen=True)
class Moves:
    """Where a cell's work goes while it is off the air; entries of a sparse matrix.

    Attributes:
        booster: (E,) index of the cell that sleeps (TS 28.310: booster cell).
        candidate: (E,) index of the cell that carries its traffic (TS 28.310: candidate cell).
        work: (E,) work at the candidate for each unit of the booster's own work, an upper bound
            over every state of the other cells that `Cover` allows.
        watts: (E,) what a unit of the booster's own work adds to the candidate's power, expected.
    """

    booster: Numbers
    candidate: Numbers
    work: Floats
    watts: Floats


@dataclass(frozen=True)
class Cover:
    """Rows that must hold in every period: sum over cells on the air of weight >= need.

    A row that needs more than all its cells weigh needs all of them.
    Ground must be heard by a cell on the air, and a cell may sleep only where enough of those that
    would carry its users are awake (its own weight in such a row is the need).

    Attributes:
        weight: (R, C) sparse, not negative.
        need: (R,) positive.
    """

    weight: csr_array
    need: Floats


@dataclass(frozen=True)
class Groups:
    """Cells of which only some may be off the air at a time (communities).

    Attributes:
        member: (C,) group of each cell, -1 for none.
        most_off: (G,) cells of the group that may be off the air in one period.
    """

    member: Numbers
    most_off: Numbers


@dataclass(frozen=True)
class Standing:
    """How the horizon is entered.

    Attributes:
        mode: (C,) mode that stands.
        hours: (C,) how long it has stood on (or off) the air, at least.
    """

    mode: Numbers
    hours: Floats


@dataclass(frozen=True)
class SleepProblem:
    """What is to be decided: a mode of each of C cells in each of T periods.

    Attributes:
        cell_dns: C names.
        hours: (T,) length of each period in h.
        price: (T,) weight of a kWh: money, CO2, or 1.
        work: (C, T) own work to be prepared for: a high quantile of the forecast; NaN is unknown.
        expected_work: (C, T) own work that is likely, for the energy.
        idle_w: (C, M) power without traffic; of modes off the air, their power.
        slope_w: (C, M) power that a unit of work adds; 0 off the air.
        capacity: (C, T, M) most work that the cell may carry, own and moved, so that throughput
            floors hold and a surge finds room; 0 off the air. Where own work is unknown or exceeds
            what ACTIVE may carry, the cell must be ACTIVE and may take no moved work: that is not
            the plan's fault.
        allowed: (C, T, M) whether a mode may be chosen; ACTIVE always may.
        switch_wh: (C, M) energy that entering a mode takes from the other side of the air; between
            modes of one side nothing is taken.
        least_off_h: least time off the air once it is left. Service comes first: a cell that stands
            off the air may wake sooner where it must be ACTIVE, or where rows would not hold with
            all others ACTIVE.
        least_on_h: least time on the air once it is entered again.
    """

    cell_dns: tuple[str, ...]
    hours: Floats
    price: Floats
    work: Floats
    expected_work: Floats
    idle_w: Floats
    slope_w: Floats
    capacity: Floats
    allowed: Flags
    switch_wh: Floats
    least_off_h: float
    least_on_h: float
    moves: Moves
    cover: Cover
    groups: Groups
    standing: Standing

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.cell_dns)

    @property
    def periods(self) -> int:
        """Number of periods."""
        return len(self.hours)


@dataclass(frozen=True)
class Prices:
    """What missing a row by a unit costs: proof of a bound, and where the next search starts.

    Attributes:
        room: (C, T) per unit of moved work.
        cover: (R, T) per share of the row's need.
        groups: (G, T) per cell.
        ways: (E, T) per cell that sleeps although a candidate does not grant it, by entry of moved
            work, candidates in order, then boosters; None where none is told.
        heard: (N, T) the same of cover, rows in order, then cells.
    """

    room: Floats
    cover: Floats
    groups: Floats
    ways: Floats | None = None
    heard: Floats | None = None


@dataclass(frozen=True)
class SleepPlan:
    """A choice, and how good it can be proved to be.

    Attributes:
        mode: (C, T) mode of each cell and period.
        cost: of the choice: kWh times price, everything counted, transitions included.
        bound: no feasible choice costs less.
        solver: `exact`, `decomposed`, or the name of a rule.
        seconds: of the process's time that solving took.
        prices: of rows, as the solver left them; None where it had none.
    """

    mode: Numbers
    cost: float
    bound: float
    solver: str
    seconds: float
    prices: Prices | None = field(default=None, repr=False, compare=False)

    @property
    def gap(self) -> float:
        """Share of the cost that may be too much, 0 where the choice is proved best."""
        return max(self.cost - self.bound, 0.0) / self.cost if self.cost > 0 else 0.0
