"""The planning problem with prices on its rows: what is left falls apart into single cells.

Each row of moved work, cover and groups is given up; whoever misses it pays a price. At any prices
from 0 up, the cheapest choice of every cell by itself, less what the rows allow, costs no more than
any plan that keeps the rows: a bound. Rows of few cells are solved whole (see `grants`), those of
moved work together with the mode of the cell that takes it. Each cell's cheapest choice, dwell
included, is found by dynamic programming over the periods, for all cells at once.

Source: A. M. Geoffrion, "Lagrangean relaxation for integer programming", 1974.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.energy.planning.grants import Grants, clashes
from tasks.energy.planning.parts import Parts
from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Prices
from tasks.energy.planning.terms import Terms, arriving, sleepers

_NEVER = np.float32(1e6)
"""Cost, in units of the dearest single choice, of what may not be chosen."""

_LOST = 2e-6
"""Share of a bound given away for rounding."""

Singles = npt.NDArray[np.float32]


class Duals(NamedTuple):
    """Prices, or what they are paid for, of every row: those of `Prices`, its grants as a list.

    Attributes:
        room: (C, T) moved work.
        cover: (R, T) cover.
        groups: (G, T) groups.
        ways: by entry of the grants of moved work.
        heard: by entry of the grants of cover.
    """

    room: Singles
    cover: Singles
    groups: Singles
    ways: Singles
    heard: Singles


@dataclass(frozen=True)
class Answer:
    """The cheapest choice of each cell by itself at given prices.

    Attributes:
        worth: (C,) what each cell's choice costs, prices included.
        granted: by row of the grants of cover, what they are worth.
        is_off: (C, T) cells off the air.
        missed: by how much each row is missed, negative where it is kept.
    """

    worth: Floats
    granted: Floats
    is_off: Flags
    missed: Duals


class Relaxation:
    """Answers prices; made once for a problem.

    Attributes:
        terms: of the problem.
        unit: of cost in which prices are told.
        binds: 1 for rows that can be missed at all, else 0.
        priced: 1 for rows that have a price as a whole, else 0.
    """

    def __init__(self, terms: Terms) -> None:
        """Keep what answering needs.

        Args:
            terms: best reduced ones.
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
        self._ways, self._heard = self._granting(could)
        priced = self.binds.room.copy(), self.binds.cover.copy()
        for rows, grants in zip(priced, (self._ways, self._heard), strict=True):
            rows.reshape(-1)[grants.spot[grants.is_whole]] = 0.0
        self.priced = Duals(
            *priced,
            self.binds.groups,
            np.ones(len(self._ways.entry), np.float32),
            np.ones(len(self._heard.entry), np.float32),
        )

    def _granting(self, could: Flags) -> tuple[Grants, Grants]:
        """Return the grants of moved work and of cover."""
        terms, on = self.terms, ~IS_OFF
        ways, weight = terms.share.tocoo(), terms.weight.tocoo()
        load = ways.data[:, None] * terms.own[ways.col]
        active = could[ways.col] & (load > 0) & (self.binds.room[ways.row] > 0)
        # Off the air is a mode in which whatever arrives finds room elsewhere.
        rooms = np.where(terms.may[:, :, on], terms.room[:, :, on], -1.0)
        room = np.concatenate([rooms, np.where(could, np.inf, -1.0)[:, :, None]], axis=2)
        clash = clashes(terms)
        moved = Grants(ways, load, active, np.moveaxis(room, 2, 0), clash)
        load = np.repeat(weight.data[:, None], terms.shape[1], axis=1)
        active = could[weight.col] & (load > 0) & (self.binds.cover[weight.row] > 0)
        return moved, Grants(weight, load, active, self._slack[None], clash)

    def duals(self, prices: Prices | None) -> Duals:
        """Return prices in the terms of this relaxation; 0 where they tell of other rows."""
        found = [np.zeros_like(rows) for rows in self.priced]
        if prices is not None:
            given = [prices.room, prices.cover, prices.groups]
            for number, rows in enumerate(given):
                if rows.shape == found[number].shape:
                    found[number] = (rows / self.unit).astype(np.float32)
            shapes = [(matrix.nnz, self.terms.shape[1]) for matrix in (self._share, self._weight)]
            kinds = zip((prices.ways, prices.heard), (self._ways, self._heard), strict=True)
            for number, (entries, grants) in enumerate(kinds):
                if entries is not None and entries.shape == shapes[number]:
                    told = entries.reshape(-1)[grants.entry] / self.unit
                    found[number + 3] = told.astype(np.float32)
        return Duals(*found)

    def prices(self, duals: Duals) -> Prices:
        """Return prices in cost, to be kept with a plan."""
        entries = []
        for grants, matrix, rows in (
            (self._ways, self._share, duals.ways),
            (self._heard, self._weight, duals.heard),
        ):
            entry = np.zeros((matrix.nnz, self.terms.shape[1]), np.float32)
            entry.reshape(-1)[grants.entry] = rows * self.unit
            entries.append(entry)
        return Prices(
            duals.room * self.unit, duals.cover * self.unit, duals.groups * self.unit, *entries
        )

    def typical(self) -> tuple[float, Singles]:
        """Return what a period of sleep saves, and (C, T) work that one sleeper moves to each."""
        could = self.terms.could_sleep
        saved = (self._on_cost.min(axis=0) - self._off_cost)[could]
        ways = (self._share > 0).astype(np.float32) @ could.astype(np.float32)
        return float(max(np.median(saved), 1e-6)) if saved.size else 1.0, self._most / np.maximum(
            ways, 1.0
        )

    def answer(self, prices: Duals) -> Answer:
        """Return the cheapest choices at prices in units of `unit`, from 0 up."""
        worth, sets = self._ways.dearest(prices.ways)
        mode, on_cost = self._awake(prices, worth)
        heard, heard_sets = self._heard.dearest(prices.heard)
        is_off, cost = self._cheapest(on_cost, self._asleep(prices, worth[-1]))
        missed = self._missed(is_off, mode)
        spot, every = self._ways.spot, np.arange(len(self._ways.spot))
        chosen = sets[np.where(is_off, len(self._on_cost), mode).reshape(-1)[spot], every]
        for grants, granted in ((self._ways, chosen), (self._heard, heard_sets[0])):
            asleep = is_off.reshape(-1)[grants.sleeper].astype(np.float32)
            missed.append(asleep - grants.granted(granted))
        return Answer(cost, heard[0], is_off, Duals(*missed))

    def _awake(self, prices: Duals, worth: Singles) -> tuple[npt.NDArray[np.int8], Singles]:
        """Return (C, T) the cheapest mode on the air, and its cost."""
        mode = np.zeros(self.terms.shape, dtype=np.int8)
        least = np.full(self.terms.shape, np.inf, dtype=np.float32)
        for number in range(len(self._on_cost)):
            cost = self._on_cost[number] - prices.room * self._room[number]
            cost.reshape(-1)[self._ways.spot] -= worth[number]
            mode[cost < least] = number
            np.minimum(least, cost, out=least)
        return mode, least

    def _asleep(self, prices: Duals, worth: Singles) -> Singles:
        """Return (C, T) the cost of being off the air; `worth` is of what is granted then."""
        cost = self._off_cost + self._own * (self._given @ prices.room)
        cost -= prices.room * self._most
        cost += self._weighed @ prices.cover
        cost[self._grouped] += prices.groups[self.terms.member[self._grouped]]
        flat = cost.reshape(-1)
        for grants, paid in ((self._ways, prices.ways), (self._heard, prices.heard)):
            flat += np.bincount(grants.sleeper, paid, len(flat)).astype(np.float32)
        flat[self._ways.spot] -= worth
        return np.asarray(cost)

    def _missed(self, is_off: Flags, mode: npt.NDArray[np.int8]) -> list[Singles]:
        """Return by how much rows are missed."""
        room = np.take_along_axis(self._room, mode[None], axis=0)[0]
        counted = is_off.astype(np.float32)
        return [
            self._share @ (self._own * counted) - np.where(is_off, self._most, room),
            self._weight @ counted - self._slack,
            (sleepers(self.terms, counted) - self.terms.most_off).astype(np.float32),
        ]

    def bounds(self, prices: Duals, answer: Answer, parts: Parts) -> Floats:
        """Return (N,) costs that no plan of each independent part goes below."""
        found = np.bincount(parts.cell, answer.worth.astype(float), parts.count)
        allowed = (prices.cover * self._slack).sum(axis=1, dtype=float)
        found -= np.bincount(parts.row, allowed, parts.count)
        allowed = (prices.groups * self.terms.most_off).sum(axis=1, dtype=float)
        found -= np.bincount(parts.group, allowed, parts.count)
        row = self._heard.spot // max(self.terms.shape[1], 1)
        found -= np.bincount(parts.row[row], answer.granted.astype(float), parts.count)
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
