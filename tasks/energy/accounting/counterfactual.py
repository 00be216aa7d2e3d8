"""What sites would have consumed had nobody saved: by control sites and by their own baseline.

Two views, combined by how well each did in the baseline period. By control sites (difference in
differences on logs): a site departs from its own usual hour as sites that did not save do. By its
own baseline: its usual hour, and what data its ground asks for beyond the usual (its own and its
neighbors' volume together, because saving moves users between them) and the weather. Neither looks
at the load of a cell, for saving moves load too. Where there are controls, the second view only
says how the site moves apart from them: what no baseline foresaw is not taken for saving.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.energy_accounting import EnergyAccountingRules
from tasks.energy.accounting.site_days import SiteHours

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

_HOURS_A_DAY = 24
_RIDGE = 0.02
_KINDS_OF_HOUR = ((22, 23, 0, 1, 2, 3, 4, 5), tuple(range(6, 22)))
"""Night and day, told apart where the views are weighed: demand says little about the night."""


@dataclass(frozen=True)
class Counterfactual:
    """What was to be expected of S sites in T hours, as logs of kWh; NaN where nothing can be said.

    Attributes:
        by_controls: (S, T) as control sites moved.
        by_baseline: (S, T) as the site's own baseline says.
        combined: (S, T)
        controls: (T,) control sites with readings.
        weight: (S, T) of `by_controls` in `combined`, against controls corrected by own demand.
        strays: (S, T) whether an hour without saving departs so far that something else happened.
    """

    by_controls: Floats
    by_baseline: Floats
    combined: Floats
    controls: npt.NDArray[np.integer[Any]]
    weight: Floats
    strays: Flags


def counterfactual(
    hours: SiteHours,
    baseline: Flags,
    rules: EnergyAccountingRules,
    leave_out: Flags | None = None,
) -> Counterfactual:
    """Return what sites would have consumed in every hour had nobody saved.

    Args:
        hours: of all sites, the baseline period included.
        baseline: (T,) hours of the baseline period.
        rules: definitions.
        leave_out: (S,) sites that are not to be controls, whatever they did.
    """
    log_energy = np.log(hours.energy_kwh)
    idle = hours.saving_share <= 0
    free = np.where(idle, log_energy, np.nan)
    usual = _usual(free, hours, baseline, rules)
    move = free - usual
    rough = _middle(move)
    strays = np.abs(move - rough) > np.log1p(rules.largest_stray)
    move = np.where(strays, np.nan, move)
    allowed = _controls(hours, move, rules, leave_out)
    common = _without_oneself(np.where(allowed, move, np.nan), rules.least_controls)
    own = _own_moves(hours, baseline, move)
    theirs = _without_oneself(np.where(allowed, own, np.nan), rules.least_controls)
    apart = common + own - theirs
    weight = _weights(move, common, apart, baseline, hours)
    mixed = np.where(np.isfinite(common), weight * common + (1 - weight) * apart, own)
    return Counterfactual(
        usual + common,
        usual + own,
        usual + np.where(np.isfinite(mixed), mixed, common),
        np.isfinite(np.where(allowed, move, np.nan)).sum(axis=0),
        np.where(np.isfinite(common), weight, 0.0),
        strays,
    )


def _usual(free: Floats, hours: SiteHours, baseline: Flags, rules: EnergyAccountingRules) -> Floats:
    """Return (S, T) each site's median at the hour of the day in the baseline, weekends apart."""
    usual = _usual_of(free, hours, baseline)
    told = np.isfinite(free[:, baseline]).sum(axis=1)
    is_known = told >= rules.least_baseline_days * _HOURS_A_DAY // 2
    usual[~is_known] = np.nan
    return usual


def _controls(
    hours: SiteHours, move: Floats, rules: EnergyAccountingRules, leave_out: Flags | None
) -> Flags:
    """Return (S, T) who may be a control when: who does not save, nor borders on who does."""
    saves = hours.saving_share > 0
    may = ~saves if leave_out is None else ~saves & ~leave_out[:, None]
    clear = may & ~((hours.beside.astype(float) @ saves.astype(float)) > 0)
    has = (clear & np.isfinite(move)).sum(axis=0) >= rules.clear_of_savers_controls
    return np.where(has, clear, may)


