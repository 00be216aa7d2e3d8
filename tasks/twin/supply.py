"""What keeps a site going: batteries when the grid fails, and a clock when its reference does.

A clock in holdover drifts off linearly and, as its oscillator ages, faster: x = y t + D t^2 / 2.
Cells on one frequency that share it by time must agree within 1.5 us (ITU-T G.8271, 3GPP TS 38.133
7.4.2: 3 us between cells); beyond that their downlink falls into the uplink of others.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import power
from tasks.twin.layout import Network
from tasks.twin.mode_power import saving_input_w
from tasks.twin.sleep_modes import OFF_AIR

Array = npt.NDArray[np.floating[Any]]
Modes = npt.NDArray[np.int8]

TIME_ERROR_LIMIT_NS = 1_500.0
PERIOD_H = 0.25
_PLANNED_LOAD = 0.35
_AUTONOMY_H = (1.5, 4.5)
_AGEING_A_HOUR = 0.08
CHARGING_SHARE_A_PERIOD = 0.05
_RISE_DB = 9.0
_IS_OFF = np.array(OFF_AIR)


def battery_kwh(network: Network, seed: int) -> Array:
    """Return what each site's batteries hold: enough for some hours at a planned load."""
    rng = np.random.default_rng([seed, 23])
    hours = rng.uniform(*_AUTONOMY_H, len(network.sites))
    load = np.full((1, len(network.cells)), _PLANNED_LOAD, dtype=np.float32)
    watts = equipment_w(network, load, np.ones_like(load))[0]
    return np.asarray(hours * watts / 1000.0, dtype=np.float32)


def equipment_w(
    network: Network, load: Array, available: Array, saving_mode: Modes | None = None
) -> Array:
    """Return what radios and fixed equipment of each site draw, without cooling.

    Args:
        network: the cells of the arrays' columns.
        load: by (periods, cells), share of resource blocks transmitted.
        available: by (periods, cells), share of the time that a cell is on.
        saving_mode: by (periods, cells), place in `MODES`; all active when None.
    """
    watts = np.full((load.shape[0], len(network.sites)), power.SITE_W, dtype=np.float32)
    radios = radios_w(network, load, available, saving_mode)
    for cell in network.cells:
        watts[:, cell.site.index - 1] += radios[:, cell.index]
    return watts


def radios_w(
    network: Network, load: Array, available: Array, saving_mode: Modes | None = None
) -> Array:
    """Return what each cell's radio draws, by (periods, cells); see `equipment_w`."""
    watts = np.zeros(load.shape, dtype=np.float32)
    for cell in network.cells:
        at = cell.index
        watts[:, at] = power.radio_input_w(
            cell.band, load[:, at], cell.tx_power_dbm, available[:, at]
        )
        if saving_mode is not None and saving_mode[:, at].any():
            modes = saving_mode[:, at]
            saved = saving_input_w(cell.band, load[:, at], cell.tx_power_dbm, modes)
            on = np.where(_IS_OFF[modes], np.float32(1.0), available[:, at])
            off = power.off_w(cell.band) * (1.0 - on)
            watts[:, at] = np.where(modes > 0, on * saved + off, watts[:, at])
    return watts


def discharge(capacity_kwh: float, drawn_w: Array) -> tuple[Array, Array]:
    """Return the charge left at the end of each period, 0 to 1, and the power taken from it.

    The batteries begin full and give what is drawn until they are empty.
    """
    wanted = np.cumsum(np.asarray(drawn_w, dtype=np.float64)) * PERIOD_H / 1000.0
    used = np.minimum(wanted, capacity_kwh)
    given = np.diff(used, prepend=0.0) * 1000.0 / PERIOD_H
    return np.asarray(1.0 - used / capacity_kwh), np.asarray(given)


def recharged(share: float, periods: int) -> Array:
    """Return the charge in the periods after the grid came back."""
    return np.asarray(np.minimum(share + CHARGING_SHARE_A_PERIOD * np.arange(1, periods + 1), 1.0))


def drift_ns(first_hour_ns: float, periods: int) -> Array:
    """Return the time error at the middle of each period since the reference was lost."""
    hours = (np.arange(periods) + 0.5) * PERIOD_H
    return np.asarray(first_hour_ns * (hours + _AGEING_A_HOUR * hours**2))


def interference_rise_db(error_ns: Array) -> Array:
    """Return how far downlinks that are out of time lift the uplink's interference."""
    excess = np.maximum(np.asarray(error_ns) / TIME_ERROR_LIMIT_NS - 1.0, 0.0)
    return np.asarray(_RISE_DB * (1.0 - np.exp(-1.5 * excess)))
