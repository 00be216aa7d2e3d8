"""The network as built: sites with coordinates and archetype, and the cells on them.

Sites lie on a jittered spiral whose spacing grows outward, dense in the center and rural at the
edge, as towns do. Names follow 3GPP TS 28.541 and 28.622.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.twin.radio import Scenario

Archetype = Literal["dense_urban", "business", "residential", "transport", "stadium", "rural"]
Technology = Literal["NR", "LTE"]

_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
_SPIRAL_POWER = 0.85
_METERS_PER_DEGREE = 111_320.0
_CENTER_DEG = (51.34, 12.37)

LTE_SHARE = 0.15
"""Share of a town's sites that also have an LTE carrier."""


@dataclass(frozen=True, slots=True)
class Band:
    """A carrier as an operator would deploy it.

    Attributes:
        name: 3GPP operating band.
        prbs: resource blocks of the carrier (3GPP TS 38.101-1 table 5.3.2-1).
        downlink_share: share of the time for the downlink; 1 when paired spectrum is used.
        layers: spatial layers that the antenna allows.
        trx: transceiver chains, for the power model.
    """

    name: str
    technology: Technology
    frequency_mhz: float
    bandwidth_mhz: float
    prbs: int
    spacing_khz: int
    downlink_share: float
    layers: int
    tx_power_dbm: float
    trx: int

    @property
    def prb_hz(self) -> float:
        """Bandwidth of one resource block."""
        return 12_000.0 * self.spacing_khz


BANDS = {
    band.name: band
    for band in (
        Band("n78", "NR", 3_500.0, 100.0, 273, 30, 0.75, 4, 53.0, 32),
        Band("n1", "NR", 2_140.0, 20.0, 106, 15, 1.0, 4, 46.0, 4),
        Band("n28", "NR", 780.0, 10.0, 52, 15, 1.0, 2, 46.0, 2),
        Band("B3", "LTE", 1_840.0, 20.0, 100, 15, 1.0, 2, 46.0, 2),
    )
}


@dataclass(frozen=True, slots=True)
class Site:
    """A place with equipment; x and y in m from the town's center."""

    index: int
    archetype: Archetype
    scenario: Scenario
    x_m: float
    y_m: float
    latitude_deg: float
    longitude_deg: float
    spacing_m: float
    height_m: float
    subnetwork: int
    backhaul_mbps: float

    @property
    def site_id(self) -> str:
        """Key of the site."""
        return f"S{self.index:03d}"

    @property
    def element_dn(self) -> str:
        """DN of the site's managed element."""
        return f"SubNetwork={self.subnetwork},ManagedElement={self.index}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One carrier of one sector of a site."""

    index: int
    site: Site
    sector: int
    local_id: int
    band: Band
    azimuth_deg: float
    tilt_deg: float
    tx_power_dbm: float

    @property
    def dn(self) -> str:
        """DN of the cell, root first."""
        if self.band.technology == "LTE":
            return f"{self.site.element_dn},ENBFunction=1,EUtranCellFDD={self.local_id}"
        return f"{self.site.element_dn},GNBDUFunction=1,NRCellDU={self.local_id}"


@dataclass(frozen=True, slots=True)
class Network:
    """Sites and cells; an area is the ground in front of one sector of one site."""

    sites: tuple[Site, ...]
    cells: tuple[Cell, ...]
    sectors: int

    @property
    def areas(self) -> int:
        """Number of areas."""
        return len(self.sites) * self.sectors

    def area_of(self, cell: Cell) -> int:
        """Return the area in front of a cell's sector."""
        return (cell.site.index - 1) * self.sectors + cell.sector

    def area_archetypes(self) -> list[Archetype]:
        """Return each area's archetype."""
        return [site.archetype for site in self.sites for _ in range(self.sectors)]


def build_network(
    site_count: int, seed: int, *, is_village: bool, lte_share: float = LTE_SHARE
) -> Network:
    """Return a network of `site_count` sites; the same seed gives the same network.

    Args:
        site_count: sites, dense in the center and rural at the edge.
        seed: of everything random.
        is_village: three sites of one band or two, instead of a town.
        lte_share: share of a town's sites that also have an LTE carrier, 0 to 1.
    """
    rng = np.random.default_rng([seed, 1])
    sites = tuple(_site(number, site_count, rng, is_village) for number in range(site_count))
    cells: list[Cell] = []
    for site in sites:
        bands = _village_bands(site) if is_village else _bands_of(site, lte_share, rng)
        cells.extend(_cells_of(site, len(cells), bands, rng))
    return Network(sites, tuple(cells), 3)


