"""Rows solved whole: which of their cells may sleep together, weighed at a price for each.

A price on a row as a whole lets fractions of cells sleep. Here every row grants or refuses sleep to
each of its cells by itself, in sets that fit, and a price stands on each cell that sleeps without
the grant. The dearest set that fits is found by trying all, for all rows of a size at once; of a
row of many cells only the weightiest are looked at, which leaves a bound a bound.

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
class _Alike:
    """Rows with the same number of cells, all their sets side by side.

    Attributes:
        rows: (K,) numbers of rows in `Grants.spot`.
        entry: (D, K) their entries.
        fitting: by mode the rows (places among K) that have it, and (2 ** D, ...) sets that fit.
    """

    rows: Numbers
    entry: Numbers
    fitting: tuple[tuple[Numbers, Flags], ...]


class Grants:
    """All rows of one kind that can be missed, period by period.

    Attributes:
        spot: (S,) row times T plus period, of each row that can be missed in a period.
        entry: (N,) place of each entry in (entries of the matrix, T), flat.
        sleeper: (N,) cell times T plus period of each entry.
        place: (N,) number of each entry's row in `spot`.
        is_whole: (S,) all cells of the row that may sleep are looked at.
    """

    def __init__(
        self, matrix: coo_array, load: Floats, active: Flags, room: Floats, clash: csr_array
    ) -> None:
        """Lay the sets out.

        Args:
            matrix: (rows, C) of E entries, by row.
            load: (E, T) what each cell's sleep takes of the row's room.
            active: (E, T) whether it can bear on the row.
            room: (M, rows, T) room of the row in each of its modes; below 0 for no such mode.
            clash: (C, C) cells that never sleep at once.
        """
        cell = matrix.col
        periods = load.shape[1]
        entry, period = np.nonzero(active)
        key, weight = matrix.row[entry].astype(np.int64) * periods + period, load[entry, period]
        order = np.lexsort((-weight, key))
        entry, period, key, weight = entry[order], period[order], key[order], weight[order]
        self.spot, first, counts = np.unique(key, return_index=True, return_counts=True)
        rank = np.arange(len(key)) - np.repeat(first, counts)
        place = np.repeat(np.arange(len(first)), counts)
        kept = rank < MOST_CELLS
        self.is_whole = counts <= MOST_CELLS
        self.entry = (entry * periods + period)[kept]
        self.sleeper = (cell[entry] * periods + period)[kept]
        self.place, self._rank, weight = place[kept], rank[kept].astype(np.uint8), weight[kept]
        rooms = room.reshape(len(room), -1)[:, self.spot]
        counts = np.minimum(counts, MOST_CELLS)
        start = np.cumsum(counts) - counts
        cells = cell[entry][kept]
        self._alike = [
            _alike(np.flatnonzero(counts == size), start, size, (weight, rooms, cells, clash))
            for size in range(1, MOST_CELLS + 1)
            if (counts == size).any()
        ]
        self._shape = len(room), len(self.spot)

    def dearest(self, price: Singles) -> tuple[Singles, npt.NDArray[np.uint8]]:
        """Return by mode and row the most that granted sleep is worth, and the set granted.

        Args:
            price: (N,) of each entry, from 0 up.
        """
        worth = np.zeros(self._shape, dtype=np.float32)
        chosen = np.zeros(self._shape, dtype=np.uint8)
        for alike in self._alike:
            sums = _sums(price[alike.entry])
            for mode, (among, fits) in enumerate(alike.fitting):
                if len(among):
                    told = sums if len(among) == sums.shape[1] else sums[:, among]
                    told = told * fits
                    best = told.argmax(axis=0)
                    chosen[mode, alike.rows[among]] = best
                    worth[mode, alike.rows[among]] = told[best, np.arange(len(among))]
        return worth, chosen

    def granted(self, chosen: npt.NDArray[np.uint8]) -> Flags:
        """Return (N,) whether each entry is granted, from the set of each row."""
        return np.asarray((chosen[self.place] >> self._rank) & 1, dtype=bool)


def clashes(terms: Terms) -> csr_array:
    """Return (C, C) pairs of cells of which some cover row never lets both sleep.

    Of rows of many cells the weightiest are looked at.
    """
    weight = terms.weight.tocoo()
    order = np.lexsort((-weight.data, weight.row))
    row, cell, load = weight.row[order], weight.col[order], weight.data[order]
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=weight.shape[0]))])
    slack = np.asarray(terms.weight.sum(axis=1)).reshape(-1) - terms.need.min(
        axis=1, initial=np.inf
    )
    place = np.arange(len(row)) - first[row]
    pairs = [np.zeros((2, 0), dtype=cell.dtype)]
    for step in range(1, _LOOKED_AT):
        one = np.flatnonzero((place + step < _LOOKED_AT) & (place + step < np.diff(first)[row]))
        never = one[load[one] + load[one + step] > slack[row[one]] + TOLERANCE]
        pairs += [np.stack([cell[never], cell[never + step]])]
    both = np.concatenate(pairs, axis=1)
    both = np.concatenate([both, both[::-1]], axis=1)
    count = terms.shape[0]
    return csr_array((np.ones(both.shape[1], dtype=bool), tuple(both)), shape=(count, count))


def _alike(
    rows: Numbers, start: Numbers, size: int, told: tuple[Floats, Floats, Numbers, csr_array]
) -> _Alike:
    weight, rooms, cells, clash = told
    entry = start[rows] + np.arange(size)[:, None]
    loads = _sums(weight[entry].astype(np.float32))
    member = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1 == 1
    peaceful = np.ones(loads.shape, dtype=bool)
    for one in range(size):
        for other in range(one):
            clashing = np.asarray(clash[cells[entry[one]], cells[entry[other]]]).reshape(-1)
            peaceful &= ~((member[:, one] & member[:, other])[:, None] & clashing)
    fitting = []
    for room in rooms[:, rows]:
        among = np.flatnonzero(room >= 0)
        fits = (loads[:, among] <= room[among] + TOLERANCE / 2) & peaceful[:, among]
        fitting.append((among, fits))
    return _Alike(rows, entry, tuple(fitting))


def _sums(values: Singles) -> Singles:
    """Return (2 ** D, K) the sum of each set of D values; set s holds value d if bit d is set."""
    sums = np.zeros((1 << len(values), values.shape[1]), dtype=np.float32)
    for place, value in enumerate(values):
        np.add(sums[: 1 << place], value, out=sums[1 << place : 2 << place])
    return sums
