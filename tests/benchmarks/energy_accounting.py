"""Measurement and verification on a home where nobody saved: placebos, and planted savings.

Random sites are taken as if they had saved on a night or a day after the baseline. Nothing was
saved, so estimates must be about 0 and intervals hold 0 as often as they say; then a known share
is taken off their readings, and must be found. Reads the home that ANOPS_HOME names:
`ANOPS_HOME=... python -m tests.benchmarks energy_accounting`.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.energy_accounting import energy_accounting_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window, floor_to
from tasks.energy.accounting import published
from tasks.energy.accounting.accounts import Accounts, accounts
from tasks.energy.accounting.savers import SHARES
from tasks.energy.accounting.savings import members, saving
from tasks.energy.accounting.site_days import SiteHours, site_hours
from tasks.wiring import services

SIZES = (1, 5, 20, 60)
SHARES_PLANTED = (0.0, 0.1)
NIGHT, DAY = range(5), range(6, 22)
DRAWS = {1: 8}
DRAWS_OF_GROUPS = 3
SEED = 3
HALF = 0.5


@dataclass(frozen=True)
class Trial:
    """One estimate beside what was planted, as shares of what was expected."""

    error: float
    is_held: bool
    width: float


def main() -> None:
    """Print bias, scatter and coverage by how many sites, when, and what was planted."""
    started = time.process_time()
    hours, baseline, days = _home()
    print(f"{len(hours.sites)} sites; baseline {baseline}; {len(days)} days after it; intervals at "
          f"{energy_accounting_rules().confidence:.0%} ({time.process_time() - started:.0f} CPU-s to read)")  # noqa: E501 # fmt: skip
    _backtest(hours, baseline, days)
    print("\nplanted  sites  hours  trials      bias   scatter   held   width   rebound held")
    chance = np.random.default_rng(SEED)
    for planted in SHARES_PLANTED:
        for size in SIZES:
            for name, of_day in (("night", NIGHT), ("day", DAY)):
                trials, rebounds = _trials(hours, baseline, days, of_day, size, planted, chance)
                error = np.array([one.error for one in trials])
                held = np.mean([one.is_held for one in trials])
                width = np.median([one.width for one in trials])
                beside = f"{np.mean(rebounds):>8.2f}" if rebounds else "       –"  # noqa: RUF001
                print(f"{planted:>6.0%} {size:>6}  {name:<6}{len(trials):>6} {error.mean():>+10.2%}"
                      f"{error.std():>9.2%}{held:>8.2f}{width:>8.2%}{beside}")  # fmt: skip
    print(f"\n{time.process_time() - started:.0f} CPU-s")


def _home() -> tuple[SiteHours, Window, list[Window]]:
    rules, tables = energy_accounting_rules(), services().tables
    moments = tables.read("pm_measurements", columns=["period_start"]).select(
        pl.col("period_start").min().alias("first"), pl.col("period_start").max().alias("last")
    )
    first, last = moments.collect().row(0)
    if not isinstance(first, datetime):
        sys.exit("This home has no measurements; name one by ANOPS_HOME.")
    begin, end = floor_to(first, "day"), floor_to(last, "day") + timedelta(days=1)
    baseline = published.baseline_before(begin + timedelta(days=rules.baseline_days), rules)
    after = Window(baseline.end, end)
    present = tables.read("pm_measurements").collect_schema().names()
    columns = published.measured_columns(present, catalogue())
    rows = tables.read("pm_measurements", Window(begin, end), columns=columns)
    inventory = tables.read("network_topology", columns=list(published.TOPOLOGY)).collect()
    found = site_hours(
        published.site_quarters(rows, catalogue()),
        pl.DataFrame(schema=SHARES),
        published.site_pairs(published.newest_topology(inventory)),
        [baseline, after],
        rules.least_available_pct,
    )
    return found, baseline, list(after.split("day"))


def _backtest(hours: SiteHours, baseline: Window, days: list[Window]) -> None:
    """Print how each view strays from what sites drew, nobody having saved (ASHRAE's measures)."""
    kept = accounts(hours, baseline, energy_accounting_rules())
    later = hours.inside(Window(days[0].start, days[-1].end))
    print("\nhours after the baseline        bias (NMBE)   CV(RMSE)")
    for name, log_expected in (
        ("by control sites", kept.found.by_controls),
        ("by the site's own baseline", kept.found.by_baseline),
        ("combined", kept.found.combined),
    ):
        told = np.where(kept.metered.is_judged & later, np.exp(log_expected), np.nan)
        error = told - hours.energy_kwh
        mean = np.nanmean(np.where(np.isfinite(error), hours.energy_kwh, np.nan))
        print(f"  {name:<30}{np.nanmean(error) / mean:>+10.2%}"
              f"{np.sqrt(np.nanmean(error**2)) / mean:>11.2%}")  # fmt: skip


def _trials(
    hours: SiteHours,
    baseline: Window,
    days: list[Window],
    of_day: range,
    size: int,
    planted: float,
    chance: np.random.Generator,
) -> tuple[list[Trial], list[bool]]:
    found, rebounds = [], []
    for kept, at in _pretended(hours, baseline, days, of_day, size, planted, chance):
        touched = members(kept.hours, at)
        told = saving(kept.metered, touched["SAVER"])
        if told is None:
            continue
        true = planted / (1 - planted) * told.consumed_kwh
        found.append(
            Trial(
                (told.saved_kwh - true) / told.expected_kwh,
                told.low_kwh <= true <= told.high_kwh,
                (told.high_kwh - told.low_kwh) / told.expected_kwh,
            )
        )
        rebound = saving(kept.metered, touched["NEIGHBOR"]) if touched["NEIGHBOR"] else None
        if rebound is not None:
            rebounds.append(rebound.low_kwh <= 0 <= rebound.high_kwh)
    return found, rebounds


def _pretended(
    hours: SiteHours,
    baseline: Window,
    days: list[Window],
    of_day: range,
    size: int,
    planted: float,
    chance: np.random.Generator,
) -> Iterator[tuple[Accounts, np.ndarray]]:
    """Yield accounts in which random sites are said to have saved, and the hours of it."""
    for day in days:
        for _ in range(DRAWS.get(size, DRAWS_OF_GROUPS)):
            chosen = chance.choice(len(hours.sites), min(size, len(hours.sites)), replace=False)
            at = hours.inside(day) & np.isin(hours.hour_of_day, of_day)
            share = np.zeros_like(hours.energy_kwh)
            share[np.ix_(chosen, np.flatnonzero(at))] = HALF
            energy = np.where(share > 0, hours.energy_kwh * (1 - planted), hours.energy_kwh)
            told = replace(hours, saving_share=share, energy_kwh=energy)
            yield accounts(told, baseline, energy_accounting_rules()), at


if __name__ == "__main__":
    main()
