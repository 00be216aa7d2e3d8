"""What is learnt of each cell from its history, and of all cells from a panel of them.

A cell's model is everything that scoring a new period needs: what the time of week lets expect,
how far the cell strays from it, how it follows what all cells do, how its KPIs move together, and
how calm its joint distance is on ordinary days.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from tasks.anomaly.accumulation import accumulated
from tasks.anomaly.arrays import Floats
from tasks.anomaly.dynamic_thresholds import threshold_widths
from tasks.anomaly.joint_distance import (
    co_movement,
    joint_distances,
    shrunk,
    standardized,
    trust_in_own,
    without_wild_periods,
)
from tasks.anomaly.load_curves import learnt_curves, without_load
from tasks.anomaly.plan import Plan
from tasks.anomaly.quantiles import median, quantile
from tasks.anomaly.scored_kpis import ScoredKpi, from_even_noise, to_even_noise
from tasks.anomaly.shared_shocks import shock_loadings
from tasks.anomaly.tails import learnt_tails, with_even_tails
from tasks.anomaly.week_baseline import (
    WeekBaseline,
    along_the_day,
    fit_week_baseline,
    pooled_spread,
)

_ENOUGH_SAMPLES = 384  # of the history, to know quantiles and co-movement
_LONG = 96.0
_FARTHEST = 15.0  # spreads beyond which a stray is no stronger evidence
_RARELY = 0.98  # of ordinary periods have a joint distance below the one that sets its width
_NORMAL_RARELY = float(ndtri(_RARELY))
_LEAST_VARIANCE = 0.3  # of a KPI that is still for hours: its jumps are in its spread
_CALMER_WITH_MEMORY = 0.7
_WIDEST_OWN = 1.5  # of the network's
_EVEN_NOISE_FLOOR = {
    "share": 6e-3,
    "occupancy": 1e-2,
    "positive": 1e-2,
    "rate": 1e-2,
    "plain": 1e-6,
}


@dataclass(frozen=True, slots=True)
class Network:
    """What cells share, learnt from a panel of them.

    Attributes:
        shocks: [KPIs, periods], what moved all cells, on the scale of even noise.
        typical_spread: [KPIs, parts of the day], median spread of cells.
        co_movements: [memories, KPIs, KPIs], of deviations.
        calm: [memories, 2], typical median and high quantile of standardized distances.
        curves: [2, KPIs, classes of load], what load alone does to KPIs of quality.
        tails: [2, KPIs], how much longer than normal tails below and above are.
    """

    shocks: Floats
    typical_spread: Floats
    co_movements: Floats
    calm: Floats
    curves: Floats
    tails: Floats


@dataclass(frozen=True, slots=True)
class WeekModel:
    """The part of a cell's model that needs no other cell.

    Attributes:
        typical: [cells, KPIs], median value in the KPI's unit.
        baseline: expectation and spread by time of week, on the scale of even noise.
        threshold_widths: [cells, KPIs, parts of the day], for the baseline, in the KPI's unit.
    """

    typical: Floats
    baseline: WeekBaseline
    threshold_widths: Floats


@dataclass(frozen=True, slots=True)
class CellModel:
    """Everything that is learnt of some cells.

    Attributes:
        week: what the time of week lets expect.
        spread: [cells, KPIs, parts of the day], never implausibly small.
        loadings, doubts: [cells, KPIs], how a cell follows shared shocks, and how sure that is.
        covariances: [memories, cells, KPIs, KPIs].
        middles, widths: [memories, cells], of the joint distance on ordinary days.
    """

    week: WeekModel
    spread: Floats
    loadings: Floats
    doubts: Floats
    covariances: Floats
    middles: Floats
    widths: Floats


def week_model(values: Floats, plan: Plan) -> WeekModel:
    """Return the week's expectations learnt from the plan's history, [cells, KPIs, periods]."""
    training, slots = plan.training_periods, plan.grid.slots_a_day
    history = values[..., :training]
    typical = np.nan_to_num(median(np.where(history > 0, history, np.nan)), nan=1.0)
    even = _even(history, plan.kpis, typical).reshape(*history.shape[:2], -1, slots)
    baseline = fit_week_baseline(even, plan.weekdays(0, training))
    middle = expectation(baseline, plan, 0, training)
    return WeekModel(
        typical, baseline, threshold_widths(history, middle, typical, plan.kpis, slots)
    )


def expectation(baseline: WeekBaseline, plan: Plan, first: int, last: int) -> Floats:
    """Return the time of week's expectation over periods [first, last), on even noise."""
    slots = plan.grid.slots_a_day
    days = baseline.expected(plan.weekdays(first, last))
    skip = first - first // slots * slots
    return days.reshape(*days.shape[:2], -1)[..., skip : skip + last - first]


