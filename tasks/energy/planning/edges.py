"""How users at a cell's edge fare: their signal as measured, and as the load around them has it.

Interference raises what disturbs; a cell's edge falls with the load of the cells around by as much
as its measured hours tell. Users that are moved there hear it better or worse than its own do; the
map of published facts tells by how much.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from tasks.energy.planning.carrying import Pairs
from tasks.energy.planning.published_facts import TAIL, CellFacts
from tasks.energy.planning.radios import Radios
from tasks.twin import link

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]

_QUIET = 0.05
_USUAL_SLOPE = 0.7
_LEAST_HOURS = 6
_STEADY = 2.0
_SAME_FREQUENCY = 0.05
_LOWEST_DB, _HIGHEST_DB, _STEP_DB = -25.0, 45.0, 0.1
_LAYERS = 8


@dataclass(frozen=True)
class Edges:
    """The signal of users at the edge, by cell.

    Attributes:
        quiet_db: (C,) SINR at the edge while nobody around transmits data; NaN where unknown.
        slope: (C,) dB that it falls for each dB by which others become busier, 0 to 1.
        tail_db: (C, K) how far below that smaller parts of the percentile lie, as `TAIL` has them.
        around: (C, C) weight of the cells that disturb; a row sums to 1, or 0.
    """

    quiet_db: Floats
    slope: Floats
    tail_db: Floats
    around: csr_array

    def at(self, load: Floats) -> Floats:
        """Return the edge in dB (C, T) under the load (C, T) of all cells."""
        return self.quiet_db[:, None] - self.slope[:, None] * busier_db(self.around @ load)


def busier_db(load: Floats) -> Floats:
    """Return how much more a cell transmits than one without data, which still signals."""
    return np.asarray(10.0 * np.log10((_QUIET + (1.0 - _QUIET) * load) / _QUIET))


def edges_of(
    facts: CellFacts, pairs: Pairs, layer: Numbers, frequency_ghz: Floats, reference_load: float
) -> Edges:
    """Return edges from what was measured; of cells without reports, from the map.

    The map's edge of such a cell is shifted as those of the measured layer next in frequency are.

    Args:
        facts: load and edge by hour.
        pairs: with cells' own users, as the map has them.
        layer: (C,) band of each cell.
        frequency_ghz: (C,) of each cell.
        reference_load: of the cells around, at which pairs were computed.
    """
    count = len(facts.full_mbps)
    around = _around(pairs, layer, count)
    quiet_db, slope = _measured(facts.edge_db, busier_db(around @ np.nan_to_num(facts.load)))
    is_whole = np.isfinite(facts.tail_db).all(axis=1)
    quiet_db = np.where(is_whole, quiet_db, np.nan)
    tail_db = facts.tail_db.copy()
    own = pairs.booster == pairs.candidate
    mapped = np.full(count, np.nan)
    mapped[pairs.booster[own]] = pairs.edge_db[own]
    busier = float(busier_db(np.array(reference_load)))
    both = np.isfinite(quiet_db) & np.isfinite(mapped)
    for number in np.unique(layer[~np.isfinite(quiet_db)]):
        silent = (layer == number) & ~np.isfinite(quiet_db)
        away = np.abs(np.log(frequency_ghz / frequency_ghz[silent][0]))
        if not both.any():
            slope[silent], quiet_db[silent] = _USUAL_SLOPE, mapped[silent] + _USUAL_SLOPE * busier
            tail_db[silent] = 10.0 * np.log10(TAIL)  # as signals that fade like Rayleigh's do
            continue
        kin = both & (away <= away[both].min() + _SAME_FREQUENCY)
        shift = np.median(quiet_db[kin] - slope[kin] * busier - mapped[kin])
        slope[silent] = np.median(slope[kin])
        quiet_db[silent] = mapped[silent] + shift + slope[silent] * busier
        tail_db[silent] = np.median(tail_db[kin], axis=0)
    return Edges(quiet_db, slope, tail_db, around)


def _measured(edge_db: Floats, busier: Floats) -> tuple[Floats, Floats]:
    """Return edges without others' data and how they fall, NaN where few hours were measured."""
    is_told = np.isfinite(edge_db)
    hours = is_told.sum(axis=1)
    some = np.maximum(hours, 1)
    edge = np.where(is_told, edge_db, 0.0)
    mean_x = np.where(is_told, busier, 0.0).sum(axis=1) / some
    mean_y = edge.sum(axis=1) / some
    away_x = np.where(is_told, busier - mean_x[:, None], 0.0)
    away_y = np.where(is_told, edge - mean_y[:, None], 0.0)
    # Drawn toward the usual slope: hours that are alike tell little of it.
    fall = -(away_x * away_y).sum(axis=1) + _STEADY * _USUAL_SLOPE
    slope = np.clip(fall / ((away_x**2).sum(axis=1) + _STEADY), 0.0, 1.0)
    is_measured = hours >= _LEAST_HOURS
    return np.where(is_measured, mean_y + slope * mean_x, np.nan), slope


def rate_mbps(sinr_db: Floats, radios: Radios, cell: Numbers) -> Floats:
    """Return what a free cell gives a user at a SINR: Mbit/s, of all its resource blocks.

    Args:
        sinr_db: (E, T) of users; NaN gives 0.
        radios: of all cells.
        cell: (E,) that serves them.
    """
    place = np.rint((np.nan_to_num(sinr_db, nan=_LOWEST_DB) - _LOWEST_DB) / _STEP_DB)
    step = np.clip(place, 0, _TABLE.shape[1] - 1).astype(np.int64)
    layers = np.clip(radios.layers[cell], 1, _LAYERS).astype(np.int64)
    return np.asarray(_TABLE[layers[:, None], step] * radios.mbps_each[cell][:, None])


def _table() -> Floats:
    sinr_db = np.arange(_LOWEST_DB, _HIGHEST_DB, _STEP_DB)
    layers = np.arange(_LAYERS + 1)[:, None]
    return np.asarray(link.efficiency(sinr_db) * link.mean_rank(sinr_db, np.maximum(layers, 1)))


_TABLE = _table()


def _around(pairs: Pairs, layer: Numbers, count: int) -> csr_array:
    """Return who disturbs whom: those of a cell's layer, as they would take its users."""
    is_near = (pairs.booster != pairs.candidate) & (layer[pairs.booster] == layer[pairs.candidate])
    rows, columns, share = (part[is_near] for part in (pairs.booster, pairs.candidate, pairs.share))
    total = np.bincount(rows, share, count)
    data = share / np.maximum(total[rows], 1e-12)
    return csr_array((data, (rows, columns)), shape=(count, count))
