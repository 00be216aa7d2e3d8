"""Which KPI follows which in normal operation: sign, lag in hours, strength.

For each KPI and each other KPI at each lag: what both still share when all other KPIs, now and up
to the longest lag before, are taken out (the partial correlation of a time series chain graph).
Such a link is kept if it shows in nearly all random halves of the cells, with one sign, and if the
two KPIs also correlate when nothing is taken out: else it could be owed to a third KPI that follows
both. A link in the same hour has no direction that the data could tell. "Follows" says what came
after what and nothing of causes.

Sources: R. Dahlhaus and M. Eichler, "Causality and graphical models in time series analysis"
(2003), for the graph; N. Meinshausen and P. Buehlmann, "Stability selection", JRSS B 72 (2010), and
R. Shah and R. Samworth, JRSS B 75 (2013), for halves in complementary pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from semantic_layer.profiling import Profiling
from tasks.profiling.arrays import Floats
from tasks.profiling.co_movement import CoMovement

_SHRINKAGE = 0.02  # towards no correlation, so that gaps leave a matrix that can be inverted
_PEAK = 1.05  # times stronger than at any other lag, to be called a lag


@dataclass(frozen=True, slots=True)
class Dependency:
    """One KPI follows another, or moves with it in the same hour.

    Attributes:
        kpi: the one that follows.
        follows: the one before; where `lag` is 0 the two are in alphabetical order.
        lag: hours; 0 says only that they move together.
        partial: partial correlation, its sign the sign of the link.
        correlation: r at that lag when nothing is taken out.
        stability: share of the random halves of cells that show it.
    """

    kpi: str
    follows: str
    lag: int
    partial: float
    correlation: float
    stability: float


@dataclass(frozen=True, slots=True)
class KpiGraph:
    """What was learnt of some cells.

    Attributes:
        names: the KPIs.
        partial: [lags, KPIs now, KPIs before], partial correlations over all cells.
        correlations: the same, nothing taken out.
        stability: the same, share of the halves that show the link.
        cells: how many were learnt from.
    """

    names: tuple[str, ...]
    partial: Floats
    correlations: Floats
    stability: Floats
    cells: int

    def dependencies(self, least: float) -> list[Dependency]:
        """Return the links that at least this share of the halves shows, the strongest first."""
        found = [
            self.dependency(int(lag), int(now), int(before))
            for lag, now, before in np.argwhere(self.stability >= least)
            if lag > 0 or self.names[now] < self.names[before]
        ]
        return sorted(found, key=lambda one: (-abs(one.partial), one.kpi, one.follows, one.lag))

    def dependency(self, lag: int, now: int, before: int) -> Dependency:
        """Return what is known of one link, shown or not."""
        place = lag, now, before
        return Dependency(
            self.names[now],
            self.names[before],
            lag,
            float(np.nan_to_num(self.partial[place])),
            float(np.nan_to_num(self.correlations[place])),
            float(self.stability[place]),
        )


def kpi_graph(moves: CoMovement, names: Sequence[str], rules: Profiling, seed: int) -> KpiGraph:
    """Return what follows what, with how stable that is.

    Args:
        moves: of deviations without persistence, all cells.
        names: of the KPIs.
        rules: the limits.
        seed: of the halves that are tried.
    """
    cells = moves.products.shape[0]
    correlations = moves.correlations()
    partial = partial_correlations(correlations)
    shown = np.zeros(correlations.shape)
    random = np.random.default_rng(seed)
    pairs = max(rules.subsamples // 2, 1)
    for _ in range(pairs):
        order = random.permutation(cells)
        for half in (order[: cells // 2], order[cells // 2 :]):
            shown += _shown(moves.correlations(half), np.sign(partial), rules.least_dependency)
    return KpiGraph(tuple(names), partial, correlations, shown / (2 * pairs), cells)


def partial_correlations(correlations: Floats) -> Floats:
    """Return what each KPI now shares with each KPI before and with no other, lag by lag.

    Args:
        correlations: [lags, KPIs now, KPIs before]; a KPI with NaN on its own diagonal is
            unknown, and NaN in the result.
    """
    lags = len(correlations)
    is_known = np.isfinite(np.diagonal(correlations[0]))
    told = np.flatnonzero(is_known)
    found = np.full(correlations.shape, np.nan)
    if told.size == 0:
        return found
    moves = np.nan_to_num(correlations[:, told][:, :, told])
    many = len(told)
    stack = np.empty((lags * many, lags * many))
    for row in range(lags):
        for column in range(lags):
            block = moves[column - row] if column >= row else moves[row - column].T
            stack[row * many : (row + 1) * many, column * many : (column + 1) * many] = block
    precision = np.linalg.inv(_sound(stack))
    size = np.sqrt(np.diagonal(precision))
    shared = -precision[:many] / size[:many, None] / size[None, :]
    for lag in range(lags):
        block = shared[:, lag * many : (lag + 1) * many].copy()
        np.fill_diagonal(block, np.nan)
        found[lag][np.ix_(told, told)] = block
    return found


def _sound(stack: Floats) -> Floats:
    """Return the nearest matrix with positive eigenvalues and ones on its diagonal, shrunk."""
    sizes, directions = np.linalg.eigh((stack + stack.T) / 2)
    sound = (directions * np.maximum(sizes, 1e-4)) @ directions.T
    size = np.sqrt(np.diagonal(sound))
    sound = sound / size[:, None] / size[None, :]
    return np.asarray((1 - _SHRINKAGE) * sound + _SHRINKAGE * np.eye(len(sound)))


def _shown(correlations: Floats, signs: Floats, least: float) -> Floats:
    """Return which links a half of the cells shows, [lags, KPIs, KPIs]."""
    partial = partial_correlations(correlations)
    with np.errstate(invalid="ignore"):
        is_strong = (np.abs(partial) >= least) & (np.abs(correlations) >= least)
        is_agreed = (np.sign(partial) == signs) & (np.sign(correlations) == signs)
    return np.asarray(is_strong & is_agreed & _is_peak(correlations), float)


def _is_peak(correlations: Floats) -> Floats:
    """Tell the lag at which two KPIs correlate most, whichever goes before.

    A link later than that is its echo; the same hour needs no peak but wins all ties.
    """
    size = np.abs(np.nan_to_num(correlations))
    both = np.maximum(size, size.transpose(0, 2, 1))
    highest = both.max(axis=0)
    is_peak = size >= highest - 1e-12
    is_peak &= size >= _PEAK * both[0]
    is_peak[0] = _PEAK * both[0] >= highest
    return np.asarray(is_peak)
