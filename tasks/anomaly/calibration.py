"""Raw scores of any family as probabilities: how often a calm period scores as high or higher.

A Mahalanobis distance, a reconstruction error and a network's loss have different units and tails.
What they share is that calm history says how often each height occurs. The body of calm scores is
kept as quantiles; beyond a high threshold a generalized Pareto distribution carries on, as extreme
value theory has it (Pickands 1975; Siffer et al. 2017, SPOT). It is fitted to quantiles
(Castillo and Hadi 1997), not to moments, and neither the highest share of the history nor what
stays high for hours is looked at: earlier faults lie in there unmarked.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from semantic_layer.errors import InputError
from semantic_layer.finding_worth import CalmTail
from tasks.anomaly.arrays import Booleans, Floats

_BODY_POINTS = 65
_TAIL_POINTS = 24
_SHAPES = np.linspace(-0.25, 1.0, 126)
_SMALLEST_P, _LARGEST_P = 1e-300, 1 - 1e-9  # finite as standard deviations
_NORMAL_90 = 1.2816
_PAUSE = 2
_ENOUGH_ABOVE = 50.0  # independent scores, to know a quantile
_STEP = 4.0  # how many times as many lie above the quantile before the last
_HEAD = 5  # count, tail share, threshold, scale, shape; then the body's quantiles


class _Levels(NamedTuple):
    known: float
    tail_share: float
    threshold: float
    scale: float
    shape: float
    body: Floats


def calm_levels(
    scores: Floats, rules: CalmTail, granularity_s: int, network: Floats | None = None
) -> Floats:
    """Return how high calm scores are, as one array that a stored model can carry.

    With few scores the tail is drawn wider, by the uncertainty of its shape, and the levels lean on
    the network's: in between by the share that `rules.calm_scores` says are enough. So a small
    profile calls less improbable than it is, never more.

    Args:
        scores: of calm history, [cells, periods]; NaN is no data. Earlier faults may be among them.
        rules: shares of the tail, and what is too lasting to be calm.
        granularity_s: seconds of a period.
        network: levels of the same family over all cells, to lean on; None if there are none.

    Returns:
        Float64 [5 + 65]: how many scores, share of the tail, its threshold, scale and shape, and
        quantiles of the body, rising.

    Raises:
        InputError: no score is known and there are no levels to lean on.
    """
    lasting = max(math.ceil(rules.lasting_hours * 3600 / granularity_s), 2)
    calm = scores[np.isfinite(scores) & ~_lasts(scores, rules.lasting_score, lasting)]
    known = np.sort(calm.astype(np.float64), axis=None)
    if known.size < 2:
        if network is None:
            raise InputError(
                f"{known.size} calm scores tell no levels; score some calm history first, or give "
                "the network's levels to lean on."
            )
        return network.copy()
    own = _fitted(known, rules)
    if network is not None:
        own = _leaning(own, _read(network), known.size / (known.size + rules.calm_scores))
    return _array(own)


def tail_probabilities(scores: Floats, levels: Floats) -> Floats:
    """Return the share of calm periods that score as high or higher, above 0 to 1, same shape.

    Falls as the score rises. NaN stays NaN. A score below all calm ones is no evidence: 1.
    """
    told = _read(levels)
    rising, shares = _rising(told)
    body = np.exp(np.interp(scores, rising, np.log(shares)))
    with np.errstate(invalid="ignore", over="ignore"):
        excess = np.maximum(scores - told.threshold, 0.0) / told.scale
        beyond = told.tail_share * _survival(excess, told.shape)
        found = np.where(scores > told.threshold, beyond, body)
    return np.where(np.isfinite(scores), np.clip(found, _SMALLEST_P, 1.0), np.nan)


def deviates(scores: Floats, levels: Floats) -> Floats:
    """Return scores as standard deviations of a normal distribution with the same probability.

    So 3 is what one calm period in 741 reaches, whatever the family and however heavy its tail.
    """
    found = np.minimum(tail_probabilities(scores, levels), _LARGEST_P)
    return np.asarray(-ndtri(found))


def in_units_of(scores: Floats, levels: Floats, reference: Floats) -> Floats:
    """Return what the reference's family would score as rarely: the same probability in its units.

    Thresholds were chosen on the reference's scale, whose calm tail is heavier than a normal one;
    through this they mean the same frequency for every family.

    Args:
        scores: raw scores, any shape; NaN stays NaN.
        levels: of their own family and profile.
        reference: levels of the family on whose scale thresholds are stated.
    """
    return _heights(_read(reference), tail_probabilities(scores, levels))


def _lasts(scores: Floats, height: float, lasting: int) -> Booleans:
    """Return which periods lie in runs at `height` normal deviations that last `lasting` periods.

    A run bridges pauses of two periods. Height is told by the median and the 90 % quantile of all.
    """
    marked = np.zeros(scores.shape, bool)
    if not np.isfinite(scores).any():
        return marked
    middle, ninety = np.nanquantile(scores, [0.5, 0.9])
    with np.errstate(invalid="ignore"):
        row, period = np.nonzero(scores - middle >= height * (ninety - middle) / _NORMAL_90)
    if ninety <= middle or row.size == 0:
        return marked
    is_new = np.ones(row.size, bool)
    is_new[1:] = (row[1:] != row[:-1]) | (np.diff(period) > 1 + _PAUSE)
    starts = np.flatnonzero(is_new)
    lengths = np.diff(np.append(starts, row.size))
    kept = np.repeat(lengths >= lasting, lengths)
    marked[row[kept], period[kept]] = True
    return marked


def _fitted(known: Floats, rules: CalmTail) -> _Levels:
    """Return levels of sorted scores.

    Quantiles are kept as far up as enough independent scores lie above; the tail goes on from
    there, at the pace of the last two, by the shape of the whole tail.
    """
    independent = known.size / rules.together_periods
    kept = max(rules.unmarked_share, _ENOUGH_ABOVE / independent)
    tail_share = min(kept, rules.tail_share)
    body = np.quantile(known, 1 - _body_shares(tail_share))
    before, threshold = np.quantile(known, [1 - _STEP * tail_share, 1 - tail_share])
    doubt = 1 / np.sqrt(max(rules.tail_share * independent, 1.0))
    shape = min(max(_shape(known, rules), 0.0) + doubt, rules.widest_shape)
    step = float(threshold - before)
    scale = step / float(_height(np.array(1 / _STEP), shape)) + shape * step
    smallest = 1e-9 * float(np.abs(body).max()) + 1e-300
    return _Levels(
        float(known.size), tail_share, float(threshold), max(scale, smallest), shape, body
    )


def _shape(known: Floats, rules: CalmTail) -> float:
    """Return the shape whose quantiles over the tail fit best, in relative least squares."""
    lowest = min(max(rules.unmarked_share, 3.0 / known.size), rules.tail_share / 2)
    relative = np.geomspace(1, lowest / rules.tail_share, _TAIL_POINTS)[1:]
    threshold = np.quantile(known, 1 - rules.tail_share)
    heights = np.quantile(known, 1 - rules.tail_share * relative) - threshold
    if heights[-1] <= 0:
        return 0.0
    curves = np.stack([_height(relative, shape) for shape in _SHAPES])
    ratio = heights / curves  # a quantile varies the more the fewer lie above it: weighs `relative`
    scales = (relative * ratio).sum(axis=1) / relative.sum()
    misfit = (relative * (ratio / scales[:, None] - 1) ** 2).sum(axis=1)
    return float(_SHAPES[np.argmin(misfit)])


def _leaning(own: _Levels, network: _Levels, trust: float) -> _Levels:
    """Return levels whose heights are `trust` of the own ones and the rest of the network's."""

    def mixed(mine: Floats | float, shares: Floats | float) -> Floats:
        theirs = _heights(network, np.asarray(shares, np.float64))
        return np.asarray(trust * np.asarray(mine) + (1 - trust) * theirs)

    shares = _body_shares(own.tail_share)
    body = mixed(own.body, shares)
    step = _heights(network, np.array([own.tail_share, own.tail_share / _STEP]))
    pace = float(step[1] - step[0]) / float(_height(np.array(1 / _STEP), network.shape))
    scale = trust * own.scale + (1 - trust) * pace
    shape = trust * own.shape + (1 - trust) * network.shape
    return _Levels(own.known, own.tail_share, float(body[-1]), scale, shape, body)


