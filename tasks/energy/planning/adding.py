"""Puts cells to sleep while nothing breaks: many at once, never two that bear on the same row.

A cell's worth is what a period costs less while it sleeps: its own power, less what its traffic
adds elsewhere, less the shallower mode that a candidate must take to find room. In each round every
cell whose sleep breaks nothing bids its worth for every row that it bears on; who wins all its rows
sleeps. Rounds end when nobody has anything to win.
"""

import numpy as np
import numpy.typing as npt

from tasks.energy.planning.problem import IS_OFF, Flags, Floats, Numbers
from tasks.energy.planning.terms import TOLERANCE, Terms, arriving, sleepers

Singles = npt.NDArray[np.float32]
_SAFE = TOLERANCE / 2
_ROUNDS = 60


class Sleeping:
    """Adds sleepers to plans of one problem."""

    def __init__(self, terms: Terms) -> None:
        """Keep what every round needs.

        Args:
            terms: of the problem; best reduced ones.
        """
        self.terms = terms
        on = ~IS_OFF
        may = terms.may[:, :, on]
        cost = np.where(may, terms.cost[:, :, on], np.inf)
        order = np.argsort(cost, axis=2)
        room = np.where(may, terms.room[:, :, on], -np.inf)
        # From the cheapest mode on the air to the dearest: (M, T, C).
        self.on_modes = np.ascontiguousarray(np.flatnonzero(on)[order].T.astype(np.int8))
        self.on_cost = _by_period(np.take_along_axis(cost, order, axis=2))
        self.on_room = _by_period(np.take_along_axis(room, order, axis=2))
        off = np.where(terms.may[:, :, IS_OFF], terms.cost[:, :, IS_OFF], np.inf)
        self.off_cost = _by_period(off.min(axis=2))
        self.off_mode = np.flatnonzero(IS_OFF)[off.argmin(axis=2)].astype(np.int8)
        self.own = _by_period(terms.own)
        self.could = terms.could_sleep & ~terms.held_off
        weight, share = terms.weight.tocoo(), terms.share.tocoo()
        self.cover = weight.row, weight.col, weight.data.astype(np.float32)
        self.ways = share.row, share.col, share.data.astype(np.float32)
        self.total = np.asarray(terms.weight.sum(axis=1)).reshape(-1)
        self.grouped = np.flatnonzero(terms.member >= 0)

    def filled(
        self,
        is_off: Flags,
        favor: Floats | Singles,
        periods: Numbers,
        wanted: Flags | None = None,
    ) -> Flags:
        """Return a plan with more sleepers in some periods; it keeps every row that it kept.

        Args:
            is_off: (C, T) off the air, dwell kept.
            favor: (C, T) positive factor of a cell's worth when it bids.
            periods: indices of the periods in which cells may be put to sleep.
            wanted: (C, T) cells that sleep first, where they may; None for those of the period
                before.
        """
        found = is_off.copy()
        for period in periods:
            first = found[:, period - 1] & (period > 0) if wanted is None else wanted[:, period]
            self._fill(found, np.asarray(favor[:, period], np.float32), int(period), first)
        return found

    def modes(self, is_off: Flags) -> Numbers:
        """Return (C, T) the cheapest modes with room for what arrives."""
        came = arriving(self.terms, is_off).astype(np.float32).T
        chosen = np.zeros(came.shape, dtype=np.int8)
        for number in range(len(self.on_room) - 1, -1, -1):
            fits = self.on_room[number] >= came - _SAFE
            chosen[fits] = self.on_modes[number][fits]
        return np.where(is_off, self.off_mode, chosen.T).astype(np.int8)

    def _fill(self, is_off: Flags, favor: Singles, period: int, wanted: Flags) -> None:
        """Put cells to sleep in a period, and as long after as a sleep must last."""
        for end in sorted({int(self.terms.off_last[period]), period}, reverse=True):
            may = may_sleep(self.terms, is_off, period, end)
            may &= (self.could & ~is_off)[:, period : end + 1].all(axis=1)
            if may.any():
                states = [_Period(self, is_off, when) for when in range(period, end + 1)]
                switched = self._switched(is_off, period, end)
                if end == period:
                    stays = states[0].stays(may & wanted)
                    is_off[stays, period] = True
                    may &= ~stays
                is_off[self._joined(may, states, switched, favor), period : end + 1] = True

    def _joined(
        self, may: Flags, states: "list[_Period]", switched: Singles, favor: Singles
    ) -> Flags:
        """Return (C,) the cells that fall asleep in the periods of all the states at once."""
        joined = np.zeros(len(may), dtype=bool)
        for _ in range(_ROUNDS):
            for state in states:
                state.narrow(may)
                may &= state.fits(may)
            worth = -switched
            for state in states:
                worth = worth + state.worth(may)
            may &= worth > 0
            if not may.any():
                break
            chosen = self._winners(may, states, worth * favor)
            may &= ~chosen
            joined |= chosen
            for state in states:
                state.take(chosen)
        return joined

    def _switched(self, is_off: Flags, first: int, last: int) -> Singles:
        """Return (C,) what leaving and entering the air costs more when asleep in between."""
        terms = self.terms
        before = is_off[:, first - 1] if first else terms.was_off
        leaves, enters = self._crossing(first)
        extra = np.where(before, -enters, leaves)
        if last + 1 < terms.shape[1]:
            leaves, enters = self._crossing(last + 1)
            extra = extra + np.where(is_off[:, last + 1], -leaves, enters)
        return extra.astype(np.float32)

    def _crossing(self, period: int) -> tuple[Floats, Floats]:
        """Return (C,) what leaving the air in a period costs, and entering it."""
        terms, every = self.terms, np.arange(self.terms.shape[0])
        price = terms.price[period]
        leaves = terms.switch[every, self.off_mode[:, period]] * price
        return leaves, terms.switch[every, self.on_modes[0, period]] * price

    def _winners(self, may: Flags, states: "list[_Period]", bid: Singles) -> Flags:
        """Return the cells that bid most on every row they bear on."""
        place = np.zeros(len(may), dtype=np.int32)
        bidders = np.flatnonzero(may)
        place[bidders[np.argsort(bid[bidders], kind="stable")]] = np.arange(1, len(bidders) + 1)
        wins = may.copy()
        grouped = self.grouped[may[self.grouped]]
        member = self.terms.member[grouped], grouped, len(self.terms.most_off)
        rows = [member]
        for state in states:
            rows.append((state.cover[0], state.cover[1], len(state.margin)))
            rows.append((state.ways[0], state.ways[1], len(may)))
        for row, cell, count in rows:
            most = np.zeros(count, dtype=np.int32)
            np.maximum.at(most, row, place[cell])
            wins[cell[most[row] > place[cell]]] = False
        return wins


