"""Energy efficiency of a network: data and ground for each joule.

Data energy efficiency is user data over energy (3GPP TS 28.554 6.7.1; ETSI ES 203 228, EE_DV).
Coverage energy efficiency is designated area over energy (ETSI ES 203 228, EE_CoA).
"""

import math
from collections.abc import Sequence

_J_A_KWH = 3.6e6
_BIT_A_MBIT = 1e6
_M_A_DEGREE = 111_194.9
_LEAST_CORNERS = 3

Point = tuple[float, float]


def data_efficiency_bit_per_j(volume_mbit: float, energy_kwh: float) -> float | None:
    """Return user data for each joule, bit/J; None where nothing was consumed."""
    return volume_mbit * _BIT_A_MBIT / (energy_kwh * _J_A_KWH) if energy_kwh > 0 else None


def coverage_efficiency_m2_per_j(area_m2: float, energy_kwh: float) -> float | None:
    """Return designated area for each joule, m2/J; None where nothing was consumed."""
    return area_m2 / (energy_kwh * _J_A_KWH) if energy_kwh > 0 else None


def designated_area_m2(positions: Sequence[Point]) -> float:
    """Return the area of the convex hull of sites, the ground that they were built for, m2.

    Args:
        positions: latitude and longitude, degrees; fewer than three corners have no area.
    """
    if not positions:
        return 0.0
    narrow = math.cos(math.radians(sum(lat for lat, _ in positions) / len(positions)))
    flat = sorted({(lon * narrow * _M_A_DEGREE, lat * _M_A_DEGREE) for lat, lon in positions})
    hull = _half(flat) + _half(flat[::-1])
    if len(hull) < _LEAST_CORNERS:
        return 0.0
    pairs = zip(hull, hull[1:] + hull[:1], strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2


def _half(points: Sequence[Point]) -> list[Point]:
    """Return one side of the hull, its last point left out (Andrew's monotone chain)."""
    side: list[Point] = []
    for point in points:
        while len(side) > 1 and _turn(side[-2], side[-1], point) <= 0:
            side.pop()
        side.append(point)
    return side[:-1]


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
