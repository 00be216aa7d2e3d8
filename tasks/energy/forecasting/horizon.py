"""What errors of a forecast depend on: how far ahead, in which part of the day, over how long."""

import numpy as np

from tasks.energy.forecasting.load_history import QUARTERS_A_DAY, Floats, Numbers

LEARNED_AHEAD = QUARTERS_A_DAY
"""Quarters ahead for which errors are learned; what lies beyond is treated as the last of them."""
_BIN_ENDS = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 72])
BINS = len(_BIN_ENDS) + 1
"""Stretches of the horizon within which errors are alike."""
_PART_STARTS = np.array([20, 40])
PARTS = len(_PART_STARTS) + 1
"""Parts of the day: the night until 05:00, the morning until 10:00, the rest."""
LENGTHS = (1, 2, 4, 8, 16)
"""Lengths of periods, in quarters, whose highest quarter is learned."""


def bin_of(ahead: Numbers) -> Numbers:
    """Return the stretch of the horizon of quarters ahead; 1 is the next quarter."""
    return np.asarray(np.searchsorted(_BIN_ENDS, ahead))


def part_of(slots: Numbers) -> Numbers:
    """Return the part of the day of slots of the week."""
    return np.asarray(np.searchsorted(_PART_STARTS, slots % QUARTERS_A_DAY, side="right"))


def length_of(quarters: Numbers) -> Numbers:
    """Return the learned length nearest to each length of a period, on a log scale."""
    away = np.abs(np.log2(quarters)[:, None] - np.log2(np.array(LENGTHS))[None, :])
    return np.asarray(np.argmin(away, axis=1))


def period_means(by_quarter: Floats, firsts: Numbers, quarters: Numbers) -> Floats:
    """Return means over periods of (C, H) quarters; a period begins at each of `firsts`."""
    return np.asarray(np.add.reduceat(by_quarter, firsts, axis=1) / quarters, np.float32)


def period_tops(by_quarter: Floats, firsts: Numbers) -> Floats:
    """Return the highest of (C, H) quarters in each period."""
    return np.asarray(np.maximum.reduceat(by_quarter, firsts, axis=1), np.float32)
