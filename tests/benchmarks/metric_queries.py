"""Metric queries at run time: computed by Polars, beside the same plan as SQL in DuckDB.

An hour of a nation: 100,000 cells and 25,000 elements, four periods, as Parquet, with the columns
of every radio KPI. Both read the same file, and must answer alike to nine digits; CPU seconds
count, since Polars takes every core and DuckDB is held to one.
"""

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time

import duckdb
import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from semantic_layer.kpi_sql import SqlRows
from semantic_layer.loading import catalogue
from semantic_layer.metric_queries import MetricPlan, MetricQuery, computed, metric_sql, planned

CELLS = 100_000
ELEMENTS = 25_000
PERIODS = 4
ROUNDS = 3
START = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = catalogue()
OF_CELLS = tuple(it.name for it in KNOWN.kpis.values() if it.object_class == "NRCellDU")
QUERIES = {
    "one KPI by region and band": MetricQuery(("cell_drop_rate",), ("region", "band"), "hour"),
    "one KPI by cell": MetricQuery(("cell_drop_rate",), ("cell",), "15min"),
    "bad cells of one band": MetricQuery(
        ("cell_drop_rate",), ("cell",), where="band = n78 and cell_drop_rate > 60"
    ),
    "all NR KPIs by region": MetricQuery(OF_CELLS, ("region",), "hour"),
    "all NR KPIs by site": MetricQuery(OF_CELLS, ("site",)),
    "energy efficiency by region": MetricQuery(("site_energy_efficiency",), ("region",)),
}


def main() -> None:
    """Print CPU seconds of both ways for each query, and their ratio."""
    plans = {name: planned(query, KNOWN) for name, query in QUERIES.items()}
    print(f"bench metric_queries: {CELLS + ELEMENTS:,} objects x {PERIODS} periods,", end=" ")
    print(f"{len(OF_CELLS)} NR KPIs, Polars {pl.thread_pool_size()} threads, DuckDB one")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.parquet"
        an_hour(plans).write_parquet(path)
        columns = pl.read_parquet_schema(path)
        connection = duckdb.connect()
        connection.execute("SET threads = 1; SET TimeZone = 'UTC'")
        for name, plan in plans.items():

            def by_polars(plan: MetricPlan = plan) -> pl.DataFrame:
                return computed(plan, of_classes(pl.scan_parquet(path), plan), KNOWN).collect()

            classes = ", ".join(f"'{one}'" for one in plan.row_classes)
            rows = SqlRows(
                f"read_parquet('{path}') AS rows", columns, "duckdb", f"object_class IN ({classes})"
            )
            query = metric_sql(plan, rows, KNOWN)

            def by_duckdb(query: str = query) -> pl.DataFrame:
                return pl.DataFrame(connection.sql(query).to_arrow_table())

            seconds, found = cpu(by_polars)
            theirs, expected = cpu(by_duckdb)
            compare(found, expected, plan)
            print(
                f"bench metric_queries: {name}: {found.height:,} groups, Polars {seconds:.3f} "
                f"CPU-s, DuckDB {theirs:.3f} CPU-s (ratio {seconds / theirs:.2f})"
            )


def of_classes(rows: pl.LazyFrame, plan: MetricPlan) -> pl.LazyFrame:
    """Return the rows that can tell the plan's KPIs."""
    return rows.filter(pl.col("object_class").is_in(plan.row_classes))


def an_hour(plans: dict[str, MetricPlan]) -> pl.DataFrame:
    """Return the rows of an hour, with places and every measurement that the plans need."""
    chance = np.random.default_rng(7)
    elements = [f"SubNetwork={n % 16},ManagedElement={n}" for n in range(ELEMENTS)]
    cells = [f"{elements[n % ELEMENTS]},GNBDUFunction=1,NRCellDU={n}" for n in range(CELLS)]
    site = [n % ELEMENTS for n in range(CELLS)] + list(range(ELEMENTS))
    objects = pl.DataFrame(
        {
            "cell_dn": [*cells, *(None for _ in elements)],
            "managed_element_dn": [elements[n] for n in site],
            "object_class": ["NRCellDU"] * CELLS + ["ManagedElement"] * ELEMENTS,
            "site_id": [f"S{n:05d}" for n in site],
            "band": [f"n{(1, 3, 28, 78)[n % 4]}" for n in range(CELLS)] + [None] * ELEMENTS,
            "subnetwork": [f"SubNetwork={n % 16}" for n in site],
        }
    )
    times = [START + timedelta(minutes=15 * number) for number in range(PERIODS)]
    periods = pl.DataFrame({"period_start": times}).with_columns(
        pl.col("period_start").dt.cast_time_unit("us"), pl.lit(900, pl.Int32).alias("granularity_s")
    )
    rows = periods.join(objects, how="cross")
    measured = sorted({column for plan in plans.values() for column in plan.measured})
    scalars = {it.column for it in KNOWN.measurements.values() if it.shape == "scalar"}
    return rows.with_columns(
        pl.Series(column, chance.integers(0, 5000, rows.height).astype(np.float64))
        for column in measured
        if column in scalars
    )


def cpu(call: Callable[[], pl.DataFrame]) -> tuple[float, pl.DataFrame]:
    """Return the median CPU seconds of a call, after one that is not counted, and its result."""
    found = call()
    seconds = []
    for _ in range(ROUNDS):
        start = process_time()
        call()
        seconds.append(process_time() - start)
    return median(seconds), found


def compare(found: pl.DataFrame, expected: pl.DataFrame, plan: MetricPlan) -> None:
    """Assert that both ways answer alike."""
    keys = [name for name in found.columns if name not in {kpi.column for kpi in plan.kpis}]
    kinds = [pl.col(name).cast(kind) for name, kind in found.schema.items()]
    assert_frame_equal(
        found.sort(keys), expected.select(kinds).sort(keys), rel_tol=1e-9, abs_tol=1e-12
    )


if __name__ == "__main__":
    os.nice(5)
    main()
