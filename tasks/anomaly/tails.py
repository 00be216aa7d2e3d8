"""How far KPIs stray by themselves on calm days, and strays made even by it.

Spreads are taken from the body of what a KPI does. Some KPIs have tails that their body does not
tell of: people gather, and a cell is far busier for an hour, two or three times a week. How far out
one stray in a thousand lies on calm days says how much less such an excess means.
"""

import numpy as np
from scipy.special import ndtri

from tasks.anomaly.arrays import Floats
from tasks.anomaly.quantiles import quantile

_BODY = 2.0  # strays up to here count in full
_RARE = 0.001
_FEWEST_BEYOND = 2.5  # of the history's periods, to know a quantile
_CALM_SHARE = 0.25  # of cells; what hit half of them in a month is no tail of theirs


def learnt_tails(strays: Floats) -> Floats:
    """Return how much longer than normal the tails below and above are, [2, KPIs]; at least 1.

    Args:
        strays: history of a sample of cells, in their own spreads, [cells, KPIs, periods].
    """
    rare = float(np.clip(_FEWEST_BEYOND / strays.shape[-1], _RARE, 0.1))
    normal = float(max(-ndtri(rare), _BODY + 0.2))
    low, high = (quantile(side, 1 - rare) for side in (-strays, strays))
    far = np.stack([quantile(side, _CALM_SHARE, axis=0) for side in (low, high)])
    excess = (np.nan_to_num(far, nan=normal) - _BODY) / (normal - _BODY)
    return np.asarray(np.maximum(excess, 1.0), np.float32)


def with_even_tails(strays: Floats, tails: Floats) -> Floats:
    """Return strays whose excess over the body is divided by what is usual on their side.

    Args:
        strays: [cells, KPIs, periods]; NaN stays NaN.
        tails: as `learnt_tails` returns them.
    """
    excess = np.maximum(np.abs(strays) - _BODY, 0)
    usual = np.where(strays > 0, tails[1][:, None], tails[0][:, None])
    return np.asarray(strays - np.sign(strays) * excess * (1 - 1 / usual), np.float32)
