"""Measurement and verification on a home where nobody saved: placebos, and planted savings.

Random sites are taken as if they had saved on a night or a day after the baseline. Nothing was
saved, so estimates must be about 0 and intervals hold 0 as often as they say; then a known share
is taken off their readings, and must be found. Then sites' baselines are hidden, as if they were
new, so that the fitted model speaks alone of them. Reads the home that ANOPS_HOME names:
`ANOPS_HOME=... python -m tests.benchmarks energy_accounting`.
"""

import sys
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.energy_accounting import energy_accounting_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window, floor_to
from tasks.energy.accounting import published
from tasks.energy.accounting.accounts import Accounts, accounts
from tasks.energy.accounting.cell_days import CellHours, cell_hours, kpi_columns
from tasks.energy.accounting.model_view import ModelView, model_view
from tasks.energy.accounting.savers import SHARES
from tasks.energy.accounting.savings import Saving, members, saving
from tasks.energy.accounting.site_days import SiteHours, site_hours
from tasks.wiring import services

SIZES = (1, 5, 20, 60)
SHARES_PLANTED = (0.0, 0.1)
NIGHT, DAY = range(5), range(6, 22)
DRAWS = {1: 8}
DRAWS_OF_GROUPS = 3
SEED = 3
HALF = 0.5
HIDDEN_FOLDS = 5


@dataclass(frozen=True)
class Home:
    """Readings of a home in which nobody saved: a baseline, and the days after it."""

    hours: SiteHours
    cells: CellHours
    baseline: Window
    days: list[Window]

    def model(self) -> ModelView | None:
        """Return what the model says of all sites."""
        rules = energy_accounting_rules()
        return model_view(self.hours, self.cells, self.hours.inside(self.baseline), rules)


@dataclass(frozen=True)
class Placebo:
    """How many sites are taken as if they had saved, in which hours of days, and what share."""

    size: int
    of_day: range
    planted: float


@dataclass(frozen=True)
class Trial:
    """One estimate beside what was planted, as shares of what was expected."""

    error: float
    is_held: bool
    width: float


def main() -> None:
    """Print bias, scatter and coverage by how many sites, when, and what was planted."""
    started = time.process_time()
    home = _home()
    print(f"{len(home.hours.sites)} sites; baseline {home.baseline}; {len(home.days)} days after it; intervals at "  # noqa: E501
          f"{energy_accounting_rules().confidence:.0%} ({time.process_time() - started:.0f} CPU-s to read)")  # noqa: E501 # fmt: skip
    began = time.process_time()
    model = home.model()
    print(f"the model: {time.process_time() - began:.1f} CPU-s to fit and to ask")
    _backtest(home, model)
    print("\nplanted  sites  hours  trials      bias   scatter   held   width   rebound held")
    chance = np.random.default_rng(SEED)
    for planted in SHARES_PLANTED:
        for size in SIZES:
            for name, of_day in (("night", NIGHT), ("day", DAY)):
                trials, rebounds = _trials(home, model, Placebo(size, of_day, planted), chance)
                beside = f"{np.mean(rebounds):>8.2f}" if rebounds else "       –"  # noqa: RUF001
                print(f"{planted:>6.0%} {size:>6}  {name:<6}{_line(trials)}{beside}")
    _without_baselines(home)
    print(f"\n{time.process_time() - started:.0f} CPU-s")


def _line(trials: list[Trial]) -> str:
    error = np.array([one.error for one in trials])
    held = np.mean([one.is_held for one in trials])
    width = np.median([one.width for one in trials])
    return f"{len(trials):>6} {error.mean():>+10.2%}{error.std():>9.2%}{held:>8.2f}{width:>8.2%}"


def _home() -> Home:
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
    topology = published.newest_topology(inventory)
    found = site_hours(
        published.site_quarters(rows, catalogue()),
        pl.DataFrame(schema=SHARES),
        published.site_pairs(topology),
        [baseline, after],
        rules.least_available_pct,
    )
    kpis = tables.read("cell_kpis", Window(begin, end), columns=kpi_columns(catalogue()))
    told = kpis.filter(pl.col("granularity") == "hour").collect()
    return Home(
        found, cell_hours(told, topology, found, catalogue()), baseline, list(after.split("day"))
    )


