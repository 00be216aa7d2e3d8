"""Drawing counts from expected values: Poisson and binomial laws, fast on large arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Array = npt.NDArray[np.floating[Any]]

_MANY = 200.0


def poisson(rng: np.random.Generator, mean: Array) -> Counts:
    """Return counts of independent events; above 200 by the normal law, which is as good there."""
    held = np.maximum(mean, 0.0)
    counts = np.rint(held + np.sqrt(held) * rng.standard_normal(held.shape, dtype=np.float32))
    counts = np.maximum(counts, 0).astype(np.int64)
    few = held < _MANY
    counts[few] = rng.poisson(held[few])
    return counts


def binomial(rng: np.random.Generator, number: Counts, chance: Array | float) -> Counts:
    """Return how many of `number` tries succeed.

    Where both outcomes are expected more than 200 times the normal law is used.
    """
    share = np.clip(np.broadcast_to(np.asarray(chance, dtype=np.float64), number.shape), 0.0, 1.0)
    mean = number * share
    spread = np.sqrt(mean * (1.0 - share))
    drawn = np.rint(mean + spread * rng.standard_normal(number.shape, dtype=np.float32))
    counts = np.clip(drawn, 0, number).astype(np.int64)
    few = (mean < _MANY) | (number - mean < _MANY)
    counts[few] = rng.binomial(number[few], share[few])
    return counts


def jitter(rng: np.random.Generator, shape: tuple[int, ...], spread: Array | float) -> Array:
    """Return factors around 1: what a mean over few events scatters by."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.exp(np.asarray(spread, dtype=np.float32) * noise), dtype=np.float32)
