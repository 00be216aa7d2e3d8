"""The planning problem with prices on its rows: what is left falls apart into single cells.

Each row of moved work, cover and groups is given up; whoever misses it pays a price. At any prices
from 0 up, the cheapest choice of every cell by itself, less what the rows allow, costs no more than
any plan that keeps the rows: a bound. Each cell's cheapest choice, dwell included, is found by
dynamic programming over the periods, for all cells at once.

Source: A. M. Geoffrion, "Lagrangean relaxation for integer programming", 1974.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.energy.planning.parts import Parts
from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Prices
from tasks.energy.planning.terms import Terms, arriving, sleepers

_NEVER = np.float32(1e6)
"""Cost, in units of the dearest single choice, of what may not be chosen."""

_LOST = 2e-6
"""Share of a bound given away for rounding."""

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """The cheapest choice of each cell by itself at given prices.

    Attributes:
        worth: (C,) what each cell's choice costs, prices included.
        is_off: (C, T) cells off the air.
        missed: by how much each row is missed, negative where it is kept.
    """

    worth: Floats
    is_off: Flags
    missed: Prices


class Relaxation:
    """Answers prices; made once for a problem."""

    def __init__(self, terms: Terms) -> None:
        """Keep what answering needs.

        Args:
            terms: best without dominated modes.
        """
        self.terms = terms
        self.unit = float(terms.cost.max(initial=0.0)) or 1.0
        on = ~IS_OFF
        could = terms.could_sleep
        most = arriving(terms, could)
        room = np.minimum(terms.room[:, :, on], most[:, :, None])
        self._on_cost = self._priced(terms.cost[:, :, on], terms.may[:, :, on])
        self._room = np.ascontiguousarray(np.moveaxis(room, 2, 0), np.float32)
        off = np.where(terms.may[:, :, IS_OFF], terms.cost[:, :, IS_OFF], np.inf).min(axis=2)
        self._off_cost = np.where(could, off / self.unit, _NEVER).astype(np.float32)
        self._most = most.astype(np.float32)
        self._own = terms.own.astype(np.float32)
        self._share = terms.share.astype(np.float32)
        self._given = terms.share.T.tocsr().astype(np.float32)
        self._weight = terms.weight.astype(np.float32)
        self._weighed = terms.weight.T.tocsr().astype(np.float32)
        total = np.asarray(terms.weight.sum(axis=1)).reshape(-1, 1)
        self._slack = np.maximum(total - terms.need, 0.0).astype(np.float32)
        least = np.where(terms.may[:, :, on], terms.room[:, :, on], np.inf).min(axis=2)
        self.binds = Prices(
            (most > least).astype(np.float32),
            (terms.weight @ could.astype(float) > total - terms.need).astype(np.float32),
            (sleepers(terms, could) > terms.most_off).astype(np.float32),
        )
        self._switch_off, self._switch_on = self._switching(IS_OFF), self._switching(on)
        self._grouped = np.flatnonzero(terms.member >= 0)

    def free(self) -> Prices:
        """Return prices of 0."""
        return Prices(*(np.zeros_like(rows) for rows in rows_of(self.binds)))

    def typical(self) -> tuple[float, Singles]:
        """Return what a period of sleep saves, and (C, T) work that one sleeper moves to each."""
        could = self.terms.could_sleep
        saved = (self._on_cost.min(axis=0) - self._off_cost)[could]
        ways = (self._share > 0).astype(np.float32) @ could.astype(np.float32)
        return float(max(np.median(saved), 1e-6)) if saved.size else 1.0, self._most / np.maximum(
            ways, 1.0
        )

    def answer(self, prices: Prices) -> Answer:
        """Return the cheapest choices at prices in units of `unit`, from 0 up."""
        on_cost = self._on_cost[0] - prices.room * self._room[0]
        mode = np.zeros(on_cost.shape, dtype=np.int8)
        for number in range(1, len(self._on_cost)):
            other = self._on_cost[number] - prices.room * self._room[number]
            mode[other < on_cost] = number
            np.minimum(on_cost, other, out=on_cost)
        off_cost = self._off_cost + self._own * (self._given @ prices.room)
        off_cost -= prices.room * self._most
        off_cost += self._weighed @ prices.cover
        off_cost[self._grouped] += prices.groups[self.terms.member[self._grouped]]
        is_off, worth = self._cheapest(on_cost, off_cost)
        room = np.take_along_axis(self._room, mode[None], axis=0)[0]
        counted = is_off.astype(np.float32)
        missed = Prices(
            self._share @ (self._own * counted) - np.where(is_off, self._most, room),
            self._weight @ counted - self._slack,
            (sleepers(self.terms, counted) - self.terms.most_off).astype(np.float32),
        )
        return Answer(worth, is_off, missed)

    def bounds(self, prices: Prices, answer: Answer, parts: Parts) -> Floats:
        """Return (N,) costs that no plan of each independent part goes below."""
        found = np.bincount(parts.cell, answer.worth.astype(float), parts.count)
        allowed = (prices.cover * self._slack).sum(axis=1, dtype=float)
        found -= np.bincount(parts.row, allowed, parts.count)
        allowed = (prices.groups * self.terms.most_off).sum(axis=1, dtype=float)
        found -= np.bincount(parts.group, allowed, parts.count)
        # Sums in single precision lose a little; a bound must not gain by that.
        return (found - _LOST * np.abs(found)) * self.unit

    def _priced(self, cost: Floats, may: Flags) -> Singles:
        chosen = np.where(may, cost / self.unit, _NEVER)
        return np.ascontiguousarray(np.moveaxis(chosen, 2, 0), np.float32)

    def _switching(self, side: Flags) -> Singles:
        """Return (C, T) the least that entering a side of the air takes."""
        terms = self.terms
        least = np.where(terms.may[:, :, side], terms.switch[:, None, side], np.inf).min(axis=2)
        switch = np.where(np.isfinite(least), least, 0.0) * terms.price / self.unit
        return switch.astype(np.float32)

    def _cheapest(self, on_cost: Singles, off_cost: Singles) -> tuple[Flags, Singles]:
        """Return (C, T) whether to be off the air and (C,) what that costs."""
        terms = self.terms
        cells, periods = terms.shape
        # Side 0 is on the air, 1 off it; worth[side] of a stretch that may end before `period`.
        start = np.stack([terms.was_off * _NEVER, ~terms.was_off * _NEVER])
        worth = [start.astype(np.float32)]
        came = np.full((2, periods, cells), -1, dtype=np.int16)
        sides = (on_cost, off_cost)
        switches = (self._switch_on, self._switch_off)
        lasts = (terms.on_last, terms.off_last)
        for period in range(periods):
            now = np.stack([worth[period][side] + sides[side][:, period] for side in (0, 1)])
            for side in (0, 1):
                for begun in np.flatnonzero(lasts[side] == period):
                    entered = worth[begun][1 - side] + switches[side][:, begun]
                    for bound in range(begun, period + 1):
                        entered = entered + sides[side][:, bound]
                    better = entered < now[side]
                    came[side, period, better] = begun
                    np.minimum(now[side], entered, out=now[side])
            worth.append(now)
        return _traced(came, worth[-1]), worth[-1].min(axis=0)


def _traced(came: npt.NDArray[np.int16], worth: Singles) -> Flags:
    """Return (C, T) whether each cell is off the air on its cheapest way.

    Args:
        came: (side, T, C) the period in which the stretch that ends here was entered; -1 where the
            side stood one period before.
        worth: (side, C) of ending on a side.
    """
    _, periods, cells = came.shape
    every = np.arange(cells)
    side = worth.argmin(axis=0)
    entered = np.full(cells, periods, dtype=np.int16)
    is_off = np.zeros((cells, periods), dtype=bool)
    for period in range(periods - 1, -1, -1):
        decides = entered > period
        begun = came[side, period, every]
        entered = np.where(decides & (begun >= 0), begun, entered)
        is_off[:, period] = side == 1
        flips = entered == period
        side = np.where(flips, 1 - side, side)
        entered[flips] = periods
    return is_off


def rows_of(prices: Prices) -> tuple[Singles, Singles, Singles]:
    """Return the prices of each kind of row."""
    return prices.room, prices.cover, prices.groups
