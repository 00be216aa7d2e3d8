"""Rows solved whole: which of their cells may sleep together, weighed at a price for each.

A price on a row as a whole lets fractions of cells sleep. Here every row grants or refuses sleep to
each of its cells by itself, in sets that fit, and a price stands on each cell that sleeps without
the grant. Since prices are never negative, only sets that no other fitting set holds need be
weighed; they are found once. Of a row of many cells only the weightiest are looked at, which leaves
a bound a bound.

Source: M. Guignard, S. Kim, "Lagrangean decomposition", 1987.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array

from tasks.energy.planning.problem import Flags, Floats, Numbers
from tasks.energy.planning.terms import TOLERANCE, Terms

MOST_CELLS = 7
"""Cells of a row that are looked at; sets double with each."""

_LOOKED_AT = 8

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Spots:
    """Rows in periods, and their entries one after another.

    Attributes:
        key: (S,) row times T plus period.
        start: (S,) first entry of each.
        count: (S,) entries of each.
        load: (N,) of each entry, falling within a row.
        cell: (N,) of each entry.
    """

    key: Numbers
    start: Numbers
    count: Numbers
    load: Singles
    cell: Numbers


@dataclass(frozen=True)
class Clashes:
    """Which cells' sleep cover rows keep apart; keys are one cell times C plus another, rising.

    Attributes:
        pairs: keys of cells that never sleep at once.
        key: of entries of each cell's own row, the longest in which no other weighs more.
        load: what the other's sleep takes of that row's room.
        room: (C,) of that row.
    """

    pairs: Numbers
    key: Numbers
    load: Singles
    room: Singles

    def loads(self, one: Numbers, other: Numbers) -> Singles:
        """Return what the sleep of others takes of the room of ones' own rows."""
        if not len(self.key):
            return np.zeros(len(one), dtype=np.float32)
        wanted = one * len(self.room) + other
        place = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where(self.key[place] == wanted, self.load[place], np.float32(0))


class Grants:
    """All rows of one kind that can be missed, period by period.

    Attributes:
        spot: (S,) row times T plus period, of each row that can be missed in a period and that a
            price as a whole does not do justice.
        entry: (N,) place of each entry in (entries of the matrix, T), flat.
        sleeper: (N,) cell times T plus period of each entry.
        is_whole: (S,) all cells of the row that may sleep are looked at.
    """

    def __init__(
        self, matrix: coo_array, load: Floats, active: Flags, room: Floats, clash: Clashes
    ) -> None:
        """Lay the sets out.

        Args:
            matrix: (rows, C) of E entries, by row.
            load: (E, T) what each cell's sleep takes of the row's room.
            active: (E, T) whether it can bear on the row.
            room: (M, rows, T) room of the row in each of its modes; below 0 for no such mode.
            clash: which cells' sleep other rows keep apart.
        """
        periods = load.shape[1]
        entry, period = np.nonzero(active)
        key, weight = matrix.row[entry].astype(np.int64) * periods + period, load[entry, period]
        order = np.lexsort((-weight, key))
        if len(room) == 1:
            order = order[~_is_even_pair(key[order], weight[order])]
        entry, period, key, weight = entry[order], period[order], key[order], weight[order]
        self.spot, first, counts = np.unique(key, return_index=True, return_counts=True)
        rank = np.arange(len(key)) - np.repeat(first, counts)
        kept = rank < MOST_CELLS
        self.is_whole = counts <= MOST_CELLS
        counts = np.minimum(counts, MOST_CELLS)
        self.entry = (entry * periods + period)[kept]
        self.sleeper = (matrix.col[entry].astype(np.int64) * periods + period)[kept]
        self._rank = rank[kept].astype(np.uint8)
        self._place = np.repeat(np.arange(len(counts)), counts)
        self._shape = len(room), len(self.spot)
        spots = _Spots(
            self.spot,
            np.cumsum(counts) - counts,
            counts,
            weight[kept].astype(np.float32),
            matrix.col[entry][kept],
        )
        rooms = room.reshape(len(room), -1)[:, self.spot]
        alike = _runs(spots, rooms, periods)
        self._sets, self._key, self._bits = _table(spots, rooms, alike, clash)
        self._first = np.flatnonzero(np.diff(self._key, prepend=-1))
        self._last = np.append(self._first[1:], len(self._key))

    def dearest(self, price: Singles) -> tuple[Singles, npt.NDArray[np.uint8]]:
        """Return by mode and row the most that granted sleep is worth, and the set granted.

        Args:
            price: (N,) of each entry, from 0 up.
        """
        worth = np.zeros(self._shape, dtype=np.float32)
        chosen = np.zeros(self._shape, dtype=np.uint8)
        if len(self._first):
            values = self._sets @ price
            best = np.maximum.reduceat(values, self._first)
            worth.reshape(-1)[self._key[self._first]] = best
            dearest = np.flatnonzero(values == np.repeat(best, self._last - self._first))
            chosen.reshape(-1)[self._key[dearest]] = self._bits[dearest]
        return worth, chosen

    def granted(self, chosen: npt.NDArray[np.uint8]) -> Flags:
        """Return (N,) whether each entry is granted, from the set of each row."""
        return np.asarray((chosen[self._place] >> self._rank) & 1, dtype=bool)


