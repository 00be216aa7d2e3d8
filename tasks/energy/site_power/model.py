"""What a site consumes in an hour, for sites and radio unit types never seen; with bounds.

Physics first: idle power and power for each transmitted watt. Trees then say by what factor a type
departs from it. For a type never seen two opinions without the type are averaged in logs: trees on
the configuration, and physics with trees. What two sites of one configuration differ by no column
tells; the bounds say how much that is, and `own_history` takes it away once a meter has told.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.energy.site_power.boosting import Growth, grown, said
from tasks.energy.site_power.intervals import Strays, grouped_bounds, strays_by_type
from tasks.energy.site_power.physics import SitePhysics, fitted_physics
from tasks.energy.site_power.site_hours import (
    CONFIGURATION,
    ENERGIES,
    LOADS,
    SiteHours,
    checked,
    label_lag,
    site_hours,
)
from tasks.stored_models import StoredModel

Floats = npt.NDArray[np.floating[Any]]

FAMILY = "site_energy"
_FOLDS = 4
_MOST_HOURS_A_SITE, _HOURS_A_SITE, _LEAST_STRAY_HOURS = 48, 24, 8
_STRAY_HOURS = 8_000  # of all sites, where they have as many; trees need hours to learn from
_FOLD_SEED = 0
_LEAN = Growth(rounds=150, depth=5, seeds=1)
_UNBOUNDED = (-np.inf, np.inf)


@dataclass(frozen=True)
class _Opinions:
    """Physics, and trees that know the type, the configuration, or correct physics without it."""

    types: tuple[str, ...]
    physics: SitePhysics
    by_type: tuple[bytes, ...]
    by_configuration: tuple[bytes, ...]
    beyond_physics: tuple[bytes, ...]

    def log_energy(self, hours: SiteHours) -> Floats:
        """Return (N,) log Wh."""
        base = np.log(self.physics.energy_wh(hours))
        types = hours.rows["ru_type"].to_list()
        known = np.isin(types, self.types)
        told = np.empty(len(types))
        if known.any():
            features = _with_type(hours.features[known], np.array(types)[known], self.types)
            told[known] = base[known] + said(self.by_type, features)
        if not known.all():
            features = hours.features[~known]
            cooling = self.physics.log_cooling(hours)[~known]
            configured = cooling + said(self.by_configuration, features)
            corrected = base[~known] + said(self.beyond_physics, features)
            told[~known] = (configured + corrected) / 2
        return told


@dataclass(frozen=True)
class SiteEnergyModel:
    """A fitted model: plain numbers and trees as bytes.

    Attributes:
        lag: hours by which counters label an hour later than meters.
        confidence: share of hours that the bounds are to hold.
    """

    lag: int
    confidence: float
    opinions: _Opinions
    strays: Strays

    @classmethod
    def fitted(
        cls,
        configuration: pl.DataFrame,
        loads: pl.DataFrame,
        energies: pl.DataFrame,
        confidence: float = 0.9,
        growth: Growth = Growth(),  # noqa: B008 - frozen
        *,
        bounds_of: Collection[str] | None = None,
    ) -> "SiteEnergyModel":
        """Return the model of measured sites.

        Args:
            configuration: columns of `CONFIGURATION`.
            loads: columns of `LOADS`.
            energies: columns of `ENERGIES`, and `WEATHER` where it is known; what sites consumed.
            confidence: share of hours that the bounds are to hold.
            growth: of the trees.
            bounds_of: radio unit types whose bounds will be asked for, all where None; looking for
                them takes most of the time, and bounds that nobody asks for are infinite.

        Raises:
            InputError: rows cannot be used; they are named.
        """
        configuration = checked(configuration, CONFIGURATION, "cells' configuration")
        loads, energies = checked(loads, LOADS, "loads"), checked(energies, ENERGIES, "energies")
        lag = label_lag(loads, energies)
        hours = site_hours(configuration, loads, energies, lag)
        energy = energies["energy_wh"].to_numpy()
        opinions = _opinions(hours, energy, growth)
        asked = (True, True) if bounds_of is None else _asked(bounds_of, opinions.types)
        return cls(lag, confidence, opinions, _strays(hours, energy, confidence, *asked))

    def predicted(
        self, configuration: pl.DataFrame, loads: pl.DataFrame, wanted: pl.DataFrame
    ) -> pl.DataFrame:
        """Return what sites consume in the hours wanted; no energy of theirs is needed.

        Args:
            configuration: columns of `CONFIGURATION`.
            loads: columns of `LOADS`.
            wanted: site_id, period_start as meters label it, and `WEATHER` where it is known.

        Returns:
            site_id, ru_type, period_start, energy_wh, low_wh, high_wh; by site and time.
        """
        return self.drawn(self.hours(configuration, loads, wanted))

    def drawn(self, hours: SiteHours) -> pl.DataFrame:
        """Return what sites consume in hours that are arrays already; rows as `predicted`."""
        told = self.opinions.log_energy(hours)
        low, high = self.strays.bounds(hours.rows["ru_type"].to_list(), self.opinions.types)
        return hours.rows.with_columns(
            energy_wh=pl.Series(np.exp(told)),
            low_wh=pl.Series(np.exp(told + low)),
            high_wh=pl.Series(np.exp(told + high)),
        )

    def hours(
        self, configuration: pl.DataFrame, loads: pl.DataFrame, wanted: pl.DataFrame
    ) -> SiteHours:
        """Return what sites were and did in the hours wanted, labeled as meters do."""
        configuration = checked(configuration, CONFIGURATION, "cells' configuration")
        return site_hours(configuration, checked(loads, LOADS, "loads"), wanted, self.lag)

    def stored(self) -> StoredModel:
        """Return the model as plain data, with a digest."""
        one, strays = self.opinions, self.strays
        trees = {
            "by_type": one.by_type,
            "by_configuration": one.by_configuration,
            "beyond_physics": one.beyond_physics,
        }
        return StoredModel(
            FAMILY,
            (),
            {
                "lag": self.lag,
                "confidence": self.confidence,
                "types": list(one.types),
                "physics": list(one.physics.numbers),
                "overall": list(strays.overall),
                "unseen": list(strays.unseen),
                "strays": json.dumps({name: list(strays.by_type[name]) for name in strays.by_type}),
                "sets": [len(each) for each in trees.values()],
            },
            {
                f"{name}.{number}": np.frombuffer(stored, np.uint8)
                for name, each in trees.items()
                for number, stored in enumerate(each)
            },
        )

    @classmethod
    def from_stored(cls, model: StoredModel) -> "SiteEnergyModel":
        """Return the model that `stored` told."""
        told: dict[str, Any] = dict(model.settings)
        counts = zip(("by_type", "by_configuration", "beyond_physics"), told["sets"], strict=True)
        trees = {
            name: tuple(model.arrays[f"{name}.{one}"].tobytes() for one in range(count))
            for name, count in counts
        }
        strays = Strays(
            {name: (low, high) for name, (low, high) in json.loads(told["strays"]).items()},
            (told["overall"][0], told["overall"][1]),
            (told["unseen"][0], told["unseen"][1]),
        )
        opinions = _Opinions(tuple(told["types"]), SitePhysics(tuple(told["physics"])), **trees)
        return cls(told["lag"], told["confidence"], opinions, strays)


def _opinions(
    hours: SiteHours, energy: Floats, growth: Growth, *, typed: bool = True, untyped: bool = True
) -> _Opinions:
    site, ru_type = hours.rows["site_id"].to_numpy(), hours.rows["ru_type"].to_numpy()
    few, many = _spread(site, _HOURS_A_SITE), _spread(site, _MOST_HOURS_A_SITE)
    _, number, count = np.unique(site[few], return_inverse=True, return_counts=True)
    physics = fitted_physics(hours.taken(few), energy[few], (1.0 / count)[number])
    base, told = np.log(physics.energy_wh(hours)), np.log(energy)
    types = tuple(sorted(set(ru_type.tolist())))
    typed_features = _with_type(hours.features, ru_type, types)
    return _Opinions(
        types if typed else (),
        physics,
        grown(typed_features[many], (told - base)[many], growth) if typed else (),
        grown(hours.features[few], (told - physics.log_cooling(hours))[few], _LEAN)
        if untyped
        else (),
        grown(hours.features[few], (told - base)[few], _LEAN) if untyped else (),
    )


def _asked(types: Collection[str], known: Collection[str]) -> tuple[bool, bool]:
    """Return whether any type is known, and whether any is not."""
    return bool(set(types) & set(known)), bool(set(types) - set(known))


def _strays(
    hours: SiteHours,
    energy: Floats,
    confidence: float,
    by_site: bool,  # noqa: FBT001 - told by `_asked` alone
    by_type: bool,  # noqa: FBT001
) -> Strays:
    """Return bounds from sites, and from types, that the predicting model did not see."""
    every = hours.rows["site_id"].to_numpy()
    most = _STRAY_HOURS // len(np.unique(every))
    few = _spread(every, int(np.clip(most, _LEAST_STRAY_HOURS, _MOST_HOURS_A_SITE)))
    hours, told = hours.taken(few), np.log(energy[few])
    site, ru_type = hours.rows["site_id"].to_numpy(), hours.rows["ru_type"].to_numpy()
    types: dict[str, tuple[float, float]] = {}
    overall = unseen = _UNBOUNDED
    if by_site:
        stray = _strays_of(hours, told, _folds(site), typed=True)
        types, overall = strays_by_type(stray, site, ru_type, confidence)
    if by_type:
        stray = _strays_of(hours, told, ru_type, typed=False)
        unseen = grouped_bounds(stray, ru_type, confidence)
    return Strays(types, overall, unseen)


def _folds(site: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return (N,) the fold of each hour; hours of a site are in one."""
    names = np.unique(site)
    fold = np.random.default_rng(_FOLD_SEED).permutation(np.arange(len(names)) % _FOLDS)
    return np.asarray(fold[np.searchsorted(names, site)])


