"""The map of cells: where each wedge lies on the page, computed from sites, azimuths and bands.

Positions are a local equirectangular projection, true to scale over the size of a region. Each
carrier has its own ring: the higher the frequency, the nearer to the site. Nothing here is HTML.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tasks.reporting.cell_health import HEALTHY, NOT_JUDGED, CellState
from tasks.reporting.findings_table import severity_rank
from tasks.reporting.wording import clean, clipped

WIDTH = 1000.0
_KM_PER_DEGREE = 111.32
_SHOWN_ALONE = 3000  # above this, healthy cells become one shape: the page stays light
_RADIUS_SHARE, _RADIUS_LEAST, _RADIUS_MOST = 0.48, 3.0, 30.0
_RADIUS_DENSE = 8.0  # below this, abnormal cells are drawn twice as large, to be seen at all


@dataclass(frozen=True, slots=True)
class Shape:
    """Part of a ring around a site; bearings in degrees clockwise from north."""

    x: float
    y: float
    inner: float
    outer: float
    bearing: float
    span: float

    @property
    def path(self) -> str:
        """The shape as an SVG path."""
        if self.span >= 360.0:
            return self._circle(self.outer) + self._circle(self.inner)
        start, end = self.bearing - self.span / 2, self.bearing + self.span / 2
        outer, inner = f"{self.outer:.1f}", f"{self.inner:.1f}"
        return (
            f"M{self._corner(self.outer, start)}A{outer} {outer} 0 0 1 "
            f"{self._corner(self.outer, end)}L{self._corner(self.inner, end)}"
            f"A{inner} {inner} 0 0 0 {self._corner(self.inner, start)}Z"
        )

    @property
    def outline(self) -> list[tuple[float, float]]:
        """The shape as a polygon."""
        steps = max(6, int(self.span // 12))
        angles = [self.bearing - self.span / 2 + self.span * at / steps for at in range(steps + 1)]
        outwards = [self._point(self.outer, angle) for angle in angles]
        return outwards + [self._point(self.inner, angle) for angle in reversed(angles)]

    def _point(self, radius: float, bearing: float) -> tuple[float, float]:
        angle = math.radians(bearing)
        return self.x + radius * math.sin(angle), self.y - radius * math.cos(angle)

    def _corner(self, radius: float, bearing: float) -> str:
        return "{:.1f} {:.1f}".format(*self._point(radius, bearing))

    def _circle(self, radius: float) -> str:
        arc = f"a{radius:.1f} {radius:.1f} 0 1 0"
        start = f"M{self.x - radius:.1f} {self.y:.1f}"
        return f"{start}{arc} {2 * radius:.1f} 0{arc} {-2 * radius:.1f} 0Z"


@dataclass(frozen=True, slots=True)
class Wedge:
    """One cell on the map: its shape, its state, and what hovering tells."""

    shape: Shape
    state: str
    cell_dn: str
    cell: str
    place: str
    told: tuple[str, ...]
    finding: int = 0


@dataclass(frozen=True, slots=True)
class Badge:
    """The number of a worst cell, beside its wedge, as in the timelines."""

    x: float
    y: float
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class HealthMap:
    """Everything the map draws, in one coordinate system of `WIDTH` units across.

    A dense map has no room for outlines and site marks.
    """

    width: float
    height: float
    wedges: tuple[Wedge, ...]
    healthy: tuple[Shape, ...]
    badges: tuple[Badge, ...]
    sites: tuple[tuple[float, float], ...]
    rings: tuple[str, ...]
    scale_km: float
    scale_units: float
    unplaced: int
    is_dense: bool

    @property
    def has_cells(self) -> bool:
        """Tell whether any cell has a place."""
        return bool(self.wedges or self.healthy)

    @property
    def healthy_path(self) -> str:
        """The healthy cells that are drawn as one, as an SVG path."""
        return " ".join(shape.path for shape in self.healthy)


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float
    azimuth: float | None
    ring: str


def health_map(
    states: Sequence[CellState], topology: pl.DataFrame, numbered: Mapping[str, int]
) -> HealthMap:
    """Return the map of cells by state.

    Args:
        states: one a cell; cells without coordinates are counted as unplaced.
        topology: coordinates in degrees, azimuth in degrees clockwise from north (null: omni),
            band and frequency.
        numbered: the worst cells' numbers, by DN.
    """
    placed, units_per_km, height = _placed(topology)
    rings = _rings(topology)
    radius = _radius(placed)
    spans = _spans(placed)
    drawn = sorted(
        (state for state in states if state.cell_dn in placed),
        key=lambda state: (-_depth(state.state), state.cell_dn),
    )
    merge = len(drawn) > _SHOWN_ALONE
    wedges, healthy, badges = [], [], []
    for state in drawn:
        place = placed[state.cell_dn]
        is_marked = radius < _RADIUS_DENSE and state.finding is not None
        shape = _shape(place, rings, 2 * radius if is_marked else radius, spans[state.cell_dn])
        if merge and state.state == HEALTHY:
            healthy.append(shape)
            continue
        wedges.append(_wedge(state, place, shape))
        if state.cell_dn in numbered:
            badges.append(_badge(state, place, radius, numbered[state.cell_dn]))
    scale_km = _round_length(0.2 * WIDTH / units_per_km)
    return HealthMap(
        width=WIDTH,
        height=height,
        wedges=tuple(wedges),
        healthy=tuple(healthy),
        badges=tuple(badges),
        sites=tuple(sorted({(place.x, place.y) for place in placed.values()})),
        rings=tuple(sorted(rings, key=lambda ring: rings[ring])),
        scale_km=scale_km,
        scale_units=round(scale_km * units_per_km, 1),
        unplaced=len(states) - len(drawn),
        is_dense=radius < _RADIUS_DENSE,
    )


def _depth(state: str) -> int:
    """Order of drawing: the worst last, so that it lies on top."""
    if state == HEALTHY:
        return 99
    return 98 if state == NOT_JUDGED else severity_rank(state)


def _wedge(state: CellState, place: _Place, shape: Shape) -> Wedge:
    facing = "omnidirectional" if place.azimuth is None else f"{place.azimuth:.0f}°"
    if state.finding is not None:
        told = tuple(blame.sentence for blame in state.finding.blames[:3]) or (
            state.finding.explanation,
        )
    else:
        told = (state.reason,) if state.reason else ()
    return Wedge(
        shape=shape,
        state=state.state,
        cell_dn=clipped(state.cell_dn, 200),
        cell=state.cell,
        place=f"{place.ring}, {facing}",
        told=told,
        finding=state.finding.number if state.finding else 0,
    )


def _badge(state: CellState, place: _Place, radius: float, shown: int) -> Badge:
    bearing = math.radians(place.azimuth or 0.0)
    away = radius + 9.0
    return Badge(
        round(place.x + away * math.sin(bearing), 1),
        round(place.y - away * math.cos(bearing), 1),
        str(shown),
        state.state,
    )


def _placed(topology: pl.DataFrame) -> tuple[dict[str, _Place], float, float]:
    """Project the cells that have coordinates; return them, units a km, and the map's height."""
    rows = [
        row
        for row in topology.sort("cell_dn").iter_rows(named=True)
        if row["cell_dn"] and _is_on_earth(row["latitude_deg"], row["longitude_deg"])
    ]
    if not rows:
        return {}, 100.0, 0.0
    latitude = np.array([row["latitude_deg"] for row in rows])
    longitude = np.array([row["longitude_deg"] for row in rows])
    if np.ptp(longitude) > 180.0:  # the network lies on both sides of the date line
        longitude = np.where(longitude < 0.0, longitude + 360.0, longitude)
    east_km = (
        (longitude - longitude.min()) * _KM_PER_DEGREE * math.cos(math.radians(latitude.mean()))
    )
    north_km = (latitude - latitude.min()) * _KM_PER_DEGREE
    margin = 56.0
    across, along = max(float(np.ptp(east_km)), 0.001), max(float(np.ptp(north_km)), 0.001)
    units = min((WIDTH - 2 * margin) / across, (760.0 - 2 * margin) / along, 400.0)
    height = max(360.0, along * units + 2 * margin)
    left = (WIDTH - across * units) / 2
    bottom = (height + along * units) / 2
    placed = {
        row["cell_dn"]: _Place(
            round(left + east * units, 1),
            round(bottom - north * units, 1),
            _azimuth(row),
            _ring(row),
        )
        for row, east, north in zip(rows, east_km.tolist(), north_km.tolist(), strict=True)
    }
    return placed, units, round(height, 1)


