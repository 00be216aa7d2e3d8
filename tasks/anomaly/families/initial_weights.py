"""Weights that networks start from, drawn by a seed in NumPy: the same on every device."""

import numpy as np

from tasks.anomaly.arrays import Floats


def drawn(random: np.random.Generator, *shape: int, inputs: int) -> Floats:
    """Return normal weights such that sums over `inputs` of them neither grow nor fade."""
    return np.asarray(random.normal(size=shape) / np.sqrt(inputs), np.float32)


def zeros(*shape: int) -> Floats:
    """Return weights that say nothing yet: a deviation's first expectation is none."""
    return np.zeros(shape, np.float32)
