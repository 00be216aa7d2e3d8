"""Tools of KPIs: a cell's over time, and those of the core and the transport behind it."""

from datetime import datetime

import polars as pl

from semantic_layer.errors import UnknownNameError
from semantic_layer.loading import catalogue
from tasks.agents.toolbox.arguments import OfCellAndTime, OfCellKpis, OfName, span
from tasks.agents.toolbox.sources import ToolSources, failed
from tasks.agents.toolbox.surroundings import places
from tasks.agents.toolbox.values import told_row, told_rows
from tasks.agents.tools import ToolFailedError, ToolResult

CELL_KPIS, CORE_KPIS = "cell_kpis", "core_kpis"
_DAYS = 7
_KEYS = ("cell_dn", "period_start", "granularity")
_CORE_KEYS = ("managed_object_dn", "object_class", "period_start", "granularity")
_LEAST_SPREAD = 0.02
"""Usual values scatter by at least this share of their mean, or of 1 where that is smaller."""
_FURTHEST = 20.0


def read_cell_kpis(sources: ToolSources, asked: OfCellKpis) -> ToolResult:
    """Return some KPIs of a cell, period by period."""
    columns = [_column(name) for name in asked.kpis]
    begin, end = span(asked.since, asked.until, (sources.window.start, sources.window.end))
    if begin < sources.days(_DAYS).start or end > sources.window.end:
        raise failed(
            f"{CELL_KPIS} of {asked.cell_dn}",
            sources.window,
            f"only the window and the {_DAYS} days before it are read; {begin:%Y-%m-%d %H:%M} to "
            f"{end:%Y-%m-%d %H:%M} goes beyond.",
        )
    rows = (
        sources.rows(
            CELL_KPIS,
            sources.days(_DAYS) if begin < sources.window.start else sources.window,
            (*_KEYS, *columns),
            (pl.col("cell_dn") == asked.cell_dn) & (pl.col("granularity") == asked.granularity),
        )
        .filter(pl.col("period_start").is_between(begin, end, closed="left"))
        .sort("period_start")
        .drop("cell_dn", "granularity")
    )
    return ToolResult(
        told_rows(rows),
        f"{rows.height} periods of {', '.join(asked.kpis)} of {asked.cell_dn}.",
        (f"{CELL_KPIS}#{asked.cell_dn}",),
    )


def read_core_kpis(sources: ToolSources, asked: OfCellAndTime) -> ToolResult:
    """Return how KPIs of the cell's site and of its way to the core lay beside earlier days.

    `deviation` is the mean distance from the same hours of the seven days before, in standard
    deviations of these, above 0 for more. Furthest first.
    """
    begin, end = span(asked.since, asked.until, (sources.window.start, sources.window.end))
    begin = begin.replace(minute=0, second=0, microsecond=0)
    around = places(sources)
    site = around.cell(asked.cell_dn).site
    usual = sources.derived("usual core kpis", lambda: _usual(sources))
    asked_for = usual.filter(
        pl.col("period_start").is_between(begin, end, closed="left")
        & pl.col("managed_object_dn").is_in(_behind(sources, site))
    )
    rows = (
        asked_for.group_by("managed_object_dn", "object_class", "kpi")
        .agg(pl.col("seen", "usual", "distance").mean(), pl.len().alias("hours"))
        .filter(pl.col("distance").is_not_null())
        .sort(pl.col("distance").abs(), "managed_object_dn", "kpi", descending=[True, False, False])
    )
    told = tuple(
        told_row(
            managed_object_dn=row["managed_object_dn"],
            relation=around.relation(asked.cell_dn, row["managed_object_dn"]) or "upstream",
            kpi=row["kpi"],
            unit=catalogue().kpi(row["kpi"]).unit,
            seen=row["seen"],
            usual=row["usual"],
            deviation=round(row["distance"], 2),
            hours=row["hours"],
        )
        for row in rows.head(60).iter_rows(named=True)
    )
    return ToolResult(
        told,
        f"{rows.height} KPIs of the site and its way to the core beside the {_DAYS} days before.",
        (
            f"{CORE_KPIS}@{sources.window}",
            *dict.fromkeys(str(row["managed_object_dn"]) for row in told),
        ),
        is_cut=rows.height > len(told),
    )


def describe_kpi(_sources: ToolSources, asked: OfName) -> ToolResult:
    """Return what a KPI means: unit, counters, which way is better, where it is defined."""
    try:
        kpi = catalogue().kpi(asked.name)
    except UnknownNameError as error:
        raise ToolFailedError(str(error)) from error
    row = told_row(
        kpi=kpi.name,
        title=kpi.title,
        unit=kpi.unit,
        better=kpi.better,
        object_class=kpi.object_class,
        numerator=kpi.numerator,
        denominator=kpi.denominator,
        source=kpi.source,
    )
    return ToolResult((row,), f"{kpi.title}, in {kpi.unit}.", (f"semantic_layer/kpi/{kpi.name}",))


def _column(name: str) -> str:
    try:
        return catalogue().kpi(name).column
    except UnknownNameError as error:
        raise ToolFailedError(str(error)) from error


def _behind(sources: ToolSources, site: str) -> list[str]:
    """Return the objects at a site and on its way to the core that have KPIs."""
    around = places(sources)
    usual = sources.derived("usual core kpis", lambda: _usual(sources))
    known = sources.derived(
        "core objects", lambda: usual["managed_object_dn"].unique(maintain_order=True).to_list()
    )
    way = around.upstream.get(site, frozenset())
    own = [element for element, where in around.site_of_element.items() if where == site]
    return [
        dn for dn in known if dn in way or any(dn == one or dn.startswith(f"{one},") for one in own)
    ]


def _usual(sources: ToolSources) -> pl.DataFrame:
    """Return each hour of the window with its distance from the same hours of the days before."""
    wanted = {catalogue().kpi(name).column: name for name in _WATCHED if name in catalogue().kpis}
    rows = sources.rows(
        CORE_KPIS,
        sources.days(_DAYS),
        (*_CORE_KEYS, *wanted),
        pl.col("granularity") == "hour",
    )
    long = (
        rows.rename(wanted)
        .unpivot(
            list(wanted.values()),
            index=list(_CORE_KEYS[:3]),
            variable_name="kpi",
            value_name="seen",
        )
        .filter(pl.col("seen").is_not_null())
        .with_columns(pl.col("seen").cast(pl.Float64), hour=pl.col("period_start").dt.hour())
    )
    start: datetime = sources.window.start
    key = ["managed_object_dn", "kpi", "hour"]
    before = (
        long.filter(pl.col("period_start") < start)
        .group_by(key)
        .agg(pl.col("seen").mean().alias("usual"), pl.col("seen").std().alias("spread"))
    )
    least = _LEAST_SPREAD * pl.max_horizontal(pl.col("usual").abs(), pl.lit(1.0))
    return (
        long.filter(pl.col("period_start") >= start)
        .join(before, on=key, how="inner")
        .with_columns(
            distance=(
                (pl.col("seen") - pl.col("usual"))
                / pl.max_horizontal(pl.col("spread").fill_null(0.0), least)
            ).clip(-_FURTHEST, _FURTHEST)
        )
    )


_WATCHED = (
    "mains_availability", "clock_error", "interface_utilization_in", "interface_utilization_out",
    "interface_discard_rate", "interface_error_rate", "interface_availability", "path_packet_loss",
    "path_delay", "optical_errored_second_ratio", "optical_availability",
)  # fmt: skip
