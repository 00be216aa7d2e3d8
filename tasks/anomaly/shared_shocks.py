"""What moves all cells at the same time: weather, holidays, growth, a software upgrade.

Over a panel of cells, period by period: the median of their residuals, as far as both outer
quarters of the peers moved with it. A function of the core that restarts, or a fiber that is cut,
hits half of a network and moves its median, yet leaves a quarter where it was; weather moves all.
Each cell follows what is shared by its own loading.
"""

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.quantiles import median, quantile
from tasks.anomaly.week_baseline import smoothed

_FEWEST_PEERS = 5
_LOADING_DOUBT = 0.5  # standard deviation of loadings around 1, before a cell has shown its own
_LEAST_DOUBT = 0.2  # no shock is like another, least of all where cells are full
_EVIDENCE_SHARE = 0.1  # neighboring periods repeat each other
_QUARTERS = (0.25, 0.75)
_QUARTERS_APART = 1.349  # of a normal distribution, in standard deviations
_MEDIAN_NOISE, _QUARTER_NOISE = 1.2533, 1.3626  # standard errors over that of a mean
_SURE = 2.0  # standard errors by which a quarter may lag by chance


def shared_shocks(rest: Floats, slots: int, training: int) -> Floats:
    """Return the shared part [KPIs, periods] of residuals [cells, KPIs, periods]; 0 if unknown.

    What chance alone would give a median of so few peers is shrunk away.

    Args:
        rest: residuals of a panel of cells, [cells, KPIs, periods]; NaN is no data.
        slots: periods a day.
        training: periods of history, whole days, from which it is known where quarters usually lie.
    """
    cells = rest.shape[0]
    shocks = np.zeros(rest.shape[1:], np.float32)
    if cells < _FEWEST_PEERS:
        return shocks
    for kpi in range(rest.shape[1]):
        across = np.sort(rest[:, kpi].T.astype(np.float32), axis=-1)
        count = np.isfinite(across).sum(axis=-1)
        middle = quantile(across, 0.5, is_sorted=True)
        quarters = [quantile(across, share, is_sorted=True) for share in _QUARTERS]
        usual = [_usual(quarter, slots, training) for quarter in quarters]
        # Peers of which half are struck lie far apart: that is no doubt about where a quarter is.
        apart = np.minimum(quarters[1] - quarters[0], usual[1] - usual[0])
        error = apart / _QUARTERS_APART / np.sqrt(np.maximum(count, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            trust = np.clip(1 - (_MEDIAN_NOISE * error / middle) ** 2, 0, 1)
        side = np.sign(middle)
        moved = [side * (now - then) for now, then in zip(quarters, usual, strict=True)]
        agreed = np.maximum(np.minimum(*moved) + _SURE * _QUARTER_NOISE * error, 0)
        shared = side * np.minimum(np.abs(middle), agreed) * trust
        shocks[kpi] = np.where((count >= _FEWEST_PEERS) & np.isfinite(shared), shared, 0)
    return shocks


def shock_loadings(history: Floats, shocks: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Return how strongly each cell follows the shared part, and how unsure that is.

    Both [cells, KPIs]: 1 and 0.5 without evidence.

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


def _usual(level: Floats, slots: int, training: int) -> Floats:
    """Return where a quarter of the peers lies at each time of the day, [periods]."""
    by_slot = smoothed(median(level[:training].reshape(-1, slots), axis=0))
    return np.resize(np.nan_to_num(by_slot), level.shape)