def clashes(terms: Terms) -> Clashes:
    """Return what cover rows keep apart. Of rows of many cells the weightiest are looked at."""
    weight = terms.weight.tocoo()
    count = weight.shape[1]
    order = np.lexsort((-weight.data, weight.row))
    row, cell, load = weight.row[order], weight.col[order].astype(np.int64), weight.data[order]
    size = np.bincount(row, minlength=weight.shape[0])
    place = np.arange(len(row)) - (np.cumsum(size) - size)[row]
    slack = np.asarray(terms.weight.sum(axis=1)).reshape(-1) - terms.need.min(
        axis=1, initial=np.inf
    )
    pairs = [np.zeros(0, dtype=np.int64)]
    for step in range(1, _LOOKED_AT):
        one = np.flatnonzero((place + step < _LOOKED_AT) & (place + step < size[row]))
        never = one[load[one] + load[one + step] > slack[row[one]] + TOLERANCE]
        here, there = cell[never], cell[never + step]
        pairs += [here * count + there, there * count + here]
    own = np.full(count, -1)
    heaviest = np.flatnonzero(place == 0)
    heaviest = heaviest[np.argsort(size[row[heaviest]], kind="stable")]
    own[cell[heaviest]] = row[heaviest]
    owner = np.full(weight.shape[0], -1, dtype=np.int64)
    owner[own[own >= 0]] = np.flatnonzero(own >= 0)
    kept = owner[row] >= 0
    key = owner[row[kept]] * count + cell[kept]
    sorted_ = np.argsort(key)
    return Clashes(
        np.unique(np.concatenate(pairs)),
        key[sorted_],
        load[kept][sorted_].astype(np.float32),
        np.where(own >= 0, slack[own] if len(slack) else np.inf, np.inf).astype(np.float32),
    )


def _is_even_pair(key: Numbers, weight: Floats) -> Flags:
    """Return which entries are of rows of two cells of one weight: a price on the row says all."""
    _, first, place, counts = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    last = np.minimum(first + 1, len(key) - 1)
    is_even = (counts == 2) & (weight[first] == weight[last])
    return np.asarray(is_even[place])


def _runs(spots: _Spots, rooms: Floats, periods: int) -> Numbers:
    """Return (S,) for each row and period the first of a run of periods that are all alike."""
    count = len(spots.key)
    if not count:
        return np.zeros(0, dtype=np.intp)
    follows = np.zeros(count, dtype=bool)
    follows[1:] = (np.diff(spots.key) == 1) & (spots.key[1:] % periods > 0)
    follows[1:] &= (np.diff(spots.count) == 0) & (rooms[:, 1:] == rooms[:, :-1]).all(axis=0)
    step = np.repeat(spots.count, spots.count)
    place = np.arange(len(spots.cell))
    earlier = np.maximum(place - step, 0)
    same = (spots.cell == spots.cell[earlier]) & (spots.load == spots.load[earlier])
    follows &= np.logical_and.reduceat(same, spots.start)
    return np.maximum.accumulate(np.where(follows, 0, np.arange(count)))


