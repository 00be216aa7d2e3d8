"""The detector: cells judged by how their KPIs stray together from the time of week, over time.

Per cell: bring KPIs to even noise, take away the time of week (`week_baseline`) and what all cells
do at that moment (`shared_shocks`), divide by the cell's own spread, remember over some hours
(`accumulation`), and measure the joint distance given how KPIs normally move together
(`joint_distance`). The score is the largest over the memories, in standard deviations of what the
cell's own history calls normal. Every cell's result depends on its own values and on the
`Network` alone, so it is the same however cells are put into chunks.
"""

from dataclasses import dataclass

import numpy as np

from semantic_layer.detection import Detection
from tasks.anomaly.accumulation import accumulated
from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.cube import Grid
from tasks.anomaly.dynamic_thresholds import dynamic_threshold_scores
from tasks.anomaly.joint_distance import (
    agreement,
    co_movement,
    joint_distances,
    shrunk,
    standardized,
    trust_in_own,
    without_wild_periods,
)
from tasks.anomaly.quantiles import median, quantile
from tasks.anomaly.scored_kpis import ScoredKpi, to_even_noise
from tasks.anomaly.shared_shocks import shock_loadings
from tasks.anomaly.week_baseline import (
    WeekBaseline,
    along_the_day,
    fit_week_baseline,
    pooled_spread,
)

_ENOUGH_SAMPLES = 384  # of the history, to know quantiles and co-movement
_LONG = 96.0
_WILDEST = (5.0, 12.0)  # spreads in an hour or less, and at most; see `_wildest`
_NORMAL_90 = 1.2816
_WIDEST_OWN = 1.5  # of the network's
_EVEN_NOISE_FLOOR = {"share": 5e-3, "occupancy": 1e-2, "positive": 1e-2, "plain": 1e-6}


@dataclass(frozen=True, slots=True)
class Network:
    """What cells share, learnt from a panel of them.

    Attributes:
        shocks: [KPIs, periods], what moved all cells, on the scale of even noise.
        typical_spread: [KPIs, parts of the day], median spread of cells.
        co_movements: one [KPIs, KPIs] a memory, of deviations.
        calm: [memories, 2], typical median and 90 % quantile of standardized distances.

    The last two are empty while they are being learnt.
    """

    shocks: Floats
    typical_spread: Floats
    co_movements: Floats
    calm: Floats


@dataclass(frozen=True, slots=True)
class FittedCells:
    """Some cells' own normal, and their residuals over the grid.

    Attributes:
        typical: [cells, KPIs], median value in the KPI's unit.
        baseline: expectation and spread by time of week.
        expected: [cells, KPIs, periods], the time of week's expectation on even noise.
        rest: [cells, KPIs, periods], even-noise residuals from the time of week; NaN without
            data, or without enough history.
    """

    typical: Floats
    baseline: WeekBaseline
    expected: Floats
    rest: Floats


@dataclass(frozen=True, slots=True)
class Judgement:
    """Scores of some cells over the window's periods, [cells, periods]; NaN where abstained."""

    score: Floats
    baseline_score: Floats
    observed_count: Integers
    history_days: Integers


def fit_cells(
    values: Floats, kpis: tuple[ScoredKpi, ...], grid: Grid, training_periods: int, rules: Detection
) -> FittedCells:
    """Return time-of-week expectations learnt from the first `training_periods`, and residuals.

    Args:
        values: [cells, KPIs, periods] in the KPIs' units; NaN is no data.
        kpis: what stands on the second axis.
        grid: the periods; training covers whole days.
        training_periods: how many periods at the start are history.
        rules: thresholds and limits.
    """
    history = values[..., :training_periods]
    typical = np.nan_to_num(median(np.where(history > 0, history, np.nan)), nan=1.0)
    even = np.empty_like(values)
    for number, kpi in enumerate(kpis):
        even[:, number] = to_even_noise(values[:, number], kpi.scale, typical[:, number, None])
    slots = grid.slots_a_day
    by_day = _in_days(even, slots)
    weekdays = (grid.start.weekday() + np.arange(by_day.shape[2])) % 7
    training_days = training_periods // slots
    baseline = fit_week_baseline(by_day[:, :, :training_days], weekdays[:training_days])
    expected = baseline.expected(weekdays)
    expected = expected.reshape(*even.shape[:2], -1)[..., : even.shape[2]]
    rest = even - expected
    rest[baseline.days < rules.fewest_history_days] = np.nan
    return FittedCells(typical, baseline, expected, rest)


