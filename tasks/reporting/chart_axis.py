"""From times and values to places in the box of a small chart, and the paths drawn there."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from tasks.reporting.wording import digits

Value = TypeVar("Value")

WIDTH, HEIGHT = 440.0, 104.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 4.0, 7.0, 18.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """From time and value to the box."""

    begin: datetime
    end: datetime
    low: float
    high: float

    @classmethod
    def around(
        cls,
        starts: Sequence[datetime],
        values: Iterable[float | None],
        bounds: tuple[float | None, float | None],
    ) -> "ChartAxis":
        """Return the axis that shows all values; room beside them ends at the KPI's own bounds."""
        known = [value for value in values if value is not None] or [0.0, 1.0]
        least, most = min(known), max(known)
        room = 0.06 * (most - least) or max(abs(most) * 0.05, 0.5)
        low, high = least - room, most + room
        if bounds[0] is not None and least >= bounds[0]:
            low = max(low, bounds[0])
        if bounds[1] is not None and most <= bounds[1]:
            high = min(high, bounds[1])
        begin = starts[0] if starts else datetime(1970, 1, 1, tzinfo=UTC)
        step = starts[1] - starts[0] if len(starts) > 1 else timedelta(minutes=15)
        return cls(begin, (starts[-1] if starts else begin) + step, low, high)

    def x(self, at: datetime) -> float:
        """Return how far right a time lies, inside the chart."""
        share = (at - self.begin) / (self.end - self.begin)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Return how far down a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)

    def line(self, starts: Sequence[datetime], values: Iterable[float | None]) -> str:
        """Return a path that breaks at every None; a value between two gaps is a dot."""
        path = ""
        for run in _runs(starts, values):
            points = [f"{self.x(start)} {self.y(value)}" for start, value in run]
            path += (
                f"M{points[0]}L{' '.join(points[1:])}" if len(points) > 1 else f"M{points[0]}h.1"
            )
        return path

    def band(
        self, starts: Sequence[datetime], low: Sequence[float | None], high: Sequence[float | None]
    ) -> str:
        """Return the closed shape between two bounds, broken where either is missing."""
        pairs = [
            (bottom, top) if bottom is not None and top is not None else None
            for bottom, top in zip(low, high, strict=True)
        ]
        path = ""
        for run in _runs(starts, pairs):
            above = [f"{self.x(start)} {self.y(top)}" for start, (_, top) in run]
            below = [f"{self.x(start)} {self.y(bottom)}" for start, (bottom, _) in reversed(run)]
            path += f"M{'L'.join(above + below)}Z"
        return path

    def gaps(
        self, starts: Sequence[datetime], seen: Sequence[float | None]
    ) -> tuple[tuple[float, float], ...]:
        """Return (x, width) of each stretch without data."""
        ends = (*starts[1:], self.end)
        missing: list[list[datetime]] = []
        for start, end, value in zip(starts, ends, seen, strict=False):
            if value is not None:
                continue
            if missing and missing[-1][1] == start:
                missing[-1][1] = end
            else:
                missing.append([start, end])
        return tuple(self.interval(start, end) for start, end in missing)

    def interval(self, since: datetime, until: datetime) -> tuple[float, float]:
        """Return (x, width) of a span of time, never too thin to be seen."""
        left, right = self.x(since), self.x(until)
        return left, round(max(right - left, 1.5), 1)

    def value_ticks(self) -> tuple[Tick, ...]:
        """Return two to five round values."""
        step = _nice_step((self.high - self.low) / 2)
        first = math.ceil(self.low / step - 1e-9) * step
        many = int((self.high - first) / step + 1e-9) + 1
        values = [first + place * step for place in range(many)]
        return tuple(Tick(self.y(value), digits(float(f"{value:.6g}") + 0.0)) for value in values)

    def time_ticks(self) -> tuple[Tick, ...]:
        """Return midnights, or round hours where the chart spans less than about a week."""
        hours = (self.end - self.begin).total_seconds() / 3600
        every = next((h for h in (1, 3, 6, 12, 24, 48, 96, 168) if hours / h <= 6), 168 * 4)
        midnight = self.begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        ticks: list[Tick] = []
        at = midnight
        while at < self.end and len(ticks) < 60:
            if at >= self.begin:
                ticks.append(Tick(self.x(at), f"{at:%d %b}" if at.hour == 0 else f"{at:%H:%M}"))
            at += timedelta(hours=every)
        return tuple(ticks)


def _nice_step(most: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is at most `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (5, 2, 1) if step * power <= most * (1 + 1e-9))


def _runs(
    starts: Sequence[datetime], values: Iterable[Value | None]
) -> list[list[tuple[datetime, Value]]]:
    """Return the unbroken stretches of values."""
    runs: list[list[tuple[datetime, Value]]] = [[]]
    for start, value in zip(starts, values, strict=True):
        if value is not None:
            runs[-1].append((start, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
