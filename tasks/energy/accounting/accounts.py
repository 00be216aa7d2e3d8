"""From readings to accounts: hours of savers and neighbors, and days with totals and intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from data_products.energy_savings.derive import ACCOUNTED, ALL, DAYS
from semantic_layer.energy_accounting import EnergyAccountingRules
from semantic_layer.periods import Window
from tasks.energy.accounting.counterfactual import Counterfactual, counterfactual
from tasks.energy.accounting.efficiency import (
    coverage_efficiency_m2_per_j,
    data_efficiency_bit_per_j,
)
from tasks.energy.accounting.savings import Member, Meter, Pools, Saving, members, meter, saving
from tasks.energy.accounting.site_days import SiteHours

_GRAMS_A_KG = 1000.0
_NOTHING: Mapping[str, float | None] = {}


@dataclass(frozen=True)
class Accounts:
    """Readings beside expectations, of a baseline period and the days accounted.

    Attributes:
        hours: readings.
        found: what was to be expected.
        metered: both, ready to be added up.
    """

    hours: SiteHours
    found: Counterfactual
    metered: Meter
    rules: EnergyAccountingRules


def accounts(hours: SiteHours, baseline: Window, rules: EnergyAccountingRules) -> Accounts:
    """Return the accounts of some hours.

    Args:
        hours: readings, those of the baseline period included.
        baseline: before anybody saved.
        rules: definitions.
    """
    known = hours.inside(baseline)
    found = counterfactual(hours, known, rules)
    return Accounts(hours, found, meter(hours, found, known, rules), rules)


def accounted_hours(kept: Accounts, window: Window) -> pl.DataFrame:
    """Return the hours in which sites saved, or bordered on one that did; columns `ACCOUNTED`.

    Args:
        kept: accounts.
        window: hours outside it are left out.
    """
    hours, judged = kept.hours, kept.metered.is_judged
    pools: Pools = {}
    rows: list[tuple[Any, ...]] = []
    for role, found in members(hours, hours.inside(window)).items():
        for one in found:
            for at in np.flatnonzero(one.hours):
                alone = np.zeros(hours.hours, dtype=bool)
                alone[at] = True
                told = saving(kept.metered, [Member(one.site, alone)], pools)
                rows.append(
                    (
                        hours.sites[one.site], _moment(hours, int(at)), role,
                        float(hours.saving_share[one.site, at]), bool(judged[one.site, at]),
                        *_energies(kept, one.site, int(at), told),
                        int(kept.found.controls[at]),
                    )
                )  # fmt: skip
    return pl.DataFrame(rows, schema=ACCOUNTED, orient="row")


def accounted_days(
    kept: Accounts,
    window: Window,
    area_m2: float,
    felt: Mapping[datetime, Mapping[str, float | None]],
) -> pl.DataFrame:
    """Return days in which any site saved; columns `DAYS`.

    Args:
        kept: accounts.
        window: of whole days.
        area_m2: designated area of all sites.
        felt: columns on what users felt, by day.
    """
    rows = []
    for day in window.split("day"):
        at = kept.hours.inside(day)
        found = members(kept.hours, at)
        if not found["SAVER"]:
            continue
        touched = [*found["SAVER"], *found["NEIGHBOR"]]
        total = _row(kept, day, found["SAVER"], touched) | {"scope": ALL}
        total |= _rebound(kept, found["NEIGHBOR"]) | dict(felt.get(day.start, _NOTHING))
        rows.append(total | _coverage(area_m2, total))
        rows += [
            _row(kept, day, [one], [one], one.site) | {"scope": kept.hours.sites[one.site]}
            for one in found["SAVER"]
        ]
    return pl.DataFrame(rows, schema=DAYS)


def _energies(
    kept: Accounts, site: int, at: int, told: Saving | None
) -> tuple[float | None, float | None, float | None, float | None, float | None, float | None]:
    """Return consumed, expected, expected by each view, and the bounds; nulls if not judged."""
    if told is None:
        return (None, None, None, None, None, None)
    return (
        told.consumed_kwh,
        told.expected_kwh,
        _known(np.exp(kept.found.by_controls[site, at])),
        _known(np.exp(kept.found.by_baseline[site, at])),
        _known(told.low_kwh),
        _known(told.high_kwh),
    )


def _row(
    kept: Accounts,
    day: Window,
    savers: Sequence[Member],
    touched: Sequence[Member],
    site: int | None = None,
) -> dict[str, Any]:
    """Return a day's columns; of one site, or of all where none is named."""
    judged = kept.metered.is_judged
    told = sum(int((judged[one.site] & one.hours).sum()) for one in savers)
    every = sum(int(one.hours.sum()) for one in savers)
    net = saving(kept.metered, touched)
    sites = slice(None) if site is None else slice(site, site + 1)
    at = kept.hours.inside(day)
    consumed = float(np.nansum(kept.hours.energy_kwh[sites, at]))
    volume = float(np.nansum(kept.hours.volume_mbit[sites, at]))
    without = consumed + (net.saved_kwh if net else 0.0)
    money, grams = _worth(kept, touched)
    return {
        "day_start": day.start,
        "sites_count": len(savers),
        "judged_hours": told,
        "left_out_hours": every - told,
        **_gross(saving(kept.metered, savers)),
        "net_saved_kwh": net.saved_kwh if net else None,
        "net_low_kwh": _known(net.low_kwh) if net else None,
        "net_high_kwh": _known(net.high_kwh) if net else None,
        "day_kwh": consumed,
        "saved_money": money if net else None,
        "avoided_co2_kg": grams / _GRAMS_A_KG if net else None,
        "currency": kept.rules.currency,
        "efficiency_bit_per_j": data_efficiency_bit_per_j(volume, consumed),
        "efficiency_expected_bit_per_j": data_efficiency_bit_per_j(volume, without),
    }


