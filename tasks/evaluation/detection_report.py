"""Detection quality in numbers: detector, baseline and floors, side by side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.detection import Detection
from tasks.evaluation.operating_points import (
    MergeRule,
    OperatingPoint,
    at_recall,
    called,
    curve,
    delay_periods,
    found_cells,
    merged,
    operating_point,
    thresholds_of,
    true_findings,
)
from tasks.evaluation.precision import average_precision, vus_pr
from tasks.evaluation.truth import ScoredGrid

Floats = npt.NDArray[np.floating]

_VUS_WINDOW_HOURS = 4.0
_FLOOR_SEED = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well scores rank affected periods above the rest, whatever the threshold."""

    name: str
    vus_pr: float
    average_precision: float


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind of fault at the shipped thresholds; delays are medians over found faults."""

    kind: str
    faults: int
    found: int
    baseline_found: int
    delay_hours: float | None
    baseline_delay_hours: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Detector against baseline at one recall of the baseline; ratio of false findings."""

    recall: float
    baseline: OperatingPoint
    detector: OperatingPoint | None

    @property
    def ratio(self) -> float | None:
        """False findings of the detector over the baseline's; None where it never gets there."""
        if self.detector is None:
            return None
        if self.baseline.false_findings == 0:
            return 0.0 if self.detector.false_findings == 0 else float("inf")
        return self.detector.false_findings / self.baseline.false_findings


@dataclass(frozen=True, slots=True)
class DetectionReport:
    """Everything that an evaluation says.

    Attributes:
        cells, cell_days, faults: how much was judged.
        unseen: faults by kind that move nothing measurable; they are no misses.
        affected_share: share of scored periods that a fault affects: the floor of any ranking.
        abstained_share: share of periods without a score.
        vus_window_periods: VUS-PR changes with it.
        rankings: detector, baseline, a random score.
        detector, baseline: at the shipped thresholds.
        kinds: by kind of fault, at the shipped thresholds.
        comparisons: at each recall that the baseline reaches by its own sweep of thresholds.
        detector_curve: the detector's own sweep.
    """

    cells: int
    cell_days: float
    faults: int
    unseen: dict[str, int]
    affected_share: float
    abstained_share: float
    vus_window_periods: int
    rankings: tuple[Ranking, ...]
    detector: OperatingPoint
    baseline: OperatingPoint
    kinds: tuple[KindRow, ...]
    comparisons: tuple[Comparison, ...]
    detector_curve: tuple[OperatingPoint, ...]

    def values(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; what is not a number is None."""
        plain = asdict(self)
        plain["comparisons"] = [asdict(one) | {"ratio": one.ratio} for one in self.comparisons]
        return dict(plain_values(plain))


def detection_report(grid: ScoredGrid, rules: Detection) -> DetectionReport:
    """Return the quality of both scores on a grid whose truth is known."""
    rule = merge_rule(rules, grid.granularity_s)
    window = vus_window(grid.granularity_s)
    is_scored = np.isfinite(grid.score)
    mine = curve(grid, grid.score, rule, thresholds_of(grid.score, 1.0))
    theirs = curve(grid, grid.baseline_score, rule, thresholds_of(grid.baseline_score, 1.5))
    return DetectionReport(
        cells=len(grid.cells),
        cell_days=grid.cell_days,
        faults=len(grid.faults),
        unseen=dict(sorted(Counter(grid.unseen).items())),
        affected_share=float(grid.is_affected[is_scored].mean()) if is_scored.any() else 0.0,
        abstained_share=float(1 - is_scored.mean()),
        vus_window_periods=window,
        rankings=_rankings(grid, window),
        detector=operating_point(grid, grid.score, rules.score_begins, rule),
        baseline=operating_point(grid, grid.baseline_score, rules.baseline_spreads, rule),
        kinds=_by_kind(grid, rules, rule),
        comparisons=comparisons(mine, theirs),
        detector_curve=tuple(mine),
    )


def vus_window(granularity_s: int) -> int:
    """Return the widest border, in periods of this length, that VUS-PR softens labels by."""
    return max(round(_VUS_WINDOW_HOURS * 3600 / granularity_s), 1)


def merge_rule(rules: Detection, granularity_s: int) -> MergeRule:
    """Return how the rules of detection merge periods of this length into findings."""
    return MergeRule(
        rules.score_ends / rules.score_begins,
        int(rules.longest_pause_hours * 3600 // granularity_s),
        rules.fewest_periods(granularity_s),
    )


def comparisons(
    detector: Sequence[OperatingPoint], baseline: Sequence[OperatingPoint]
) -> tuple[Comparison, ...]:
    """Return, for each recall that the baseline reaches, both at their fewest false findings."""
    recalls = sorted({round(point.recall, 6) for point in baseline if point.recall > 0})
    return tuple(
        Comparison(recall, best, at_recall(detector, recall))
        for recall in recalls
        if (best := at_recall(baseline, recall)) is not None
    )


def _rankings(grid: ScoredGrid, window: int) -> tuple[Ranking, ...]:
    chance = np.random.default_rng(_FLOOR_SEED).random(grid.score.shape)
    named = {"detector": grid.score, "baseline": grid.baseline_score, "random score": chance}
    return tuple(
        Ranking(
            name,
            vus_pr(scores, grid.is_affected, window),
            average_precision(scores, grid.is_affected),
        )
        for name, scores in named.items()
    )


def _by_kind(grid: ScoredGrid, rules: Detection, rule: MergeRule) -> tuple[KindRow, ...]:
    mine = merged(grid.score, rules.score_begins, rule)
    theirs = merged(grid.baseline_score, rules.baseline_spreads, rule)
    hours = grid.granularity_s / 3600
    rows = []
    for kind in sorted({fault.kind for fault in grid.faults}):
        faults = [fault for fault in grid.faults if fault.kind == kind]
        found, delays = [], []
        for every in (mine, theirs):
            one = every.only(true_findings(grid, every))
            is_called = called(one, grid.score.shape)
            hit = [fault for fault in faults if found_cells(fault, is_called).any()]
            known = [delay_periods(fault, one) * hours for fault in hit]
            known = [delay for delay in known if np.isfinite(delay)]
            found.append(len(hit))
            delays.append(float(np.median(known)) if known else None)
        rows.append(KindRow(kind, len(faults), found[0], found[1], delays[0], delays[1]))
    return tuple(rows)


def plain_values(value: Any) -> Any:  # noqa: ANN401 - any nesting of plain values
    """Return values that JSON can hold: what is not a number is None, tuples are lists."""
    if isinstance(value, dict):
        return {key: plain_values(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(part) for part in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
