"""The planning problem as columns and rows of a mixed-integer program.

Per cell and period there is one column for each mode, one for being off the air, and one each for
leaving and entering the air. Dwell is in the strong form of Rajan and Takriti, "Minimum up/down
polytopes of the unit commitment problem with start-up costs", IBM RC 23628 (2005).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Numbers
from tasks.energy.planning.terms import TOLERANCE, Terms, arriving, sleepers


@dataclass
class Program:
    """Columns and rows: modes that may be chosen, then off the air, leaving it, entering it."""

    terms: Terms
    modes: tuple[Any, ...]
    lower: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    entries: list[tuple[Any, Any, Any]] = field(default_factory=list)
    rows: int = 0

    @classmethod
    def of(cls, terms: Terms) -> "Program":
        """Return the program of terms."""
        program = cls(terms, np.nonzero(terms.may))
        program.add_choices()
        program.add_moved_work()
        program.add_cover()
        program.add_groups()
        program.add_changes()
        program.add_entered_modes()
        return program

    @property
    def mode_columns(self) -> int:
        """Number of columns of modes."""
        return len(self.modes[0])

    @property
    def spots(self) -> int:
        """Number of cells times periods."""
        return self.terms.shape[0] * self.terms.shape[1]

    @property
    def columns(self) -> int:
        """Number of columns: modes, three a spot, and what entering each mode costs more."""
        return 2 * self.mode_columns + 3 * self.spots

    def off(self, cell: Any, period: Any) -> Any:  # noqa: ANN401
        """Return the columns of being off the air."""
        return self.mode_columns + cell * self.terms.shape[1] + period

    def left(self, cell: Any, period: Any) -> Any:  # noqa: ANN401
        """Return the columns of leaving the air in a period."""
        return self.off(cell, period) + self.spots

    def entered(self, cell: Any, period: Any) -> Any:  # noqa: ANN401
        """Return the columns of entering the air in a period."""
        return self.off(cell, period) + 2 * self.spots

    def add(self, parts: list[tuple[Any, Any, Any]], lower: Any, upper: Any, count: int) -> None:  # noqa: ANN401
        """Add rows, their entries given as (row from 0, column, value)."""
        for part in parts:
            row, column, value = np.broadcast_arrays(*part)
            self.entries.append(
                (row.reshape(-1) + self.rows, column.reshape(-1), value.reshape(-1))
            )
        self.lower.append(np.broadcast_to(np.asarray(lower, float).reshape(-1), (count,)))
        self.upper.append(np.broadcast_to(np.asarray(upper, float).reshape(-1), (count,)))
        self.rows += count

    def add_choices(self) -> None:
        """One mode each; off the air is a mode off the air."""
        cell, period, mode = self.modes
        spot = cell * self.terms.shape[1] + period
        column = np.arange(self.mode_columns)
        self.add([(spot, column, 1.0)], 1.0, 1.0, self.spots)
        off, every = IS_OFF[mode], np.arange(self.spots)
        parts = [(spot[off], column[off], 1.0), (every, self.mode_columns + every, -1.0)]
        self.add(parts, 0.0, 0.0, self.spots)

    def add_moved_work(self) -> None:
        """On the air a cell's mode has room for what arrives; off the air nothing arrives."""
        terms = self.terms
        could = terms.could_sleep
        most = arriving(terms, could)
        on = terms.may & ~IS_OFF
        least = np.where(on, terms.room, np.inf).min(axis=2)
        binds = most > least
        number = np.cumsum(binds).reshape(binds.shape) - 1
        ways = terms.share.tocoo()
        arrives = binds[ways.row] & could[ways.col] & (ways.data[:, None] * terms.own[ways.col] > 0)
        edge, when = np.nonzero(arrives)
        candidate, booster = ways.row[edge], ways.col[edge]
        moved = ways.data[edge] * terms.own[booster, when]
        cell, period, mode = self.modes
        own = binds[cell, period]
        room = np.where(
            IS_OFF[mode], most[cell, period], np.minimum(terms.room, most[:, :, None])[self.modes]
        )
        parts = [
            (number[candidate, when], self.off(booster, when), moved),
            (number[cell, period][own], np.flatnonzero(own), -room[own]),
        ]
        self.add(parts, -np.inf, 0.0, int(binds.sum()))
        self._add_fitting(candidate, booster, when, moved)

    def _add_fitting(
        self, candidate: Numbers, booster: Numbers, when: Numbers, moved: Floats
    ) -> None:
        """A cell may sleep only while each candidate is in a mode with room for it (tighter)."""
        terms = self.terms
        short = (terms.may & ~IS_OFF)[candidate, when] & (
            terms.room[candidate, when] < moved[:, None] - TOLERANCE
        )
        chosen = short.any(axis=1)
        numbers = np.full(terms.cost.shape, -1)
        numbers[self.modes] = np.arange(self.mode_columns)
        fits = numbers[candidate, when] * ~short + -1 * short
        fits = fits[chosen]
        row, mode = np.nonzero(fits >= 0)
        count = int(chosen.sum())
        parts = [
            (np.arange(count), self.off(booster, when)[chosen], 1.0),
            (row, fits[row, mode], -1.0),
        ]
        self.add(parts, -np.inf, 0.0, count)

    def add_cover(self) -> None:
        """Enough weight stays on the air."""
        terms = self.terms
        could = terms.could_sleep.astype(float)
        weight = terms.weight.tocoo()
        total = np.asarray(terms.weight.sum(axis=1)).reshape(-1, 1)
        binds = total - terms.weight @ could < terms.need
        self._add_off_rows(binds, weight.row, weight.col, weight.data, total - terms.need)

    def add_groups(self) -> None:
        """Not too many of a group sleep."""
        terms = self.terms
        could = terms.could_sleep
        grouped = np.flatnonzero(terms.member >= 0)
        binds = sleepers(terms, could) > terms.most_off
        ones = np.ones(len(grouped))
        self._add_off_rows(binds, terms.member[grouped], grouped, ones, terms.most_off)

    def _add_off_rows(
        self,
        binds: Flags,
        row: Numbers,
        cell: Numbers,
        weight: Floats,
        most: Floats | Numbers,
    ) -> None:
        """Rows by period: what is off the air weighs at most so much."""
        number = np.cumsum(binds).reshape(binds.shape) - 1
        entry, when = np.nonzero(binds[row])
        parts = [(number[row[entry], when], self.off(cell[entry], when), weight[entry])]
        self.add(parts, -np.inf, most[binds], int(binds.sum()))

    def add_changes(self) -> None:
        """Leaving and entering the air, and how long each binds."""
        terms = self.terms
        cells, periods = terms.shape
        cell, when = np.mgrid[:cells, :periods]
        spot = cell * periods + when
        later = when[:, 1:]
        before = np.zeros(terms.shape)
        before[:, :1] = terms.was_off[:, None]
        parts = [
            (spot, self.off(cell, when), 1.0),
            (spot[:, 1:], self.off(cell[:, 1:], later - 1), -1.0),
            (spot, self.left(cell, when), -1.0),
            (spot, self.entered(cell, when), 1.0),
        ]
        self.add(parts, before, before, self.spots)
        for last, began, sign in (
            (terms.off_last, self.left, 1.0),
            (terms.on_last, self.entered, -1.0),
        ):
            bound, source = np.nonzero(
                (np.arange(periods)[:, None] >= np.arange(periods))
                & (np.arange(periods)[:, None] <= last)
            )
            every = np.arange(cells)[:, None]
            parts = [
                (every * periods + bound, began(every, source), 1.0),
                (spot, self.off(cell, when), -sign),
            ]
            self.add(parts, -np.inf, 0.0 if sign > 0 else 1.0, self.spots)

    def add_entered_modes(self) -> None:
        """A mode dearer to enter than the cheapest of its side: entered unless that side stood."""
        dearer = self.beyond() > 0
        cell, period, mode = (part[dearer] for part in self.modes)
        column = np.flatnonzero(dearer)
        row = np.arange(len(column))
        off, later = IS_OFF[mode], period > 0
        stood = np.where(off == self.terms.was_off[cell], 1.0, 0.0)
        parts = [
            (row, column, 1.0),
            (row, self.mode_columns + 3 * self.spots + column, -1.0),
            (row[later], self.off(cell, period - 1)[later], np.where(off, -1.0, 1.0)[later]),
        ]
        self.add(parts, -np.inf, np.where(later, np.where(off, 0.0, 1.0), stood), len(column))

    def least(self) -> tuple[Floats, Floats]:
        """Return (C, T) the least that leaving the air, and entering it, takes in any mode."""
        terms = self.terms
        sides = (
            np.where(terms.may & side, terms.switch[:, None, :], np.inf).min(axis=2)
            for side in (IS_OFF, ~IS_OFF)
        )
        off, on = (np.where(np.isfinite(side), side, 0.0) for side in sides)
        return off, on

    def beyond(self) -> Floats:
        """Return what entering the mode of each column takes beyond the least of its side."""
        cell, period, mode = self.modes
        off, on = self.least()
        least = np.where(IS_OFF[mode], off[cell, period], on[cell, period])
        beyond: Floats = (self.terms.switch[cell, mode] - least) * self.terms.price[period]
        return beyond

    def costs(self) -> Floats:
        """Return the cost of each column."""
        return np.concatenate([
            self.terms.cost[self.modes],
            np.zeros(self.spots),
            *((side * self.terms.price).reshape(-1) for side in self.least()),
            self.beyond(),
        ])  # fmt: skip

    def values(self, mode: Numbers) -> Floats:
        """Return the value of each column in a plan."""
        is_off = IS_OFF[mode]
        before = np.concatenate([self.terms.was_off[:, None], is_off[:, :-1]], axis=1)
        cell, period, number = self.modes
        chosen = mode[cell, period] == number
        crossed = (is_off != before)[cell, period]
        return np.concatenate([
            chosen,
            is_off.reshape(-1),
            (is_off & ~before).reshape(-1),
            (before & ~is_off).reshape(-1),
            chosen & crossed,
        ]).astype(float)  # fmt: skip
