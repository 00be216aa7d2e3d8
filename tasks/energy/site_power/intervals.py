"""How far a site may stray from its prediction: split-conformal bounds, grouped by site.

Hours of one site stray together, so a site counts once however many hours it has. Strays are logs
of consumed over predicted, of sites that the predicting model never saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Texts = npt.NDArray[np.str_]

_LEAST_SITES = 15


@dataclass(frozen=True)
class Strays:
    """Bounds of log consumed over predicted.

    Attributes:
        by_type: low and high of radio unit types with sites enough of their own.
        overall: of a type with too few.
        unseen: of a type never seen, from types left out in turn; with few types no promise.
    """

    by_type: Mapping[str, tuple[float, float]]
    overall: tuple[float, float]
    unseen: tuple[float, float]

    def bounds(self, types: Sequence[str], known: Sequence[str]) -> tuple[Floats, Floats]:
        """Return (N,) low and high for each of N types."""
        told = np.array(
            [self.by_type.get(one, self.overall) if one in known else self.unseen for one in types]
        ).reshape(-1, 2)
        return told[:, 0], told[:, 1]


def strays_by_type(
    stray: Floats, site: Texts, ru_type: Texts, confidence: float
) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """Return bounds by type, and over all types.

    Args:
        stray: (N,) log of consumed over predicted, out of sample.
        site: (N,) whose hours they are.
        ru_type: (N,) of the site.
        confidence: share of strays to lie between the bounds.
    """
    found = {}
    for name in sorted(set(ru_type.tolist())):
        own = ru_type == name
        if len(set(site[own].tolist())) >= _LEAST_SITES:
            found[name] = grouped_bounds(stray[own], site[own], confidence)
    return found, grouped_bounds(stray, site, confidence)


def grouped_bounds(stray: Floats, group: Texts, confidence: float) -> tuple[float, float]:
    """Return the bounds between which strays of one more group lie, each group counting once.

    The tails widen by one part in the number of groups (split conformal prediction); of fewer
    groups than a tail needs, the plain quantiles are taken, and are no promise.

    Args:
        stray: (N,)
        group: (N,) whose they are.
        confidence: share between the bounds.
    """
    _, number, count = np.unique(group, return_inverse=True, return_counts=True)
    order = np.argsort(stray, kind="stable")
    reached = np.cumsum((1.0 / count)[number][order]) / len(count)
    tail = (1 - confidence) / 2
    widened = (1 - tail) * (1 + 1 / len(count))
    level = widened if widened < 1 else 1 - tail
    last = len(order) - 1
    high = stray[order[min(int(np.searchsorted(reached, level - 1e-12)), last)]]
    low = stray[order[min(int(np.searchsorted(reached, 1 - level, side="right")), last)]]
    return float(low), float(high)
