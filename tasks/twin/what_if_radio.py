"""What the ground hears of each cell, as TR 38.901 expects it, and how likely ground is covered.

Shadow fading is not known point by point, only how widely it scatters: who serves a point is hence
a chance, spread about as wide as fading makes it, and so is coverage.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from tasks.twin import radio
from tasks.twin.what_if_layout import GroundPoints, Indexes, PublishedCells

Array = npt.NDArray[np.floating[Any]]

SELECTION_DB = 3.5
"""Scale of the chance that a cell serves a point: fading between two sites differs by some 6 dB."""

_FADING_DB = 7.0
_INDOOR_SHARE = 0.7
_INDOOR_WALLS = 1.3
_STEERING_DBM, _STEERING_DB = -106.0, 4.0
_NR_BAND_GHZ = 3.0
_GUARD_SHARE = 0.93
_NOISE_DB = 7.0
_REJECTION_DB = 2.5
_AROUND_LOAD = 0.4
_LOWEST_RATE = 0.1
OFF_DBM = -250.0


@dataclass(frozen=True)
class Angles:
    """Where points lie as a cell's antenna sees them, by (points, cells)."""

    off_boresight_deg: Array
    below_horizon_deg: Array


@dataclass(frozen=True)
class Layer:
    """The cells of one band: their indexes, what walls take, and noise on a resource element."""

    cells: Indexes
    wall_db: float
    noise_dbm: float


def received_power(cells: PublishedCells, ground: GroundPoints) -> tuple[Array, Angles]:
    """Return the expected power on a resource element outdoors, in dBm, by (points, cells).

    Line of sight is a chance: losses are averaged in dB, weighted by it.
    """
    shape = len(ground.x_m), cells.count
    received, horizontal, vertical = (np.empty(shape, np.float32) for _ in range(3))
    for cell in range(cells.count):
        east, north = ground.x_m - cells.x_m[cell], ground.y_m - cells.y_m[cell]
        distance = np.maximum(np.hypot(east, north), 10.0)
        kind, height = cells.scenario[cell], float(cells.height_m[cell])
        args = (kind, distance, height, float(cells.frequency_ghz[cell]))
        sight = radio.los_probability(kind, distance)
        loss = sight * radio.los_path_loss_db(*args)
        loss += (1.0 - sight) * radio.nlos_path_loss_db(*args)
        horizontal[:, cell] = np.degrees(np.arctan2(east, north)) - cells.azimuth_deg[cell]
        vertical[:, cell] = np.degrees(np.arctan2(height - radio.RECEIVER_HEIGHT_M, distance))
        received[:, cell] = _element_dbm(cells, cell) - loss
    angles = Angles(horizontal, vertical)
    received += gain_db(angles, slice(None), cells.tilt_deg[None, :])
    return received, angles


def gain_db(angles: Angles, column: int | slice, tilt_deg: Array | float) -> Array:
    """Return the antenna's gain toward the points, by tilt."""
    return radio.antenna_gain_db(
        radio.SECTOR,
        angles.off_boresight_deg[:, column],
        angles.below_horizon_deg[:, column],
        tilt_deg,
    ).astype(np.float32)


def layers_of(cells: PublishedCells) -> tuple[Layer, ...]:
    """Return the bands with their cells."""
    found = []
    for number in range(int(cells.layer.max()) + 1):
        members = np.flatnonzero(cells.layer == number)
        frequency = float(cells.frequency_ghz[members[0]])
        noise = float(radio.noise_dbm(_spacing_hz(frequency), _NOISE_DB))
        found.append(Layer(members, _INDOOR_WALLS * radio.wall_loss_db(frequency), noise))
    return tuple(found)


def chosen(received_dbm: Array) -> tuple[Array, Array]:
    """Return the chance that each cell of a layer serves a point, and the best power there."""
    best = received_dbm.max(axis=1)
    weight = np.exp((received_dbm - best[:, None]) / np.float32(SELECTION_DB))
    return weight / weight.sum(axis=1, keepdims=True), best


def appeal(best_dbm: Array) -> Array:
    """Return how readily users of a point are steered to a layer, by its best power there."""
    return np.asarray(1.0 / (1.0 + np.exp((_STEERING_DBM - best_dbm) / _STEERING_DB)))


def hole(layer: Layer, best_dbm: Array, threshold_dbm: float) -> Array:
    """Return the chance that a layer does not cover a user of a point, indoors or out."""
    above = best_dbm - threshold_dbm
    outdoors, indoors = (ndtr((above - wall) / _FADING_DB) for wall in (0.0, layer.wall_db))
    return np.asarray(1.0 - (1.0 - _INDOOR_SHARE) * outdoors - _INDOOR_SHARE * indoors)


def inverse_rate(layer: Layer, received_dbm: Array) -> Array:
    """Return how many resources a bit takes at each point from each cell of a layer."""
    power = 10.0 ** (received_dbm / 10.0)
    others = (power.sum(axis=1, keepdims=True) - power) * _AROUND_LOAD
    disturbance = others * 10.0 ** (-_REJECTION_DB / 10.0) + 10.0 ** (layer.noise_dbm / 10.0)
    rate = 0.75 * np.log2(1.0 + power / disturbance)
    return np.asarray(1.0 / np.clip(rate, _LOWEST_RATE, 7.4))


def _element_dbm(cells: PublishedCells, cell: int) -> float:
    """Return the power on one resource element."""
    spacing = _spacing_hz(float(cells.frequency_ghz[cell]))
    elements = _GUARD_SHARE * float(cells.bandwidth_mhz[cell]) * 1e6 / spacing
    return float(cells.tx_power_dbm[cell] - 10.0 * np.log10(max(elements, 12.0)))


def _spacing_hz(frequency_ghz: float) -> float:
    return 30_000.0 if frequency_ghz >= _NR_BAND_GHZ else 15_000.0
