"""The detector: cells judged by how their KPIs stray together from the time of week, over time.

Per cell: bring KPIs to even noise, take away the time of week (`week_baseline`) and what all cells
do at that moment (`shared_shocks`), divide by the cell's own spread, remember over some hours
(`accumulation`), and measure the joint distance given how KPIs normally move together
(`joint_distance`). The score is the largest over the memories, in standard deviations of what the
cell's own history calls normal. Every cell's result depends on its own values and on the
`Network` alone, so it is the same however cells are put into chunks.
"""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.accumulation import accumulated
from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.cell_model import CellModel, Network, deviations, expectation, residuals
from tasks.anomaly.dynamic_thresholds import dynamic_threshold_scores
from tasks.anomaly.joint_distance import agreement, joint_distances, standardized
from tasks.anomaly.plan import Plan


@dataclass(frozen=True, slots=True)
class Judgement:
    """Scores of some cells over the window's periods, [cells, periods]; NaN where abstained.

    Attributes:
        score: the detector's.
        baseline_score: the per-KPI dynamic threshold's.
        observed_count: KPIs with data.
    """

    score: Floats
    baseline_score: Floats
    observed_count: Integers


def judged(values: Floats, model: CellModel, plan: Plan, network: Network) -> Judgement:
    """Return the scores of some cells over the plan's window.

    Args:
        values: [cells, KPIs, periods] over the plan's grid; only the window and the hours before
            it that are remembered are read.
        model: what was learnt of these cells.
        plan: what is scored.
        network: what all cells share.
    """
    warm, last = plan.warm_from, plan.grid.periods_count
    rest = residuals(values, model.week, plan, warm, last)
    strays = deviations(rest, model, network, plan, warm)
    now = strays[..., plan.first_scored - warm :]
    is_judged = np.isfinite(now).any(axis=1)
    seen = values[..., plan.first_scored : last]
    single = dynamic_threshold_scores(
        np.where(np.isfinite(now), seen, np.nan),
        expectation(model.week.baseline, plan, plan.first_scored, last),
        model.week.typical,
        model.week.threshold_widths,
        plan,
    )
    return Judgement(
        np.where(is_judged, _scores(strays, model, plan), np.nan),
        np.where(is_judged, single, np.nan),
        np.isfinite(seen).sum(axis=1),
    )


def remembered(strays: Floats, plan: Plan) -> list[Floats]:
    """Return, a memory each, what is remembered in the window's periods, the shortest first."""
    skip = plan.first_scored - plan.warm_from
    return [accumulated(strays, span)[..., skip:] for span in plan.memories]


def _scores(strays: Floats, model: CellModel, plan: Plan) -> Floats:
    """Return the largest score over the memories; what no longer shows in a shorter one fades."""
    best: Floats | None = None
    shorter: Floats | None = None
    for number, now in enumerate(remembered(strays, plan)):
        covariance = model.covariances[number]
        distance = standardized(*joint_distances(now, covariance))
        middle, width = model.middles[number][:, None], model.widths[number][:, None]
        scores = (distance - middle) / width
        if best is None or shorter is None:
            best = scores
        else:
            fading = agreement(shorter, now, covariance)
            best = np.fmax(best, np.where(scores > 0, scores * fading, scores))
        shorter = now
    return np.asarray(best, np.float32)