def _heights(told: _Levels, probabilities: Floats) -> Floats:
    """Return the scores that calm periods reach with these probabilities; NaN stays NaN."""
    rising, shares = _rising(told)
    body = np.interp(-np.log(probabilities), -np.log(shares), rising)
    with np.errstate(invalid="ignore"):
        relative = np.minimum(probabilities / told.tail_share, 1.0)
        beyond = told.threshold + told.scale * _height(relative, told.shape)
        return np.where(probabilities < told.tail_share, beyond, body)


def _height(relative: Floats, shape: float) -> Floats:
    """Return the excess, in scales, that a share `relative` of the tail's exceedances reach."""
    if abs(shape) < 1e-9:
        return np.asarray(-np.log(relative))
    return np.asarray(np.expm1(-shape * np.log(relative)) / shape)


def _survival(excess: Floats, shape: float) -> Floats:
    """Return the share of the tail's exceedances at or above an excess, in scales; 0 <= shape."""
    if shape < 1e-9:
        return np.asarray(np.exp(-excess))
    return np.asarray(np.exp(-np.log1p(shape * excess) / shape))


def _body_shares(tail_share: float) -> Floats:
    """Return the shares of calm scores at or above the body's quantiles, falling."""
    return np.concatenate(
        [np.linspace(1, 0.5, 17)[:-1], np.geomspace(0.5, tail_share, _BODY_POINTS - 16)]
    )


def _rising(told: _Levels) -> tuple[Floats, Floats]:
    """Return the body's heights, strictly rising, and the share of calm scores at or above."""
    steps = np.spacing(np.abs(told.body)) * np.arange(told.body.size)
    return np.maximum.accumulate(told.body) + steps, _body_shares(told.tail_share)


def _array(told: _Levels) -> Floats:
    return np.concatenate([np.array(told[:_HEAD], np.float64), told.body])


def _read(levels: Floats) -> _Levels:
    if levels.shape != (_HEAD + _BODY_POINTS,) or not np.isfinite(levels).all():
        raise InputError(
            f"Calm levels are {_HEAD + _BODY_POINTS} numbers; got an array of shape "
            f"{levels.shape}. Fit them anew with calm_levels."
        )
    known, tail_share, threshold, scale, shape = (float(value) for value in levels[:_HEAD])
    return _Levels(known, tail_share, threshold, scale, shape, levels[_HEAD:])
