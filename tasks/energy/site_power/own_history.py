"""A site's own metered hours correct its prediction: by its level, and by how it answers to load.

Sites of one configuration differ in what no inventory tells (a second cabinet, cooling, a carrier
that is not listed). A few metered hours tell it. How far they are believed follows from how sites
differ among themselves: linear regression with a prior (empirical Bayes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.energy.site_power.model import SiteEnergyModel
from tasks.energy.site_power.site_hours import SiteHours

Floats = npt.NDArray[np.floating[Any]]

_SPREAD = np.array([0.15, 0.05, 0.05])
"""Among sites, of the log level, of its answer to load, and to saving. Slopes are believed little:
a night's loads say nothing of the day's."""
_SCATTER = 0.04
"""Of one hour of a site around its own line, in logs; hours that follow one another stray alike."""


@dataclass(frozen=True)
class OwnHistory:
    """Corrections by site: of the log level, by load and by saving beyond their usual values."""

    corrections: Mapping[str, tuple[float, float, float]]
    centers: Mapping[str, tuple[float, float]]

    @classmethod
    def told(
        cls,
        model: SiteEnergyModel,
        configuration: pl.DataFrame,
        loads: pl.DataFrame,
        energies: pl.DataFrame,
    ) -> "OwnHistory":
        """Return what sites' own metered hours say of them.

        Args:
            model: fitted on any sites.
            configuration: columns of `CONFIGURATION`.
            loads: columns of `LOADS`.
            energies: columns of `ENERGIES`, hours that are known.
        """
        hours = model.hours(configuration, loads, energies)
        drawn = model.drawn(hours)
        known = drawn.join(energies, on=["site_id", "period_start"], suffix="_told")
        stray = np.log((known["energy_wh_told"] / known["energy_wh"]).to_numpy())
        acts = _acts(hours)
        site = known["site_id"].to_numpy()
        corrections, centers = {}, {}
        for name in np.unique(site):
            own = site == name
            center = acts[own].mean(axis=0)
            design = np.column_stack([np.ones(own.sum()), acts[own] - center])
            precision = design.T @ design / _SCATTER**2 + np.diag(1 / _SPREAD**2)
            found = np.linalg.solve(precision, design.T @ stray[own] / _SCATTER**2)
            corrections[str(name)] = (float(found[0]), float(found[1]), float(found[2]))
            centers[str(name)] = (float(center[0]), float(center[1]))
        return cls(corrections, centers)

    def predicted(
        self,
        model: SiteEnergyModel,
        configuration: pl.DataFrame,
        loads: pl.DataFrame,
        wanted: pl.DataFrame,
    ) -> pl.DataFrame:
        """Return site_id, period_start, energy_wh; sites without history as the model says."""
        hours = model.hours(configuration, loads, wanted)
        drawn, acts = model.drawn(hours), _acts(hours)
        names = drawn["site_id"].to_list()
        nothing = (0.0, 0.0, 0.0)
        correction = np.array([self.corrections.get(one, nothing) for one in names]).reshape(-1, 3)
        center = np.array([self.centers.get(one, nothing[:2]) for one in names]).reshape(-1, 2)
        factor = np.exp(correction[:, 0] + (correction[:, 1:] * (acts - center)).sum(axis=1))
        return drawn.select(
            "site_id", "period_start", (pl.col("energy_wh") * pl.Series(factor)).alias("energy_wh")
        )


def _acts(hours: SiteHours) -> Floats:
    """Return (N, 2) load and saving of a site's hours: means over its cells by their antennas."""
    weight = hours.antennas / hours.antennas.sum(axis=1, keepdims=True)
    load = (weight * hours.load).sum(axis=1)
    saving = (weight * hours.saving.sum(axis=2)).sum(axis=1)
    return np.column_stack([load, saving])
