"""From published rows to what is seen of cells: load by the quarter, and findings."""

from collections.abc import Collection
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.loading import catalogue
from tasks.messages.cell_reports import CellReport

_LOADS = ("prb_usage_dl", "lte_prb_usage_dl")
_QUARTER = timedelta(minutes=15)
_RATES = ("user_throughput_dl", "lte_user_throughput_dl")
FINDINGS = ("anomaly_id", "window_end", "cell_dn", "is_ongoing", "anomaly_start", "contributions")
"""What is read of `cell_anomalies`."""


def kpi_columns() -> list[str]:
    """Return what is read of `cell_kpis`."""
    names = [catalogue().kpi(name).column for name in (*_LOADS, *_RATES)]
    return ["cell_dn", "period_start", "granularity", *names]


def told_quarters(rows: pl.DataFrame, at: datetime, newest_minutes: float) -> list[CellReport]:
    """Return what counters tell of cells by the quarter, if it began late enough.

    Args:
        rows: the columns of `kpi_columns`.
        at: present; what began earlier than so many minutes before counts as not measured.
        newest_minutes: see above.
    """
    kpi = catalogue().kpi
    told = rows.filter(
        pl.col("granularity") == "15min",
        pl.col("period_start") >= at - timedelta(minutes=newest_minutes),
        pl.col("period_start") < at,
    ).select(
        "cell_dn",
        "period_start",
        pl.coalesce(kpi(name).column for name in _LOADS).alias("load_pct"),
        pl.coalesce(kpi(name).column for name in _RATES).alias("user_mbps"),
    )
    values = told.drop_nulls("load_pct").sort("period_start", "cell_dn").iter_rows()
    return [
        CellReport(cell, begin, begin + _QUARTER, load / 100.0, rate)
        for cell, begin, load, rate in values
    ]


def standing_findings(
    rows: pl.DataFrame, at: datetime, categories: Collection[str]
) -> dict[str, datetime]:
    """Return the cells with a finding that goes on and rests on a KPI of some categories.

    Args:
        rows: the columns of `FINDINGS`.
        at: present; windows that end later are not looked at.
        categories: of KPIs.

    Returns:
        By cell, when the oldest such finding began.
    """
    known = rows.filter(pl.col("window_end") <= at)
    if known.is_empty():
        return {}
    standing = known.filter(pl.col("is_ongoing"), pl.col("window_end") == known["window_end"].max())
    kpis = catalogue().kpis
    found: dict[str, datetime] = {}
    told = standing.select("cell_dn", "anomaly_start", "contributions")
    for cell, begin, contributions in told.iter_rows():
        names = [one["kpi"] for one in contributions or ()]
        if any(name in kpis and kpis[name].category in categories for name in names):
            found[cell] = min(begin, found.get(cell, begin))
    return found
