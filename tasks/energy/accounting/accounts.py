"""From readings to accounts: hours of savers and neighbors, and days with totals and intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from data_products.energy_savings.derive import ACCOUNTED, ALL, BASELINE, DAYS, MODEL
from semantic_layer.energy_accounting import EnergyAccountingRules
from semantic_layer.periods import Window
from tasks.energy.accounting.counterfactual import Counterfactual, counterfactual
from tasks.energy.accounting.efficiency import (
    coverage_efficiency_m2_per_j,
    data_efficiency_bit_per_j,
)
from tasks.energy.accounting.model_view import ModelView
from tasks.energy.accounting.savings import Member, Meter, Pools, Saving, members, meter, saving
from tasks.energy.accounting.site_days import SiteHours

Floats = npt.NDArray[np.floating[Any]]

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


def accounts(
    hours: SiteHours,
    baseline: Window,
    rules: EnergyAccountingRules,
    model: ModelView | None = None,
) -> Accounts:
    """Return the accounts of some hours.

    Args:
        hours: readings, those of the baseline period included.
        baseline: before anybody saved.
        rules: definitions.
        model: what the fitted model of site energy says; None where there is none.
    """
    known = hours.inside(baseline)
    found = counterfactual(hours, known, rules, model)
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
                        MODEL if kept.found.is_alone[one.site] else BASELINE,
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

    Neighbors without a baseline enter no sum: what a model that never saw them strays by is more
    than they can have taken over.

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
        beside = [one for one in found["NEIGHBOR"] if not kept.found.is_alone[one.site]]
        touched = [*found["SAVER"], *beside]
        total = _row(kept, day, found["SAVER"], touched) | {"scope": ALL}
        total |= _rebound(kept, beside) | dict(felt.get(day.start, _NOTHING))
        rows.append(total | _coverage(area_m2, total))
        rows += [
            _row(kept, day, [one], [one], one.site) | {"scope": kept.hours.sites[one.site]}
            for one in found["SAVER"]
        ]
    return pl.DataFrame(rows, schema=DAYS)


def _energies(kept: Accounts, site: int, at: int, told: Saving | None) -> tuple[float | None, ...]:
    """Return consumed, expected, expected by each view, and the bounds; nulls if not judged."""
    if told is None:
        return (None,) * 7
    return (
        told.consumed_kwh,
        told.expected_kwh,
        _known(np.exp(kept.found.by_controls[site, at])),
        _known(np.exp(kept.found.by_baseline[site, at])),
        _known(np.exp(kept.found.by_model[site, at])),
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
        "model_alone_hours": sum(
            int((judged[one.site] & one.hours).sum()) * bool(kept.found.is_alone[one.site])
            for one in savers
        ),
        **_gross(saving(kept.metered, savers)),
        "saved_by_controls_kwh": _saved_by(kept, savers, kept.found.by_controls),
        "saved_by_baseline_kwh": _saved_by(kept, savers, kept.found.by_baseline),
        "saved_by_model_kwh": _saved_by(kept, savers, kept.found.by_model),
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


def _saved_by(kept: Accounts, savers: Sequence[Member], view: Floats) -> float | None:
    """Return what one view alone says was saved; where it says nothing, what all say together."""
    saved, is_told = 0.0, False
    for one in savers:
        at = kept.metered.is_judged[one.site] & one.hours
        alone = np.exp(view[one.site, at])
        is_told |= bool(np.isfinite(alone).any())
        expected = np.where(np.isfinite(alone), alone, kept.metered.expected_kwh[one.site, at])
        saved += float((expected - kept.hours.energy_kwh[one.site, at]).sum())
    return saved if is_told else None


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
