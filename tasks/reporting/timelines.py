"""The worst cells over time: what each KPI to blame did, beside what was expected of it.

A period without data is a gap, never a line across it. Geometry only: paths in a fixed box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.chart_axis import ChartAxis, Tick
from tasks.reporting.findings_table import Blame, FindingRow
from tasks.reporting.kpi_sources import KpiSource, KpiSources
from tasks.reporting.wording import clipped

_MOST_POINTS = 700
_PANELS = 3


@dataclass(frozen=True, slots=True)
class Series:
    """One KPI of one cell on an even grid of periods; None where there is no data."""

    starts: tuple[datetime, ...]
    seen: tuple[float | None, ...]
    expected: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]

    @property
    def has_band(self) -> bool:
        """Tell whether anything was expected."""
        return any(value is not None for value in self.expected)


@dataclass(frozen=True, slots=True)
class Panel:
    """One small chart; paths in a box of `WIDTH` by `HEIGHT`."""

    blame: Blame
    title: str
    seen_path: str
    abnormal_path: str
    expected_path: str
    band_path: str
    gaps: tuple[tuple[float, float], ...]
    intervals: tuple[tuple[float, float], ...]
    spans: tuple[tuple[datetime, datetime], ...]
    value_ticks: tuple[Tick, ...]
    time_ticks: tuple[Tick, ...]
    has_band: bool
    periods_count: int
    missing_count: int
    series: Series

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to draw."""
        return not self.seen_path


@dataclass(frozen=True, slots=True)
class Timeline:
    """One of the worst cells: its finding and a panel for each KPI most to blame."""

    number: int
    finding: FindingRow
    panels: tuple[Panel, ...]


def worst_findings(findings: Sequence[FindingRow], limit: int = 12) -> list[FindingRow]:
    """Return the worst finding of each of the worst `limit` cells; `findings` come worst first."""
    of_cell: dict[str, FindingRow] = {}
    for finding in findings:
        of_cell.setdefault(finding.cell_dn, finding)
    return list(of_cell.values())[:limit]


def timelines(
    findings: Sequence[FindingRow],
    expectations: pl.DataFrame,
    kpis: pl.DataFrame,
    sources: KpiSources,
    window: Window,
) -> list[Timeline]:
    """Return a timeline for each of the worst cells.

    Args:
        findings: all of them, worst first.
        expectations: expected, low, high and seen per (cell_dn, period_start, kpi); may be empty.
        kpis: rows of `cell_kpis` of one granularity; shows what expectations do not hold.
        sources: definitions of KPIs.
        window: the reported window; earlier rows show as context.
    """
    return [
        Timeline(
            place,
            finding,
            tuple(
                _panel(finding, blame, findings, expectations, kpis, sources, window)
                for blame in finding.blames[:_PANELS]
            ),
        )
        for place, finding in enumerate(worst_findings(findings), start=1)
    ]


def series(
    cell_dn: str, kpi: KpiSource, expectations: pl.DataFrame, kpis: pl.DataFrame, window: Window
) -> Series:
    """Return one KPI of a cell on the even grid of its periods, gaps as None."""
    rows: dict[datetime, tuple[float | None, ...]] = {}
    if kpi.column in kpis.columns:
        own = kpis.filter(cell_dn=cell_dn).select(
            "period_start", pl.col(kpi.column).cast(pl.Float64)
        )
        rows = {start: (value, None, None, None) for start, value in own.iter_rows()}
    expected = expectations.filter(
        pl.col("cell_dn") == cell_dn, pl.col("kpi").is_in([kpi.name, kpi.column])
    ).select("period_start", "seen", "expected", "low", "high")
    rows |= {start: tuple(values) for start, *values in expected.iter_rows()}
    grid = _grid(sorted(rows), window)
    columns = zip(*(rows.get(start, (None,) * 4) for start in grid), strict=True)
    finite = [tuple(_finite(value) for value in column) for column in columns]
    seen, middle, low, high = finite or [()] * 4
    return Series(tuple(grid), seen, middle, low, high)


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None


def _grid(starts: Sequence[datetime], window: Window) -> list[datetime]:
    """Return every period start from the first row, or the window's start, to the window's end."""
    if not starts:
        return []
    steps = sorted(later - earlier for earlier, later in pairwise(starts))
    step = steps[len(steps) // 4] if steps else timedelta(minutes=15)
    known = set(starts)
    even: list[datetime] = []
    at = min(starts[0], window.start + (starts[0] - window.start) % step)
    end = max(window.end, starts[-1] + step)
    while at < end and len(even) < 100_000:
        even.append(at)
        at += step
    return sorted(known.union(even))


def _panel(
    finding: FindingRow,
    blame: Blame,
    findings: Sequence[FindingRow],
    expectations: pl.DataFrame,
    kpis: pl.DataFrame,
    sources: KpiSources,
    window: Window,
) -> Panel:
    kpi = sources.find(blame.kpi)
    full = series(finding.cell_dn, kpi, expectations, kpis, window)
    shown = _thinned(full)
    spans = [(other.since, other.until) for other in findings if other.cell_dn == finding.cell_dn]
    axis = ChartAxis.around(
        shown.starts, (*shown.seen, *shown.expected, *shown.low, *shown.high), (kpi.low, kpi.high)
    )
    abnormal = [
        value if any(since <= start < until for since, until in spans) else None
        for start, value in zip(shown.starts, shown.seen, strict=True)
    ]
    return Panel(
        blame=blame,
        title=clipped(kpi.title, 60),
        seen_path=axis.line(shown.starts, shown.seen),
        abnormal_path=axis.line(shown.starts, abnormal),
        expected_path=axis.line(shown.starts, shown.expected),
        band_path=axis.band(shown.starts, shown.low, shown.high),
        gaps=axis.gaps(shown.starts, shown.seen),
        intervals=tuple(axis.interval(since, until) for since, until in spans),
        spans=tuple(spans),
        value_ticks=axis.value_ticks(),
        time_ticks=axis.time_ticks(),
        has_band=full.has_band,
        periods_count=len(full.starts),
        missing_count=sum(value is None for value in full.seen),
        series=full,
    )


def _thinned(full: Series) -> Series:
    """Keep of each group of periods the one farthest from the group's middle: peaks survive."""
    group = -(-len(full.starts) // _MOST_POINTS)
    if group <= 1:
        return full
    kept = [_farthest(full.seen, at, at + group) for at in range(0, len(full.starts), group)]
    columns = (full.starts, full.seen, full.expected, full.low, full.high)
    return Series(*(tuple(column[at] for at in kept) for column in columns))  # type: ignore[arg-type]


def _farthest(values: Sequence[float | None], start: int, end: int) -> int:
    known = [(at, value) for at, value in enumerate(values[start:end], start) if value is not None]
    if len(known) < min(end, len(values)) - start:  # a gap must stay visible
        return next(at for at in range(start, end) if values[at] is None)
    middle = sorted(value for _, value in known)[len(known) // 2]
    return max(known, key=lambda one: abs(one[1] - middle))[0]
