"""Whether a commit costs the same after two thousand: quarter-hours of a town, with upkeep daily.

python -m tests.benchmarks.commit_cost [publishes]
"""

import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from time import process_time

import polars as pl

from data_products.lineage import Lineage
from data_products.product import TIME
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.retention.planning import rewrites
from tests.benchmarks.publishing import START, measurements

PUBLISHES = 2000
UPKEEP_EVERY = 96
QUARTER = timedelta(minutes=15)
TABLE = "pm_measurements"


def main(publishes: int = PUBLISHES) -> None:
    """Print CPU of the first and the last hundred commits, with upkeep and without."""
    for upkeep_every in (UPKEEP_EVERY, 0):
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), publishes, upkeep_every)


def run(folder: Path, publishes: int, upkeep_every: int) -> None:
    """Publish and keep up, and print what it cost.

    Commits follow each other at once here; upkeep is told ages as if a quarter-hour lay between.
    """
    from tasks.adapters.iceberg_maintenance import IcebergMaintenance
    from tasks.adapters.iceberg_tables import IcebergTables
    from tasks.adapters.system_clock import SystemClock

    tables, clock = IcebergTables.at(folder), SystemClock()
    store, rule = IcebergMaintenance(tables), catalogue().lifecycle_of(TABLE)
    kept = rule.keep_snapshots_days * 96
    frame = measurements(Window(START, START + QUARTER))
    spent: list[float] = []
    upkeep: list[float] = []
    moments: list[datetime] = []
    for place in range(publishes):
        window = Window(START + place * QUARTER, START + (place + 1) * QUARTER)
        rows = frame.with_columns(pl.lit(window.start, dtype=TIME).alias("period_start"))
        begun = process_time()
        tables.publish(TABLE, window, rows, Lineage("bench", "1", "c"), {"source": "bench"})
        spent.append(process_time() - begun)
        moments.append(clock.now())
        if upkeep_every and (place + 1) % upkeep_every == 0:
            begun = process_time()
            for planned in rewrites(store.files(TABLE), rule, window.end):
                store.rewrite(TABLE, planned.paths, planned.kind)
            store.expire(TABLE, moments[max(0, place - kept)])
            store.remove_orphans(TABLE, clock.now())
            upkeep.append(process_time() - begun)
    first, last = mean(spent[3:103]), mean(spent[-100:])
    size = store.size(TABLE)
    print(
        f"bench commit_cost: {publishes} publishes of {frame.height} rows x {frame.width}, "
        f"{f'upkeep every {upkeep_every}' if upkeep_every else 'no upkeep'}: first hundred "
        f"{1e3 * first:.1f} CPU-ms each, last hundred {1e3 * last:.1f}, ratio {last / first:.2f}; "
        f"upkeep {1e3 * sum(upkeep) / publishes:.1f} CPU-ms a publish; {size.files} files "
        f"({size.bytes / 1e6:.0f} MB) stand, {size.kept_files} ({size.kept_bytes / 1e6:.0f} MB) "
        f"kept, {size.snapshots} snapshots, history of {tables.history(TABLE).height}"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