def _strays_of(hours: SiteHours, told: Floats, group: npt.NDArray[Any], *, typed: bool) -> Floats:
    """Return (N,) strays, each group predicted from all others; 0 where there are no others."""
    stray = np.zeros(len(told))
    for name in np.unique(group):
        out = group == name
        if not out.all():
            stray[out] = _out_of_sample(hours, told, out, typed=typed)
    return stray


def _out_of_sample(
    hours: SiteHours, told: Floats, out: npt.NDArray[np.bool_], *, typed: bool
) -> Floats:
    types = hours.rows["ru_type"].to_numpy()
    untyped = not typed or not np.isin(types[out], types[~out]).all()
    known = hours.taken(~out), np.exp(told[~out])
    opinions = _opinions(*known, _LEAN, typed=typed, untyped=untyped)
    strayed: Floats = told[out] - opinions.log_energy(hours.taken(out))
    return strayed


def _spread(site: npt.NDArray[Any], most: int) -> npt.NDArray[np.integer[Any]]:
    """Return hours, by number, spread evenly over each site's: no site has more than `most`."""
    _, start, count = np.unique(site, return_index=True, return_counts=True)
    chosen = [
        first + np.unique(np.linspace(0, every - 1, min(every, most)).astype(int))
        for first, every in zip(start, count, strict=True)
    ]
    return np.concatenate(chosen)


def _with_type(features: Floats, ru_type: npt.NDArray[Any], types: Sequence[str]) -> Floats:
    number = np.searchsorted(np.array(types), ru_type).astype(float)
    return np.column_stack([features, number])
