"""Publishes histories: only the days that became otherwise, whole days at a time."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import polars as pl

from data_products.lineage import Snapshot
from data_products.network_configuration.derive import whole_days
from data_products.product import ProductTable
from semantic_layer.periods import Window, floor_to
from tasks.ports import Door, TableStore


def standing_rows(tables: TableStore, shape: ProductTable, source: str) -> pl.DataFrame:
    """Return what is published of one source, without lineage and source."""
    own = [column.name for column in shape.columns if column.name != "source"]
    rows = tables.read(shape.name, columns=[*own, "source"])
    return rows.filter(pl.col("source") == source).select(own).collect()


def publish_changed_days(
    door: Door,
    shape: ProductTable,
    before: pl.DataFrame,
    after: pl.DataFrame,
    source: str,
    run_id: str,
    inputs: Sequence[Snapshot] = (),
) -> list[Snapshot]:
    """Publish the days in which rows differ from those that stand; none when none do."""
    time = shape.time_column
    columns = [name for name in before.columns if name in after.columns]
    one, other = _comparable(before.select(columns)), _comparable(after.select(columns))
    differing = pl.concat(
        [
            one.join(other, on=columns, how="anti", nulls_equal=True).select(time),
            other.join(one, on=columns, how="anti", nulls_equal=True).select(time),
        ]
    )
    return [
        door.publish(
            shape.name,
            window,
            inside(after.select(columns), time, window),
            inputs,
            run_id,
            None,
            {"source": source},
        )
        for window in whole_days(differing[time])
    ]


def inside(rows: pl.DataFrame, time: str, window: Window) -> pl.DataFrame:
    """Return the rows whose time lies in the window."""
    return rows.filter(pl.col(time) >= window.start, pl.col(time) < window.end)


def days_of(moments: Iterable[object]) -> list[Window]:
    """Return the days that hold the moments, one window a day, in order."""
    starts = sorted({floor_to(moment, "day") for moment in moments})  # type: ignore[arg-type]
    return [Window(start, start + timedelta(days=1)) for start in starts]


def is_quarantined(tables: TableStore, table: str, source: str, window: Window) -> bool:
    """Tell whether something of a source stands in quarantine for the window."""
    return (
        not _quarantined(tables, table, window)
        .filter(pl.col("scope") == f"source={source}")
        .is_empty()
    )


def quarantined_files(tables: TableStore, table: str, window: Window) -> set[str]:
    """Return the files of which something stands in quarantine for the window."""
    return set(_quarantined(tables, table, window)["source_file"].drop_nulls())


def _quarantined(tables: TableStore, table: str, window: Window) -> pl.DataFrame:
    columns = ["table_name", "scope", "source_file"]
    standing = tables.read("data_quality.quarantine", window, columns=columns)
    return standing.filter(pl.col("table_name") == table).collect()


def _comparable(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that can be joined on: lists as one text."""
    lists = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.List)]
    return rows.with_columns(pl.col(name).list.join("\t") for name in lists)