def residuals(values: Floats, week: WeekModel, plan: Plan, first: int, last: int) -> Floats:
    """Return even-noise residuals over periods [first, last), [cells, KPIs, last - first].

    NaN without data, or where the history of the KPI is too short.
    """
    even = _even(values[..., first:last], plan.kpis, week.typical)
    rest = even - expectation(week.baseline, plan, first, last)
    rest[week.baseline.days < plan.rules.fewest_history_days] = np.nan
    return rest


def cell_model(values: Floats, plan: Plan, network: Network) -> CellModel:
    """Return the model of some cells from the plan's history, [cells, KPIs, periods]."""
    training = plan.training_periods
    week = week_model(values, plan)
    rest = residuals(values, week, plan, 0, training)
    spread = _plausible(week.baseline.spread, network.typical_spread, plan)
    loadings, doubts = shock_loadings(rest, network.shocks[:, :training], spread.mean(axis=-1))
    full = fullness(rest, week, plan, 0)
    strays = _deviations(rest, spread, (loadings, doubts), network, plan, full)
    covariances, middles, widths = [], [], []
    for span, pooled, calm in zip(plan.memories, network.co_movements, network.calm, strict=True):
        covariance = _own_covariances(strays, span, pooled, plan)
        sampled = accumulated(strays, span)[..., :: _stride(_LONG, training)]
        distance = standardized(*joint_distances(sampled, covariance))
        middle, width = _own_calm(distance, calm)
        covariances.append(covariance)
        middles.append(middle)
        widths.append(width)
    return CellModel(
        week, spread, loadings, doubts, np.stack(covariances), np.stack(middles), np.stack(widths)
    )


def deviations(rest: Floats, model: CellModel, network: Network, plan: Plan, first: int) -> Floats:
    """Return how far a cell strays, in its own spreads, over residuals from period `first` on.

    Shared shocks and what load alone does are taken away; long tails count for less.
    """
    full = fullness(rest, model.week, plan, first)
    following = (model.loadings, model.doubts)
    return _deviations(rest, model.spread, following, network, plan, full, first)


def fullness(rest: Floats, week: WeekModel, plan: Plan, first: int) -> Floats:
    """Return how full cells are, 0 to 100 %, [cells, periods]; 0 where nobody measures it.

    Args:
        rest: residuals from period `first` on.
        week: what they were taken from.
        plan: KPIs and grid.
        first: their first period.
    """
    which = np.array([kpi.scale == "occupancy" for kpi in plan.kpis])
    if not which.any():
        return np.zeros((rest.shape[0], rest.shape[2]), np.float32)
    usual = expectation(week.baseline.of_kpis(which), plan, first, first + rest.shape[2])
    even = np.fmax.reduce(rest[:, which] + usual, axis=1)
    share = from_even_noise(even, "occupancy", np.zeros(1))
    return np.nan_to_num(share).astype(np.float32)


def expected_shocks(loadings: Floats, doubts: Floats, shocks: Floats) -> tuple[Floats, Floats]:
    """Return each cell's part in what moves all cells, and its doubt, [cells, KPIs, periods]."""
    shared = loadings[..., None].astype(np.float32) * shocks
    return shared, doubts[..., None].astype(np.float32) * np.abs(shocks)


def by_period(parts: Floats, slots: int, first: int, last: int) -> Floats:
    """Return values by part of the day for every period in [first, last)."""
    return along_the_day(parts, slots)[..., np.arange(first, last) % slots]


def typical_spread(spreads: Floats) -> Floats:
    """Return the network's median spread, [KPIs, parts]; 0 where unknown."""
    return np.nan_to_num(median(spreads, axis=0), nan=0.0)


