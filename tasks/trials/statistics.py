"""Figures of repeated trials, and whether two series differ: pure, seeded, exact where it can be.

Cases are the unit of chance: repeats of one case are alike, so intervals resample cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from semantic_layer.errors import InputError

_RESAMPLES = 4000
_SEED = 20260101
_TAIL_PCT = 2.5


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one case was answered, and how often rightly."""

    right: int
    asked: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share, 0 to 1, with the limits of its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two series over the same cases.

    Attributes:
        difference: mean share right of the first, less that of the second, with its interval.
        first_only: cases that only the first has right by majority; second_only likewise.
        p_value: two-sided, of McNemar's exact test on those cases.
    """

    difference: Estimate
    first_only: int
    second_only: int
    p_value: float


def pass_hat(tally: Tally, k: int) -> float:
    """Return the chance that k attempts drawn from those made are all right: C(c, k) / C(n, k).

    Raises:
        InputError: fewer than k attempts were made, or k is none.

    Source: Yao et al., tau-bench, 2024, section 3.

    >>> pass_hat(Tally(right=3, asked=4), 2)
    0.5
    """
    if not 1 <= k <= tally.asked or not 0 <= tally.right <= tally.asked:
        raise InputError(
            f"pass^{k} needs at least {k} attempts of a case; {tally} holds {tally.asked}."
        )
    return comb(tally.right, k) / comb(tally.asked, k)


def mean_pass_hat(tallies: Sequence[Tally], k: int) -> Estimate:
    """Return the mean of pass^k over cases, its interval by resampling cases.

    Raises:
        InputError: there is no case, or one has fewer than k attempts.
    """
    return _resampled(np.array([pass_hat(one, k) for one in tallies]))


def paired_test(first: Sequence[Tally], second: Sequence[Tally]) -> PairedTest:
    """Compare two series of the same cases, in the same order.

    Raises:
        InputError: they are not of as many cases, or of none.
    """
    if len(first) != len(second):
        raise InputError(
            f"Series of {len(first)} and of {len(second)} cases cannot be paired; both must hold "
            "the same cases."
        )
    shares = [pass_hat(a, 1) - pass_hat(b, 1) for a, b in zip(first, second, strict=True)]
    won = [(has_majority(a), has_majority(b)) for a, b in zip(first, second, strict=True)]
    ours, theirs = won.count((True, False)), won.count((False, True))
    return PairedTest(_resampled(np.array(shares)), ours, theirs, mcnemar(ours, theirs))


def has_majority(tally: Tally) -> bool:
    """Tell whether more than half of a case's attempts were right; half is not enough."""
    return 2 * tally.right > tally.asked


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the exact two-sided p-value that such a split of differing cases is chance.

    >>> mcnemar(0, 0), mcnemar(5, 0)
    (1.0, 0.0625)
    """
    differing = first_only + second_only
    fewer = min(first_only, second_only)
    tail = sum(comb(differing, count) for count in range(fewer + 1))
    return min(1.0, 2 * tail / (1 << differing))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies; 0 where there is none."""
    return float(np.quantile(values, share)) if values else 0.0


def _resampled(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Estimate:
    if not values.size:
        raise InputError("There is no case to draw from; a kind or limit leaves none.")
    drawn = np.random.default_rng(_SEED).integers(0, values.size, (_RESAMPLES, values.size))
    means = values[drawn].mean(axis=1)
    low, high = np.percentile(means, [_TAIL_PCT, 100 - _TAIL_PCT])
    return Estimate(float(values.mean()), float(low), float(high))
