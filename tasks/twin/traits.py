"""What is peculiar to each cell and does not change: capacity, habits of its users, base rates.

Two cells of one kind still differ; base failure rates vary from cell to cell by about a third, as
clutter, software and terminals do.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.layout import Archetype, Network

Array = npt.NDArray[np.floating[Any]]

_SESSION_MBIT: dict[Archetype, float] = {
    "dense_urban": 3.5, "business": 3.0, "residential": 4.5, "transport": 2.0,
    "stadium": 2.5, "rural": 3.5,
}  # fmt: skip
_HANDOVERS_A_USER_S: dict[Archetype, float] = {
    "dense_urban": 0.020, "business": 0.016, "residential": 0.014, "transport": 0.060,
    "stadium": 0.012, "rural": 0.030,
}  # fmt: skip
_UPLINK_RATIO: dict[Archetype, float] = {
    "dense_urban": 0.11, "business": 0.14, "residential": 0.08, "transport": 0.10,
    "stadium": 0.20, "rural": 0.09,
}  # fmt: skip
_TERMINAL_LIMIT_MBPS = {"n78": 650.0, "n1": 190.0, "n28": 75.0, "B3": 130.0}
_CONTROL_OVERHEAD = 0.14


@dataclass(frozen=True, slots=True)
class Traits:
    """By cell; chances are of one attempt.

    Attributes:
        downlink_mbps: Mbit/s that the whole carrier gives for each bit/s/Hz.
        uplink_mbps: the same for the uplink.
        connected_s: how long a user stays connected besides the transfer itself.
    """

    downlink_mbps: Array
    uplink_mbps: Array
    terminal_limit_mbps: Array
    session_mbit: Array
    uplink_ratio: Array
    connected_s: Array
    handover_rate: Array
    access_fail: Array
    bearer_fail: Array
    core_fail: Array
    drop: Array
    handover_fail: Array
    prepare_fail: Array
    downlink_error: Array
    uplink_error: Array
    delay_ms: Array
    noise_rise_db: Array


def cell_traits(network: Network, seed: int) -> Traits:
    """Return the traits of every cell; the same seed gives the same traits."""
    rng = np.random.default_rng([seed, 5])
    cells = network.cells
    kinds = [cell.site.archetype for cell in cells]

    def spread(middle: float | list[float], sigma: float) -> Array:
        noise = rng.lognormal(0.0, sigma, len(cells))
        return np.asarray(np.asarray(middle) * noise, dtype=np.float32)

    def exact(values: list[float]) -> Array:
        return np.array(values, dtype=np.float32)

    useful = 1.0 - _CONTROL_OVERHEAD
    width = [cell.band.prbs * cell.band.prb_hz * useful / 1e6 for cell in cells]
    return Traits(
        downlink_mbps=exact(
            [w * cell.band.downlink_share for w, cell in zip(width, cells, strict=True)]
        ),
        uplink_mbps=exact(
            [
                w * (1.0 if cell.band.downlink_share == 1.0 else 1.0 - cell.band.downlink_share)
                for w, cell in zip(width, cells, strict=True)
            ]
        ),
        terminal_limit_mbps=exact([_TERMINAL_LIMIT_MBPS[cell.band.name] for cell in cells]),
        session_mbit=spread([_SESSION_MBIT[kind] for kind in kinds], 0.15),
        uplink_ratio=spread([_UPLINK_RATIO[kind] for kind in kinds], 0.15),
        connected_s=spread(14.0, 0.12),
        handover_rate=spread([_HANDOVERS_A_USER_S[kind] for kind in kinds], 0.2),
        access_fail=spread(0.0025, 0.35),
        bearer_fail=spread(0.0020, 0.35),
        core_fail=spread(0.0012, 0.30),
        drop=spread(0.0022, 0.30),
        handover_fail=spread(0.0090, 0.35),
        prepare_fail=spread(0.0050, 0.35),
        downlink_error=spread(0.075, 0.08),
        uplink_error=spread(0.080, 0.08),
        delay_ms=spread(7.0, 0.12),
        noise_rise_db=np.abs(spread(0.8, 0.4)),
    )
