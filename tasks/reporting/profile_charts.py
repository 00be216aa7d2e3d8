"""The drawings of the profiles' page: a week as a line with its band, and KPIs on a circle.

Only places are worked out here; the template draws them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

WIDTH, HEIGHT, TOP, BOTTOM = 440.0, 92.0, 6.0, 16.0
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = 168
_SPAN = (-2.2, 3.4)  # standard deviations shown; beyond, a line leaves through the edge
_RADIUS, _NAME_ROOM, _ARC_ROOM = 220.0, 235.0, 8.0
_CENTER = _RADIUS + _NAME_ROOM
_BEND = 0.45  # how far from the middle an arc passes, of where its chord would
_FEWEST_PLACES = 12


@dataclass(frozen=True, slots=True)
class WeekChart:
    """One quantity over the week: paths and the days' places in a box of `WIDTH` by `HEIGHT`."""

    quantity: str
    line: str
    band: str
    days: tuple[tuple[float, str], ...]
    level: float


@dataclass(frozen=True, slots=True)
class Spot:
    """A KPI on the circle, and how its name is set."""

    name: str
    x: float
    y: float
    text_x: float
    text_y: float
    turn: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Arc:
    """A link between two spots; `lag` 0 has no arrow."""

    path: str
    lag: int
    is_opposed: bool
    width: float
    opacity: float
    says: str


@dataclass(frozen=True, slots=True)
class Circle:
    """The graph of KPIs."""

    spots: tuple[Spot, ...]
    arcs: tuple[Arc, ...]
    size: float


def week_chart(quantity: str, rows: pl.DataFrame) -> WeekChart:
    """Return the chart of one quantity.

    Args:
        quantity: its name.
        rows: hour_of_week, shape, low, high; an hour without a row breaks the line.
    """
    by_hour = {
        hour: (shape, low, high)
        for hour, shape, low, high in rows.select(
            "hour_of_week", "shape", "low", "high"
        ).iter_rows()
    }
    line, above, below = "", [], []
    for hour in range(_HOURS):
        shape, low, high = by_hour.get(hour, (None, None, None))
        if shape is not None:
            line += f"{'L' if hour - 1 in by_hour and line else 'M'}{_x(hour)} {_y(shape)}"
        if low is not None and high is not None:
            above.append(f"{_x(hour)} {_y(high)}")
            below.append(f"{_x(hour)} {_y(low)}")
    band = f"M{'L'.join(above + below[::-1])}Z" if above else ""
    days = tuple((_x(24 * number), name) for number, name in enumerate(_DAYS))
    return WeekChart(quantity, line, band, days, _y(0.0))


def dependency_circle(
    names: Sequence[str], links: Sequence[tuple[str, str, int, int, float]]
) -> Circle:
    """Return KPIs on a circle, in the order given, and their links as arcs inside.

    Args:
        names: of the KPIs that have a link.
        links: KPI, the KPI that it follows, lag in hours, sign, strength 0 to 1.
    """
    spots = {name: _spot(name, number, len(names)) for number, name in enumerate(names)}
    arcs = tuple(
        _arc(spots[kpi], spots[before], lag, sign, strength)
        for kpi, before, lag, sign, strength in sorted(links, key=lambda link: link[4])
    )
    size = 2 * (_RADIUS + _NAME_ROOM)
    return Circle(tuple(spots.values()), arcs, size)


def _spot(name: str, number: int, count: int) -> Spot:
    angle = 2 * math.pi * number / max(count, _FEWEST_PLACES)
    across, down = math.cos(angle), math.sin(angle)
    is_left = across < -1e-9
    turn = math.degrees(angle) + (180 if is_left else 0)
    reach = _RADIUS + 12
    return Spot(
        name,
        round(_CENTER + _RADIUS * across, 1),
        round(_CENTER + _RADIUS * down, 1),
        round(_CENTER + reach * across, 1),
        round(_CENTER + reach * down, 1),
        round(turn % 360, 2),
        "end" if is_left else "start",
    )


def _arc(kpi: Spot, before: Spot, lag: int, sign: int, strength: float) -> Arc:
    """Return the arc from the KPI before to the one that follows, bent towards the middle."""
    middle = (before.x + kpi.x) / 2, (before.y + kpi.y) / 2
    bend_x, bend_y = (round(_CENTER + _BEND * (at - _CENTER), 1) for at in middle)
    away = math.hypot(kpi.x - bend_x, kpi.y - bend_y) or 1.0
    back = _ARC_ROOM / away if lag else 0.0
    end_x = round(kpi.x + (bend_x - kpi.x) * back, 1)
    end_y = round(kpi.y + (bend_y - kpi.y) * back, 1)
    way = f"follows {before.name} after {lag} h" if lag else f"moves with {before.name}"
    sense = ", the other way" if sign < 0 else ""
    return Arc(
        f"M{before.x} {before.y}Q{bend_x} {bend_y} {end_x} {end_y}",
        lag,
        sign < 0,
        round(0.8 + 4.2 * strength, 2),
        round(0.35 + 0.6 * strength, 2),
        f"{kpi.name} {way}{sense}: {strength:.2f}",
    )


def _x(hour: float) -> float:
    return round(WIDTH * hour / _HOURS, 1)


def _y(value: float) -> float:
    low, high = _SPAN
    share = (min(max(value, low), high) - low) / (high - low)
    return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)