def _without_oneself(move: Floats, least: int) -> Floats:
    """Return (S, T) the median move of the others; NaN where too few of them told anything.

    The median of all but one differs from that of all only by one place in the order.
    """
    count = np.isfinite(move).sum(axis=0)
    order = np.sort(move, axis=0)  # NaN last
    columns = np.arange(move.shape[1])
    others = count - np.isfinite(move)
    rank = np.where(np.isfinite(move), np.argsort(np.argsort(move, axis=0), axis=0), len(move))

    def at(place: npt.NDArray[Any]) -> Floats:
        shifted = place + (rank <= place)
        return np.asarray(order[np.clip(shifted, 0, len(move) - 1), columns])

    middle = (at((others - 1) // 2) + at(others // 2)) / 2
    return np.where(others >= least, middle, np.nan)


def _own_moves(hours: SiteHours, baseline: Flags, move: Floats) -> Floats:
    """Return (S, T) how sites' own baseline says they move: with demand of the ground, and weather.

    Linear regression on hours of the baseline, shrunk a little; nothing known moves nothing.
    """
    told = np.nan_to_num(hours.volume_mbit)
    ground = np.log(np.maximum(told + hours.beside.astype(float) @ told, 1.0))
    beyond = ground - _usual_of(ground, hours, baseline)
    warm = hours.temperature_degc[None, :]
    warmer = (warm - _usual_of(warm, hours, baseline))[0]
    found = np.zeros_like(move)
    for site in range(len(move)):
        features = np.column_stack([beyond[site], warmer])
        features = np.where(np.isfinite(features), features, 0.0)
        known = baseline & np.isfinite(move[site])
        if known.sum() < _HOURS_A_DAY:
            continue
        scale = features[known].std(axis=0) + 1e-9
        design = features[known] / scale
        gram = design.T @ design + _RIDGE * known.sum() * np.eye(2)
        found[site] = (features / scale) @ np.linalg.solve(gram, design.T @ move[site, known])
    return found


def _weights(
    move: Floats, common: Floats, own: Floats, baseline: Flags, hours: SiteHours
) -> Floats:
    """Return (S, T) the weight of control sites that strays least in the baseline.

    Night and day apart. Of two views with errors e and f the mixture w e + (1 - w) f strays least
    at w = (var f - cov) / (var e + var f - 2 cov).
    """
    weight = np.ones_like(move)
    for kind in _KINDS_OF_HOUR:
        at = np.isin(hours.hour_of_day, kind)
        known = np.where(baseline & at, 1.0, np.nan)
        first, second = (move - common) * known, (move - own) * known
        both = np.isfinite(first) & np.isfinite(second)
        first, second = np.where(both, first, 0.0), np.where(both, second, 0.0)
        cross = (first * second).sum(axis=1)
        spread = (first**2).sum(axis=1) + (second**2).sum(axis=1) - 2 * cross
        best = np.divide(
            (second**2).sum(axis=1) - cross, spread, out=np.ones(len(move)), where=spread > 0
        )
        weight[:, at] = np.clip(best, 0.0, 1.0)[:, None]
    return weight


def _usual_of(values: Floats, hours: SiteHours, baseline: Flags) -> Floats:
    """Return (S, T) the baseline's median at the hour of the day; weekends apart where seen."""
    usual = np.full_like(values, np.nan)
    for hour in range(_HOURS_A_DAY):
        of_hour = hours.hour_of_day == hour
        any_day = _median(values[:, of_hour & baseline])
        for weekend in (False, True):
            at = of_hour & (hours.is_weekend == weekend)
            own = _median(values[:, at & baseline])
            usual[:, at] = np.where(np.isfinite(own), own, any_day)[:, None]
    return usual


def _median(values: Floats) -> Floats:
    """Return (S,) medians over hours; NaN where there is nothing."""
    found = np.full(len(values), np.nan)
    has = np.isfinite(values).any(axis=1)
    if has.any():
        found[has] = np.nanmedian(values[has], axis=1)
    return found


def _middle(move: Floats) -> Floats:
    """Return (T,) medians over sites; 0 where there is nothing."""
    return np.nan_to_num(_median(move.T))
