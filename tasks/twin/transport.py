"""Backhaul: what a site's link carries, drops and delays when its cells want more than it bears."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

PACKET_MBIT = 0.0104
"""A mean downlink packet of 1,300 bytes."""


def carried_share(offered_mbps: Array, capacity_mbps: Array) -> Array:
    """Return the share of the offered traffic that passes; traffic is bursty, so it bends early."""
    use = offered_mbps / capacity_mbps
    return np.asarray((1.0 + use**8) ** -0.125, dtype=np.float32)


def discarded_share(offered_mbps: Array, capacity_mbps: Array) -> Array:
    """Return the share of packets discarded in the link's queue, 0 to 1.

    Most of the excess is held back by the senders' congestion control; about an eighth of it, and
    a little from bursts as the link fills, is lost in the queue.
    """
    use = np.minimum(offered_mbps / capacity_mbps, 3.0)
    excess = np.maximum(1.0 - 1.0 / np.maximum(use, 1.0), 0.0)
    return np.asarray(2e-5 + 0.12 * excess + 4e-3 * np.minimum(use, 1.0) ** 12, dtype=np.float32)


def queue_delay_ms(offered_mbps: Array, capacity_mbps: Array) -> Array:
    """Return the mean wait in the link's queue, up to its buffer of 60 ms (M/M/1, bounded)."""
    use = np.minimum(offered_mbps / capacity_mbps, 0.98)
    return np.asarray(np.minimum(0.6 * use / (1.0 - use), 60.0), dtype=np.float32)


def user_rate_mbps(offered_mbps: Array, capacity_mbps: Array) -> Array:
    """Return the rate that one more user would get on the link (processor sharing)."""
    left = np.maximum(1.0 - offered_mbps / capacity_mbps, 0.012)
    return np.asarray(capacity_mbps * left, dtype=np.float32)
