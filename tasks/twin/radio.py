"""Radio propagation: path loss, line of sight, antenna patterns, noise. Pure formulas on arrays.

Frequencies in GHz and distances in m unless a name says otherwise; logarithms are of base 10.
What a network does with its gains is in coverage.py.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Scenario = Literal["UMa", "UMi", "RMa"]

LIGHT_M_PER_S = 299_792_458.0
THERMAL_NOISE_DBM_PER_HZ = -174.0

_STREET_WIDTH_M = 20.0
_BUILDING_HEIGHT_M = 5.0
_EFFECTIVE_ENVIRONMENT_M = 1.0
_SHADOW_SIGMA_DB: dict[Scenario, tuple[float, float]] = {
    "UMa": (4.0, 6.0),
    "UMi": (4.0, 7.82),
    "RMa": (4.0, 8.0),
}


@dataclass(frozen=True, slots=True)
class SectorPattern:
    """A sector antenna: gain at boresight, half-power beamwidths and side-lobe floors.

    Source: 3GPP TR 36.814 table A.2.1.1-2 (sector), TR 38.901 table 7.3-1 (element).
    """

    gain_dbi: float
    horizontal_beamwidth_deg: float
    vertical_beamwidth_deg: float
    horizontal_floor_db: float
    vertical_floor_db: float


SECTOR = SectorPattern(15.0, 70.0, 10.0, 25.0, 20.0)
"""The 3-sector macro antenna of TR 36.814."""

ELEMENT = SectorPattern(8.0, 65.0, 65.0, 30.0, 30.0)
"""One antenna element of TR 38.901."""


def los_path_loss_db(
    scenario: Scenario,
    distance_2d_m: Array,
    height_bs_m: Array | float,
    frequency_ghz: Array | float,
) -> Array:
    """Return the path loss of a receiver at 1.5 m in line of sight.

    Args:
        scenario: urban macro, urban micro or rural macro.
        distance_2d_m: horizontal distance; below 10 m it counts as 10 m.
        height_bs_m: antenna height.
        frequency_ghz: carrier frequency.

    Source: 3GPP TR 38.901 table 7.4.1-1; its breakpoint distance with an effective environment
    height of 1 m.
    """
    flat = np.maximum(distance_2d_m, 10.0)
    drop = height_bs_m - RECEIVER_HEIGHT_M
    slant = np.hypot(flat, drop)
    if scenario == "RMa":
        return _rural_los_db(flat, slant, height_bs_m, frequency_ghz)
    constant, slope, correction = (28.0, 22.0, 9.0) if scenario == "UMa" else (32.4, 21.0, 9.5)
    tone = 20.0 * np.log10(frequency_ghz)
    breakpoint_m = (
        4.0
        * (height_bs_m - _EFFECTIVE_ENVIRONMENT_M)
        * (RECEIVER_HEIGHT_M - _EFFECTIVE_ENVIRONMENT_M)
        * frequency_ghz
        * 1e9
        / LIGHT_M_PER_S
    )
    near = constant + slope * np.log10(slant) + tone
    far = (
        constant + 40.0 * np.log10(slant) + tone - correction * np.log10(breakpoint_m**2 + drop**2)
    )
    return np.asarray(np.where(flat <= breakpoint_m, near, far))


RECEIVER_HEIGHT_M = 1.5


def _rural_los_db(
    flat: Array, slant: Array, height_bs_m: Array | float, frequency_ghz: Array | float
) -> Array:
    breakpoint_m = (
        2.0 * np.pi * height_bs_m * RECEIVER_HEIGHT_M * frequency_ghz * 1e9 / LIGHT_M_PER_S
    )

    def near(length: Array) -> Array:
        roofs = _BUILDING_HEIGHT_M**1.72
        free_space = 20.0 * np.log10(40.0 * np.pi * length * frequency_ghz / 3.0)
        over_roofs = min(0.03 * roofs, 10.0) * np.log10(length) - min(0.044 * roofs, 14.77)
        return np.asarray(free_space + over_roofs + 0.002 * np.log10(_BUILDING_HEIGHT_M) * length)

    far = near(np.asarray(breakpoint_m)) + 40.0 * np.log10(slant / breakpoint_m)
    return np.where(flat <= breakpoint_m, near(slant), far)


def nlos_path_loss_db(
    scenario: Scenario,
    distance_2d_m: Array,
    height_bs_m: Array | float,
    frequency_ghz: Array | float,
) -> Array:
    """Return the path loss of a receiver at 1.5 m behind obstacles; never below line of sight.

    Source: 3GPP TR 38.901 table 7.4.1-1; streets 20 m wide, buildings 5 m high in RMa.
    """
    flat = np.maximum(distance_2d_m, 10.0)
    slant = np.hypot(flat, height_bs_m - RECEIVER_HEIGHT_M)
    if scenario == "UMa":
        loss = 13.54 + 39.08 * np.log10(slant) + 20.0 * np.log10(frequency_ghz)
    elif scenario == "UMi":
        loss = 22.4 + 35.3 * np.log10(slant) + 21.3 * np.log10(frequency_ghz)
    else:
        loss = (
            161.04
            - 7.1 * np.log10(_STREET_WIDTH_M)
            + 7.5 * np.log10(_BUILDING_HEIGHT_M)
            - (24.37 - 3.7 * (_BUILDING_HEIGHT_M / height_bs_m) ** 2) * np.log10(height_bs_m)
            + (43.42 - 3.1 * np.log10(height_bs_m)) * (np.log10(slant) - 3.0)
            + 20.0 * np.log10(frequency_ghz)
            - (3.2 * np.log10(11.75 * RECEIVER_HEIGHT_M) ** 2 - 4.97)
        )
    in_sight = los_path_loss_db(scenario, flat, height_bs_m, frequency_ghz)
    return np.asarray(np.maximum(loss, in_sight))


def los_probability(scenario: Scenario, distance_2d_m: Array) -> Array:
    """Return the probability of line of sight to a receiver at 1.5 m, 0 to 1.

    Source: 3GPP TR 38.901 table 7.4.2-1.
    """
    if scenario == "RMa":
        return np.where(distance_2d_m <= 10.0, 1.0, np.exp(-(distance_2d_m - 10.0) / 1000.0))
    reach = 63.0 if scenario == "UMa" else 36.0
    far = np.maximum(distance_2d_m, 18.0)
    return 18.0 / far + np.exp(-far / reach) * (1.0 - 18.0 / far)


def shadow_sigma_db(scenario: Scenario, is_los: npt.NDArray[np.bool_]) -> Array:
    """Return the standard deviation of shadow fading (3GPP TR 38.901 table 7.4.1-1)."""
    los, nlos = _SHADOW_SIGMA_DB[scenario]
    return np.where(is_los, los, nlos)


def wall_loss_db(frequency_ghz: float) -> float:
    """Return the loss through a low-loss outer wall (3GPP TR 38.901 table 7.4.3-2)."""
    glass = 2.0 + 0.2 * frequency_ghz
    concrete = 5.0 + 4.0 * frequency_ghz
    through = 0.3 * 10.0 ** (-glass / 10.0) + 0.7 * 10.0 ** (-concrete / 10.0)
    return float(5.0 - 10.0 * np.log10(through))


def antenna_gain_db(
    pattern: SectorPattern,
    off_boresight_deg: Array,
    below_horizon_deg: Array,
    tilt_deg: Array | float,
) -> Array:
    """Return the gain toward a receiver: boresight gain less horizontal and vertical loss.

    Args:
        pattern: the antenna.
        off_boresight_deg: horizontal angle from the azimuth; any multiple of 360 may be added.
        below_horizon_deg: elevation angle downward, positive below the horizon.
        tilt_deg: downtilt, positive downward.

    Source: 3GPP TR 36.814 table A.2.1.1-2, combining method A = -min(-(AH + AV), Am).
    """
    turned = (off_boresight_deg + 180.0) % 360.0 - 180.0
    horizontal = np.minimum(
        12.0 * (turned / pattern.horizontal_beamwidth_deg) ** 2, pattern.horizontal_floor_db
    )
    vertical = np.minimum(
        12.0 * ((below_horizon_deg - tilt_deg) / pattern.vertical_beamwidth_deg) ** 2,
        pattern.vertical_floor_db,
    )
    loss = np.minimum(horizontal + vertical, pattern.horizontal_floor_db)
    return np.asarray(pattern.gain_dbi - loss)


def noise_dbm(bandwidth_hz: Array | float, noise_figure_db: float) -> Array:
    """Return thermal noise in a bandwidth behind a receiver's noise figure."""
    bandwidth_db = 10.0 * np.log10(np.asarray(bandwidth_hz))
    return np.asarray(THERMAL_NOISE_DBM_PER_HZ + bandwidth_db + noise_figure_db)


def sinr_db(signal_dbm: Array, interference_dbm: Array, noise_power_dbm: Array | float) -> Array:
    """Return the ratio of a signal to interference plus noise, all over one bandwidth."""
    disturbance = 10.0 ** (interference_dbm / 10.0) + 10.0 ** (np.asarray(noise_power_dbm) / 10.0)
    return signal_dbm - 10.0 * np.log10(disturbance)
