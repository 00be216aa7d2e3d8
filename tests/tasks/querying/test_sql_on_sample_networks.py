"""Every KPI of the sample networks: DuckDB and ClickHouse say what Polars says, to nine digits."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

import polars as pl
import pytest

from data_products.pm_measurements.derive import derive as completed
from semantic_layer.kpi_sql import SqlRows, aggregate_sql
from semantic_layer.kpi_sql_text import Dialect
from semantic_layer.kpis import aggregate_kpis
from semantic_layer.loading import catalogue
from semantic_layer.metric_queries import MetricQuery, computed, metric_sql, planned
from semantic_layer.periods import Window
from tasks.ingestion.deliveries import batches, delivered_in, deliveries, measurement_files
from tasks.ingestion.measurements.measurement_batches import measured_batch
from tasks.ingestion.tables.mapped_tables import mapped_tables
from tasks.ingestion.tables.mapping_sources import mapping_sources
from tasks.querying.places import placed
from tasks.twin.sample_network import Manifest, write_sample_network
from tests.semantic_layer.sql_engines import Run, clickhouse_run, duckdb_run, parquet
from tests.semantic_layer.test_kpi_sql import compared

pytestmark = pytest.mark.slow

KNOWN = catalogue()
KPIS = list(KNOWN.kpis.values())
SCALARS = {item.column for item in KNOWN.measurements.values() if item.shape == "scalar"}
PLACE = [
    "managed_object_dn", "cell_dn", "managed_element_dn", "object_class", "period_start",
    "granularity_s",
]  # fmt: skip
ALONE = [("cell_dn",), ("site_id",), ("day",), ("hour",), ("archetype", "band")]


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> dict[Dialect, Run]:
    folder = tmp_path_factory.mktemp("engines")
    return {"duckdb": duckdb_run(folder), "clickhouse": clickhouse_run(folder)}


def delivered_rows(network: Manifest) -> Iterator[pl.DataFrame]:
    """Yield what the network's files say, part by part."""
    windows = [span for span in (network.history, network.newest) if span is not None]
    whole = Window(windows[0].start, windows[-1].end)
    for source in mapping_sources(network.delivered):
        if source.mapping.into == "pm_measurements":
            yield mapped_tables(source.folder, source.mapping, whole).rows
    found = deliveries(measurement_files(network.delivered))
    for paths in batches(delivered_in(found, whole)):
        yield measured_batch(paths, whole).rows


def topology_of(network: Manifest) -> pl.DataFrame:
    source = next(
        it for it in mapping_sources(network.delivered) if it.mapping.into == "network_topology"
    )
    return mapped_tables(source.folder, source.mapping).rows.with_columns(source=pl.lit("cells"))


def stored(network: Manifest, folder: Path) -> Path:
    """Write the network's sound rows, with places, hours and days, as one Parquet file."""
    parts = folder / "parts"
    parts.mkdir()
    for number, rows in enumerate(delivered_rows(network)):
        sound = completed(rows.lazy(), KNOWN).filter(~pl.col("is_suspect"))
        columns = [it for it in sound.collect_schema().names() if it in SCALARS or it in PLACE]
        sound.select(columns).sink_parquet(parts / f"{number:04d}.parquet")
    rows = pl.concat(
        [pl.scan_parquet(path) for path in sorted(parts.glob("*.parquet"))], how="diagonal"
    )
    dimensions = planned(
        MetricQuery(("prb_usage_dl",), ("site", "band", "archetype", "region")), KNOWN
    ).by
    window = Window((network.history or network.newest).start, network.newest.end)
    path = folder / "measured.parquet"
    placed(rows, topology_of(network), dimensions, window).with_columns(
        hour=pl.col("period_start").dt.truncate("1h"), day=pl.col("period_start").dt.truncate("1d")
    ).sink_parquet(path)
    return path


def agree(path: Path, groupings: Iterable[Sequence[str]], engines: dict[Dialect, Run]) -> int:
    """Compare every KPI by each grouping, and some queries; return how many values agreed."""
    columns = list(pl.read_parquet_schema(path))
    found = sum(same(path, columns, by, engines) for by in groupings)
    for where in ("band = n78", "not archetype = rural and prb_usage_dl > 5"):
        query = MetricQuery(("prb_usage_dl", "cell_drop_rate"), ("site", "band"), "hour", where)
        plan = planned(query, KNOWN)
        expected = computed(plan, pl.scan_parquet(path), KNOWN).collect()
        assert expected.height
        for dialect, run in engines.items():
            sql = metric_sql(plan, SqlRows(parquet(path, dialect), columns, dialect), KNOWN)
            compared(run(sql), expected, ["site", "band", "period_start"])
    return found


def same(path: Path, columns: Sequence[str], by: Sequence[str], engines: dict[Dialect, Run]) -> int:
    expected = aggregate_kpis(pl.scan_parquet(path), KPIS, by, KNOWN).collect()
    for dialect, run in engines.items():
        rows = SqlRows(parquet(path, dialect), columns, dialect)
        compared(run(aggregate_sql(rows, KPIS, by, KNOWN)), expected, by)
    values = expected.select(kpi.column for kpi in KPIS)
    return values.height * values.width - sum(values.null_count().row(0))


def test_every_kpi_of_the_village_agrees(engines, tmp_path):
    network = write_sample_network("village", 7, tmp_path / "sample")
    pairs = product(("cell_dn", "site_id", "managed_object_dn"), ("hour", "day"))
    assert agree(stored(network, tmp_path), [*ALONE, *pairs], engines) > 10_000


def test_every_kpi_of_the_whole_town_agrees(engines, tmp_path):
    # Four days of it; `python -m tests.benchmarks metric_queries` says what the queries cost.
    network = write_sample_network("town", 7, tmp_path / "sample", history_days=3, newest_days=1)
    groupings = [("cell_dn", "day"), ("site_id", "hour")]  # the finest; the village has the rest
    assert agree(stored(network, tmp_path), groupings, engines) > 100_000
