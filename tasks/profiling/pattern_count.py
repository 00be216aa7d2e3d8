"""How many patterns a sample of week shapes holds: as many as come out again in its other half.

Both halves are grouped by Ward's method, which needs no random start, and each half then says of
the other's groups which of their members belong together. A number of groups is sound while even
the worst group keeps most of its pairs together.

Source: R. Tibshirani and G. Walther, "Cluster validation by prediction strength", Journal of
Computational and Graphical Statistics 14 (2005); noise is left out of the shapes before as in
M. Gavish and D. Donoho, "The optimal hard threshold for singular values is 4/sqrt(3)", IEEE
Transactions on Information Theory 60 (2014).
"""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from tasks.profiling.arrays import Booleans, Floats, Integers
from tasks.profiling.week_shapes import WeekShapes

_MOST_DIRECTIONS = 24
_MEDIAN_TO_THRESHOLD = (0.56, -0.95, 1.82, 1.43)  # of the aspect ratio, cubic; Gavish and Donoho
_TIDYING_ROUNDS = 5
_FILLING_ROUNDS = 4
_NEIGHBOR = 4  # so many others must be like a shape, or it is lonely


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sound number of groups is.

    Attributes:
        most: no more groups than this.
        least_strength: prediction strength that a sound number of groups reaches.
        least_alike: correlation with a few others below which a cell is far from all.
        fewest: members that a group needs to count; fewer are chance.
    """

    most: int
    least_strength: float
    least_alike: float
    fewest: int = 3


@dataclass(frozen=True, slots=True)
class Grouping:
    """A sample in groups.

    Attributes:
        groups: of each cell, 0 to `count` - 1; -1 for a cell far from all others.
        count: how many groups.
        strengths: number of groups tried to its prediction strength, 0 to 1.
    """

    groups: Integers
    count: int
    strengths: dict[int, float]


def grouping(sample: WeekShapes, weights: Floats, limits: Limits) -> Grouping:
    """Return the sample in the largest sound number of groups.

    Args:
        sample: shapes of cells. Their order decides which half a cell falls into, and nothing
            else; hours that are unknown are filled with what the others let expect.
        weights: of the quantities.
        limits: what a sound number of groups is.
    """
    cells = len(sample.values)
    if cells == 0:
        return Grouping(np.zeros(0, np.intp), 0, {})
    flat, plain = _without_noise(sample, np.sqrt(weights)[:, None])
    groups = np.full(cells, -1, np.intp)
    crowd = np.flatnonzero(~_is_lonely(flat, limits.least_alike))
    social = plain[crowd]
    strengths, count = _sound_count(social, limits)
    if len(social) > 1:
        groups[crowd] = _tidied(social, _cut(linkage(social, method="ward"), count))
    else:
        groups[crowd] = 0
    return Grouping(groups, int(groups.max()) + 1, strengths)


def _sound_count(social: Floats, limits: Limits) -> tuple[dict[int, float], int]:
    """Return the strength of each number of groups, and the number to take.

    That with the most groups that count, and of several the smallest.
    """
    halves, fewest = (social[0::2], social[1::2]), limits.fewest
    strengths, best, counting = {1: 1.0}, 1, 1
    if len(halves[1]) < 2 * fewest:
        return strengths, best
    trees = [linkage(half, method="ward") for half in halves]
    for count in range(2, min(limits.most, len(halves[1]) // fewest) + 1):
        cuts = [_tidied(half, _cut(tree, count)) for half, tree in zip(halves, trees, strict=True)]
        strengths[count] = _strength(halves, cuts, fewest)
        large = min(np.count_nonzero(np.bincount(cut) >= fewest) for cut in cuts)
        if strengths[count] >= limits.least_strength and large > counting:
            best, counting = count, int(large)
    return strengths, best


def _without_noise(sample: WeekShapes, scale: Floats) -> tuple[Floats, Floats]:
    """Return the weeks, filled, and the same in the few directions that stand out of the noise.

    What is filled in changes a week's mean and variance, so each week is standardized again.
    """
    known = sample.known
    filled: Floats = sample.values.astype(np.float64)
    for _ in range(1 if known.all() else _FILLING_ROUNDS):
        flat = (filled * scale).reshape(len(filled), -1)
        middle = flat.mean(axis=0)
        directions = _standing_directions(flat - middle)
        plain = (flat - middle) @ directions
        expected = (middle + plain @ directions.T).reshape(filled.shape) / scale
        filled = _standardized(np.where(known, filled, expected))
    return flat, plain


def _standing_directions(centered: Floats) -> Floats:
    """Return the directions [features, few] whose singular values exceed what noise makes."""
    squares, directions = np.linalg.eigh(centered.T @ centered)
    rank = min(centered.shape)
    sizes = np.sqrt(np.maximum(squares[::-1][:rank], 0))
    ratio = rank / max(centered.shape)
    threshold = np.polyval(_MEDIAN_TO_THRESHOLD, ratio) * np.median(sizes)
    kept = int(np.clip(np.count_nonzero(sizes > threshold), 1, min(_MOST_DIRECTIONS, rank)))
    return np.asarray(directions[:, ::-1][:, :kept])


def _standardized(weeks: Floats) -> Floats:
    shifted = weeks - weeks.mean(axis=-1, keepdims=True)
    spread = shifted.std(axis=-1, keepdims=True)
    return np.asarray(shifted / np.where(spread > 0, spread, 1))


def _is_lonely(flat: Floats, least_alike: float) -> Booleans:
    """Tell which weeks correlate with hardly any other: they make no group and disturb all."""
    if len(flat) <= _NEIGHBOR:
        return np.zeros(len(flat), bool)
    alike = flat @ flat.T / np.mean(np.square(flat).sum(axis=1))
    nearest = np.partition(alike, -1 - _NEIGHBOR, axis=1)[:, -1 - _NEIGHBOR]
    return np.asarray(nearest < least_alike)


def _strength(halves: tuple[Floats, Floats], cuts: list[Integers], fewest: int) -> float:
    """Return the smaller prediction strength of the two ways between the halves."""
    means = [_means(half, cut) for half, cut in zip(halves, cuts, strict=True)]
    return min(
        _kept_together(cuts[1], _nearest(halves[1], means[0]), fewest),
        _kept_together(cuts[0], _nearest(halves[0], means[1]), fewest),
    )


def _kept_together(own: Integers, told: Integers, fewest: int) -> float:
    """Return the share of pairs that stay together, in the group that keeps the fewest."""
    worst = 1.0
    for group in np.unique(own):
        members = told[own == group]
        if len(members) >= fewest:
            pairs = np.bincount(members).astype(float)
            worst = min(
                worst, float((pairs * (pairs - 1)).sum() / (len(members) * (len(members) - 1)))
            )
    return worst


def _cut(tree: Floats, count: int) -> Integers:
    """Return at most so many groups; fewer where all in one are the same."""
    return np.asarray(fcluster(tree, count, criterion="maxclust") - 1, np.intp)


def _tidied(plain: Floats, groups: Integers) -> Integers:
    """Return the groups after some rounds in which each shape joins the nearest mean."""
    count = int(groups.max()) + 1
    for _ in range(_TIDYING_ROUNDS):
        moved = _nearest(plain, _means(plain, groups))
        if np.array_equal(moved, groups) or len(np.unique(moved)) < count:
            break
        groups = moved
    return groups


def _means(plain: Floats, groups: Integers) -> Floats:
    """Return the mean of each group; every number up to the highest has a member."""
    count = int(groups.max()) + 1
    sums = np.zeros((count, plain.shape[1]))
    np.add.at(sums, groups, plain)
    return np.asarray(sums / np.bincount(groups, minlength=count)[:, None])


def _nearest(plain: Floats, means: Floats) -> Integers:
    return np.asarray(_squares(plain, means).argmin(axis=1), np.intp)


def _squares(these: Floats, those: Floats) -> Floats:
    """Return squared distances [these, those]."""
    found = np.square(these).sum(axis=1)[:, None] + np.square(those).sum(axis=1)[None, :]
    return np.asarray(np.maximum(found - 2 * these @ those.T, 0))
