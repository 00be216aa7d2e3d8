"""What the fitted model of site energy says that sites would have consumed had nobody saved.

The model is fitted on hours of the baseline, corrected by each site's own, and asked for the load
that cells would have carried had nobody saved. A site without a baseline is told by the others
alone, within the bounds of sites that the model never saw.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.energy_accounting import EnergyAccountingRules
from tasks.energy.accounting.cell_days import CellHours, UnsavedLoad, load_without_saving
from tasks.energy.accounting.site_days import SiteHours
from tasks.energy.accounting.usual import are_strays, has_baseline, usual_of
from tasks.energy.site_power.boosting import Growth
from tasks.energy.site_power.intervals import grouped_bounds
from tasks.energy.site_power.model import SiteEnergyModel
from tasks.energy.site_power.own_history import OwnHistory
from tasks.energy.site_power.site_hours import SAVING, WEATHER

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

_WH_A_KWH = 1000.0
_HOURS_A_SITE = 96
_GUESS_STEP = 7  # hours, so that all hours of the day are met
_CHUNK = 250  # sites that are asked for at once
_GROWTH = Growth(rounds=150, depth=5, seeds=1)


@dataclass(frozen=True)
class ModelView:
    """What the model expects of S sites in T hours, as logs of kWh; NaN where it says nothing.

    Attributes:
        own: (S, T) corrected by the site's own baseline.
        rehearsed: (S, T) the same by the earlier part of the baseline alone.
        alone: (S, T) of sites without a baseline, by the others.
        low, high: (S, T) bounds of log consumed over predicted, for `alone`.
    """

    own: Floats
    rehearsed: Floats
    alone: Floats
    low: Floats
    high: Floats


def model_view(
    hours: SiteHours, cells: CellHours, baseline: Flags, rules: EnergyAccountingRules
) -> ModelView | None:
    """Return what the model says; None where too few sites tell anything to fit it on.

    Args:
        hours: readings of all sites.
        cells: of these sites, in the same hours.
        baseline: (T,) hours before anybody saved.
        rules: definitions.
    """
    if not len(cells.site):
        return None
    free = free_energy(hours, baseline, rules)
    unsaved = load_without_saving(cells, hours, baseline, rules.least_baseline_days)
    told = _Told(hours, cells, free, unsaved)
    model = told.fitted(baseline, rules, told.types_without_history(baseline, rules))
    if model is None:
        return None
    earlier = earlier_part(hours, baseline, rules)
    first = model if (earlier == baseline).all() else told.fitted(earlier, rules)
    nothing = np.full_like(free, np.nan)
    rehearsed = told.by_history(first, earlier, baseline, rules) if first else nothing
    alone, low, high = told.without_history(model, baseline, rules)
    return ModelView(
        told.by_history(model, baseline, np.ones(hours.hours, dtype=bool), rules),
        rehearsed, alone, low, high,
    )  # fmt: skip


def earlier_part(hours: SiteHours, baseline: Flags, rules: EnergyAccountingRules) -> Flags:
    """Return (T,) the baseline without the days that views are judged on; all of it if short."""
    days = hours.starts.astype("datetime64[D]")
    every = np.unique(days[baseline])
    if len(every) - rules.weighing_days < rules.least_baseline_days:
        return baseline
    return np.asarray(baseline & (days < every[-rules.weighing_days]))


def free_energy(hours: SiteHours, baseline: Flags, rules: EnergyAccountingRules) -> Floats:
    """Return (S, T) logs of kWh; NaN in hours of saving, and in those that no traffic explains."""
    free = np.where(hours.saving_share <= 0, np.log(hours.energy_kwh), np.nan)
    move = free - usual_of(free, hours, baseline)
    return np.where(are_strays(move, rules), np.nan, free)


@dataclass(frozen=True)
class _Told:
    """Readings as the model takes them, and the load of cells had nobody saved."""

    hours: SiteHours
    cells: CellHours
    free: Floats
    unsaved: UnsavedLoad

    def fitted(
        self, at: Flags, rules: EnergyAccountingRules, bounds_of: Collection[str] = ()
    ) -> SiteEnergyModel | None:
        """Return the model of sites with a baseline in some hours, spread evenly over all."""
        known = np.flatnonzero(self._has_history(at, rules))
        if len(known) < rules.least_model_sites:
            return None
        most = min(len(known), rules.model_sites)
        chosen = known[np.unique(np.linspace(0, len(known) - 1, most).astype(int))]
        wanted = np.zeros(self.free.shape, dtype=bool)
        for site in chosen:
            own = np.flatnonzero(at & np.isfinite(self.free[site]))
            wanted[site, own[np.linspace(0, len(own) - 1, _HOURS_A_SITE).astype(int)]] = True
        configuration, loads = self._frames(self.cells.load, wanted)
        return SiteEnergyModel.fitted(
            configuration, loads, self._energies(wanted), growth=_GROWTH, bounds_of=bounds_of
        )

    def by_history(
        self, model: SiteEnergyModel, known: Flags, asked: Flags, rules: EnergyAccountingRules
    ) -> Floats:
        """Return (S, T) what the model says, corrected by sites' own hours that are known."""
        found = np.full(self.free.shape, np.nan)
        sites = np.flatnonzero(self._has_history(known, rules))
        for chosen in np.array_split(sites, max(-(-len(sites) // _CHUNK), 1)):
            rows = np.zeros(len(found), dtype=bool)
            rows[chosen] = True
            if not rows.any():
                continue
            own = rows[:, None] & known & np.isfinite(self.free)
            configuration, loads = self._frames(self.cells.load, own)
            history = OwnHistory.told(model, configuration, loads, self._energies(own))
            wanted = rows[:, None] & asked
            configuration, loads = self._frames(self.unsaved.told, wanted)
            drawn = history.predicted(model, configuration, loads, self._wanted(wanted))
            found[np.nonzero(wanted)] = np.log(drawn["energy_wh"].to_numpy() / _WH_A_KWH)
        return found

    def without_history(
        self, model: SiteEnergyModel, baseline: Flags, rules: EnergyAccountingRules
    ) -> tuple[Floats, Floats, Floats]:
        """Return (S, T) what the model says of sites without a baseline, and its bounds."""
        rows = np.asarray(self._is_told & ~self._has_history(baseline, rules))
        wanted = rows[:, None] & ~baseline
        found = np.full((3, *self.free.shape), np.nan)
        if wanted.any():
            configuration, loads = self._frames(self.unsaved.told, wanted)
            drawn = model.predicted(configuration, loads, self._wanted(wanted))
            energy = drawn["energy_wh"].to_numpy()
            at = np.nonzero(wanted)
            found[0][at] = np.log(energy / _WH_A_KWH)
            found[1][at] = np.log(drawn["low_wh"].to_numpy() / energy)
            found[2][at] = np.log(drawn["high_wh"].to_numpy() / energy)
        has_guess = np.isin(np.arange(len(rows)), self.cells.site[self.unsaved.is_guessed])
        if (rows & has_guess).any():
            low, high = self._strays_of_guesses(model, baseline, rules)
            found[1][has_guess] = -np.hypot(found[1][has_guess], low)
            found[2][has_guess] = np.hypot(found[2][has_guess], high)
        return found[0], found[1], found[2]

    def _strays_of_guesses(
        self, model: SiteEnergyModel, baseline: Flags, rules: EnergyAccountingRules
    ) -> tuple[float, float]:
        """Return bounds of what guessing loads makes a site stray, by sites that need no guess."""
        known = np.flatnonzero(self._has_history(baseline, rules))[: rules.model_sites]
        wanted = np.zeros(self.free.shape, dtype=bool)
        wanted[np.ix_(known, np.flatnonzero(baseline)[::_GUESS_STEP])] = True
        drawn = [
            model.predicted(*self._frames(load, wanted), self._wanted(wanted))
            for load in (self.unsaved.told, self.unsaved.guessed)
        ]
        told, guessed = (np.log(one["energy_wh"].to_numpy()) for one in drawn)
        site = drawn[0]["site_id"].to_numpy().astype(str)
        return grouped_bounds(told - guessed, site, rules.confidence)

    def types_without_history(self, baseline: Flags, rules: EnergyAccountingRules) -> set[str]:
        """Return the radio unit types of sites that the model alone will tell."""
        unknown = ~self._has_history(baseline, rules)[self.cells.site]
        return set(self.cells.configuration.filter(pl.Series(unknown))["ru_type"].to_list())

    @property
    def _is_told(self) -> Flags:
        """(S,) sites of which cells are known, and every cell's load."""
        count, site = len(self.hours.sites), self.cells.site
        silent = ~np.isfinite(self.unsaved.told).all(axis=1)
        silent |= ~np.isfinite(self.cells.load).any(axis=1)
        has = np.bincount(site, minlength=count) > 0
        return np.asarray(has & (np.bincount(site[silent], minlength=count) == 0))

    def _has_history(self, at: Flags, rules: EnergyAccountingRules) -> Flags:
        return self._is_told & has_baseline(self.free, at, rules.least_baseline_days)

    def _frames(self, load: Floats, wanted: Flags) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return configuration and loads, in all hours, of the cells of the sites wanted."""
        needed = np.asarray(wanted.any(axis=1))[self.cells.site]
        cell, hour = np.nonzero(needed[:, None] & np.isfinite(load))
        cells = self.cells.configuration
        loads = cells.select("site_id", "cell_id")[cell.tolist()].with_columns(
            pl.Series("period_start", self._starts[hour]),
            pl.Series("load_share", load[cell, hour]),
            *(pl.lit(0.0).alias(name) for name in SAVING),
        )
        return cells.filter(pl.Series(needed)), loads

    def _wanted(self, wanted: Flags) -> pl.DataFrame:
        site, hour = np.nonzero(wanted)
        return pl.DataFrame(
            {
                "site_id": np.array(self.hours.sites)[site],
                "period_start": self._starts[hour],
                WEATHER: self.hours.temperature_degc[hour],
            }
        )

    def _energies(self, wanted: Flags) -> pl.DataFrame:
        energy = np.exp(self.free[wanted]) * _WH_A_KWH
        return self._wanted(wanted).with_columns(pl.Series("energy_wh", energy))

    @property
    def _starts(self) -> npt.NDArray[np.datetime64]:
        return self.hours.starts.astype("datetime64[us]")