class _Period:
    """What the rows of one period have left, for the cells that may still sleep."""

    def __init__(self, sleeping: Sleeping, is_off: Flags, period: int) -> None:
        terms = sleeping.terms
        self.is_off = is_off[:, period].copy()
        asleep = self.is_off.astype(float)
        self.margin = sleeping.total - terms.weight @ asleep - terms.need[:, period]
        self.came = terms.share @ (terms.own[:, period] * asleep)
        self.left = terms.most_off[:, period] - sleepers(terms, self.is_off)
        self.grouped, self.member = sleeping.grouped, terms.member
        self.on_cost = sleeping.on_cost[:, period]
        self.on_room = sleeping.on_room[:, period]
        self.off_cost = sleeping.off_cost[period]
        self.most_room = self.on_room.max(axis=0)
        self.cover = sleeping.cover
        taker, giver, part = sleeping.ways
        self.ways = taker, giver, part * sleeping.own[period][giver]

    def narrow(self, may: Flags) -> None:
        """Forget the rows of cells that may no longer sleep, and of takers that do."""
        row, cell, load = self.cover
        kept = may[cell]
        self.cover = row[kept], cell[kept], load[kept]
        taker, giver, moved = self.ways
        kept = may[giver] & ~self.is_off[taker] & (moved > 0)
        self.ways = taker[kept], giver[kept], moved[kept]

    def stays(self, wanted: Flags) -> Flags:
        """Put those to sleep who may all do so together, and return them.

        Where a row would not hold, none of its cells is among them.
        """
        row, cell, load = self.cover
        given = np.bincount(row, load * wanted[cell], len(self.margin))
        taker, giver, moved = self.ways
        # Those wanted count as on the air too: some of them will be.
        heard = ~self.is_off[taker] & (moved > 0)
        came = self.came + np.bincount(taker, moved * (wanted[giver] & heard), len(wanted))
        full = came > self.most_room + _SAFE
        stays = wanted.copy()
        stays[cell[(given > self.margin + _SAFE)[row]]] = False
        stays[giver[full[taker] & heard]] = False
        counts = np.bincount(self.member[self.grouped], wanted[self.grouped], len(self.left))
        stays[self.grouped[(counts > self.left)[self.member[self.grouped]]]] = False
        self.take(stays)
        return stays

    def fits(self, may: Flags) -> Flags:
        """Return which cells' sleep breaks no row."""
        fits = may.copy()
        row, cell, load = self.cover
        fits[cell[load > self.margin[row] + _SAFE]] = False
        taker, giver, moved = self.ways
        fits[giver[self.came[taker] + moved > self.most_room[taker] + _SAFE]] = False
        fits[self.grouped[self.left[self.member[self.grouped]] < 1]] = False
        return fits

    def worth(self, may: Flags) -> Singles:
        """Return (C,) what the period costs less while a cell sleeps, 0 for those not asked for."""
        worth = np.zeros(len(may), np.float32)
        cell = np.flatnonzero(may)
        worth[cell] = self._on_cost(cell, self.came[cell]) - self.off_cost[cell]
        taker, giver, moved = self.ways
        came = self.came[taker]
        deeper = self._on_cost(taker, came + moved) - self._on_cost(taker, came)
        worth -= np.bincount(giver, deeper, len(may)).astype(np.float32)
        return np.where(may, worth, np.float32(0))

    def take(self, chosen: Flags) -> None:
        """Put cells to sleep."""
        row, cell, load = self.cover
        taken = chosen[cell]
        np.subtract.at(self.margin, row[taken], load[taken])
        taker, giver, moved = self.ways
        taken = chosen[giver]
        np.add.at(self.came, taker[taken], moved[taken])
        np.subtract.at(self.left, self.member[chosen & (self.member >= 0)], 1)
        self.is_off |= chosen

    def _on_cost(self, cell: Numbers, came: Floats) -> Singles:
        """Return what the cheapest mode on the air with room for so much costs."""
        cost = self.on_cost[0][cell]
        for number in range(1, len(self.on_cost)):
            full = self.on_room[number - 1][cell] < came - _SAFE
            if not full.any():
                break
            dearer = self.on_cost[number][cell]
            cost = np.where(full & np.isfinite(dearer), dearer, cost)
        return np.asarray(cost)


def _by_period(values: Floats) -> Singles:
    """Return (C, T[, M]) values as ([M,] T, C)."""
    return np.ascontiguousarray(values.T, np.float32)


def may_sleep(terms: Terms, is_off: Flags, first: int, last: int) -> Flags:
    """Return (C,) where sleeping from one period to another as well keeps every dwell."""
    periods = is_off.shape[1]
    before = is_off[:, first - 1] if first else terms.was_off
    until = int(terms.off_last[first])
    may = before | is_off[:, last + 1 : until + 1].all(axis=1)
    for entered in range(first):
        if terms.on_last[entered] >= first:
            stood = is_off[:, entered - 1] if entered else terms.was_off
            may &= before | ~(stood & ~is_off[:, entered])
    if last + 1 < periods:
        until = int(terms.on_last[last + 1])
        may &= is_off[:, last + 1] | ~is_off[:, last + 2 : until + 1].any(axis=1)
    return may