def _table(
    spots: _Spots, rooms: Floats, alike: Numbers, clash: Clashes
) -> tuple[csr_array, Numbers, npt.NDArray[np.uint8]]:
    """Return the largest sets as rows of a matrix (sets, N), their keys, and their bits.

    A key is mode times S plus the place of the row among the spots.
    """
    first = np.unique(alike)
    modes, kinds, bits = [], [], []
    for size in range(1, MOST_CELLS + 1):
        rows = first[spots.count[first] == size]
        for mode, place, found in _largest(spots, rows, rooms, clash):
            modes.append(np.full(len(place), mode))
            kinds.append(place)
            bits.append(found)
    if not kinds:
        nothing = np.zeros(0, dtype=np.int64)
        return csr_array((0, len(spots.cell)), dtype=np.float32), nothing, nothing.astype(np.uint8)
    key = np.concatenate(modes) * len(spots.key) + np.concatenate(kinds)
    order = np.argsort(key, kind="stable")
    key, bit = key[order], np.concatenate(bits)[order].astype(np.uint8)
    # Every row of a run has the sets of its first.
    wanted = np.arange(len(rooms))[:, None] * len(spots.key) + alike
    begins, ends = (
        np.searchsorted(key, wanted, side=side).reshape(-1) for side in ("left", "right")
    )
    counts = ends - begins
    out = np.repeat(np.arange(len(counts)), counts)
    bit = bit[np.repeat(begins - np.cumsum(counts) + counts, counts) + np.arange(len(out))]
    held = ((bit[:, None] >> np.arange(MOST_CELLS, dtype=np.uint8)) & 1).astype(bool)
    start = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
    entry = spots.start[out % len(spots.key)].astype(np.int32)
    place, rank = np.nonzero(held)
    entries = entry[place] + rank.astype(np.int32)
    ones = np.ones(len(entries), dtype=np.float32)
    return csr_array((ones, entries, start), shape=(len(bit), len(spots.cell))), out, bit


def _largest(
    spots: _Spots, rows: Numbers, rooms: Floats, clash: Clashes
) -> list[tuple[int, Numbers, Numbers]]:
    """Return by mode the sets that fit and that no other fitting set holds: their rows and bits.

    Args:
        spots: all rows.
        rows: places of some with the same number of entries.
        rooms: (M, S) of all rows.
        clash: which cells' sleep other rows keep apart.
    """
    if not len(rows):
        return []
    size = int(spots.count[rows[0]])
    entry = spots.start[rows] + np.arange(size)[:, None]
    loads = _sums(spots.load[entry])
    member = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1 == 1
    peaceful = np.ones(loads.shape, dtype=bool)
    cell = spots.cell[entry].astype(np.int64)
    for one in range(size):
        taken = _sums(np.stack([clash.loads(cell[one], cell[other]) for other in range(size)]))
        crowded = taken > clash.room[cell[one]] + TOLERANCE
        for other in range(one):
            pair = np.isin(cell[one] * len(clash.room) + cell[other], clash.pairs)
            crowded |= member[:, other, None] & pair
        peaceful &= ~(member[:, one, None] & crowded)
    found: list[tuple[int, Numbers, Numbers]] = []
    for mode, room in enumerate(rooms[:, rows]):
        among = np.flatnonzero(room >= 0)
        fits = (loads[:, among] <= room[among] + TOLERANCE / 2) & peaceful[:, among]
        for one in range(size):
            fits[~member[:, one]] &= ~fits[member[:, one]]
        bits, place = np.nonzero(fits)
        found.append((mode, rows[among[place]], bits))
    return found


def _sums(values: Singles) -> Singles:
    """Return (2 ** D, K) the sum of each set of D values; set s holds value d if bit d is set."""
    sums = np.zeros((1 << len(values), values.shape[1]), dtype=np.float32)
    for place, value in enumerate(values):
        np.add(sums[: 1 << place], value, out=sums[1 << place : 2 << place])
    return sums
