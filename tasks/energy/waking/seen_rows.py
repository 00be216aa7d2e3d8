"""From published rows to what is seen of cells: the newest quarter's load, and findings."""

from collections.abc import Collection
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.loading import catalogue
from tasks.energy.waking.quarter_rule import Measured

_LOADS = ("prb_usage_dl", "lte_prb_usage_dl")
_RATES = ("user_throughput_dl", "lte_user_throughput_dl")
FINDINGS = ("anomaly_id", "window_end", "cell_dn", "is_ongoing", "contributions")
"""What is read of `cell_anomalies`."""


def kpi_columns() -> list[str]:
    """Return what is read of `cell_kpis`."""
    names = [catalogue().kpi(name).column for name in (*_LOADS, *_RATES)]
    return ["cell_dn", "period_start", "granularity", *names]


def newest_measured(rows: pl.DataFrame, at: datetime, newest_minutes: float) -> dict[str, Measured]:
    """Return the newest quarter of each cell, if it began late enough.

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
    newest = (
        told.drop_nulls("load_pct")
        .sort("period_start")
        .unique("cell_dn", keep="last", maintain_order=True)
    )
    values = newest.select("cell_dn", "load_pct", "user_mbps").iter_rows()
    return {cell: Measured(load / 100.0, rate) for cell, load, rate in values}


def troubled_cells(rows: pl.DataFrame, at: datetime, categories: Collection[str]) -> frozenset[str]:
    """Return the cells with a finding that goes on and rests on a KPI of some categories.

    Args:
        rows: the columns of `FINDINGS`.
        at: present; windows that end later are not looked at.
        categories: of KPIs.
    """
    known = rows.filter(pl.col("window_end") <= at)
    if known.is_empty():
        return frozenset()
    standing = known.filter(pl.col("is_ongoing"), pl.col("window_end") == known["window_end"].max())
    kpis = catalogue().kpis
    return frozenset(
        cell
        for cell, contributions in standing.select("cell_dn", "contributions").iter_rows()
        if any(
            one["kpi"] in kpis and kpis[one["kpi"]].category in categories
            for one in contributions or ()
        )
    )
