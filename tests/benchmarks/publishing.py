"""What it costs to publish through the door: a town's day, its four weeks, and one more period."""

import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import polars as pl

from data_products.registry import table
from semantic_layer.periods import Window

CELLS = 350
DAYS = 28
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def main() -> None:
    """Print CPU and wall seconds of each publish and of reading back."""
    from tasks.adapters.contract_door import ContractDoor
    from tasks.adapters.great_expectations_validator import GreatExpectationsValidator
    from tasks.adapters.iceberg_tables import IcebergTables

    with tempfile.TemporaryDirectory() as folder:
        tables = IcebergTables.at(Path(folder))
        door = ContractDoor(tables, GreatExpectationsValidator())

        def publish(frame: pl.DataFrame, window: Window) -> None:
            door.publish("pm_measurements", window, frame, [], "bench")

        first, day = Window(START, START + DAY), Window(START + DAY, START + 2 * DAY)
        publish(measurements(first), first)  # imports and table creation: not counted
        weeks = Window(START, START + DAYS * DAY)
        period = Window(weeks.end, weeks.end + timedelta(minutes=15))
        for name, window in (
            ("a day", day),
            ("the day again", day),
            (f"{DAYS} days", weeks),
            ("one period", period),
        ):
            frame = measurements(window)
            timed(f"{name}, {frame.height} rows x {frame.width}", partial(publish, frame, window))
        timed(f"read {DAYS} days of 3 columns", lambda: read(tables, weeks))
        timed("read a day, all columns", lambda: tables.read("pm_measurements", day).collect())


def read(tables: object, window: Window) -> pl.DataFrame:
    """Return three columns of the window."""
    columns = ["cell_dn", "period_start", "rrc_conn_mean_count"]
    return tables.read("pm_measurements", window, columns=columns).collect()  # type: ignore[attr-defined]


def timed(name: str, work: object) -> None:
    """Print what `work` costs."""
    wall, cpu = perf_counter(), process_time()
    work()  # type: ignore[operator]
    wall, cpu = perf_counter() - wall, process_time() - cpu
    print(f"bench publishing: {name} {cpu:.2f} CPU-s ({wall:.2f} s wall)")


def measurements(window: Window) -> pl.DataFrame:
    """Return plausible rows of every cell and period of the window."""
    random = np.random.default_rng(3)
    times = pl.datetime_range(
        window.start, window.end, "15m", closed="left", eager=True, time_unit="us"
    )
    dns = [
        f"SubNetwork=1,ManagedElement={n // 3},GNBDUFunction=1,NRCellDU={n}" for n in range(CELLS)
    ]
    rows = pl.DataFrame({"managed_object_dn": dns}).join(
        pl.DataFrame({"period_start": times}), how="cross"
    )
    columns = [
        column for column in table("pm_measurements").columns if column.dtype == pl.Float64()
    ]
    values = {
        column.name: random.uniform(
            0.0 if column.low is None else column.low,
            100.0 if column.high is None else column.high,
            rows.height,
        ).round(2)
        for column in columns
    }
    return rows.with_columns(
        pl.col("managed_object_dn").alias("cell_dn"),
        pl.lit("NRCellDU").alias("object_class"),
        pl.lit(900, dtype=pl.Int32).alias("granularity_s"),
        pl.lit(value=False).alias("is_suspect"),
        **{name: pl.Series(drawn) for name, drawn in values.items()},
    )


if __name__ == "__main__":
    main()
