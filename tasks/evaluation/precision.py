"""Average precision and VUS-PR of scores against labels, over many series at once.

VUS-PR (Paparrizos et al., VLDB 2022) softens each labelled range by a border and averages the
area under the precision-recall curve over every border width up to a window. The window changes
the score, so it is always named. Point-adjusted measures are left out on purpose: they reward
random scores.
"""

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError

Floats = npt.NDArray[np.floating]
Booleans = npt.NDArray[np.bool_]

_THRESHOLDS = 250


def average_precision(scores: Floats, labels: Booleans) -> float:
    """Return the mean precision over recall, ties taken together; NaN without any label.

    Args:
        scores: any shape; NaN, an abstention, ranks last.
        labels: same shape.
    """
    ranked, hits = _ranked(scores, labels)
    if not hits.any():
        return float("nan")
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    found = np.cumsum(hits)[last_of_tie]
    called = np.flatnonzero(last_of_tie) + 1
    gained = np.diff(found, prepend=0) / hits.sum()
    return float((gained * found / called).sum())


def vus_pr(scores: Floats, labels: Booleans, window: int, thresholds: int = _THRESHOLDS) -> float:
    """Return the volume under the precision-recall surface; NaN without any label.

    Args:
        scores: [series, periods]; NaN, an abstention, ranks last.
        labels: [series, periods].
        window: widest border, in periods, that counts as partly anomalous.
        thresholds: score ranks at which the curve is taken.

    Source: Paparrizos et al., Volume Under the Surface, VLDB 2022; borders and existence reward
    as in the authors' published code, here over sorted cumulative sums instead of loops.
    """
    if scores.shape != labels.shape or scores.ndim != 2:
        raise InputError(
            f"VUS-PR needs scores and labels [series, periods]; got {scores.shape} and "
            f"{labels.shape}."
        )
    if not labels.any():
        return float("nan")
    levels = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(-levels.ravel(), kind="stable")
    ranked = levels.ravel()[order]
    cuts = ranked[np.linspace(0, ranked.size - 1, thresholds).astype(int)]
    called = np.searchsorted(-ranked, -cuts, side="right")
    areas = [_area(levels, labels, border, order, cuts, called) for border in range(window + 1)]
    return float(np.mean(areas))


def labelled_ranges(labels: Booleans) -> npt.NDArray[np.intp]:
    """Return one row a labelled range: series, first period, last period."""
    edge = np.zeros((labels.shape[0], 1), bool)
    change = np.diff(np.concatenate([edge, labels, edge], axis=1).astype(np.int8), axis=1)
    series, first = np.nonzero(change == 1)
    _, past = np.nonzero(change == -1)
    return np.stack([series, first, past - 1], axis=1)


def softened(labels: Booleans, border: int) -> Floats:
    """Return labels as weights 0 to 1 that fall off over half of `border` on either side."""
    weights = labels.astype(float)
    if border == 0:
        return weights
    periods = labels.shape[1]
    for series, first, last in labelled_ranges(labels):
        for step in range(1, border // 2 + 1):
            gain = np.sqrt(1 - step / border)
            if last + step < periods:
                weights[series, last + step] += gain
            if first - step >= 0:
                weights[series, first - step] += gain
    return np.asarray(np.minimum(weights, 1.0))


def _area(
    levels: Floats,
    labels: Booleans,
    border: int,
    order: npt.NDArray[np.intp],
    cuts: Floats,
    called: npt.NDArray[np.intp],
) -> float:
    weights = softened(labels, border).ravel()[order]
    inside = labels.ravel()[order]
    hits = np.cumsum(weights)[called - 1]
    soft = np.cumsum(np.where(inside, 0.0, weights))[called - 1]
    labelled = float(labels.sum())
    recall = np.minimum(hits / (labelled + soft / 2), 1.0) * _existence(
        levels, labels, border, cuts
    )
    precision = hits / called
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def _existence(levels: Floats, labels: Booleans, border: int, cuts: Floats) -> Floats:
    """Return the share of softened ranges, touching ones as one, that each cut finds at all."""
    half = border // 2
    wide: list[list[int]] = []
    for series, first, last in labelled_ranges(labels):
        if wide and wide[-1][0] == series and wide[-1][2] >= first - half:
            wide[-1][2] = min(last + half, labels.shape[1] - 1)
        else:
            wide.append([series, max(first - half, 0), min(last + half, labels.shape[1] - 1)])
    peaks = np.sort([levels[series, first : last + 1].max() for series, first, last in wide])
    return np.asarray(1 - np.searchsorted(peaks, cuts, side="left") / len(wide))


def _ranked(scores: Floats, labels: Booleans) -> tuple[Floats, Booleans]:
    levels = np.where(np.isnan(scores), -np.inf, scores).ravel()
    order = np.argsort(-levels, kind="stable")
    return levels[order], labels.ravel()[order]
