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
from tasks.energy.planning.published_facts import CellFacts
from tasks.energy.planning.radios import Radios
from tasks.twin import link

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]

_QUIET = 0.05
_USUAL_SLOPE = 0.7
_LEAST_HOURS = 6
_STEADY = 2.0
_LOWEST_DB, _HIGHEST_DB, _STEP_DB = -25.0, 45.0, 0.1
_LAYERS = 8


@dataclass(frozen=True)
class Edges:
    """The signal of users at the edge, by cell.

    Attributes:
        quiet_db: (C,) SINR at the edge while nobody around transmits data; NaN where unknown.
        slope: (C,) dB that it falls for each dB by which others become busier, 0 to 1.
        around: (C, C) weight of the cells that disturb; a row sums to 1, or 0.
    """

    quiet_db: Floats
    slope: Floats
    around: csr_array

    def at(self, load: Floats) -> Floats:
        """Return the edge in dB (C, T) under the load (C, T) of all cells."""
        return self.quiet_db[:, None] - self.slope[:, None] * busier_db(self.around @ load)


def busier_db(load: Floats) -> Floats:
    """Return how much more a cell transmits than one without data, which still signals."""
    return np.asarray(10.0 * np.log10((_QUIET + (1.0 - _QUIET) * load) / _QUIET))


def edges_of(facts: CellFacts, pairs: Pairs, layer: Numbers, reference_load: float) -> Edges:
    """Return edges from what was measured; of cells without reports, from the map.

    Args:
        facts: load and edge by hour.
        pairs: with cells' own users, as the map has them.
        layer: (C,) band of each cell.
        reference_load: of the cells around, at which pairs were computed.
    """
    count = len(facts.full_mbps)
    around = _around(pairs, layer, count)
    load = np.nan_to_num(facts.load)
    busier = busier_db(around @ load)
    is_told = np.isfinite(facts.edge_db)
    hours = is_told.sum(axis=1)
    some = np.maximum(hours, 1)
    edge = np.where(is_told, facts.edge_db, 0.0)
    mean_x = np.where(is_told, busier, 0.0).sum(axis=1) / some
    mean_y = edge.sum(axis=1) / some
    away_x = np.where(is_told, busier - mean_x[:, None], 0.0)
    away_y = np.where(is_told, edge - mean_y[:, None], 0.0)
    # Ridge toward the usual slope: hours alike tell little of it.
    slope = (-(away_x * away_y).sum(axis=1) + _STEADY * _USUAL_SLOPE) / (
        (away_x**2).sum(axis=1) + _STEADY
    )
    slope = np.clip(slope, 0.0, 1.0)
    measured = mean_y + slope * mean_x
    own = pairs.booster == pairs.candidate
    mapped = np.full(count, np.nan)
    mapped[pairs.booster[own]] = pairs.edge_db[own] + _USUAL_SLOPE * float(
        busier_db(np.array(reference_load))
    )
    is_measured = hours >= _LEAST_HOURS
    both = is_measured & np.isfinite(mapped)
    lift = float(np.median(measured[both] - mapped[both])) if both.any() else 0.0
    return Edges(
        quiet_db=np.where(is_measured, measured, mapped + min(lift, 0.0)),
        slope=np.where(is_measured, slope, _USUAL_SLOPE),
        around=around,
    )


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
