"""Savings with intervals: what was expected less what was consumed, and how far placebos stray.

A site that did not save, taken as if it had, shows how far the method strays without any saving.
Strays are told in units of a site's own scatter in the baseline, so that calm sites get narrow
intervals. Totals draw placebos for their members, and count that all rest on the same controls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from semantic_layer.energy_accounting import EnergyAccountingRules
from tasks.energy.accounting.counterfactual import Counterfactual
from tasks.energy.accounting.site_days import SiteHours

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Role = Literal["SAVER", "NEIGHBOR"]
Pools = dict[bytes, tuple[Floats, Floats]]
"""Placebo strays, and draws of what members share, by the bytes of the hours."""

_LEAST_PLACEBOS = 8
_MOST_SHIFTS = 14
_HOURS_A_DAY = 24
_LEAST_TOLD = 0.75
_LEAST_SCATTER = 0.002
_HALF = 0.5


@dataclass(frozen=True)
class Saving:
    """Energy saved, kWh; negative is more than was to be expected."""

    expected_kwh: float
    consumed_kwh: float
    low_kwh: float
    high_kwh: float

    @property
    def saved_kwh(self) -> float:
        """Expected less consumed."""
        return self.expected_kwh - self.consumed_kwh


@dataclass(frozen=True)
class Member:
    """A site and the hours in which it is looked at."""

    site: int
    hours: Flags


@dataclass(frozen=True)
class Meter:
    """Readings beside expectations, ready to be added up.

    Attributes:
        hours: readings.
        expected_kwh: (S, T) counterfactual; NaN where nothing can be said.
        scatter: (S,) of an hour's relative departure in the baseline.
        baseline: (T,)
        strays: (S, T) hours in which something else than saving happened.
        low, high: (S, T) bounds of log consumed over expected of sites without a baseline, whose
            strays no placebo tells; NaN at all others.
        rules: definitions.
    """

    hours: SiteHours
    expected_kwh: Floats
    scatter: Floats
    baseline: Flags
    strays: Flags
    low: Floats
    high: Floats
    rules: EnergyAccountingRules

    @property
    def is_judged(self) -> Flags:
        """(S, T) whether consumed and expected are known, and nothing but saving happened."""
        return np.isfinite(self.expected_kwh) & np.isfinite(self.hours.energy_kwh) & ~self.strays


def meter(
    hours: SiteHours, found: Counterfactual, baseline: Flags, rules: EnergyAccountingRules
) -> Meter:
    """Return readings beside what was to be expected of them.

    Args:
        hours: readings.
        found: counterfactual of the same hours.
        baseline: (T,) hours of the baseline period.
        rules: definitions.
    """
    expected = np.exp(found.combined)
    calm = np.where(
        baseline[None, :] & (hours.saving_share <= 0) & ~found.strays,
        hours.energy_kwh / expected - 1,
        np.nan,
    )
    told = np.isfinite(calm).sum(axis=1)
    scatter = np.sqrt(np.nansum(calm**2, axis=1) / np.maximum(told, 1))
    scatter = np.maximum(np.where(told > 0, scatter, np.nan), _LEAST_SCATTER)
    strays, low, high = found.strays, found.low, found.high
    return Meter(hours, expected, scatter, baseline, strays, low, high, rules)


def members(hours: SiteHours, window: Flags) -> dict[Role, list[Member]]:
    """Return the sites that saved in a window, and those that border on one in the same hour.

    Args:
        hours: readings.
        window: (T,)
    """
    saves = (hours.saving_share > 0) & window
    borders = ((hours.beside.astype(float) @ saves.astype(float)) > 0) & ~saves
    return {
        "SAVER": [Member(int(one), saves[one]) for one in np.flatnonzero(saves.any(axis=1))],
        "NEIGHBOR": [Member(int(one), borders[one]) for one in np.flatnonzero(borders.any(axis=1))],
    }


def saving(metered: Meter, chosen: Sequence[Member], pools: Pools | None = None) -> Saving | None:
    """Return the saving of some sites together; None where none of their hours is judged.

    Hours that are not judged are in neither sum.

    Args:
        metered: readings beside expectations.
        chosen: sites, each with hours of its own.
        pools: placebos by hours, kept between calls.
    """
    judged = metered.is_judged
    sums = np.array([_sums(metered, one, judged[one.site]) for one in chosen]).reshape(-1, 2)
    expected, consumed = sums[:, 0], sums[:, 1]
    counts = expected > 0
    if not counts.any():
        return None
    own = [one for one, is_in in zip(chosen, counts, strict=True) if is_in]
    strayed = _drawn_strays(metered, own, expected[counts], {} if pools is None else pools)
    tail = (1 - metered.rules.confidence) / 2
    low, high = np.quantile(strayed, [tail, 1 - tail])
    saved = float(expected.sum() - consumed.sum())
    return Saving(
        float(expected.sum()), float(consumed.sum()), saved - float(high), saved - float(low)
    )


def placebo_strays(metered: Meter, hours: Flags) -> Floats:
    """Return (P,) relative strays of sites that did not save, by their scatter.

    Those of the very hours come first; where they are few, the same hours of days in the baseline
    are added.

    Args:
        metered: readings beside expectations.
        hours: (T,) hours in which a site is looked at.
    """
    found = _strays_at(metered, hours)
    if len(found) >= _LEAST_PLACEBOS:
        return found
    moved = (np.roll(hours, -shift * _HOURS_A_DAY) for shift in _shifts(metered, hours))
    return np.concatenate([found, *(_strays_at(metered, one) for one in moved)])


def _sums(metered: Meter, one: Member, judged: Flags) -> tuple[float, float]:
    """Return expected and consumed kWh of a member's judged hours."""
    at = judged & one.hours
    return (
        float(metered.expected_kwh[one.site, at].sum()),
        float(metered.hours.energy_kwh[one.site, at].sum()),
    )


