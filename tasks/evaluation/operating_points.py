"""What a threshold buys: faults found, how soon, and at how many false findings a cell-day.

Detector and baseline are treated alike: their scores are merged into findings by the same rule, a
finding is false when its cell has no fault for most of its periods, and shocks that are nobody's
fault make false findings like any noise. Only a true finding finds a fault.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.evaluation.truth import Fault, ScoredGrid

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class MergeRule:
    """How periods become findings.

    Attributes:
        end_ratio: a finding lasts while the score is at least this share of its threshold.
        longest_pause: periods below that which a finding bridges.
        fewest_periods: shorter ones are no findings.
    """

    end_ratio: float
    longest_pause: int
    fewest_periods: int


@dataclass(frozen=True, slots=True)
class Merged:
    """Findings, one element each: row of the grid, first and last period, and first hot period."""

    row: Integers
    first: Integers
    last: Integers
    hot: Integers

    def only(self, which: npt.NDArray[np.bool_]) -> "Merged":
        """Return some of the findings."""
        return Merged(self.row[which], self.first[which], self.last[which], self.hot[which])


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What one threshold gives.

    Attributes:
        threshold: of the score.
        recall: share of faults with a true finding in a touched cell while they are measurable.
        cell_recall: share of (fault, touched cell) pairs found.
        false_findings: per cell-day.
        on_planned_changes: those of them, per cell-day, in cells that a planned change moved.
        false_periods: per cell-day, periods in findings where the cell has no fault.
        findings: how many, true and false.
    """

    threshold: float
    recall: float
    cell_recall: float
    false_findings: float
    false_periods: float
    findings: int
    on_planned_changes: float = 0.0


def merged(scores: Floats, threshold: float, rule: MergeRule) -> Merged:
    """Return the findings that a threshold makes of scores [cells, periods]; NaN is a pause."""
    with np.errstate(invalid="ignore"):
        row, period = np.nonzero(scores >= threshold * rule.end_ratio)
    if row.size == 0:
        none = np.zeros(0, np.intp)
        return Merged(none, none, none, none)
    is_new = np.ones(row.size, bool)
    is_new[1:] = (row[1:] != row[:-1]) | (np.diff(period) > rule.longest_pause + 1)
    starts = np.flatnonzero(is_new)
    counts = np.diff(np.append(starts, row.size))
    never = scores.shape[1]
    hot = np.minimum.reduceat(np.where(scores[row, period] >= threshold, period, never), starts)
    last = period[np.append(starts[1:], row.size) - 1]
    kept = (hot < never) & (counts >= rule.fewest_periods)
    return Merged(row[starts][kept], period[starts][kept], last[kept], hot[kept])


def operating_point(
    grid: ScoredGrid, scores: Floats, threshold: float, rule: MergeRule
) -> OperatingPoint:
    """Return what `threshold` on `scores` gives on the grid."""
    found = merged(scores, threshold, rule)
    is_true = true_findings(grid, found)
    is_planned = ~is_true & _mostly(grid.is_changed, found)
    is_called = called(found, scores.shape)
    is_truly_called = called(found.only(is_true), scores.shape)
    hits = [found_cells(fault, is_truly_called) for fault in grid.faults]
    pairs = np.concatenate([np.zeros(0, bool), *hits])
    days = max(grid.cell_days, 1e-9)
    return OperatingPoint(
        float(threshold),
        float(np.mean([hit.any() for hit in hits])) if hits else float("nan"),
        float(pairs.mean()) if pairs.size else float("nan"),
        float((~is_true).sum()) / days,
        float((is_called & ~grid.is_faulty).sum()) / days,
        int(found.row.size),
        float(is_planned.sum()) / days,
    )


def true_findings(grid: ScoredGrid, found: Merged) -> npt.NDArray[np.bool_]:
    """Return which findings have a fault in their cell for at least half of their periods.

    So a finding that never ends is false, however many faults it lies over.
    """
    return _mostly(grid.is_faulty, found)


def _mostly(marks: npt.NDArray[np.bool_], found: Merged) -> npt.NDArray[np.bool_]:
    """Return which findings lie on marked periods of their cell for at least half of theirs."""
    before = np.zeros((marks.shape[0], 1), np.int64)
    so_far = np.concatenate([before, np.cumsum(marks, axis=1)], axis=1)
    touched = so_far[found.row, found.last + 1] - so_far[found.row, found.first]
    return np.asarray(2 * touched >= found.last + 1 - found.first)


def found_cells(fault: Fault, is_called: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return for each of a fault's cells whether a finding lies in its affected periods."""
    return np.asarray((is_called[fault.cells] & fault.periods).any(axis=1))


def delay_periods(fault: Fault, found: Merged) -> float:
    """Return periods from a fault's onset to the end of the first period that raises a finding.

    Infinite when it was not found; NaN when it began before the window.
    """
    if fault.onset_period < 0:
        return float("nan")
    best = float("inf")
    for cell, periods in zip(fault.cells, fault.periods, strict=True):
        affected = np.flatnonzero(periods)
        mine = found.row == cell
        touching = mine & (found.first <= affected[-1]) & (found.last >= affected[0])
        for hot in found.hot[touching]:
            best = min(best, max(int(hot), fault.onset_period) - fault.onset_period + 1)
    return best


def curve(
    grid: ScoredGrid, scores: Floats, rule: MergeRule, thresholds: Sequence[float]
) -> list[OperatingPoint]:
    """Return the operating points of several thresholds, the highest threshold first."""
    return [
        operating_point(grid, scores, float(threshold), rule)
        for threshold in sorted(thresholds, reverse=True)
    ]


def thresholds_of(scores: Floats, lowest: float, count: int = 60) -> list[float]:
    """Return thresholds that spread over the upper scores, from `lowest` to the highest."""
    known = scores[np.isfinite(scores) & (scores >= lowest)]
    if known.size == 0:
        return [lowest]
    shares = 1 - np.geomspace(1e-5, 1, count)
    return sorted({float(level) for level in np.quantile(known, shares)} | {lowest})


def at_recall(points: Sequence[OperatingPoint], recall: float) -> OperatingPoint | None:
    """Return the point with the fewest false findings that finds at least `recall`, if any."""
    enough = [point for point in points if point.recall >= recall - 1e-9]
    return min(enough, key=lambda point: (point.false_findings, -point.recall), default=None)


def called(found: Merged, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return which periods of the grid lie in a finding."""
    edges = np.zeros((shape[0], shape[1] + 1), np.int32)
    np.add.at(edges, (found.row, found.first), 1)
    np.add.at(edges, (found.row, found.last + 1), -1)
    return np.asarray(np.cumsum(edges, axis=1)[:, :-1] > 0)
