"""What is usual at an hour of the day: medians over a baseline, weekends apart."""

from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.energy_accounting import EnergyAccountingRules
from tasks.energy.accounting.site_days import SiteHours

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

HOURS_A_DAY = 24


def usual_of(values: Floats, hours: SiteHours, baseline: Flags) -> Floats:
    """Return (S, T) medians at the hour of the day in the baseline, any day where a kind lacks.

    Args:
        values: (S, T) or (C, T); NaN where nothing is known.
        hours: whose T hours they are.
        baseline: (T,) hours that count.
    """
    usual = np.full_like(values, np.nan)
    for hour in range(HOURS_A_DAY):
        of_hour = hours.hour_of_day == hour
        any_day = middles(values[:, of_hour & baseline])
        for weekend in (False, True):
            at = of_hour & (hours.is_weekend == weekend)
            own = middles(values[:, at & baseline])
            usual[:, at] = np.where(np.isfinite(own), own, any_day)[:, None]
    return usual


def has_baseline(values: Floats, baseline: Flags, least_days: int) -> Flags:
    """Return (S,) whether values are known in half the hours of so many days of the baseline."""
    told = np.isfinite(values[:, baseline]).sum(axis=1)
    return np.asarray(told >= least_days * HOURS_A_DAY // 2)


def middles(values: Floats) -> Floats:
    """Return (S,) medians over hours; NaN where there is nothing."""
    found = np.full(len(values), np.nan)
    has = np.isfinite(values).any(axis=1)
    if has.any():
        found[has] = np.nanmedian(values[has], axis=1)
    return found


def are_strays(move: Floats, rules: EnergyAccountingRules) -> Flags:
    """Return (S, T) hours so far from what all sites did that something else happened.

    Args:
        move: (S, T) logs of kWh against the usual hour; NaN where unknown, which is no stray.
        rules: definitions.
    """
    return np.asarray(
        np.abs(move - np.nan_to_num(middles(move.T))) > np.log1p(rules.largest_stray),
        dtype=np.bool_,
    )