def _is_on_earth(latitude: float | None, longitude: float | None) -> bool:
    if latitude is None or longitude is None:
        return False
    return abs(latitude) <= 90.0 and abs(longitude) <= 180.0  # NaN compares false


def _azimuth(row: Mapping[str, Any]) -> float | None:
    azimuth = row["azimuth_deg"]
    return azimuth % 360.0 if azimuth is not None and math.isfinite(azimuth) else None


def _ring(row: Mapping[str, Any]) -> str:
    frequency = row["frequency_mhz"]
    band = clean(row["band"])
    if frequency is None or not math.isfinite(frequency):
        return clipped(band, 24) or "band unknown"
    return f"{clipped(band, 24)} {frequency:.0f} MHz".strip()


def _rings(topology: pl.DataFrame) -> dict[str, int]:
    """Give each carrier its ring: 0, the innermost, to the highest frequency; at most six rings."""
    frequency: dict[str, float] = {}
    for row in topology.iter_rows(named=True):
        frequency[_ring(row)] = row["frequency_mhz"] or 0.0
    ordered = sorted(frequency, key=lambda ring: (-frequency[ring], ring))
    return {ring: min(place, 5) for place, ring in enumerate(ordered)}


def _radius(placed: Mapping[str, _Place]) -> float:
    """Return a radius that keeps most neighbouring sites apart."""
    sites = np.array(sorted({(place.x, place.y) for place in placed.values()}))
    if len(sites) < 2:
        return _RADIUS_MOST
    sample = sites[:: max(1, len(sites) // 400)]
    distance = np.hypot(*(sample[:, None, :] - sites[None, :, :]).transpose(2, 0, 1))
    nearest = np.partition(distance, 1, axis=1)[:, 1]
    return float(np.clip(_RADIUS_SHARE * np.median(nearest), _RADIUS_LEAST, _RADIUS_MOST))


def _spans(placed: Mapping[str, _Place]) -> dict[str, float]:
    """Return each wedge's opening in degrees: full circle for one cell, 102 for three sectors."""
    sectors: dict[tuple[float, float, str], set[float | None]] = defaultdict(set)
    for place in placed.values():
        sectors[place.x, place.y, place.ring].add(place.azimuth)
    return {
        cell_dn: 360.0
        if place.azimuth is None
        else min(0.85 * 360.0 / max(2, len(sectors[place.x, place.y, place.ring])), 120.0)
        for cell_dn, place in placed.items()
    }


def _shape(place: _Place, rings: Mapping[str, int], radius: float, span: float) -> Shape:
    many = max(rings.values()) + 1
    core = 0.22 * radius if many > 1 else 0.12 * radius
    width = (radius - core) / many
    inner = core + rings[place.ring] * width
    return Shape(place.x, place.y, inner, inner + 0.88 * width, place.azimuth or 0.0, span)


def _round_length(km: float) -> float:
    """Return the 1, 2 or 5 times a power of ten next below `km`."""
    power = 10.0 ** math.floor(math.log10(km))
    return next(step * power for step in (5, 2, 1) if step * power <= km * (1 + 1e-9))
