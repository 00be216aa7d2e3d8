"""The radios of published cells: which data sheet fits, and what follows from it.

An inventory tells frequency and bandwidth. Layers, the share of time for the downlink, and power by
mode are those of the data sheet that lies nearest; where none lies near, nothing is known.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin.layout import BANDS, Band
from tasks.twin.mode_power import RadioModes, modes_of
from tasks.twin.sleep_modes import MODES
from tasks.twin.what_if_layout import PublishedCells

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

_FURTHEST = 1.45
"""Factor in frequency beyond which a data sheet is no kin."""

_USEFUL = 0.93 * 0.86
"""Of a carrier's bandwidth, outside guard bands and control."""


@dataclass(frozen=True)
class Radios:
    """By cell.

    Attributes:
        is_known: (C,) whether a data sheet fits; all else is 0 where none does.
        layers: (C,) spatial layers.
        mbps_each: (C,) Mbit/s that the whole carrier gives for each bit/s/Hz.
        idle_w, slope_w, capacity, switch_wh, switch_s: (C, M), see `RadioModes`.
    """

    is_known: Flags
    layers: Floats
    mbps_each: Floats
    idle_w: Floats
    slope_w: Floats
    capacity: Floats
    switch_wh: Floats
    switch_s: Floats


def radios_of(cells: PublishedCells) -> Radios:
    """Return the radios of an inventory's cells."""
    count = cells.count
    by_mode = {
        name: np.zeros((count, len(MODES)))
        for name in ("idle_w", "slope_w", "capacity", "switch_wh", "switch_s")
    }
    is_known, layers, mbps = np.zeros(count, dtype=bool), np.zeros(count), np.zeros(count)
    kinds = zip(
        cells.frequency_ghz.tolist(),
        cells.bandwidth_mhz.tolist(),
        cells.tx_power_dbm.tolist(),
        strict=True,
    )
    for cell, (frequency_ghz, bandwidth_mhz, power_dbm) in enumerate(kinds):
        sheet = data_sheet(1000.0 * frequency_ghz, bandwidth_mhz)
        if sheet is None:
            continue
        modes = _modes(sheet, power_dbm)
        is_known[cell], layers[cell] = True, sheet.layers
        mbps[cell] = _USEFUL * bandwidth_mhz * sheet.downlink_share
        for name, table in by_mode.items():
            table[cell] = getattr(modes, name)
    return Radios(is_known, layers, mbps, **by_mode)


@cache
def data_sheet(frequency_mhz: float, bandwidth_mhz: float) -> Band | None:
    """Return the data sheet that lies nearest to a carrier; None where none is near."""
    if not frequency_mhz > 0.0 or not bandwidth_mhz > 0.0:
        return None

    def away(band: Band) -> tuple[float, float]:
        return (
            abs(float(np.log(band.frequency_mhz / frequency_mhz))),
            abs(float(np.log(band.bandwidth_mhz / bandwidth_mhz))),
        )

    nearest = min(BANDS.values(), key=away)
    return nearest if away(nearest)[0] <= np.log(_FURTHEST) else None


@cache
def _modes(sheet: Band, tx_power_dbm: float) -> RadioModes:
    return modes_of(sheet, tx_power_dbm, sheet.downlink_share)
