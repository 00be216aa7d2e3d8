"""Reading an Iceberg table: which files hold the rows, and their rows as a lazy frame."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.expressions.visitors import ROWS_MUST_MATCH, _StrictMetricsEvaluator
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.metadata import TableMetadata

from data_products.product import ProductTable
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.iceberg_schemas import polars_schema, window_rows
from tasks.adapters.window_filters import window_rows as in_window


def scanned(
    source: Table, shape: ProductTable, window: Window | None, snapshot_id: int | None
) -> pl.LazyFrame:
    """Return the rows of `window` (all when None), as of `snapshot_id` (newest when None).

    Raises:
        InputError: no such snapshot.
    """
    if snapshot_id is not None and source.snapshot_by_id(snapshot_id) is None:
        raise InputError(
            f"Table {shape.name!r} has no snapshot {snapshot_id}; it may have expired."
        )
    scan = source.scan(
        row_filter=window_rows(shape, window) if window else AlwaysTrue(), snapshot_id=snapshot_id
    )
    rows = rows_of(source, list(scan.plan_files()))
    known = polars_schema(source.schema())
    newer = {name: dtype for name, dtype in shape.schema.items() if name not in known}
    rows = rows.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in newer.items())
    return rows if window is None else rows.filter(in_window(shape, window))


def rows_of(source: Table, tasks: Sequence[FileScanTask]) -> pl.LazyFrame:
    """Return the rows of planned files, with the columns that the table has now."""
    schema = polars_schema(source.schema())
    paths = [task.file.file_path for task in tasks]
    if not paths:
        return pl.LazyFrame(schema=schema)
    if any(task.delete_files for task in tasks):  # written by another engine: rows to be left out
        rows = ArrowScan(source.metadata, source.io, source.schema(), AlwaysTrue()).to_table(tasks)
        return pl.LazyFrame(rows).cast(pl.Schema(schema))
    return pl.scan_parquet(
        [_readable(source.io, path) for path in paths],
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
    )


def _readable(storage: FileIO, path: str) -> Any:  # noqa: ANN401 - a path here, bytes elsewhere
    if is_local(path):
        return path.removeprefix("file://")
    with storage.new_input(path).open() as stream:
        return BytesIO(stream.read())


def is_local(path: str) -> bool:
    """Tell whether a file lies on this machine."""
    return urlsplit(path).scheme in {"", "file"}


class WholeFiles:
    """Tells which files hold only rows of a filter, by the bounds that the manifest gives.

    Args:
        metadata: of the table.
        rows: Iceberg's filter.
    """

    def __init__(self, metadata: TableMetadata, rows: BooleanExpression) -> None:
        self._evaluator = _StrictMetricsEvaluator(metadata.schema(), rows)

    def __contains__(self, file: DataFile) -> bool:
        return bool(self._evaluator.eval(file) == ROWS_MUST_MATCH)
