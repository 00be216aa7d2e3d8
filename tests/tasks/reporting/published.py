"""The town of `world`, published: counters of a few cells, KPIs from them, findings, verdicts."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from data_products.lineage import Lineage
from data_products.registry import table
from semantic_layer.kpis import kpi_rows
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ports import TableStore
from tests.tasks.reporting import world

LINEAGE = Lineage("run-1", "1.0.0", catalogue().version, ("pm_measurements@1",))
SICK, WELL, SILENT = world.cell_dn(1, 1), world.cell_dn(1, 2), world.cell_dn(1, 3)
BAD_HOURS = Window(datetime(2026, 3, 3, 8, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC))


@dataclass(frozen=True)
class FixedClock:
    """Implements `Clock` for tests."""

    def now(self) -> datetime:
        return datetime(2026, 3, 6, tzinfo=UTC)


def measurements() -> pl.DataFrame:
    """Return counters of two cells: 10,000 flow releases a period, 3 % abnormal when sick.

    The sick cell's last bad period is suspect; one of its rows lacks the abnormal releases.
    """
    rows = []
    for dn in (SICK, WELL):
        start = world.WINDOW.start
        while start < world.WINDOW.end:
            is_bad = dn == SICK and BAD_HOURS.covers(start)
            is_last = is_bad and not BAD_HOURS.covers(start + world.STEP)
            rows.append(
                {
                    "managed_object_dn": dn,
                    "cell_dn": dn,
                    "managed_element_dn": "SubNetwork=1,ManagedElement=1",
                    "object_class": "NRCellDU",
                    "period_start": start,
                    "granularity_s": 900,
                    "is_suspect": is_last,
                    "source_file": "A.xml",
                    "qos_flow_rel_count": 10_000.0,
                    "qos_flow_rel_abnormal_count": 300.0 if is_bad else 20.0,
                    "prb_tot_dl_pct": 40.0 if start.hour < 12 else 60.0,
                }
            )
            start += world.STEP
    rows[130]["qos_flow_rel_abnormal_count"] = None
    return pl.DataFrame(rows)


def tables(store: TableStore | None = None) -> TableStore:
    """Return a store that holds everything a report reads."""
    store = store or InMemoryTables(FixedClock())
    rows = measurements()
    computed = kpi_rows(rows.lazy(), [catalogue().kpi("cell_drop_rate")], catalogue()).collect()
    kpis = computed.select(
        "cell_dn", "managed_element_dn", "object_class", "period_start",
        pl.lit("15min").alias("granularity"), "cell_drop_rate_pct",
    )  # fmt: skip
    found = world.findings(
        world.finding(
            1, SICK, anomaly_start=BAD_HOURS.start, anomaly_end=BAD_HOURS.end, is_ongoing=False,
            contributions=[{"kpi": "cell_drop_rate", "expected": 0.2, "seen": 3.0, "share": 0.9}],
        )
    )  # fmt: skip
    scores = kpis.select(
        "cell_dn", "period_start", pl.lit(1.0).alias("score"), pl.lit(1.0).alias("baseline_score"),
        pl.lit(value=False).alias("is_anomalous"),
    )  # fmt: skip
    silent = scores.filter(cell_dn=WELL).with_columns(
        cell_dn=pl.lit(SILENT), score=pl.lit(None, pl.Float64),
        abstained_because=pl.lit("no data in the period"),
    )  # fmt: skip
    quality = world.quality().with_columns(pl.lit([f"{SICK} 2026-03-02"]).alias("failing_keys"))
    quarantine = pl.DataFrame(
        {
            "table_name": ["pm_measurements"] * 3, "period_start": [world.WINDOW.start] * 3,
            "window_start": [world.WINDOW.start] * 3, "source_file": ["A.xml", "B.xml", "B.xml"],
            "key": [SICK, "", ""],
            "reason": ["out of bounds", "unknown counter", "unknown counter"],
        }
    )  # fmt: skip
    topology = world.topology(1, 1).with_columns(valid_from=pl.lit(world.WINDOW.start))
    older = topology.with_columns(
        site_name=pl.lit("Old name"),
        valid_from=pl.lit(datetime(2025, 1, 1, tzinfo=UTC)),
    )
    source = {"source": "sample"}
    put(store, "pm_measurements", rows, source)
    put(
        store,
        "cell_kpis",
        kpis.drop("granularity"),
        {"granularity": "15min", "source": "pm_measurements"},
    )
    put(store, "cell_anomalies.scores", pl.concat([scores, silent], how="diagonal"))
    put(store, "cell_anomalies", found)
    put(store, "data_quality", quality, {"table_name": "pm_measurements", "scope": "source=sample"})
    put(
        store,
        "data_quality.quarantine",
        quarantine,
        {"table_name": "pm_measurements", "scope": "source=sample"},
    )
    span = Window(datetime(2025, 1, 1, tzinfo=UTC), world.WINDOW.end)
    put(store, "network_topology", pl.concat([older, topology]), source, span)
    return store


def put(store: TableStore, name: str, frame: pl.DataFrame, scope=None, window=world.WINDOW):
    """Publish the columns that the table's contract knows."""
    shape = table(name)
    known = {column.name: column.dtype for column in shape.columns}
    rows = frame.select(pl.col(one).cast(known[one]) for one in frame.columns if one in known)
    scope = scope if shape.scope else None
    for column, value in (scope or {}).items():
        rows = rows.with_columns(pl.lit(value).alias(column))
    return store.publish(name, window, rows, LINEAGE, scope)
