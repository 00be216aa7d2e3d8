"""What sites would have consumed had nobody saved: by controls, own baseline and a fitted model.

Three views, combined by how little each strayed in later days of the baseline when it knew the
days before alone. By control sites (difference in differences on logs): a site departs from its
own usual hour as sites that did not save do. By its own baseline: its usual hour, and what data
its ground asks for beyond the usual (its own and its neighbors' volume together, because saving
moves users between them) and the weather. By the fitted model: see `model_view`. None looks at the
load that a cell carried, for saving moves load too. Where there are controls, the second and the
third only say how a site moves apart from them: what nobody foresaw is not taken for saving.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.energy_accounting import EnergyAccountingRules
from tasks.energy.accounting.controls import controls, middle_of_others
from tasks.energy.accounting.model_view import ModelView, earlier_part
from tasks.energy.accounting.site_days import SiteHours
from tasks.energy.accounting.usual import HOURS_A_DAY, are_strays, has_baseline, middles, usual_of
from tasks.energy.accounting.weights import mixed, view_weights

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

_RIDGE = 0.02
_KINDS_OF_HOUR = ((22, 23, 0, 1, 2, 3, 4, 5), tuple(range(6, 22)))
"""Night and day, told apart where the views are weighed: demand says little about the night."""


@dataclass(frozen=True)
class Counterfactual:
    """What was to be expected of S sites in T hours, as logs of kWh; NaN where nothing can be said.

    Attributes:
        by_controls: (S, T) as control sites moved.
        by_baseline: (S, T) as the site's own baseline says.
        by_model: (S, T) as the fitted model says.
        combined: (S, T)
        controls: (T,) control sites with readings.
        weight: (3, S, T) of controls, and of controls corrected by own demand and by the model.
        strays: (S, T) whether an hour without saving departs so far that something else happened.
        is_alone: (S,) whether the model speaks alone, the site having no baseline.
        low, high: (S, T) bounds of log consumed over expected of such sites; NaN at all others.
    """

    by_controls: Floats
    by_baseline: Floats
    by_model: Floats
    combined: Floats
    controls: npt.NDArray[np.integer[Any]]
    weight: Floats
    strays: Flags
    is_alone: Flags
    low: Floats
    high: Floats


def counterfactual(
    hours: SiteHours,
    baseline: Flags,
    rules: EnergyAccountingRules,
    model: ModelView | None = None,
    leave_out: Flags | None = None,
) -> Counterfactual:
    """Return what sites would have consumed in every hour had nobody saved.

    Args:
        hours: of all sites, the baseline period included.
        baseline: (T,) hours of the baseline period.
        rules: definitions.
        model: what the fitted model says; None where there is none.
        leave_out: (S,) sites that are not to be controls, whatever they did.
    """
    nothing = np.full_like(hours.energy_kwh, np.nan)
    earlier = earlier_part(hours, baseline, rules)
    learned = _views(hours, earlier, rules, model.rehearsed if model else nothing, leave_out)
    judged = baseline & ~earlier if (baseline & ~earlier).any() else baseline
    found = _views(hours, baseline, rules, model.own if model else nothing, leave_out)
    weight = _weights(learned.move - learned.apart, hours, judged)
    raw = _weights(learned.move - learned.raw, hours, judged)
    beside = mixed(found.raw, raw)
    combined = mixed(found.apart, weight)
    combined = found.usual + np.where(np.isfinite(combined), combined, beside)
    alone = model.alone if model else nothing
    is_alone = _any_told(alone) & ~_any_told(combined)
    expected = alone + found.surprise
    strays = found.strays | (
        np.abs(found.free - np.where(is_alone[:, None], expected, np.nan))
        > np.log1p(rules.largest_stray)
    )
    return Counterfactual(
        found.usual + found.apart[0],
        found.usual + found.raw[0],
        np.where(is_alone[:, None], alone, found.usual + found.raw[1]),
        np.where(is_alone[:, None], expected, combined),
        found.controls,
        np.where(np.isfinite(found.apart[0]), weight, 0.0),
        strays,
        is_alone,
        np.where(is_alone[:, None], model.low if model else nothing, np.nan),
        np.where(is_alone[:, None], model.high if model else nothing, np.nan),
    )


@dataclass(frozen=True)
class _Views:
    """Moves from the usual hour, in logs, as a baseline lets views tell them.

    Attributes:
        free: (S, T) logs of kWh in hours without saving.
        usual: (S, T) the same at the hour of the day in the baseline.
        move: (S, T) free against usual, strays left out.
        apart: (3, S, T) controls alone, corrected by own demand, corrected by the model.
        raw: (2, S, T) own demand and the model without controls.
        surprise: (T,) by how much controls departed from the model.
        strays: (S, T)
        controls: (T,)
    """

    free: Floats
    usual: Floats
    move: Floats
    apart: Floats
    raw: Floats
    surprise: Floats
    strays: Flags
    controls: npt.NDArray[np.integer[Any]]


def _views(
    hours: SiteHours,
    baseline: Flags,
    rules: EnergyAccountingRules,
    by_model: Floats,
    leave_out: Flags | None,
) -> _Views:
    free = np.where(hours.saving_share <= 0, np.log(hours.energy_kwh), np.nan)
    usual = usual_of(free, hours, baseline)
    usual[~has_baseline(free, baseline, rules.least_baseline_days)] = np.nan
    move = free - usual
    strays = are_strays(move, rules)
    move = np.where(strays, np.nan, move)
    allowed = controls(hours, move, rules, leave_out)
    common = _of_controls(move, allowed, rules)
    raw = np.stack([_own_moves(hours, baseline, move), by_model - usual])
    apart = [common + one - _of_controls(one, allowed, rules) for one in raw]
    return _Views(
        free,
        usual,
        move,
        np.stack([common, *apart]),
        raw,
        _surprise(np.where(allowed, move - raw[1], np.nan), rules.least_controls),
        strays,
        np.isfinite(np.where(allowed, move, np.nan)).sum(axis=0),
    )


def _any_told(values: Floats) -> Flags:
    """Return (S,) whether anything is known of a site."""
    return np.asarray(np.isfinite(values).any(axis=1))


def _of_controls(move: Floats, allowed: Flags, rules: EnergyAccountingRules) -> Floats:
    return middle_of_others(np.where(allowed, move, np.nan), rules.least_controls)


def _surprise(errors: Floats, least: int) -> Floats:
    """Return (T,) medians over sites; 0 where too few told anything."""
    has = np.isfinite(errors).sum(axis=0) >= least
    return np.where(has, np.nan_to_num(middles(errors.T)), 0.0)


def _weights(errors: Floats, hours: SiteHours, judged: Flags) -> Floats:
    """Return (K, S, T) weights by errors in the hours judged, night and day apart."""
    weight = np.zeros_like(errors)
    for kind in _KINDS_OF_HOUR:
        at = np.isin(hours.hour_of_day, kind)
        weight[:, :, at] = view_weights(errors[:, :, judged & at])[:, :, None]
    return weight


def _own_moves(hours: SiteHours, baseline: Flags, move: Floats) -> Floats:
    """Return (S, T) how sites' own baseline says they move: with demand of the ground, and weather.

    Linear regression on hours of the baseline, shrunk a little; nothing known moves nothing.
    """
    told = np.nan_to_num(hours.volume_mbit)
    ground = np.log(np.maximum(told + hours.beside.astype(float) @ told, 1.0))
    beyond = ground - usual_of(ground, hours, baseline)
    warm = hours.temperature_degc[None, :]
    warmer = (warm - usual_of(warm, hours, baseline))[0]
    found = np.zeros_like(move)
    for site in range(len(move)):
        features = np.column_stack([beyond[site], warmer])
        features = np.where(np.isfinite(features), features, 0.0)
        known = baseline & np.isfinite(move[site])
        if known.sum() < HOURS_A_DAY:
            continue
        scale = features[known].std(axis=0) + 1e-9
        design = features[known] / scale
        gram = design.T @ design + _RIDGE * known.sum() * np.eye(2)
        found[site] = (features / scale) @ np.linalg.solve(gram, design.T @ move[site, known])
    return found
