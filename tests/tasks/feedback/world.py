"""Findings to judge, verdicts on them, and a clock that people's verdicts move on."""

from datetime import UTC, datetime, timedelta

import polars as pl

from data_products.lineage import Lineage
from data_products.product import TIME
from data_products.registry import table
from semantic_layer.periods import Window

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(days=9)
WEEK = Window(START, START + timedelta(days=7))
KPIS = ("cell_drop_rate", "prb_usage_dl", "user_throughput_dl")


class Clock:
    """Moves on by a second whenever somebody looks."""

    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def finding_id(number: int) -> str:
    return f"{number:016x}"


def cell(number: int) -> str:
    return f"SubNetwork=1,ManagedElement={number},GNBDUFunction=1,NRCellDU=1"


def began(number: int) -> datetime:
    return START + timedelta(hours=number)


def findings(count: int = 6) -> pl.DataFrame:
    """Return findings, each of its own cell unless told otherwise, as `cell_anomalies` has them."""
    shape = table("cell_anomalies")
    rows = [
        {
            "anomaly_id": finding_id(number),
            "window_start": began(number),
            "window_end": began(number) + timedelta(hours=4),
            "cell_dn": cell(number),
            "anomaly_start": began(number),
            "anomaly_end": began(number) + timedelta(hours=3),
            "is_ongoing": False,
            "severity": "MINOR",
            "peak_score": 6.0 + number,
            "periods_count": 12,
            "contributions": [
                {"kpi": KPIS[number % 3], "expected": 1.0, "seen": 2.0, "share": 0.9}
            ],
            "explanation": f"=HYPERLINK since {number}:00 UTC",
        }
        for number in range(1, count + 1)
    ]
    own = {column.name: column.dtype for column in shape.columns}
    return pl.DataFrame(rows, schema={name: own[name] for name in rows[0]})


def publish_findings(tables, count: int = 6) -> None:
    tables.publish("cell_anomalies", WEEK, findings(count), Lineage("test", "1", "x"))


def said(rows: list[tuple]) -> pl.DataFrame:
    """Return verdicts as published: (finding, author, verdict[, kind[, hours after the start]])."""
    told = []
    for place, (number, author, verdict, *rest) in enumerate(rows):
        kind, hours = (*rest, None, None)[:2]
        given_at = NOW + (timedelta(hours=hours) if hours is not None else timedelta(minutes=place))
        told.append(
            {
                "verdict_id": f"v{place}",
                "anomaly_id": finding_id(number),
                "cell_dn": cell(number),
                "anomaly_start": began(number),
                "verdict": verdict,
                "fault_kind": kind,
                "author": author,
                "given_at": given_at,
            }
        )
    schema = table("finding_verdicts").schema
    names = ("verdict_id", "anomaly_id", "cell_dn", "anomaly_start", "verdict", "fault_kind",
             "author", "given_at")  # fmt: skip
    return pl.DataFrame(told, schema={name: schema[name] for name in names}).with_columns(
        pl.col("given_at").cast(TIME)
    )