def deviations(
    rest: Floats, spread: Floats, network: Network, slots: int, training_periods: int
) -> Floats:
    """Return residuals without shared shocks, in the cell's own spreads.

    Args:
        rest: [cells, KPIs, periods], even-noise residuals from the time of week.
        spread: [cells, KPIs, parts of the day].
        network: shared shocks and typical spreads.
        slots: periods a day.
        training_periods: from which the cell's loading on shared shocks is learnt.
    """
    shared, doubt = expected_shocks(rest, spread, network, training_periods)
    width = np.hypot(spread_by_period(spread, network, slots, rest.shape[-1]), doubt)
    limit = _wildest(slots)
    return np.clip((rest - shared) / width, -limit, limit)


def expected_shocks(
    rest: Floats, spread: Floats, network: Network, training_periods: int
) -> tuple[Floats, Floats]:
    """Return each cell's part in what moves all cells, and its doubt; [cells, KPIs, periods]."""
    loadings, doubts = shock_loadings(
        rest[..., :training_periods],
        network.shocks[:, :training_periods],
        pooled_spread(spread, network.typical_spread).mean(axis=-1),
    )
    shared = loadings[..., None].astype(np.float32) * network.shocks
    return shared, doubts[..., None].astype(np.float32) * np.abs(network.shocks)


