"""What the hot copy saves: a town's newest day, as published in quarter-hours and as compacted."""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time

import polars as pl

from data_products.lineage import Lineage
from data_products.registry import table
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.ports import TableStore
from tests.benchmarks.publishing import START, measurements

DAY = Window(START, START + timedelta(days=1))
NOON = Window(START + timedelta(hours=12), START + timedelta(hours=12, minutes=15))
TABLE = "pm_measurements"
REPEATS = 10


def main() -> None:
    """Print CPU of three reads from each tier, and of feeding."""
    from tasks.adapters.duckdb_hot_store import DuckDbHotStore
    from tasks.adapters.iceberg_maintenance import IcebergMaintenance
    from tasks.adapters.iceberg_tables import IcebergTables
    from tasks.adapters.tiered_tables import TieredTables
    from tasks.retention.planning import rewrites

    with tempfile.TemporaryDirectory() as folder:
        warm = IcebergTables.at(Path(folder))
        hot = DuckDbHotStore(Path(folder) / "hot.duckdb")
        tiers = TieredTables(warm, hot, lambda _table: 2, table)
        frame = measurements(DAY)
        windows = list(DAY.split("15min"))
        for window in windows[:-1]:
            publish(warm, window, frame)
        timed("fill the hot copy", lambda: tiers.warm_up(TABLE), 1)
        publish(warm, windows[-1], frame)
        timed("bring it up by a quarter-hour", lambda: tiers.warm_up(TABLE), 1)
        fresh = reads(warm, frame)
        copied = reads(tiers, frame)
        upkeep, rule = IcebergMaintenance(warm), catalogue().lifecycle_of(TABLE)
        for planned in rewrites(upkeep.files(TABLE), rule, DAY.end + timedelta(days=2)):
            upkeep.rewrite(TABLE, planned.paths, planned.kind)
        compacted = reads(warm, frame)
        for name in fresh:
            print(
                f"bench hot_store: {name}: 96 files {1e3 * fresh[name]:.1f} CPU-ms, compacted "
                f"{1e3 * compacted[name]:.1f}, DuckDB {1e3 * copied[name]:.1f}; DuckDB is "
                f"{fresh[name] / copied[name]:.1f} and {compacted[name] / copied[name]:.1f} times "
                "as fast"
            )
        hot.close()


def publish(store: TableStore, window: Window, frame: pl.DataFrame) -> None:
    """Publish the frame's rows of `window`."""
    rows = frame.filter(pl.col("period_start") == window.start)
    store.publish(TABLE, window, rows, Lineage("bench", "1", "c"), {"source": "bench"})


def reads(store: TableStore, frame: pl.DataFrame) -> dict[str, float]:
    """Return CPU seconds of each read."""
    is_cell = pl.col("cell_dn") == frame["cell_dn"][frame.height // 2]
    few = ["cell_dn", "period_start", "rrc_conn_mean_count"]
    works: dict[str, Callable[[], pl.DataFrame]] = {
        "a day of one cell, 3 columns": lambda: (
            store.read(TABLE, DAY, columns=few).filter(is_cell).collect()
        ),
        "a day of one cell, all columns": lambda: store.read(TABLE, DAY).filter(is_cell).collect(),
        "one period of all cells": lambda: store.read(TABLE, NOON).collect(),
        "a period of all cells, 3 columns": lambda: store.read(TABLE, NOON, columns=few).collect(),
        "a day of all cells, 3 columns": lambda: store.read(TABLE, DAY, columns=few).collect(),
        "a day of all cells, all columns": lambda: store.read(TABLE, DAY).collect(),
    }
    return {name: timed(name, work, REPEATS, is_quiet=True) for name, work in works.items()}


def timed(name: str, work: Callable[[], object], repeats: int, *, is_quiet: bool = False) -> float:
    """Return, and print, the CPU seconds of one of `repeats` calls."""
    if repeats > 1:
        work()
    wall, cpu = perf_counter(), process_time()
    for _ in range(repeats):
        work()
    wall, cpu = (perf_counter() - wall) / repeats, (process_time() - cpu) / repeats
    if not is_quiet:
        print(f"bench hot_store: {name} {cpu:.2f} CPU-s ({wall:.2f} s wall)")
    return cpu


if __name__ == "__main__":
    main()
