"""What moves all cells at the same time: weather, holidays, growth, a software upgrade.

The median over peers of the residuals, period by period, taken from a panel of cells. A fault of
a few cells cannot move it; a shock of all of them is it. Each cell follows it by its own loading.
"""

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.quantiles import median

_FEWEST_PEERS = 5
_LOADING_DOUBT = 0.3  # standard deviation of loadings around 1, before a cell has shown its own
_LEAST_DOUBT = 0.1  # no shock is like another
_EVIDENCE_SHARE = 0.1  # neighboring periods repeat each other
_MEDIAN_NOISE = 1.2533  # standard error of a median over that of a mean
_NORMAL_MAD = 1.4826


def shared_shocks(rest: Floats) -> Floats:
    """Return the shared part [KPIs, periods] of residuals [cells, KPIs, periods]; 0 if unknown.

    What chance alone would give a median of so few peers is shrunk away.
    """
    cells = rest.shape[0]
    shocks = np.zeros(rest.shape[1:], np.float32)
    if cells < _FEWEST_PEERS:
        return shocks
    for kpi in range(rest.shape[1]):
        across = np.ascontiguousarray(rest[:, kpi].T, dtype=np.float32)
        middle = median(across)
        count = np.isfinite(across).sum(axis=-1)
        noise = _NORMAL_MAD * median(np.abs(across - middle[:, None]))
        noise = _MEDIAN_NOISE * noise / np.sqrt(np.maximum(count, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            trust = np.clip(1 - (noise / middle) ** 2, 0, 1)
        is_known = (count >= _FEWEST_PEERS) & np.isfinite(trust)
        shocks[kpi] = np.where(is_known, middle * trust, 0)
    return shocks


def shock_loadings(history: Floats, shocks: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Return how strongly each cell follows the shared part, and how unsure that is.

    Both [cells, KPIs]: 1 and 0.3 without evidence.

    Args:
        history: residuals of the training periods, [cells, KPIs, periods].
        shocks: shared part over the same periods, [KPIs, periods].
        spread: typical spread of each cell and KPI, [cells, KPIs].
    """
    limit = 4 * spread[..., None] + np.abs(shocks)
    known = np.where(np.isfinite(history), np.clip(history, -limit, limit), 0)
    precision = _EVIDENCE_SHARE / np.maximum(spread, 1e-9) ** 2
    together = np.einsum("ckt,kt->ck", known, shocks) * precision
    alone = np.einsum("ckt,kt->ck", np.isfinite(history).astype(np.float32), shocks**2) * precision
    doubt = 1 / _LOADING_DOUBT**2
    loadings = np.clip((together + doubt) / (alone + doubt), 0.0, 3.0)
    return loadings, np.maximum(1 / np.sqrt(alone + doubt), _LEAST_DOUBT)
