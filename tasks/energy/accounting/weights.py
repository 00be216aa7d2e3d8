"""How views are weighed: by how little they strayed where nothing was saved.

A mixture of views with errors e strays least where its weights minimize w' C w, C being the mean
of e e'. Weights are shares: none is below nothing, together they are one. What a site's own hours
say of C is believed the more of them there are; before, sites are taken for alike.
"""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

_PRIOR_HOURS = 24.0
_LEAST_HOURS = 12
_TINY = 1e-9


def view_weights(errors: Floats) -> Floats:
    """Return (K, S) the weights of K views at S sites that stray least.

    Args:
        errors: (K, S, N) of each view in N hours; NaN where unknown. A view that told of too few
            hours at a site has no weight there; where none told, all weigh as at other sites.
    """
    views, sites, _ = errors.shape
    has = np.isfinite(errors).sum(axis=2) >= _LEAST_HOURS
    together = (np.isfinite(errors) | ~has[:, :, None]).all(axis=0)
    together &= has.any(axis=0)[:, None]
    told = np.where(together & has[:, :, None], errors, 0.0)
    sums = np.einsum("ksn,lsn->skl", told, told)
    count = together.sum(axis=1).astype(float)
    pairs = np.einsum("ks,ls,s->kl", has.astype(float), has.astype(float), count)
    pooled = sums.sum(axis=0) / np.maximum(pairs, 1.0)
    spread = (sums + _PRIOR_HOURS * pooled) / (count + _PRIOR_HOURS)[:, None, None]
    may = np.where(has.any(axis=0), has, has.any(axis=1)[:, None])
    best, weight = np.full(sites, np.inf), np.full((views, sites), np.nan)
    for size in range(1, views + 1):
        for chosen in combinations(range(views), size):
            _improve(best, weight, spread, may, np.array(chosen))
    return weight


def mixed(views: Floats, weight: Floats) -> Floats:
    """Return (S, T) the mixture of views that told of an hour; NaN where no weighed view did.

    Args:
        views: (K, S, T)
        weight: (K, S, T) or (K, S, 1)
    """
    told = np.isfinite(views)
    counts = np.where(told, np.nan_to_num(weight), 0.0)
    total = counts.sum(axis=0)
    value = (counts * np.where(told, views, 0.0)).sum(axis=0)
    return np.asarray(np.where(total > _TINY, value / np.maximum(total, _TINY), np.nan))


def _improve(
    best: Floats,
    weight: Floats,
    spread: Floats,
    may: npt.NDArray[np.bool_],
    chosen: Any,  # noqa: ANN401 - numbers
) -> None:
    """Take the weights over some views alone where they are shares and stray less than before."""
    part = spread[:, chosen[:, None], chosen] + _TINY * np.eye(len(chosen))
    each = np.linalg.solve(part, np.ones((len(part), len(chosen), 1)))[:, :, 0]
    total = each.sum(axis=1)
    shares = each / np.where(np.abs(total) > 0, total, 1.0)[:, None]
    strays = np.einsum("sk,skl,sl->s", shares, part, shares)
    better = may[chosen].all(axis=0) & (shares >= 0).all(axis=1) & (strays < best)
    best[better] = strays[better]
    weight[:, better] = 0.0
    weight[np.ix_(chosen, better)] = shares[better].T