def learnt_normal(
    sample: tuple[Floats, Floats, Floats], shocks: Floats, typical: Floats, plan: Plan
) -> Network:
    """Return the network as a sample of its cells shows it on ordinary days.

    Args:
        sample: of the cells, even-noise residuals [cells, KPIs, periods], spreads [cells, KPIs,
            parts] and fullness [cells, periods].
        shocks: what moved all cells.
        typical: the network's median spread.
        plan: what is scored.
    """
    training = plan.training_periods
    rest, spread, full = sample
    history, full = rest[..., :training], full[..., :training]
    own = _plausible(spread, typical, plan)
    following = shock_loadings(history, shocks[:, :training], own.mean(axis=-1))
    strays = _own_strays(history, own, following, shocks, plan, 0)
    curves = learnt_curves(strays, full, plan.kpis)
    strays = without_load(strays, full, curves, plan.kpis)
    tails = learnt_tails(strays)
    strays = _bounded(with_even_tails(strays, tails))
    moves, calm = [], []
    for span in plan.memories:
        sound = accumulated(without_wild_periods(strays), span)
        pooled = co_movement(sound[..., :: _stride(span, training)]).mean(axis=0)
        covariance = _own_covariances(strays, span, pooled, plan)
        sampled = accumulated(strays, span)[..., :: _stride(_LONG, training)]
        distance = standardized(*joint_distances(sampled, covariance))
        moves.append(pooled)
        calm.append([median(median(distance)), median(quantile(distance, _RARELY))])
    known_calm = np.nan_to_num(np.array(calm, np.float32), nan=1.0)
    return Network(shocks, typical, np.stack(moves), known_calm, curves, tails)


def _plausible(spread: Floats, typical: Floats, plan: Plan) -> Floats:
    """Return spreads that are neither far below the network's nor below what is worth a word."""
    floors = np.array([_EVEN_NOISE_FLOOR[kpi.scale] for kpi in plan.kpis], np.float32)[:, None]
    return np.maximum(pooled_spread(spread, np.maximum(typical, floors)), floors)


def _even(values: Floats, kpis: tuple[ScoredKpi, ...], typical: Floats) -> Floats:
    even = np.empty_like(values)
    for number, kpi in enumerate(kpis):
        even[:, number] = to_even_noise(values[:, number], kpi.scale, typical[:, number, None])
    return even


def _deviations(
    rest: Floats,
    spread: Floats,
    following: tuple[Floats, Floats],
    network: Network,
    plan: Plan,
    full: Floats,
    first: int = 0,
) -> Floats:
    strays = _own_strays(rest, spread, following, network.shocks, plan, first)
    calm = without_load(strays, full, network.curves, plan.kpis)
    return _bounded(with_even_tails(calm, network.tails))


def _own_strays(
    rest: Floats,
    spread: Floats,
    following: tuple[Floats, Floats],
    shocks: Floats,
    plan: Plan,
    first: int,
) -> Floats:
    """Return residuals without shared shocks, in the cell's own spreads."""
    slots, last = plan.grid.slots_a_day, first + rest.shape[-1]
    shared, doubt = expected_shocks(*following, shocks[:, first:last])
    return np.asarray((rest - shared) / np.hypot(by_period(spread, slots, first, last), doubt))


def _bounded(strays: Floats) -> Floats:
    return np.clip(strays, -_FARTHEST, _FARTHEST)


def _own_covariances(strays: Floats, span: float, pooled: Floats, plan: Plan) -> Floats:
    """Return each cell's covariance of what is remembered over `span`, leaning on `pooled`."""
    training = plan.training_periods
    history = accumulated(without_wild_periods(strays), span)
    own = co_movement(history[..., :: _stride(span, training)])
    trust = trust_in_own(training / span, strays.shape[1], plan.rules.own_correlation_trust)
    least = _LEAST_VARIANCE / max(span, 1.0) ** _CALMER_WITH_MEMORY
    return shrunk(own, pooled, trust, least)


def _own_calm(history: Floats, calm: Floats) -> tuple[Floats, Floats]:
    """Return middle and width of the cell's ordinary distances, never narrower than the network's.

    A cell whose history was troubled keeps little more than the network's width, so that its own
    past faults cannot hide the next.
    """
    middle = np.nan_to_num(median(history), nan=calm[0])
    width = np.nan_to_num(quantile(history, _RARELY) - middle, nan=calm[1] - calm[0])
    common = max(float(calm[1] - calm[0]), 1e-3)
    return middle, np.clip(width, common, _WIDEST_OWN * common) / _NORMAL_RARELY


def _stride(span: float, training: int) -> int:
    """Return how many periods apart samples of a memory say something new; some hundreds do.

    Odd, so that samples meet all times of the day.
    """
    enough = max(training // _ENOUGH_SAMPLES, 1)
    return min(int(span // 4) * 2 + 3, enough - (enough + 1) % 2)
