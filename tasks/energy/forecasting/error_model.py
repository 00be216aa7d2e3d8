"""How errors of a forecast are spread: what is expected of them, and their quantiles.

Three things are learned from a rehearsal, each by stretch of the horizon: what strays known at the
origin say of those to come (ridge regression), how far a forecast will be off (non-negative
regression of absolute errors), and quantiles of errors beside that (conformal prediction with
normalized scores: Lei et al., Distribution-free predictive inference for regression, JASA 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.energy.forecasting.horizon import (
    BINS,
    LEARNED_AHEAD,
    LENGTHS,
    PARTS,
    bin_of,
    part_of,
    period_means,
    period_tops,
)
from tasks.energy.forecasting.load_history import Floats, Numbers
from tasks.energy.forecasting.rehearsal import Rehearsal
from tasks.energy.forecasting.strays import BASES, FACTORS, LAGS_DAYS

_AHEAD = np.arange(1, LEARNED_AHEAD + 1)
_BIN = bin_of(_AHEAD)
_RIDGE = 3.0
_CLIP = 1.5
_LEAST_SCALE = 0.2
"""Least deviation that is expected, beside the mean one."""
_LEAST_BEYOND = 5.0
"""Errors that must lie beyond a quantile, or it is taken from all parts of the day."""


@dataclass(frozen=True)
class ErrorModel:
    """What is known of errors, by stretch of the horizon (B) and part of the day (D).

    Attributes:
        weights: (B, FACTORS) of what strays at the origin say of those to come.
        spread_weights: (B, n) of what the expected deviation is made of.
        least: (B,) deviation that is expected at least.
        scores: (lengths, B, D, Q) quantiles of errors of a period's highest quarter, beside the
            expected deviation.
        mean_factor: (B, D) mean load beside what its expected log load makes.
    """

    weights: Floats
    spread_weights: Floats
    least: Floats
    scores: Floats
    mean_factor: Floats


def deviation_parts(
    spread: Floats, deviation: Floats, slot_deviation: Floats, evidence: Floats, level: Floats
) -> list[Floats]:
    """Return what the expected deviation is made of, each to be broadcast to (N, H).

    Args:
        spread: (N, n) averages of absolute strays at the origin.
        deviation: (N,) of the cell from its profile.
        slot_deviation: (H,) or (N, H) of the slot, beside all slots.
        evidence: (N, H) days that the profile rests on.
        level: (N, H) expected log load; counts scatter more where there is little load.
    """
    return [
        np.ones((1, 1), np.float32),
        deviation[:, None],
        *(spread[:, [place]] for place in range(spread.shape[1])),
        deviation[:, None] * slot_deviation,
        1.0 / (1.0 + evidence),
        np.exp(-0.5 * level),
    ]


def combined(parts: Sequence[Floats], weights: Floats, least: Floats) -> Floats:
    """Return (N, H) expected deviations; `weights` is (H, n), `least` (H,)."""
    found = sum(part * weights[:, place] for place, part in enumerate(parts))
    return np.asarray(np.maximum(found, least), np.float32)


def error_model(past: Rehearsal, quantiles: Floats, offset: float) -> ErrorModel:
    """Return what a rehearsal teaches.

    Args:
        past: forecasts of the past.
        quantiles: (Q,) levels.
        offset: what was added to load before its logarithm was taken.
    """
    strays = past.came - past.level
    is_there = np.isfinite(strays)
    weights = _stray_weights(past, np.clip(strays, -_CLIP, _CLIP), is_there)
    by_ahead = weights[_BIN]
    expected = past.level + past.bases @ by_ahead[:, :BASES].T + by_ahead[:, -1]
    for place in range(len(LAGS_DAYS)):
        expected += past.lags[place] * by_ahead[:, BASES + place]
    parts = deviation_parts(
        past.spread, past.deviation, past.slot_deviation, past.evidence, expected
    )
    off = np.where(is_there, np.abs(past.came - expected), np.float32(0.0))
    spread_weights, least = _spread_weights(parts, np.minimum(off, _CLIP), is_there)
    scale = combined(parts, spread_weights[_BIN], least[_BIN])
    return ErrorModel(
        weights=weights,
        spread_weights=spread_weights,
        least=least,
        scores=np.stack(
            [_score_quantiles(past, expected, scale, length, quantiles) for length in LENGTHS]
        ),
        mean_factor=_mean_factors(past, expected, is_there, offset),
    )


def _stray_weights(past: Rehearsal, strays: Floats, is_there: Floats) -> Floats:
    """Return (B, FACTORS) ridge weights of each stretch of the horizon."""
    weights = np.zeros((BINS, FACTORS), np.float32)
    for stretch in range(BINS):
        gram = np.eye(FACTORS) * _RIDGE
        target = np.zeros(FACTORS)
        for ahead in np.flatnonzero(stretch == _BIN):
            there = is_there[:, ahead]
            lags = [past.lags[place][there, ahead] for place in range(len(LAGS_DAYS))]
            ones = np.ones(int(there.sum()), np.float32)
            factors = np.column_stack([past.bases[there], *lags, ones])
            gram += factors.T @ factors
            target += factors.T @ strays[there, ahead]
        weights[stretch] = np.linalg.solve(gram, target)
    return weights


def _spread_weights(
    parts: Sequence[Floats], off: Floats, is_there: Floats
) -> tuple[Floats, Floats]:
    """Return (B, n) weights and (B,) least deviations of each stretch of the horizon."""
    from scipy.optimize import nnls  # noqa: PLC0415 - flows must not pay for its import

    weights = np.zeros((BINS, len(parts)), np.float32)
    least = np.zeros(BINS, np.float32)
    for stretch in range(BINS):
        gram, target, total, count = np.zeros((len(parts),) * 2), np.zeros(len(parts)), 0.0, 0
        for ahead in np.flatnonzero(stretch == _BIN):
            there = is_there[:, ahead]
            made = np.stack(
                [np.broadcast_to(part, off.shape)[there, ahead] for part in parts], axis=1
            ).astype(np.float64)
            gram += made.T @ made
            target += made.T @ off[there, ahead]
            total += float(off[there, ahead].sum())
            count += int(there.sum())
        gram += np.diag(1e-6 * np.diag(gram) + 1e-6)  # parts may be alike
        root = np.linalg.cholesky(gram)
        weights[stretch] = nnls(root.T, np.linalg.solve(root, target))[0]
        least[stretch] = max(_LEAST_SCALE * total / max(count, 1), 1e-3)
    return weights, least


def _score_quantiles(
    past: Rehearsal, expected: Floats, scale: Floats, length: int, quantiles: Floats
) -> Floats:
    """Return (B, D, Q) quantiles of errors of the highest quarter of periods of this length."""
    firsts = np.arange(0, LEARNED_AHEAD, length)
    quarters = np.full(len(firsts), length)
    error = period_tops(past.came, firsts) - period_tops(expected, firsts)
    scores = error / period_means(scale, firsts, quarters)
    stretch, part = _BIN[firsts], part_of(past.slots[:, firsts])
    found = np.zeros((BINS, PARTS, len(quantiles)), np.float32)
    for here in range(BINS):
        nearest = stretch[np.argmin(np.abs(stretch - here))]
        these = scores[:, stretch == nearest]
        parts = part[:, stretch == nearest]
        whole = _quantiles(these, quantiles)
        for when in range(PARTS):
            own = these[parts == when]
            enough = np.isfinite(own).sum() * np.minimum(quantiles, 1 - quantiles) >= _LEAST_BEYOND
            found[here, when] = np.where(enough, _quantiles(own, quantiles), whole)
        found[here] = np.maximum.accumulate(found[here], axis=1)
    return found


def _quantiles(scores: Floats, quantiles: Floats) -> Floats:
    """Return conformal quantiles: the score that a further one stays under so often."""
    known = np.sort(scores[np.isfinite(scores)])
    if not len(known):
        return np.zeros(len(quantiles), np.float32)
    rank = np.where(
        quantiles >= 0.5,
        np.ceil(quantiles * (len(known) + 1)) - 1,
        np.floor(quantiles * (len(known) + 1)) - 1,
    )
    return np.asarray(known[np.clip(rank, 0, len(known) - 1).astype(int)], np.float32)


def _mean_factors(past: Rehearsal, expected: Floats, is_there: Floats, offset: float) -> Floats:
    """Return (B, D) what mean load is, beside the load that its expected logarithm makes."""
    came = np.where(is_there, np.exp(past.came) - offset, 0.0)
    made = np.where(is_there, np.exp(expected) - offset, 0.0)
    part = part_of(past.slots)
    factors = np.ones((BINS, PARTS), np.float32)
    for stretch in range(BINS):
        for when in range(PARTS):
            here = (stretch == _BIN) & (part == when)
            total = float(made[here].sum())
            factors[stretch, when] = came[here].sum() / total if total > 0 else 1.0
    return factors


def stretches(ahead: Numbers) -> Numbers:
    """Return the stretch of the horizon of quarters ahead; the last one has no end."""
    return bin_of(np.asarray(ahead))
