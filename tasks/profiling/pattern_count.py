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
from scipy.cluster.hierarchy import cut_tree, linkage

from tasks.profiling.arrays import Booleans, Floats, Integers
from tasks.profiling.week_shapes import WeekShapes

_MOST_DIRECTIONS = 24
_MEDIAN_TO_THRESHOLD = (0.56, -0.95, 1.82, 1.43)  # of the aspect ratio, cubic; Gavish and Donoho
_TIDYING_ROUNDS = 5
_FILLING_ROUNDS = 6
_NEIGHBOR = 4  # the distance to it says how lonely a shape is
_LONELY = 6.0  # spreads above the usual distance to that neighbor


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


def grouping(
    sample: WeekShapes, weights: Floats, most: int, least_strength: float, fewest: int = 3
) -> Grouping:
    """Return the sample in the largest sound number of groups.

    Args:
        sample: shapes of cells. Their order decides which half a cell falls into, and nothing
            else; hours that are unknown are filled with what the others let expect.
        weights: of the quantities.
        most: no more groups than this.
        least_strength: prediction strength that a sound number of groups reaches.
        fewest: members that a group needs to count; fewer are chance.
    """
    cells = len(sample.values)
    if cells == 0:
        return Grouping(np.zeros(0, np.intp), 0, {})
    plain = _without_noise(sample, np.sqrt(weights)[:, None])
    groups = np.full(cells, -1, np.intp)
    crowd = np.flatnonzero(~_is_lonely(plain))
    social = plain[crowd]
    strengths, count = _sound_count(social, most, least_strength, fewest)
    if len(social) > 1:
        groups[crowd] = _tidied(social, _cut(linkage(social, method="ward"), count))
    else:
        groups[crowd] = 0
    return Grouping(groups, count, strengths)


def _sound_count(
    social: Floats, most: int, least_strength: float, fewest: int
) -> tuple[dict[int, float], int]:
    """Return the strength of each number of groups, and the number to take.

    That with the most groups that count, and of several the smallest.
    """
    halves = social[0::2], social[1::2]
    strengths, best, counting = {1: 1.0}, 1, 1
    if len(halves[1]) < 2 * fewest:
        return strengths, best
    trees = [linkage(half, method="ward") for half in halves]
    for count in range(2, min(most, len(halves[1]) // fewest) + 1):
        cuts = [_tidied(half, _cut(tree, count)) for half, tree in zip(halves, trees, strict=True)]
        strengths[count] = _strength(halves, cuts, count, fewest)
        large = min(np.count_nonzero(np.bincount(cut) >= fewest) for cut in cuts)
        if strengths[count] >= least_strength and large > counting:
            best, counting = count, int(large)
    return strengths, best


def _without_noise(sample: WeekShapes, scale: Floats) -> Floats:
    """Return the shapes in the few directions that stand out of the noise.

    What is filled in changes a week's mean and variance, so each week is standardized again.
    """
    known = sample.known
    filled: Floats = sample.values.astype(np.float64)
    for _ in range(1 if known.all() else _FILLING_ROUNDS):
        flat = (filled * scale).reshape(len(filled), -1)
        middle = flat.mean(axis=0)
        left, sizes, right = np.linalg.svd(flat - middle, full_matrices=False)
        ratio = min(flat.shape) / max(flat.shape)
        threshold = np.polyval(_MEDIAN_TO_THRESHOLD, ratio) * np.median(sizes)
        standing = np.count_nonzero(sizes > threshold)
        kept = int(np.clip(standing, 1, min(_MOST_DIRECTIONS, len(sizes))))
        plain = left[:, :kept] * sizes[:kept]
        expected = (middle + plain @ right[:kept]).reshape(filled.shape) / scale
        filled = _standardized(np.where(known, filled, expected))
    return np.asarray(plain)


def _standardized(weeks: Floats) -> Floats:
    shifted = weeks - weeks.mean(axis=-1, keepdims=True)
    spread = shifted.std(axis=-1, keepdims=True)
    return np.asarray(shifted / np.where(spread > 0, spread, 1))


def _is_lonely(plain: Floats) -> Booleans:
    """Tell which shapes lie far from all others: they make no group and disturb all."""
    if len(plain) <= 2 * _NEIGHBOR:
        return np.zeros(len(plain), bool)
    nearest = np.sqrt(np.partition(_squares(plain, plain), _NEIGHBOR, axis=1)[:, _NEIGHBOR])
    usual = np.median(nearest)
    width = 1.4826 * np.median(np.abs(nearest - usual))
    return np.asarray(nearest > usual + _LONELY * max(width, 0.1 * usual))


def _strength(
    halves: tuple[Floats, Floats], cuts: list[Integers], count: int, fewest: int
) -> float:
    """Return the smaller prediction strength of the two ways between the halves."""
    return min(
        _kept_together(cuts[1], _nearest(halves[1], _means(halves[0], cuts[0], count)), fewest),
        _kept_together(cuts[0], _nearest(halves[0], _means(halves[1], cuts[1], count)), fewest),
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
    return np.asarray(cut_tree(tree, n_clusters=count)[:, 0], np.intp)


def _tidied(plain: Floats, groups: Integers) -> Integers:
    """Return the groups after some rounds in which each shape joins the nearest mean."""
    count = int(groups.max()) + 1
    for _ in range(_TIDYING_ROUNDS):
        moved = _nearest(plain, _means(plain, groups, count))
        if np.array_equal(moved, groups) or len(np.unique(moved)) < count:
            break
        groups = moved
    return groups


def _means(plain: Floats, groups: Integers, count: int) -> Floats:
    sums = np.zeros((count, plain.shape[1]))
    np.add.at(sums, groups, plain)
    return np.asarray(sums / np.bincount(groups, minlength=count)[:, None])


def _nearest(plain: Floats, means: Floats) -> Integers:
    return np.asarray(_squares(plain, means).argmin(axis=1), np.intp)


def _squares(these: Floats, those: Floats) -> Floats:
    """Return squared distances [these, those]."""
    found = np.square(these).sum(axis=1)[:, None] + np.square(those).sum(axis=1)[None, :]
    return np.asarray(np.maximum(found - 2 * these @ those.T, 0))
