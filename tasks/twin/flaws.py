"""What goes wrong with measuring rather than with the network: gaps, suspect and empty values.

No fault stands behind any of it. A detector must abstain there, and must not raise an alarm.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.twin.layout import Network

Flags = npt.NDArray[np.bool_]

EMPTY_SHARE = 4e-4
"""Share of values that a delivered file leaves empty."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of periods in which nothing of a site was collected."""

    site: int
    first: int
    last: int
    kind: str


@dataclass(frozen=True, slots=True)
class Flaws:
    """By (periods, sites) or (periods, cells).

    Attributes:
        missing_sites: nothing of the site was collected.
        suspect: the period was not observed whole.
        observed_share: of a suspect period, the share that was observed.
        new_site: the site that came on air with the newest days; None in a small network.
    """

    gaps: tuple[Gap, ...]
    missing_sites: Flags
    suspect: Flags
    observed_share: npt.NDArray[np.float32]
    new_site: int | None


def measuring_flaws(network: Network, periods: int, newest_first: int, seed: int) -> Flaws:
    """Return the flaws of a run; the newest days have their share of each.

    Args:
        network: the network as built.
        periods: length of the run.
        newest_first: first period of the newest days.
        seed: of the run.
    """
    rng = np.random.default_rng([seed, 8])
    sites = len(network.sites)
    gaps = _collection_gaps(rng, sites, periods, newest_first)
    new_site = sites if sites >= 20 else None
    if new_site is not None:
        gaps.append(Gap(new_site, 0, newest_first, "new_cell"))
    missing = np.zeros((periods, sites), dtype=bool)
    for gap in gaps:
        missing[gap.first : gap.last, gap.site - 1] = True
    subnetworks = np.array([site.subnetwork for site in network.sites])
    for first in (int(rng.integers(0, newest_first)), int(rng.integers(newest_first, periods))):
        missing[first, subnetworks == rng.choice(subnetworks)] = True
    suspect = rng.random((periods, len(network.cells))) < 8e-4
    site_of = np.array([cell.site.index - 1 for cell in network.cells])
    restarts = rng.random((periods, sites)) < 2e-4
    suspect |= restarts[:, site_of]
    observed = rng.uniform(0.2, 0.95, suspect.shape).astype(np.float32)
    return Flaws(tuple(gaps), missing, suspect, observed, new_site)


def _collection_gaps(
    rng: np.random.Generator, sites: int, periods: int, newest_first: int
) -> list[Gap]:
    stretches = ((0, newest_first, 0.004), (newest_first, periods, 0.02))
    gaps = []
    for first, last, a_site_day in stretches:
        count = max(1, round((last - first) / 96 * sites * a_site_day))
        for _ in range(count):
            begin = int(rng.integers(first, max(first + 1, last - 8)))
            end = min(begin + int(rng.integers(6, 36)), last)
            gaps.append(Gap(int(rng.integers(1, sites + 1)), begin, end, "collection_gap"))
    return gaps
