"""Energy: what radios, baseband and cooling of a site draw.

Linear model of a radio, input power = TRX x (P0 + slope x radiated power): Auer et al., "How much
energy is needed to run a wireless network?", IEEE Wireless Communications 18(5), 2011 (EARTH),
table 2: macro with remote radio head P0 84 W, slope 2.8, 20 W a TRX. A many-antenna radio has
small amplifiers: its P0 and slope a TRX are scaled to a measured 64TRX unit's 300 to 1,000 W.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.layout import Band

Array = npt.NDArray[np.floating[Any]]

SITE_W = 160.0
_COOLED_ABOVE_DEGC = 24.0
_COOLING_SHARE_A_DEGREE = 0.012


@dataclass(frozen=True, slots=True)
class RadioPower:
    """One transceiver chain: W without traffic, W drawn a W radiated, W when switched off."""

    idle_w: float
    slope: float
    off_w: float


_MACRO = RadioPower(84.0, 2.8, 2.0)
_MANY_ANTENNAS = RadioPower(10.5, 3.0, 0.6)


def radio_input_w(band: Band, load: Array, tx_power_dbm: float, available: Array) -> Array:
    """Return a cell's radio's input power.

    Args:
        band: the carrier, which says how many chains there are.
        load: share of resource blocks transmitted, 0 to 1.
        tx_power_dbm: radiated power at full load, over all chains.
        available: share of the period that the radio was on.
    """
    chain = _chain_of(band)
    radiated = 10.0 ** (tx_power_dbm / 10.0) / 1000.0 * load * band.downlink_share
    on = band.trx * chain.idle_w + chain.slope * radiated
    return np.asarray(available * on + (1.0 - available) * band.trx * chain.off_w, np.float32)


def radio_line_w(band: Band, tx_power_dbm: float, downlink_share: float) -> tuple[float, float]:
    """Return what a radio that is on draws without traffic, and what full load adds to it."""
    chain = _chain_of(band)
    return band.trx * chain.idle_w, chain.slope * 10.0 ** (tx_power_dbm / 10.0) / 1000.0 * (
        downlink_share
    )


def off_w(band: Band) -> float:
    """Return what a radio that is switched off draws."""
    return band.trx * _chain_of(band).off_w


def _chain_of(band: Band) -> RadioPower:
    return _MANY_ANTENNAS if band.trx > 8 else _MACRO


def mean_tx_power_dbm(load: Array, tx_power_dbm: Array) -> Array:
    """Return the mean radiated power; a twelfth is always on for synchronization and broadcast."""
    return np.asarray(tx_power_dbm + 10.0 * np.log10(0.083 + 0.917 * load), np.float32)


def site_input_w(radios_w: Array, temperature_degc: Array) -> Array:
    """Return a site's input power: radios, fixed equipment, and cooling that grows with heat."""
    heat = np.maximum(temperature_degc - _COOLED_ABOVE_DEGC, 0.0)
    cooling = 1.0 + _COOLING_SHARE_A_DEGREE * heat
    return np.asarray((radios_w + SITE_W) * cooling, np.float32)