def coordinates(x_m: float, y_m: float) -> tuple[float, float]:
    """Return latitude and longitude, in degrees, of a place given in m from the town's center."""
    latitude, longitude = _CENTER_DEG
    a_degree = _METERS_PER_DEGREE * float(np.cos(np.radians(latitude)))
    return float(latitude + y_m / _METERS_PER_DEGREE), float(longitude + x_m / a_degree)


def _archetype(share: float, number: int, rng: np.random.Generator) -> Archetype:
    if number % 37 == 20:
        return "stadium"
    if number % 13 == 9:
        return "transport"
    if share < 0.22:
        return "dense_urban" if rng.random() < 0.55 else "business"
    if share < 0.7:
        return "residential" if rng.random() < 0.8 else "business"
    return "rural" if rng.random() < 0.7 else "residential"


_HEIGHTS_M: dict[Archetype, float] = {
    "dense_urban": 24.0, "business": 27.0, "residential": 26.0, "transport": 28.0,
    "stadium": 25.0, "rural": 35.0,
}  # fmt: skip


def _site(number: int, count: int, rng: np.random.Generator, is_village: bool) -> Site:  # noqa: FBT001
    step_m = 900.0 if is_village else 170.0
    radius = step_m * (number + 0.6) ** _SPIRAL_POWER
    spacing = np.sqrt(2.0 * np.pi * _SPIRAL_POWER) * radius / np.sqrt(number + 0.6)
    angle = number * _GOLDEN_ANGLE + rng.normal(0.0, 0.08)
    radius *= rng.uniform(0.94, 1.06)
    x_m, y_m = radius * np.cos(angle), radius * np.sin(angle)
    archetype: Archetype = (
        ("residential" if number == 0 else "rural")
        if is_village
        else _archetype(number / count, number, rng)
    )
    small = archetype == "dense_urban" and rng.random() < 0.2
    scenario: Scenario = "RMa" if archetype == "rural" else ("UMi" if small else "UMa")
    height = 10.0 if small else _HEIGHTS_M[archetype] * rng.uniform(0.9, 1.15)
    latitude, longitude = coordinates(float(x_m), float(y_m))
    return Site(
        index=number + 1,
        archetype=archetype,
        scenario=scenario,
        x_m=float(x_m),
        y_m=float(y_m),
        latitude_deg=latitude,
        longitude_deg=longitude,
        spacing_m=float(spacing),
        height_m=float(height),
        subnetwork=1 + int(angle % (2.0 * np.pi) >= np.pi) if count > 3 else 1 + number % 2,
        backhaul_mbps=1_000.0 if archetype == "rural" else 10_000.0,
    )


def _village_bands(site: Site) -> list[str]:
    return ["n28", "n78"] if site.index == 1 else ["n28"]


def _bands_of(site: Site, lte_share: float, rng: np.random.Generator) -> list[str]:
    wide = {"dense_urban": 1.0, "business": 1.0, "stadium": 1.0, "transport": 0.5,
            "residential": 0.45, "rural": 0.0}  # fmt: skip
    middle = {"dense_urban": 0.25, "business": 0.2, "stadium": 1.0, "transport": 0.3,
              "residential": 0.1, "rural": 0.1}  # fmt: skip
    low = 0.15 if site.scenario == "UMi" else 0.3 if wide[site.archetype] == 1.0 else 1.0
    chances = {
        "n78": wide[site.archetype],
        "n1": middle[site.archetype],
        "n28": low,
        "B3": lte_share,
    }
    return [name for name, chance in chances.items() if rng.random() < chance]


def _cells_of(site: Site, first: int, names: list[str], rng: np.random.Generator) -> list[Cell]:
    turn = rng.uniform(0.0, 120.0)
    reach = 0.5 * site.spacing_m
    aimed = np.degrees(np.arctan((site.height_m - 1.5) / reach))
    cells: list[Cell] = []
    for name in names:
        band = BANDS[name]
        for sector in range(3):
            tilt = float(np.clip(aimed + 2.0 + rng.normal(0.0, 0.7), 1.0, 11.0))
            cells.append(
                Cell(
                    index=first + len(cells),
                    site=site,
                    sector=sector,
                    local_id=len(cells) + 1,
                    band=band,
                    azimuth_deg=float(round((turn + 120.0 * sector) % 360.0, 0)),
                    tilt_deg=round(tilt, 1),
                    tx_power_dbm=band.tx_power_dbm - (6.0 if site.scenario == "UMi" else 0.0),
                )
            )
    return cells
