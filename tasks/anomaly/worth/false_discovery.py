"""False discoveries: of the findings called real among very many cells, how many are mere chance.

A hundred thousand cells, a hundred periods a day: one calm period in a million that looks strange
is ten a day. So a finding's probability under calm is first that of the highest score that a calm
cell reaches anywhere in the window, then judged among all cells (Benjamini and Hochberg 1995).
Neighboring periods are not independent; how many count as one is the extremal index of the scores
(Leadbetter 1983, the runs estimator).
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError
from tasks.anomaly.arrays import Floats

Method = Literal["independent", "any"]
"""`independent`: also valid when cells move together upward; `any`: under whatever dependence."""

Labels = npt.NDArray[np.object_]
_EVEN_FROM = 0.5  # probabilities above this are taken to be of calm cells alone (Storey 2002)


def extremal_index(scores: Floats, apart: int, share: float = 0.02) -> float:
    """Return which share of high periods stands alone, above 0 to 1: 1 if they are independent.

    Args:
        scores: of calm cells, [cells, periods]; NaN is no data.
        apart: periods below that separate two runs of high ones.
        share: of periods that are called high.
    """
    known = np.isfinite(scores)
    if not known.any():
        return 1.0
    with np.errstate(invalid="ignore"):
        row, period = np.nonzero(scores >= np.quantile(scores[known], 1 - share))
    is_new = np.ones(row.size, bool)
    is_new[1:] = (row[1:] != row[:-1]) | (np.diff(period) > apart)
    return float(is_new.sum() / is_new.size)


def episode_probabilities(lowest: Floats, periods: float, index: float = 1.0) -> Floats:
    """Return how often a calm cell has a period as improbable as this anywhere in the window.

    Args:
        lowest: of each finding, the smallest tail probability of its periods.
        periods: how many periods of the cell were scored in the window.
        index: the extremal index of calm scores.

    Source: Sidak 1967, over `periods` x `index` independent periods.
    """
    independent = max(periods * index, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(independent * np.log1p(-np.minimum(lowest, 1.0))))


def q_values(
    probabilities: Floats,
    tested: int,
    *,
    method: Method = "independent",
    calm_share: float = 1.0,
) -> Floats:
    """Return for each finding the lowest false discovery rate at which it is called.

    Calling all findings with a value up to 0.1 makes at most one in ten of them calm, on average.

    Args:
        probabilities: of each finding under calm, as `episode_probabilities` returns them.
        tested: how many cells were judged, those without a finding included. A further finding of
            one cell counts as one more test.
        method: `any` is the cautious choice (Benjamini and Yekutieli 2001).
        calm_share: of the cells, as `calm_share_of` estimates it; 1 is always safe.

    Raises:
        InputError: there are more findings than tests.
    """
    count = probabilities.size
    if count > tested:
        raise InputError(
            f"{count} findings cannot come of {tested} tests; count every judged cell, and every "
            "further finding of a cell."
        )
    if count == 0:
        return np.zeros(0)
    order = np.argsort(probabilities, kind="stable")
    factor = calm_share * tested * (harmonic(tested) if method == "any" else 1.0)
    stepped = probabilities[order] * factor / np.arange(1, count + 1)
    lowest = np.minimum.accumulate(stepped[::-1])[::-1]
    found = np.empty(count)
    found[order] = np.minimum(lowest, 1.0)
    return found


def calm_share_of(probabilities: Floats) -> float:
    """Return the share of calm cells, 0 to 1, estimated from the probabilities of all of them.

    Calm cells' probabilities are spread evenly, so those above a half are half of them.

    Args:
        probabilities: one for every judged cell.

    Source: Storey, Taylor and Siegmund 2004, equation 6: the added 1 keeps the rate under control.
    """
    if probabilities.size == 0:
        return 1.0
    above = int((probabilities > _EVEN_FROM).sum())
    return min((above + 1) / (probabilities.size * (1 - _EVEN_FROM)), 1.0)


def q_values_by_profile(
    probabilities: Floats, profiles: Labels, *, method: Method = "independent"
) -> Floats:
    """Return q-values of all judged cells, adapted to the share of calm cells in each profile.

    A profile in which many cells are troubled is judged less sternly than one in which none is.
    Each profile is weighted by its share of calm ones, then all are judged together, so that a
    profile of ten cells does not get a false discovery rate of its own.

    Args:
        probabilities: one for every judged cell; 1 where it has no finding.
        profiles: the profile of each.
        method: `any` is the cautious choice.

    Source: Hu, Zhao and Zhou 2010, with the weights' mean over all tests held at one.
    """
    if probabilities.size == 0:
        return np.zeros(0)
    names, which = np.unique(profiles.astype(str), return_inverse=True)
    calm = np.array([calm_share_of(probabilities[which == number]) for number in range(len(names))])
    favor = ((1 - calm) + _LEAST_TROUBLED) / (calm + _LEAST_TROUBLED)
    weights = favor[which] / favor[which].mean()
    weighted = np.minimum(probabilities / weights, 1.0)
    return q_values(weighted, probabilities.size, method=method)


_LEAST_TROUBLED = 0.05


def harmonic(count: int) -> float:
    """Return 1 + 1/2 + ... + 1/count."""
    return float((1 / np.arange(1, count + 1)).sum())
