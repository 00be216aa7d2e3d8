"""What is usual for a cell: what the detector expected, else the same hours of the days before.

Expectations are published for the KPIs that a finding blames. All others are compared with the
same hour of the seven days before: coarser, but it tells whether they moved.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.identity import object_class_of
from semantic_layer.loading import catalogue
from tasks.agents.toolbox.sources import ToolSources

EXPECTATIONS, CELL_KPIS = "cell_anomalies.expectations", "cell_kpis"
DAYS = 7
"""How many days before the window are what is usual."""

USERS = ("mean_active_users", "lte_mean_active_users")
AVAILABILITY = ("cell_availability", "lte_cell_availability")
_EXPECTED = ("cell_dn", "period_start", "kpi", "expected", "low", "high", "seen")
_LEAST_WIDTH = 0.01
"""A band is at least this share of the expected value wide on either side."""
_SPREADS = 2.0
"""Half a band of earlier days is so many standard deviations of them wide."""
_LEAST_SPREAD = 0.02
"""Values of earlier days scatter by at least this share of their mean."""
_SHARE_OF_SCATTER = 0.5
"""And by at least this share of how they scatter at other hours: seven may agree by chance."""
_TINY = 1e-30
"""Keeps a division by a band without width finite; KPIs in mW are as small as 1e-12."""
_FURTHEST = 20.0
_TIME = pl.Datetime("us", "UTC")
_SHAPE: dict[str, pl.DataType] = {
    "period_start": _TIME,
    "kpi": pl.String(),
    **{name: pl.Float64() for name in ("expected", "low", "high", "seen", "distance")},
    "basis": pl.String(),
}


def usual_rows(sources: ToolSources, cell_dn: str, time: tuple[datetime, datetime]) -> pl.DataFrame:
    """Return each period and KPI of a cell beside what is usual.

    Args:
        sources: where published tables are read.
        cell_dn: the cell.
        time: half-open; hours of earlier days are whole ones that overlap it.

    Returns:
        period_start, kpi, expected, low, high, seen in the KPI's unit; distance of seen from
        expected in half widths of the band on that side; basis, `expectation` or `earlier_days`.
    """
    begin, end = time
    told = _expected_by_cell(sources).get(cell_dn, pl.DataFrame(schema=_SHAPE))
    told = told.filter(pl.col("period_start").is_between(begin, end, closed="left"))
    hour = begin.replace(minute=0, second=0, microsecond=0)
    hour = hour + timedelta(hours=1) if hour < begin and end - hour > timedelta(hours=2) else hour
    names = [
        kpi.name
        for kpi in catalogue().kpis.values()
        if kpi.is_scored and kpi.object_class == object_class_of(cell_dn)
    ]
    others = sources.derived(
        f"earlier days of {cell_dn}", lambda: _of_cell(sources, cell_dn, names)
    )
    rest = others.filter(
        pl.col("period_start").is_between(hour, end, closed="left")
        & ~pl.col("kpi").is_in(told["kpi"].unique().to_list())
    )
    return pl.concat([told.select(*_SHAPE), rest.select(*_SHAPE)])


def moved(
    sources: ToolSources, kpis: Sequence[str], time: tuple[datetime, datetime]
) -> dict[str, dict[str, float]]:
    """Return how far some KPIs of all cells lay from earlier days on average, by KPI, then cell."""
    begin, end = time
    hour = begin.replace(minute=0, second=0, microsecond=0)
    rows = sources.derived(
        f"earlier days of {','.join(kpis)}",
        lambda: _beside_earlier(_hours(sources), kpis, sources.window.start),
    )
    means = (
        rows.filter(pl.col("period_start").is_between(hour, end, closed="left"))
        .group_by("kpi", "cell_dn")
        .agg(pl.col("distance").mean())
    )
    found: dict[str, dict[str, float]] = {kpi: {} for kpi in kpis}
    for kpi, cell, distance in means.iter_rows():
        found[kpi][cell] = distance
    return found


def _of_cell(sources: ToolSources, cell_dn: str, kpis: Sequence[str]) -> pl.DataFrame:
    by_cell = sources.derived(
        "hours by cell",
        lambda: _hours(sources).partition_by("cell_dn", as_dict=True, include_key=True),
    )
    rows = by_cell.get((cell_dn,))
    if rows is None:
        return pl.DataFrame(schema=_SHAPE)
    return _beside_earlier(rows, kpis, sources.window.start)


def _hours(sources: ToolSources) -> pl.DataFrame:
    """Return the hours of all cells, columns named as their KPIs."""
    scored = [kpi for kpi in catalogue().kpis.values() if kpi.is_scored]
    cells = {kpi.column: kpi.name for kpi in scored if kpi.object_class != "ManagedElement"}
    rows = sources.rows(
        CELL_KPIS,
        sources.days(DAYS),
        ("cell_dn", "period_start", "granularity", *cells),
        pl.col("granularity") == "hour",
    )
    return rows.drop("granularity").rename(cells)


def _beside_earlier(rows: pl.DataFrame, kpis: Sequence[str], start: datetime) -> pl.DataFrame:
    long = (
        rows.unpivot(
            list(kpis), index=["cell_dn", "period_start"], variable_name="kpi", value_name="seen"
        )
        .with_columns(pl.col("seen").cast(pl.Float64), hour=pl.col("period_start").dt.hour())
        .filter(pl.col("seen").is_not_null())
    )
    key = ["cell_dn", "kpi", "hour"]
    earlier = long.filter(pl.col("period_start") < start)
    before = earlier.group_by(key).agg(
        pl.col("seen").mean().alias("expected"), pl.col("seen").std().alias("spread")
    )
    scatter = before.group_by("cell_dn", "kpi").agg(
        (pl.col("spread") ** 2).mean().sqrt().alias("scatter")
    )
    half = _SPREADS * pl.max_horizontal(
        pl.col("spread").fill_null(0.0),
        _SHARE_OF_SCATTER * pl.col("scatter").fill_null(0.0),
        _LEAST_SPREAD * pl.col("expected").abs(),
        pl.lit(_TINY),
    )
    return (
        long.filter(pl.col("period_start") >= start)
        .join(before, on=key, how="inner")
        .join(scatter, on=["cell_dn", "kpi"], how="left")
        .with_columns(
            low=pl.col("expected") - half,
            high=pl.col("expected") + half,
            distance=((pl.col("seen") - pl.col("expected")) / half).clip(-_FURTHEST, _FURTHEST),
            basis=pl.lit("earlier_days"),
        )
        .drop("hour", "spread", "scatter")
    )


def _expected_by_cell(sources: ToolSources) -> dict[str, pl.DataFrame]:
    return sources.derived("expectations by cell", lambda: _by_cell(sources))


def _by_cell(sources: ToolSources) -> dict[str, pl.DataFrame]:
    rows = sources.rows(EXPECTATIONS, sources.window, _EXPECTED)
    apart = pl.col("seen") - pl.col("expected")
    half = (
        pl.when(apart > 0)
        .then(pl.col("high") - pl.col("expected"))
        .otherwise(pl.col("expected") - pl.col("low"))
    )
    width = pl.max_horizontal(half, _LEAST_WIDTH * pl.col("expected").abs(), pl.lit(_TINY))
    distance = (apart / width).clip(-_FURTHEST, _FURTHEST)
    whole = (
        rows.filter(pl.col("seen").is_not_null())
        .with_columns(distance=distance, basis=pl.lit("expectation"))
        .sort("cell_dn", "kpi", "period_start")
    )
    return {str(key[0]): one for key, one in whole.group_by("cell_dn", maintain_order=True)}