def _gross(gross: Saving | None) -> dict[str, float | None]:
    return {
        "consumed_kwh": gross.consumed_kwh if gross else None,
        "expected_kwh": gross.expected_kwh if gross else None,
        "saved_kwh": gross.saved_kwh if gross else None,
        "saved_low_kwh": _known(gross.low_kwh) if gross else None,
        "saved_high_kwh": _known(gross.high_kwh) if gross else None,
    }


def _worth(kept: Accounts, touched: Sequence[Member]) -> tuple[float, float]:
    """Return money and grams of CO2 of what was saved, by each hour's price and intensity."""
    metered = kept.metered
    saved = np.where(metered.is_judged, metered.expected_kwh - kept.hours.energy_kwh, 0.0)
    by_hour = sum((saved[one.site] * one.hours for one in touched), np.zeros(kept.hours.hours))
    of_day = kept.hours.hour_of_day.tolist()
    price = np.array([kept.rules.price(hour) for hour in of_day])
    carbon = np.array([kept.rules.carbon(hour) for hour in of_day])
    return float(by_hour @ price), float(by_hour @ carbon)


def _rebound(kept: Accounts, neighbors: Sequence[Member]) -> dict[str, float | None]:
    found = saving(kept.metered, neighbors) if neighbors else None
    return {
        "rebound_kwh": -found.saved_kwh if found else None,
        "rebound_low_kwh": _known(-found.high_kwh) if found else None,
        "rebound_high_kwh": _known(-found.low_kwh) if found else None,
    }


def _coverage(area_m2: float, total: Mapping[str, Any]) -> dict[str, float | None]:
    consumed, saved = float(total["day_kwh"]), float(total["net_saved_kwh"] or 0.0)
    return {
        "coverage_m2_per_j": coverage_efficiency_m2_per_j(area_m2, consumed),
        "coverage_expected_m2_per_j": coverage_efficiency_m2_per_j(area_m2, consumed + saved),
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _moment(hours: SiteHours, at: int) -> datetime:
    told: datetime = hours.starts[at].astype("datetime64[s]").astype(datetime)
    return told.replace(tzinfo=UTC)
