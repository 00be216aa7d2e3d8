"""How soon each kind of fault is found at a bounded rate of false findings, and why some are not.

The clock of a fault starts in the first period in which it is measurable in any cell: some kinds
grow for hours before. `effect` is the truth's: 1 is just beyond what counting scatters by, three
standard deviations of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.evaluation.operating_points import (
    MergeRule,
    called,
    found_cells,
    merged,
    operating_point,
    true_findings,
)
from tasks.evaluation.truth import Fault, ScoredGrid

Floats = npt.NDArray[np.floating]

SOON = 4
"""Periods within which a fault should be found."""

CLEAR = 3.0
"""The effect that a fault must reach in some cell within `SOON` periods to be called clear."""

_THRESHOLDS = np.geomspace(2.0, 60.0, 120)


@dataclass(frozen=True, slots=True)
class Found:
    """One fault at one threshold.

    Attributes:
        kind: of the fault.
        delay: periods from the first measurable one to the first in a true finding; inf if missed.
        cells_found, cells: of those that it touches measurably.
        early_effect: largest effect in any cell within the first `SOON` measurable periods.
        effect: largest effect in any cell.
    """

    kind: str
    delay: float
    cells_found: int
    cells: int
    early_effect: float
    effect: float


def threshold_for(
    grids: Sequence[ScoredGrid], scores: Sequence[Floats], rule: MergeRule, most_false: float
) -> float:
    """Return the lowest threshold with at most so many false findings per cell-day in all towns."""
    days = sum(grid.cell_days for grid in grids)
    for threshold in _THRESHOLDS:
        points = [
            operating_point(grid, one, float(threshold), rule)
            for grid, one in zip(grids, scores, strict=True)
        ]
        pairs = zip(points, grids, strict=True)
        if sum(point.false_findings * grid.cell_days for point, grid in pairs) <= most_false * days:
            return float(threshold)
    return float(_THRESHOLDS[-1])


def found_faults(
    grid: ScoredGrid, scores: Floats, effects: Floats, threshold: float, rule: MergeRule
) -> list[Found]:
    """Return every fault of a grid as it is found at a threshold.

    Args:
        grid: the truth.
        scores: [cells, periods].
        effects: as `effects_on` returns them.
        threshold: a finding begins there.
        rule: how periods become findings.
    """
    findings = merged(scores, threshold, rule)
    true = findings.only(true_findings(grid, findings))
    is_called = called(true, scores.shape)
    rows = []
    for fault in grid.faults:
        hits = found_cells(fault, is_called)
        felt = np.where(fault.periods, effects[fault.cells], 0)
        first = int(np.flatnonzero(fault.periods.any(axis=0))[0])
        rows.append(
            Found(
                fault.kind,
                _delay(fault, first, true.row, true.first, true.last, true.hot),
                int(hits.sum()),
                len(hits),
                float(felt[:, first : first + SOON].max()),
                float(felt.max()),
            )
        )
    return rows


def effects_on(grid: ScoredGrid, cell_periods: pl.DataFrame, starts: pl.Series) -> Floats:
    """Return the truth's effect, [cells, periods] of the grid; 0 where none is listed."""
    effects = np.zeros(grid.score.shape, np.float32)
    rows = pl.DataFrame({"cell_dn": grid.cells, "row": range(len(grid.cells))})
    columns = starts.to_frame("period_start").with_row_index("column")
    placed = cell_periods.join(rows, on="cell_dn").join(columns, on="period_start")
    effects[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["effect"].to_numpy()
    return effects


def kind_lines(faults: Sequence[Found]) -> list[tuple[str, str, str]]:
    """Return (kind, share found soon, the rest as words), a line a kind, then one for all."""
    kinds = sorted({fault.kind for fault in faults})
    lines = [_line(kind, [one for one in faults if one.kind == kind]) for kind in kinds]
    return [*lines, _line("all kinds", list(faults))]


def _line(name: str, faults: list[Found]) -> tuple[str, str, str]:
    soon = [fault for fault in faults if fault.delay <= SOON]
    clear = [fault for fault in faults if fault.early_effect >= CLEAR]
    found = [fault for fault in faults if np.isfinite(fault.delay)]
    missed = [f"{fault.effect:.1f}" for fault in faults if not np.isfinite(fault.delay)]
    late = [f"{fault.early_effect:.1f}" for fault in found if fault.delay > SOON]
    delay = float(np.median([fault.delay for fault in found])) if found else float("nan")
    told = (
        f"within {SOON} periods, {len(found)}/{len(faults)} ever, median delay {delay:.1f} periods,"
        f" of clear ones (effect {CLEAR:.0f} by then) "
        f"{sum(fault.delay <= SOON for fault in clear)}/{len(clear)} in time, touched cells "
        f"{sum(fault.cells_found for fault in faults)}/{sum(fault.cells for fault in faults)}"
    )
    if name != "all kinds":
        told += f"; early effects of late ones {late}, effects of missed ones {missed}"
    return name, f"{len(soon)}/{len(faults)}", told


def _delay(
    fault: Fault,
    first: int,
    row: npt.NDArray[np.integer],
    begins: npt.NDArray[np.integer],
    ends: npt.NDArray[np.integer],
    hot: npt.NDArray[np.integer],
) -> float:
    best = float("inf")
    for cell, periods in zip(fault.cells, fault.periods, strict=True):
        affected = np.flatnonzero(periods)
        touching = (row == cell) & (begins <= affected[-1]) & (ends >= affected[0])
        best = min([best, *(max(int(at) - first, 0) + 1.0 for at in hot[touching])])
    return best
