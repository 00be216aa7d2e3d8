"""How well scores rank: average precision over periods, its doubt over cells, alerts and runs."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True)
class Ranked:
    """Judged periods sorted by falling score, so that reweighing cells needs no second sort.

    Attributes:
        is_positive: by place in the order.
        cell: row of the cell, by place.
        ends: places after which the score falls; periods that tie are taken together.
        cells_count: how many cells there are.
    """

    is_positive: Booleans
    cell: Integers
    ends: Integers
    cells_count: int

    def average_precision(self, times: Integers | None = None) -> float:
        """Return the average precision, each cell counted `times`; NaN without a positive."""
        weight = np.ones(len(self.cell)) if times is None else times[self.cell].astype(float)
        right = np.cumsum(weight * self.is_positive)[self.ends]
        seen = np.cumsum(weight)[self.ends]
        if not right.size or right[-1] <= 0:
            return float("nan")
        precision = right / np.maximum(seen, 1e-12)
        gained = np.diff(right, prepend=0.0)
        return float((precision * gained).sum() / right[-1])


def ranked(scores: Floats, is_positive: Booleans, is_judged: Booleans) -> Ranked:
    """Return judged periods by falling score; a period without a score comes last.

    Args:
        scores: [cells, periods]; NaN is below everything.
        is_positive: what should score high.
        is_judged: what counts at all.
    """
    told = np.where(np.isfinite(scores), scores, -np.inf)[is_judged]
    cell = np.broadcast_to(np.arange(len(scores))[:, None], scores.shape)[is_judged]
    order = np.argsort(-told, kind="stable")
    falls = np.flatnonzero(np.diff(-told[order]) > 0)
    ends = np.append(falls, len(order) - 1) if len(order) else falls
    return Ranked(is_positive[is_judged][order], cell[order], ends, len(scores))


def precision_gains(mine: Ranked, theirs: Ranked, rounds: int, seed: int) -> Floats:
    """Return by how much my average precision exceeds theirs, a resampling of cells each.

    Both rank the same cases, so that a cell that is hard for both says nothing.
    """
    random = np.random.default_rng(seed)
    gains = []
    for _ in range(rounds):
        drawn = random.integers(0, mine.cells_count, size=mine.cells_count)
        times = np.bincount(drawn, minlength=mine.cells_count)
        gains.append(mine.average_precision(times) - theirs.average_precision(times))
    return np.array(gains)


def separation(high: Floats, low: Floats) -> float:
    """Return how often one of `high` exceeds one of `low`, ties half; NaN if either is empty.

    The area under the receiver operating characteristic.
    """
    if not high.size or not low.size:
        return float("nan")
    above = (high[:, None] > low[None, :]).mean()
    ties = (high[:, None] == low[None, :]).mean()
    return float(above + ties / 2)


def runs_count(is_alert: Booleans, pause: int) -> int:
    """Return how many runs of alerts there are over all rows, pauses up to `pause` bridged."""
    rows, periods = np.nonzero(is_alert)
    if rows.size == 0:
        return 0
    is_same = (np.diff(rows) == 0) & (np.diff(periods) <= pause + 1)
    return int(rows.size - is_same.sum())


def score_shift(mine: Floats, theirs: Floats) -> float:
    """Return the population stability index of two sets of scores in standard deviations.

    Bins end where calm scores have their 50, 75, 90, 95, 99 and 99.9 % quantiles. Customary: below
    0.1 alike, above 0.25 another population.
    """
    edges = np.array([0.0, 0.674, 1.282, 1.645, 2.326, 3.09])
    shares = []
    for scores in (mine, theirs):
        known = scores[np.isfinite(scores)]
        counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
        shares.append((counts + 0.5) / (counts + 0.5).sum())
    return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