def _backtest(home: Home, model: ModelView | None) -> None:
    """Print how each view strays from what sites drew, nobody having saved (ASHRAE's measures)."""
    hours = home.hours
    kept = accounts(hours, home.baseline, energy_accounting_rules(), model)
    later = hours.inside(Window(home.days[0].start, home.days[-1].end))
    own = later & ~kept.found.is_alone[:, None]
    print("\nhours after the baseline        bias (NMBE)   CV(RMSE)")
    for name, log_expected in (
        ("by control sites", kept.found.by_controls),
        ("by the site's own baseline", kept.found.by_baseline),
        ("by the fitted model", kept.found.by_model),
        ("combined", kept.found.combined),
    ):
        told = np.where(kept.metered.is_judged & own, np.exp(log_expected), np.nan)
        error = told - hours.energy_kwh
        mean = np.nanmean(np.where(np.isfinite(error), hours.energy_kwh, np.nan))
        print(f"  {name:<30}{np.nanmean(error) / mean:>+10.2%}"
              f"{np.sqrt(np.nanmean(error**2)) / mean:>11.2%}")  # fmt: skip
    for name, of_day in (("night", NIGHT), ("day", DAY)):
        at = np.isin(hours.hour_of_day, of_day)
        shares = ", ".join(f"{one:.2f}" for one in kept.found.weight[:, :, at & later].mean((1, 2)))
        print(f"  weights by {name}: controls, own baseline, model: {shares}")


def _trials(
    home: Home, model: ModelView | None, placebo: Placebo, chance: np.random.Generator
) -> tuple[list[Trial], list[bool]]:
    found, rebounds = [], []
    for day in home.days:
        for _ in range(DRAWS.get(placebo.size, DRAWS_OF_GROUPS)):
            count = len(home.hours.sites)
            chosen = chance.choice(count, min(placebo.size, count), replace=False)
            kept, at = _pretended(home, model, day, chosen, placebo)
            touched = members(kept.hours, at)
            told = saving(kept.metered, touched["SAVER"])
            if told is None:
                continue
            found.append(_trial(told, placebo.planted))
            rebound = saving(kept.metered, touched["NEIGHBOR"]) if touched["NEIGHBOR"] else None
            if rebound is not None:
                rebounds.append(rebound.low_kwh <= 0 <= rebound.high_kwh)
    return found, rebounds


def _trial(told: Saving, planted: float) -> Trial:
    true = planted / (1 - planted) * told.consumed_kwh
    return Trial(
        (told.saved_kwh - true) / told.expected_kwh,
        told.low_kwh <= true <= told.high_kwh,
        (told.high_kwh - told.low_kwh) / told.expected_kwh,
    )


def _pretended(
    home: Home, model: ModelView | None, day: Window, chosen: np.ndarray, placebo: Placebo
) -> tuple[Accounts, np.ndarray]:
    """Return accounts in which some sites are said to have saved, and the hours of it."""
    hours = home.hours
    at = hours.inside(day) & np.isin(hours.hour_of_day, placebo.of_day)
    share = np.zeros_like(hours.energy_kwh)
    share[np.ix_(chosen, np.flatnonzero(at))] = HALF
    energy = np.where(share > 0, hours.energy_kwh * (1 - placebo.planted), hours.energy_kwh)
    told = replace(hours, saving_share=share, energy_kwh=energy)
    return accounts(told, home.baseline, energy_accounting_rules(), model), at


def _without_baselines(home: Home) -> None:
    """Print how the model does alone: of sites whose meter, or whose everything, is new."""
    count = len(home.hours.sites)
    fold = np.random.default_rng(SEED).permutation(np.arange(count) % HIDDEN_FOLDS)
    known = home.hours.inside(home.baseline)
    print("\nwithout a baseline   hours  trials      bias   scatter   held   width")
    for what in ("meter is new", "site is new"):
        trials: dict[str, list[Trial]] = {"night": [], "day": []}
        for number in range(HIDDEN_FOLDS):
            hidden = fold == number
            gone = hidden[:, None] & known
            hours = replace(home.hours, energy_kwh=np.where(gone, np.nan, home.hours.energy_kwh))
            cells = home.cells
            if what == "site is new":
                mute = gone[cells.site]
                cells = replace(
                    cells,
                    load=np.where(mute, np.nan, cells.load),
                    volume_mbps=np.where(mute, np.nan, cells.volume_mbps),
                )
            part = replace(home, hours=hours, cells=cells)
            model = part.model()
            for day in home.days[::DRAWS_OF_GROUPS]:
                for name, of_day in (("night", NIGHT), ("day", DAY)):
                    trials[name] += _alone(part, model, day, Placebo(1, of_day, 0.0), hidden)
        for name, found in trials.items():
            print(f"  {what:<18} {name:<6}{_line(found)}")


def _alone(
    home: Home, model: ModelView | None, day: Window, placebo: Placebo, hidden: np.ndarray
) -> list[Trial]:
    kept, at = _pretended(home, model, day, np.flatnonzero(hidden), placebo)
    each = members(kept.hours, at)["SAVER"]
    told = [saving(kept.metered, [one]) for one in each if kept.found.is_alone[one.site]]
    return [_trial(one, 0.0) for one in told if one is not None]


if __name__ == "__main__":
    main()
