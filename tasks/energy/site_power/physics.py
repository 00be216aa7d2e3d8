"""Site power by physics: idle power and power for each transmitted watt, added over cells.

Few numbers with priors, so that a radio unit of a type never seen is still drawn sensibly: what is
not in the data stays at what physics expects of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.energy.site_power.site_hours import SAVING, SiteHours

Floats = npt.NDArray[np.floating[Any]]

_PRIOR: tuple[tuple[float, float], ...] = (
    (4.4, 1.0),    # idle: log W of one antenna at 46 dBm and 10 MHz
    (0.5, 0.3),    # idle, by log antennas
    (0.2, 0.2),    # idle, by log transmit power
    (0.0, 0.1),    # idle, by log bandwidth
    (4.8, 1.0),    # load: log W at full load, likewise
    (0.5, 0.3),
    (0.5, 0.3),
    (0.0, 0.2),
    *((0.2, 0.2) for _ in SAVING),   # share of idle power that each saving mode takes away
)  # fmt: skip
"""Mean and spread of what each number may be before any data."""

_PRIOR_OF_COOLING: tuple[tuple[float, float], ...] = (
    (24.0, 3.0),     # degC above which a site is cooled
    (0.01, 0.01),    # share of its power that each degree more adds
)  # fmt: skip
"""The same of cooling, which is looked for only where hours tell a temperature."""

_REFERENCE_W, _REFERENCE_MHZ = 39.8, 10.0
_SCATTER = 0.08  # of log energy: what hours of one site stray by
_PRIOR_WEIGHT = 30.0  # hours that the prior counts for; data are thousands
_LEAST_WH, _LEAST_ON = 5.0, 0.05


@dataclass(frozen=True)
class SitePhysics:
    """Numbers of the formula, in the order of the priors."""

    numbers: tuple[float, ...]

    def energy_wh(self, hours: SiteHours) -> Floats:
        """Return (N,) what sites would consume in these hours."""
        return _energy_wh(np.array(self.numbers), hours)

    def log_cooling(self, hours: SiteHours) -> Floats:
        """Return (N,) log of the factor that cooling puts on it; 0 where nobody knows."""
        return _log_cooling(np.array(self.numbers), hours)


def fitted_physics(hours: SiteHours, energy_wh: Floats, weight: Floats) -> SitePhysics:
    """Return the numbers that fit best, robustly, near their priors.

    Args:
        hours: of any sites.
        energy_wh: (N,) consumed.
        weight: (N,) how much each hour counts; the mean is taken as 1.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415 - only fitting needs it

    is_told = np.isfinite(hours.temperature_degc).any()
    prior, spread = np.array([*_PRIOR, *(_PRIOR_OF_COOLING if is_told else ())]).T
    told, counts = np.log(energy_wh), np.sqrt(weight / weight.mean())

    def strays(numbers: Floats) -> Floats:
        drawn = np.log(np.maximum(_energy_wh(numbers, hours), _LEAST_WH))
        pull = np.sqrt(_PRIOR_WEIGHT) * (numbers - prior) / spread
        return np.concatenate([counts * (drawn - told) / _SCATTER, pull])

    found = least_squares(strays, prior, loss="soft_l1")
    return SitePhysics(tuple(round(float(one), 9) for one in found.x))


def _energy_wh(numbers: Floats, hours: SiteHours) -> Floats:
    has = hours.antennas > 0
    shape = (
        np.log(np.where(has, hours.antennas, 1.0)),
        np.log(np.where(has, hours.power_w, _REFERENCE_W) / _REFERENCE_W),
        np.log(np.where(has, hours.bandwidth_mhz, _REFERENCE_MHZ) / _REFERENCE_MHZ),
    )
    idle = np.exp(numbers[0] + sum(numbers[1 + at] * one for at, one in enumerate(shape)))
    full = np.exp(numbers[4] + sum(numbers[5 + at] * one for at, one in enumerate(shape)))
    stays = np.clip(1.0 - hours.saving @ numbers[8 : len(_PRIOR)], _LEAST_ON, None)
    drawn: Floats = np.where(has, idle * stays + full * hours.load, 0.0).sum(axis=1)
    return drawn * np.exp(_log_cooling(numbers, hours))


def _log_cooling(numbers: Floats, hours: SiteHours) -> Floats:
    if len(numbers) == len(_PRIOR):
        return np.zeros(len(hours.temperature_degc))
    above, each = numbers[len(_PRIOR) :]
    heat = np.maximum(np.nan_to_num(hours.temperature_degc, nan=-np.inf) - above, 0.0)
    return np.asarray(np.log1p(np.maximum(each, 0.0) * heat))
