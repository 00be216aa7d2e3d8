"""Tools of findings: what was found, how far each KPI lay from its usual band, what stood near."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from semantic_layer.loading import catalogue
from tasks.agents.toolbox.arguments import OfCellAndTime, OfFinding, span
from tasks.agents.toolbox.sources import ToolSources, failed
from tasks.agents.toolbox.usual import CELL_KPIS, EXPECTATIONS, usual_rows
from tasks.agents.toolbox.values import told_row, told_rows
from tasks.agents.tools import ToolResult
from tasks.messages.canonical import JsonValue

FINDINGS, WORTH = "cell_anomalies", "cell_anomalies.worth"
EVIDENCE = "cell_anomalies.evidence"
_FINDING = (
    "anomaly_id", "cell_dn", "anomaly_start", "anomaly_end", "onset_at", "is_ongoing", "severity",
    "peak_score", "periods_count", "contributions",
)  # fmt: skip
_WORTH = ("anomaly_id", "probability", "common_cause_id", "reading_rank", "is_within_budget")
_NEAR = (
    "anomaly_id", "evidence_kind", "reference_id", "object_dn", "relation", "happened_at",
    "lead_hours", "detail",
)  # fmt: skip
_LOAD = ("prb_usage_dl", "lte_prb_usage_dl")
_FEWEST_TO_CORRELATE = 5


def read_finding(sources: ToolSources, asked: OfFinding) -> ToolResult:
    """Return one finding of the window with what it is worth."""
    found = sources.rows(FINDINGS, sources.window, _FINDING)
    rows = found.filter(pl.col("anomaly_id") == asked.anomaly_id)
    if rows.is_empty():
        raise failed(
            f"The finding {asked.anomaly_id} in {FINDINGS}",
            sources.window,
            f"it is none of the {found.height} findings of this window.",
        )
    worth = sources.rows(WORTH, sources.window, _WORTH)
    whole = rows.join(worth, on="anomaly_id", how="left").head(1)
    cell = whole["cell_dn"][0]
    begun = whole["anomaly_start"][0]
    return ToolResult(
        told_rows(whole),
        f"Finding {asked.anomaly_id} on {cell} since {begun:%Y-%m-%d %H:%M} UTC.",
        (f"{FINDINGS}#{asked.anomaly_id}",),
    )


def compare_with_usual(sources: ToolSources, asked: OfCellAndTime) -> ToolResult:
    """Return how far each KPI of a cell lay from what was expected, over a time.

    `deviation` is the mean distance from the expected value, in half widths of the usual band on
    that side, above 0 for more than expected. `follows_load` is the correlation of that distance
    with the cell's own downlink load over the periods; null where there are too few. `basis` says
    whether the band is what the detector expected, or that of the same hours of earlier days.
    """
    begin, end = span(asked.since, asked.until, (sources.window.start, sources.window.end))
    rows = usual_rows(sources, asked.cell_dn, (begin, end))
    if rows.is_empty():
        raise failed(
            f"What is usual of {asked.cell_dn} in {EXPECTATIONS} and {CELL_KPIS}",
            sources.window,
            "the cell reported nothing in this time, or nothing in the days before.",
        )
    load = rows.filter(pl.col("kpi").is_in(_LOAD)).select("period_start", load="seen")
    beside = rows.join(load.unique("period_start"), on="period_start", how="left")
    told = [_compared(row) for row in _means(beside).iter_rows(named=True)]
    return ToolResult(
        tuple(told),
        f"{len(told)} KPIs of {asked.cell_dn} beside what was expected, furthest first.",
        (f"{EXPECTATIONS}#{asked.cell_dn}",),
    )


def read_evidence(sources: ToolSources, asked: OfFinding) -> ToolResult:
    """Return the alarms, changes and neighbors that were published as near a finding."""
    rows = sources.rows(EVIDENCE, sources.window, _NEAR).filter(
        pl.col("anomaly_id") == asked.anomaly_id
    )
    return ToolResult(
        told_rows(rows.drop("anomaly_id")),
        f"{rows.height} rows of evidence stand near finding {asked.anomaly_id}.",
        tuple(rows["reference_id"].to_list()),
    )


def _means(beside: pl.DataFrame) -> pl.DataFrame:
    """Return each KPI's means over its periods, furthest first."""
    has_load = pl.col("load").is_not_null()
    apart = (pl.col("seen") - pl.col("expected")).filter(has_load)
    told = beside.group_by("kpi", maintain_order=True).agg(
        pl.col("expected", "low", "high", "seen").mean(),
        pl.col("distance").mean().alias("deviation"),
        pl.col("basis").first(),
        pl.len().alias("periods"),
        has_load.sum().alias("with_load"),
        pl.corr(apart, pl.col("load").filter(has_load)).alias("follows_load"),
    )
    return told.sort(pl.col("deviation").abs(), "kpi", descending=[True, False])


def _compared(row: Mapping[str, Any]) -> dict[str, JsonValue]:
    follows = row["follows_load"]
    is_known = row["with_load"] >= _FEWEST_TO_CORRELATE and follows is not None
    return told_row(
        kpi=row["kpi"],
        unit=catalogue().kpi(row["kpi"]).unit,
        expected=row["expected"],
        low=row["low"],
        high=row["high"],
        seen=row["seen"],
        deviation=round(row["deviation"], 2),
        periods=row["periods"],
        basis=row["basis"],
        follows_load=round(follows, 2) if is_known else None,
    )
