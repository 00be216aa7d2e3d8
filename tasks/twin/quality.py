"""Tables of what a cell's users experience under any load around them, from a tally.

A footprint's sums become means: spectral rate, CQI moments, uplink rate and outage, overlap.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.coverage import LOAD_GRID, RISE_GRID_DB, Tally
from tasks.twin.layout import Network
from tasks.twin.link import CQI_BINS, MCS_BINS, mcs_of_cqi

Array = npt.NDArray[np.floating[Any]]
Wide = npt.NDArray[np.floating[Any]]
Indexes = npt.NDArray[np.int64]

_LOW_CQI = 3
_LITTLE = 1e-9


@dataclass(frozen=True, slots=True)
class QualityTables:
    """By cell (first index) and grid step (second, where there is one).

    Attributes:
        rate: bit/s/Hz over all layers, equal volume for every user.
        cqi: share of reports at each CQI (third index).
        weak: share of users with weak SS-RSRP.
        uplink_rate: bit/s/Hz.
        uplink_outage: share of users that cannot reach the cell.
        overlap_inter: chance that a user stands where another site would serve as well.
        overlap_intra: the same, another cell of its own site.
    """

    rate: Array
    cqi: Array
    cqi_mean: Array
    cqi_square: Array
    cqi_low: Array
    mcs_mean: Array
    rsrp: Array
    weak: Array
    uplink_rate: Array
    uplink_outage: Array
    overlap_inter: Array
    overlap_intra: Array

    def rows(self, cells: Indexes) -> "QualityTables":
        """Return the tables of some cells."""
        return QualityTables(*(getattr(self, item.name)[cells] for item in fields(self)))


def quality_tables(network: Network, sums: Tally) -> QualityTables:
    """Return the tables of all cells; a cell without users has zeros."""
    weight = np.maximum(sums.weight, _LITTLE)
    cqi = sums.cqi / weight[:, None, None]
    index = np.arange(CQI_BINS)
    site = np.array([cell.site.index for cell in network.cells])
    is_own_site = site[:, None] == site[None, :]
    overlap = sums.handover / weight[:, None]
    np.fill_diagonal(overlap, 0.0)
    tables = (
        _mean_rate(weight, sums.inverse_rate),
        cqi,
        cqi @ index,
        cqi @ index**2,
        cqi[:, :, :_LOW_CQI].sum(axis=2),
        cqi @ (mcs_of_cqi() @ np.arange(MCS_BINS)),
        sums.rsrp / weight[:, None],
        sums.weak / weight,
        _mean_rate(weight, sums.uplink_inverse),
        sums.uplink_outage / weight[:, None],
        (overlap * ~is_own_site).sum(axis=1),
        (overlap * is_own_site).sum(axis=1),
    )  # fmt: skip
    return QualityTables(*(np.asarray(table, dtype=np.float32) for table in tables))


def _mean_rate(weight: Wide, inverse: Wide) -> Wide:
    """Return the harmonic mean: every user moves the same volume."""
    rate = weight[:, None] / np.maximum(inverse, _LITTLE)
    return np.where(inverse > _LITTLE, rate, 0.0)


def at_load(table: Array, load: Array) -> Array:
    """Return a table's value at each load: (periods, cells) from (cells, grid)."""
    return _interpolated(table, load, LOAD_GRID)


def at_rise(table: Array, rise_db: Array) -> Array:
    """Return a table's value at each uplink rise: (periods, cells) from (cells, grid)."""
    return _interpolated(table, rise_db, RISE_GRID_DB)


def _interpolated(table: Array, value: Array, grid: Wide) -> Array:
    steps = grid.astype(np.float32)
    held = np.clip(value, steps[0], steps[-1])
    low = np.clip(np.searchsorted(steps, held, side="right") - 1, 0, len(steps) - 2)
    part = (held - steps[low]) / (steps[low + 1] - steps[low])
    column = np.arange(table.shape[0])[None, :]
    below, above = table[column, low], table[column, low + 1]
    return np.asarray(below + part * (above - below), dtype=np.float32)
