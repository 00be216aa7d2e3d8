"""The network as its operator knows it: cells and ground from published inventory, nothing else.

What a survey would tell (shadow fading, who lives where, how walls are built) is not known here and
is replaced by what TR 38.901 expects. Nothing of the simulated network's own making is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.errors import InputError
from tasks.twin.radio import Scenario

Array = npt.NDArray[np.floating[Any]]
Indexes = npt.NDArray[np.int64]

COLUMNS = (
    "cell_dn", "site_id", "latitude_deg", "longitude_deg", "azimuth_deg", "antenna_height_m",
    "digital_tilt_deg", "max_tx_power_dbm", "band", "frequency_mhz", "bandwidth_mhz", "archetype",
    "valid_from",
)  # fmt: skip
"""What is read of `network_topology`."""

_NEEDED = COLUMNS[2:11]
_METERS_PER_DEGREE = 111_320.0
_POINTS_A_SITE = 96
_NEAREST_SITES = 3
_REACH = 0.75
_ALONE_M = 2_000.0
_LOW_ANTENNA_M = 12.0
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))


@dataclass(frozen=True)
class PublishedCells:
    """Cells by index; positions in m from the middle of the network.

    Attributes:
        place: index of each cell by DN.
        unknown: cells of the inventory that lack position, antenna or band; they are left out.
        layer: index of the band that a cell belongs to.
    """

    place: Mapping[str, int]
    unknown: frozenset[str]
    x_m: Array
    y_m: Array
    site: Indexes
    azimuth_deg: Array
    height_m: Array
    tilt_deg: Array
    tx_power_dbm: Array
    frequency_ghz: Array
    bandwidth_mhz: Array
    layer: Indexes
    scenario: tuple[Scenario, ...]

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.x_m)


@dataclass(frozen=True)
class GroundPoints:
    """Points of ground around the sites, evenly spread over what each is likely to serve."""

    x_m: Array
    y_m: Array


def published_cells(topology: pl.DataFrame, tilt_deg: Mapping[str, float]) -> PublishedCells:
    """Return the cells of an inventory.

    Args:
        topology: the columns of `COLUMNS`; of two rows of a cell the later valid one counts.
        tilt_deg: downtilt by cell as configured now; the inventory's where it lacks.

    Raises:
        InputError: the inventory places no cell.
    """
    newest = topology.sort("valid_from").unique("cell_dn", keep="last", maintain_order=True)
    whole = newest.drop_nulls(_NEEDED).sort("cell_dn")
    if whole.is_empty():
        raise InputError(
            "network_topology places no cell, so that nothing can be said of coverage; deliver an "
            "inventory with position, antenna and band."
        )
    dns = whole["cell_dn"].to_list()
    latitude, longitude = (_numbers(whole, name) for name in ("latitude_deg", "longitude_deg"))
    middle = float(latitude.mean()), float(longitude.mean())
    a_degree = _METERS_PER_DEGREE * np.cos(np.radians(middle[0]))
    sites = whole["site_id"].fill_null(pl.Series(dns)).rank("dense").to_numpy().astype(np.int64) - 1
    tilts = zip(dns, whole["digital_tilt_deg"].to_list(), strict=True)
    return PublishedCells(
        place={dn: index for index, dn in enumerate(dns)},
        unknown=frozenset(newest["cell_dn"].to_list()) - set(dns),
        x_m=(longitude - middle[1]) * a_degree,
        y_m=(latitude - middle[0]) * _METERS_PER_DEGREE,
        site=sites,
        azimuth_deg=_numbers(whole, "azimuth_deg"),
        height_m=np.maximum(_numbers(whole, "antenna_height_m"), 3.0),
        tilt_deg=np.array([float(tilt_deg.get(dn, planned)) for dn, planned in tilts]),
        tx_power_dbm=_numbers(whole, "max_tx_power_dbm"),
        frequency_ghz=_numbers(whole, "frequency_mhz") / 1000.0,
        bandwidth_mhz=_numbers(whole, "bandwidth_mhz"),
        layer=whole["band"].rank("dense").to_numpy().astype(np.int64) - 1,
        scenario=tuple(
            _scenario(archetype, height)
            for archetype, height in whole.select("archetype", "antenna_height_m").iter_rows()
        ),
    )


def ground_points(cells: PublishedCells) -> GroundPoints:
    """Return points around every site, as far as it is likely to serve: evenly, by a spiral."""
    _, first = np.unique(cells.site, return_index=True)
    x_m, y_m = cells.x_m[first], cells.y_m[first]
    distance = np.hypot(x_m[:, None] - x_m[None, :], y_m[:, None] - y_m[None, :])
    np.fill_diagonal(distance, np.inf)
    near = np.sort(distance, axis=1)[:, :_NEAREST_SITES]
    near = np.where(np.isfinite(near), near, _ALONE_M)
    reach = _REACH * (np.median(near, axis=1) if near.shape[1] else np.full(len(x_m), _ALONE_M))
    number = np.arange(_POINTS_A_SITE)
    spread = np.sqrt((number + 0.5) / _POINTS_A_SITE)
    angle = number * _GOLDEN_ANGLE
    return GroundPoints(
        x_m=(x_m[:, None] + reach[:, None] * spread * np.cos(angle)).ravel(),
        y_m=(y_m[:, None] + reach[:, None] * spread * np.sin(angle)).ravel(),
    )


def _numbers(frame: pl.DataFrame, name: str) -> Array:
    return frame[name].cast(pl.Float64).to_numpy().astype(np.float64)


def _scenario(archetype: str | None, height_m: float) -> Scenario:
    """Return the propagation that a place suggests: low antennas stand in streets."""
    if archetype == "rural":
        return "RMa"
    return "UMi" if height_m <= _LOW_ANTENNA_M else "UMa"
