"""Rows that keep ground covered: at every point enough of those that are heard must be on the air.

A user who is covered while all cells are on must stay covered, indoors and outdoors. Shadow fading
is not known point by point. It is one for all carriers of a site, so a site covers a point as well
as its loudest carrier on the air; between sites it varies. The chance that no site is heard is a
product over sites, its logarithm a sum: so a row adds what each cell takes off that logarithm.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import log_ndtr

from tasks.energy.planning.ground import NOBODY, HeardGround

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

_STEPS = 4
"""A cell's part of a row is told in so many steps, rounded down: few rows then differ."""

_PARTS = (0.0, 0.5, 1.0)
"""Of the margin. Ground that no cell reaches with all of it has users who are covered with less."""

_MOST = 30.0
_NOBODY_COVERED = 0.9
_ROWS_AT_ONCE = 4_000


@dataclass(frozen=True)
class CoverMargins:
    """How surely ground must stay covered.

    Attributes:
        threshold_dbm: below which a user finds no cell.
        margin_db: that is asked beyond it, for what nobody surveyed.
        scatter_db: of what a site's fading differs by from point to point.
        most_newly: chance of being newly uncovered that a user may be left with.
    """

    threshold_dbm: float
    margin_db: float
    scatter_db: float
    most_newly: float


def ground_rows(
    ground: HeardGround, site: Numbers, wall_db: Floats, margins: CoverMargins, is_sure: Flags
) -> csr_array:
    """Return rows (R, C) of which the cells on the air must sum to at least 1 each.

    Args:
        ground: what points hear.
        site: (C,) of each cell.
        wall_db: (C,) what an outer wall takes of its carrier.
        margins: how surely ground must stay covered.
        is_sure: (C,) cells that are always on the air; a row that they satisfy is left out.
    """
    found = [
        _minimal(_rows_of(ground.between(first, first + _ROWS_AT_ONCE), site, asked, margins))
        for wall in (np.zeros_like(wall_db), wall_db)
        for asked in (margins.threshold_dbm + margins.margin_db * part + wall for part in _PARTS)
        for first in range(0, ground.points, _ROWS_AT_ONCE)
    ]
    steps = _stacked(found, len(site))
    sure = steps @ is_sure.astype(np.float64)
    return csr_array(_minimal(steps[sure < _STEPS]) * (1.0 / _STEPS))


def _rows_of(
    ground: HeardGround, site: Numbers, asked_dbm: Floats, margins: CoverMargins
) -> csr_array:
    """Return a row of whole steps for each point; `_STEPS` in sum satisfy it.

    Args:
        ground: the points.
        site: (C,) of each cell.
        asked_dbm: (C,) power outdoors at which the cell counts as heard.
        margins: how surely.
    """
    is_cell = ground.cell != NOBODY
    cell = np.where(is_cell, ground.cell, 0)
    place = np.where(is_cell, site[cell], -1 - np.arange(cell.shape[1])[None, :])
    above = (ground.received_dbm - asked_dbm[cell]) / margins.scatter_db
    hears = np.where(is_cell, np.minimum(-log_ndtr(-above), _MOST), 0.0)
    is_loudest = _is_loudest(hears, place)
    nobody = np.exp(-np.where(is_loudest, hears, 0.0).sum(axis=1))
    need = -np.log(np.minimum(nobody + margins.most_newly, 1.0))
    matters = (nobody < _NOBODY_COVERED) & (need > 0.0)
    part = np.minimum(hears / np.maximum(need, 1e-9)[:, None], 1.0)
    # Carriers of a site add nothing to one another: of those too weak alone, one counts.
    is_weak = part < 1.0
    part = np.where(is_weak & ~_is_loudest(np.where(is_weak, part, 0.0), place), 0.0, part)
    steps = np.floor(_STEPS * part + 1e-9) * matters[:, None]
    row, slot = np.nonzero(steps)
    shape = (ground.points, len(site))
    return csr_array((steps[row, slot], (row, cell[row, slot])), shape=shape)


def _is_loudest(value: Floats, place: Numbers) -> Flags:
    """Return whether a value is its row's first largest of its place."""
    is_loudest = np.ones(value.shape, dtype=bool)
    width = value.shape[1]
    for one in range(width):
        for other in range(one):
            same = place[:, one] == place[:, other]
            is_less = value[:, one] <= value[:, other]
            is_loudest[:, one] &= ~(same & is_less)
            is_loudest[:, other] &= ~(same & ~is_less)
    return is_loudest


def _minimal(steps: csr_array) -> csr_array:
    """Return the rows that no other row implies; none that asks for nothing.

    A row implies another whose every cell weighs at least as much. Rows ask for `_STEPS`, or for
    all they have, where that is less.
    """
    return _undominated(_unique(_filled(steps)))


def _filled(steps: csr_array) -> csr_array:
    """Return rows that can be satisfied: where all cells together fall short, all are needed."""
    total = np.asarray(steps.sum(axis=1)).ravel()
    rows = np.flatnonzero(total > 0)
    steps, total = csr_array(steps[rows]), total[rows]
    lacking = np.maximum(_STEPS - total, 0.0)
    count = np.diff(steps.indptr)
    # What lacks is given to the row's first cell; with all on, the row then holds exactly.
    filled = steps.copy()
    filled.data[filled.indptr[:-1][count > 0]] += lacking
    return filled


def _unique(steps: csr_array) -> csr_array:
    """Return each row once."""
    if steps.shape[0] < 2:
        return steps
    ordered = steps.sorted_indices()
    # Two random sums per row tell rows apart; equal rows have equal sums exactly.
    rng = np.random.default_rng(0)
    marks = ordered @ rng.random((ordered.shape[1], 2))
    _, first = np.unique(np.round(marks, 9), axis=0, return_index=True)
    return csr_array(ordered[np.sort(first)])


def _undominated(steps: csr_array) -> csr_array:
    """Return the rows that no other, different row implies."""
    if steps.shape[0] < 2:
        return steps
    levels = csr_array(_levels(steps))
    size = np.asarray(levels.sum(axis=1)).ravel()
    shared = csr_array(levels @ levels.T).tocoo()
    implies = (shared.row != shared.col) & (shared.data >= size[shared.row] - 1e-9)
    implied = np.unique(shared.col[implies])
    return csr_array(steps[np.setdiff1d(np.arange(steps.shape[0]), implied)])


def _levels(steps: csr_array) -> csr_array:
    """Return 0 and 1 by cell and step: a cell of 3 steps has the first three."""
    told = steps.tocoo()
    count = told.data.astype(np.int64)
    row, cell = np.repeat(told.row, count), np.repeat(told.col, count)
    first = np.repeat(np.cumsum(count) - count, count)
    step = np.arange(len(row)) - first
    data = np.ones(len(row), dtype=np.float32)
    shape = (steps.shape[0], steps.shape[1] * _STEPS)
    return csr_array((data, (row, cell * _STEPS + step)), shape=shape)


def _stacked(parts: list[csr_array], cells: int) -> csr_array:
    from scipy.sparse import vstack  # noqa: PLC0415 - one use

    return csr_array(vstack([*parts, csr_array((0, cells))]))
