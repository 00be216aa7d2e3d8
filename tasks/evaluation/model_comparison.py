"""Models side by side on one truth: ranking, price of each recall, promptness, by kind and profile.

Every model is judged by its scores alone: each gets its own best threshold, so that none gains by
the scale it happens to use. A random score stands in the same table as the floor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.detection import Detection
from semantic_layer.errors import InputError
from tasks.evaluation.detection_report import merge_rule, plain_values, vus_window
from tasks.evaluation.operating_points import (
    Merged,
    MergeRule,
    OperatingPoint,
    at_recall,
    called,
    curve,
    delay_periods,
    found_cells,
    merged,
    thresholds_of,
    true_findings,
)
from tasks.evaluation.precision import average_precision, vus_pr
from tasks.evaluation.truth import Fault, ScoredGrid

Floats = npt.NDArray[np.floating]

RECALLS = (0.7, 0.8, 0.9)
RANDOM = "random score"
_FLOOR_SEED = 0
_LOWEST_SHARE = 0.5  # thresholds are tried among the upper half of a model's scores


@dataclass(frozen=True, slots=True)
class Promptness:
    """What "soon" and "few" mean where models are compared.

    Attributes:
        false_findings: per cell-day, the most that is allowed.
        periods: from a fault's first measurable period on, the last in which a finding is prompt.
    """

    false_findings: float = 0.02
    periods: int = 4


@dataclass(frozen=True, slots=True)
class AtRecall:
    """The fewest false findings per cell-day at a recall, and the delay there; None: never."""

    recall: float
    false_findings: float | None
    delay_hours: float | None


@dataclass(frozen=True, slots=True)
class KindCount:
    """Of the faults of a kind: found at all, and found promptly, at the allowed false findings."""

    kind: str
    faults: int
    found: int
    prompt: int


@dataclass(frozen=True, slots=True)
class ProfileRanking:
    """How well a model ranks within the cells of one profile; the floor is the affected share."""

    profile: str
    cells: int
    floor: float
    vus_pr: float
    average_precision: float


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model.

    Attributes:
        model: its name.
        vus_pr, average_precision: over all cells and periods.
        at_recalls: the price of some recalls.
        threshold: the lowest that keeps to the allowed false findings; None: none does.
        recall, prompt_recall, cell_recall: there, of faults, of faults promptly, and of pairs of
            fault and touched cell.
        kinds, profiles: the same, apart.
    """

    model: str
    vus_pr: float
    average_precision: float
    at_recalls: tuple[AtRecall, ...]
    threshold: float | None
    recall: float
    prompt_recall: float
    cell_recall: float
    kinds: tuple[KindCount, ...]
    profiles: tuple[ProfileRanking, ...]


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """All models on one window; rows by falling VUS-PR, the random score last."""

    cells: int
    cell_days: float
    faults: int
    floor: float
    promptness: Promptness
    rows: tuple[ModelRow, ...]

    def values(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; what is not a number is None."""
        return dict(plain_values(asdict(self)))


def model_comparison(
    grid: ScoredGrid,
    scores: Mapping[str, Floats],
    profiles: Mapping[str, str],
    rules: Detection,
    wanted: Promptness | None = None,
) -> ModelComparison:
    """Return how models compare on a grid whose truth is known.

    Args:
        grid: the truth; its own scores say only which periods count.
        scores: by model, [cells, periods] as the grid's; NaN where the model abstains.
        profiles: profile by cell DN; a cell without one is left out of the table by profile.
        rules: how periods are merged into findings.
        wanted: what prompt means.

    Raises:
        InputError: scores of another shape than the grid.
    """
    wanted = wanted or Promptness()
    for name, one in scores.items():
        if one.shape != grid.score.shape:
            raise InputError(
                f"Scores of {name!r} have the shape {one.shape}, the window {grid.score.shape}."
            )
    is_scored = np.isfinite(grid.score)
    chance = np.random.default_rng(_FLOOR_SEED).random(grid.score.shape)
    rows = [_row(name, one, grid, profiles, rules, wanted) for name, one in scores.items()]
    rows.sort(key=lambda row: (-np.nan_to_num(row.vus_pr, nan=-1.0), row.model))
    floor = _row(RANDOM, np.where(is_scored, chance, np.nan), grid, profiles, rules, wanted)
    return ModelComparison(
        len(grid.cells),
        grid.cell_days,
        len(grid.faults),
        float(grid.is_affected[is_scored].mean()) if is_scored.any() else 0.0,
        wanted,
        (*rows, floor),
    )


def within_budget(points: Sequence[OperatingPoint], most: float) -> OperatingPoint | None:
    """Return the point of highest recall with at most so many false findings per cell-day."""
    allowed = [point for point in points if point.false_findings <= most + 1e-12]
    return max(
        allowed, key=lambda point: (point.recall, point.cell_recall, point.threshold), default=None
    )


def _row(
    name: str,
    scores: Floats,
    grid: ScoredGrid,
    profiles: Mapping[str, str],
    rules: Detection,
    wanted: Promptness,
) -> ModelRow:
    rule, window = merge_rule(rules, grid.granularity_s), vus_window(grid.granularity_s)
    known = scores[np.isfinite(scores)]
    lowest = float(np.quantile(known, _LOWEST_SHARE)) if known.size else 0.0
    points = curve(grid, scores, rule, thresholds_of(scores, lowest))
    best = within_budget(points, wanted.false_findings)
    kinds = _by_kind(grid, scores, best, rule, wanted.periods)
    faults = max(len(grid.faults), 1)
    return ModelRow(
        name,
        vus_pr(scores, grid.is_affected, window),
        average_precision(scores, grid.is_affected),
        tuple(_at_recall(grid, scores, points, level, rule) for level in RECALLS),
        best.threshold if best else None,
        best.recall if best else 0.0,
        sum(kind.prompt for kind in kinds) / faults,
        best.cell_recall if best else 0.0,
        kinds,
        tuple(_by_profile(grid, scores, profiles, window)),
    )


def _at_recall(
    grid: ScoredGrid,
    scores: Floats,
    points: Sequence[OperatingPoint],
    level: float,
    rule: MergeRule,
) -> AtRecall:
    point = at_recall(points, level)
    if point is None:
        return AtRecall(level, None, None)
    every = merged(scores, point.threshold, rule)
    sound = every.only(true_findings(grid, every))
    delays = [delay_periods(fault, sound) for fault in grid.faults]
    known = [delay for delay in delays if np.isfinite(delay)]
    hours = float(np.median(known)) * grid.granularity_s / 3600 if known else None
    return AtRecall(level, point.false_findings, hours)


def _by_kind(
    grid: ScoredGrid, scores: Floats, point: OperatingPoint | None, rule: MergeRule, periods: int
) -> tuple[KindCount, ...]:
    threshold = point.threshold if point is not None else float("inf")
    every = merged(scores, threshold, rule)
    sound = every.only(true_findings(grid, every))
    marks = called(sound, scores.shape)
    counts: dict[str, list[int]] = {}
    for fault in grid.faults:
        count = counts.setdefault(fault.kind, [0, 0, 0])
        count[0] += 1
        count[1] += int(found_cells(fault, marks).any())
        count[2] += int(alert_delay(fault, sound, rule) <= periods)
    return tuple(KindCount(kind, *count) for kind, count in sorted(counts.items()))


def alert_delay(fault: Fault, found: Merged, rule: MergeRule) -> float:
    """Return periods from a fault's first measurable one to the end of that which alerts.

    A finding alerts once it has both reached its threshold and lasted long enough to be one. What
    cannot be measured yet, nobody is late to see. Infinite when the fault was not found.
    """
    effect = int(np.flatnonzero(fault.periods.any(axis=0))[0])
    best = float("inf")
    for cell, periods in zip(fault.cells, fault.periods, strict=True):
        affected = np.flatnonzero(periods)
        touching = (found.row == cell) & (found.first <= affected[-1]) & (found.last >= affected[0])
        alerts = np.maximum(found.hot[touching], found.first[touching] + rule.fewest_periods - 1)
        if alerts.size:
            best = min(best, max(int(alerts.min()), effect) - effect + 1)
    return best


def _by_profile(
    grid: ScoredGrid, scores: Floats, profiles: Mapping[str, str], window: int
) -> list[ProfileRanking]:
    of_cell = np.array([profiles.get(cell, "") for cell in grid.cells])
    found = []
    for profile in sorted({profile for profile in of_cell if profile}):
        mine = of_cell == profile
        labels, own = grid.is_affected[mine], scores[mine]
        is_scored = np.isfinite(grid.score[mine])
        found.append(
            ProfileRanking(
                str(profile),
                int(mine.sum()),
                float(labels[is_scored].mean()) if is_scored.any() else 0.0,
                vus_pr(own, labels, window),
                average_precision(own, labels),
            )
        )
    return found