def spread_by_period(spread: Floats, network: Network, slots: int, periods: int) -> Floats:
    """Return one robust standard deviation for every period of the grid."""
    by_slot = along_the_day(pooled_spread(spread, network.typical_spread), slots)
    return np.tile(by_slot, -(-periods // slots))[..., :periods]


def judged(
    values: Floats,
    kpis: tuple[ScoredKpi, ...],
    grid: Grid,
    training_periods: int,
    first_scored: int,
    network: Network,
    rules: Detection,
) -> Judgement:
    """Return the scores of some cells from period `first_scored` on."""
    fitted = fit_cells(values, kpis, grid, training_periods, rules)
    slots, spread = grid.slots_a_day, fitted.baseline.spread
    strays = deviations(fitted.rest, spread, network, slots, training_periods)
    scores = _scores(strays, memories(grid, rules), network, training_periods, first_scored, rules)
    single = dynamic_threshold_scores(
        np.where(np.isfinite(fitted.rest), values, np.nan),
        fitted.expected,
        fitted.typical,
        kpis,
        (slots, training_periods, first_scored),
    )
    is_judged = np.isfinite(strays[..., first_scored:]).any(axis=1)
    return Judgement(
        np.where(is_judged, scores, np.nan),
        np.where(is_judged, single, np.nan),
        np.isfinite(values[..., first_scored:]).sum(axis=1),
        fitted.baseline.days.max(axis=1, initial=0),
    )


def memories(grid: Grid, rules: Detection) -> list[float]:
    """Return the spans, in periods, over which deviations are remembered; the first is none."""
    spans = [hours * 3600 / grid.granularity_s for hours in rules.memory_hours]
    return [1.0, *(span for span in spans if span >= 2)]


def own_covariances(
    strays: Floats, span: float, pooled: Floats, training: int, rules: Detection
) -> Floats:
    """Return each cell's covariance of deviations remembered over `span`, leaning on `pooled`.

    Args:
        strays: deviations, [cells, KPIs, periods].
        span: the memory, in periods.
        pooled: the network's co-movement for this memory, [KPIs, KPIs].
        training: how many periods at the start are history.
        rules: how far a cell's own correlation is trusted.
    """
    history = accumulated(without_wild_periods(strays[..., :training]), span)
    own = co_movement(history[..., :: _stride(span, training)])
    trust = trust_in_own(training / span, strays.shape[1], rules.own_correlation_trust)
    return shrunk(own, pooled, trust)


def _wildest(slots: int) -> float:
    """Return the stray beyond which one KPI in one period is no stronger evidence.

    In a quarter of an hour a rate over three attempts jumps by itself; over a day it does not.
    """
    usual, most = _WILDEST
    return float(np.clip(usual * np.sqrt(24 / slots), usual, most))


def _stride(span: float, training: int) -> int:
    """Return how many periods apart samples of a memory say something new; some hundreds do.

    Odd, so that samples meet all times of the day.
    """
    enough = max(training // _ENOUGH_SAMPLES, 1)
    return min(int(span // 4) * 2 + 3, enough - (enough + 1) % 2)


def typical_spread(spreads: Floats, kpis: tuple[ScoredKpi, ...]) -> Floats:
    """Return the network's median spread [KPIs, parts], never below what rounding makes."""
    floors = np.array([_EVEN_NOISE_FLOOR[kpi.scale] for kpi in kpis], np.float32)[:, None]
    return np.maximum(np.nan_to_num(median(spreads, axis=0), nan=0.0), floors)


def learnt_normal(
    strays: Floats, spans: list[float], training: int, rules: Detection
) -> tuple[Floats, Floats]:
    """Return the network's co-movements [memories, KPIs, KPIs] and calm [memories, 2].

    Args:
        strays: deviations of a panel of cells, [cells, KPIs, periods].
        spans: the memories, in periods.
        training: how many periods at the start are history.
        rules: how far a cell's own correlation is trusted.
    """
    moves, calm = [], []
    history = strays[..., :training]
    for span in spans:
        sound = accumulated(without_wild_periods(history), span)[..., :: _stride(span, training)]
        pooled = co_movement(sound).mean(axis=0)
        covariance = own_covariances(strays, span, pooled, training, rules)
        sampled = accumulated(history, span)[..., :: _stride(_LONG, training)]
        distance = standardized(*joint_distances(sampled, covariance))
        moves.append(pooled)
        calm.append([median(median(distance)), median(quantile(distance, 0.9))])
    return np.stack(moves), np.nan_to_num(np.array(calm, np.float32), nan=1.0)


def _scores(
    strays: Floats,
    spans: list[float],
    network: Network,
    training: int,
    first: int,
    rules: Detection,
) -> Floats:
    """Return the largest score over the memories from period `first` on; NaN without any data."""
    best = np.full((strays.shape[0], strays.shape[2] - first), np.nan, np.float32)
    shorter: Floats | None = None
    for span, pooled, calm in zip(spans, network.co_movements, network.calm, strict=True):
        remembered = accumulated(strays, span)
        covariance = own_covariances(strays, span, pooled, training, rules)
        now, past = remembered[..., first:], remembered[..., : training : _stride(_LONG, training)]
        scores = calmed(
            standardized(*joint_distances(now, covariance)),
            standardized(*joint_distances(past, covariance)),
            calm,
        )
        if shorter is not None:
            fading = agreement(shorter, now, covariance)
            scores = np.where(scores > 0, scores * fading, scores)
        best, shorter = np.fmax(best, scores), now
    return best


def calmed(distance: Floats, history: Floats, calm: Floats) -> Floats:
    """Return distances in standard deviations of the cell's own normal, never less than calm's.

    A cell whose history was troubled keeps little more than the network's width, so that its own
    past faults cannot hide the next.
    """
    middle = np.nan_to_num(median(history), nan=calm[0])
    width = np.nan_to_num(quantile(history, 0.9) - middle, nan=calm[1] - calm[0])
    common = max(float(calm[1] - calm[0]), 1e-3)
    width = np.clip(width, common, _WIDEST_OWN * common) / _NORMAL_90
    return np.asarray((distance - middle[:, None]) / width[:, None], np.float32)


def _in_days(even: Floats, slots: int) -> Floats:
    """Return [cells, KPIs, days, slots]; a last day cut short is filled with NaN."""
    periods = even.shape[-1]
    lacking = -periods % slots
    if lacking:
        even = np.pad(even, ((0, 0), (0, 0), (0, lacking)), constant_values=np.nan)
    return even.reshape(*even.shape[:2], -1, slots)