def _drawn_strays(
    metered: Meter, chosen: Sequence[Member], expected: Floats, pools: Pools
) -> Floats:
    """Return draws of how far the members' total strays, kWh, were nothing saved."""
    rules = metered.rules
    chance = np.random.default_rng(rules.seed)
    draws = max(rules.placebo_draws, 1)
    total, shared = np.zeros(draws), np.zeros(draws)
    place = np.random.default_rng([rules.seed, 1]).random(draws)
    for one, energy in zip(chosen, expected, strict=True):
        if np.isfinite(metered.low[one.site]).any():
            total += energy * _strays_within(metered, one, place)
            continue
        key = one.hours.tobytes()
        if key not in pools:
            pools[key] = _pool(metered, one.hours, chance, draws)
        strays, common = pools[key]
        scatter = metered.scatter[one.site]
        total += energy * scatter * chance.choice(strays, draws)
        shared += energy * scatter * common
    single = len(chosen) == 1
    return total if single else total + shared


def _strays_within(metered: Meter, one: Member, place: Floats) -> Floats:
    """Return relative strays of a site that the model alone tells, at places of 0..1 in its bounds.

    Its bounds are at the places that the confidence names, and strays lie evenly between them and
    as evenly beyond. Sites that a model never saw may stray alike: they share their places.
    """
    low, high = (np.nanmean(each[one.site, one.hours]) for each in (metered.low, metered.high))
    steep = np.abs(2.0 * place - 1.0) / metered.rules.confidence
    return np.asarray(1.0 - np.exp(np.where(place < _HALF, low, high) * steep))


def _pool(
    metered: Meter, hours: Flags, chance: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    """Return placebo strays of these hours, and how far their mean may be off: members share it."""
    strays = placebo_strays(metered, hours)
    if len(strays) == 0:
        return np.array([np.nan]), np.full(draws, np.nan)
    sets = chance.choice(strays, (draws, len(strays)))
    return strays, sets.mean(axis=1) - strays.mean()


def _strays_at(metered: Meter, hours: Flags) -> Floats:
    idle = metered.hours.saving_share <= 0
    counts = metered.is_judged & idle & hours
    is_told = counts.sum(axis=1) >= _LEAST_TOLD * hours.sum()
    is_told &= np.isfinite(metered.scatter) & (counts.sum(axis=1) > 0)
    expected = np.where(counts, metered.expected_kwh, 0.0).sum(axis=1)[is_told]
    consumed = np.where(counts, metered.hours.energy_kwh, 0.0).sum(axis=1)[is_told]
    strays: Floats = (expected - consumed) / expected / metered.scatter[is_told]
    return strays


def _shifts(metered: Meter, hours: Flags) -> list[int]:
    """Return by how many days hours can be moved back so that all lie in the baseline."""
    at = np.flatnonzero(hours)
    found = []
    for shift in range(1, len(metered.baseline) // _HOURS_A_DAY + 1):
        back = at - shift * _HOURS_A_DAY
        if len(back) and back[0] >= 0 and metered.baseline[back].all():
            found.append(shift)
        if len(found) == _MOST_SHIFTS:
            break
    return found
