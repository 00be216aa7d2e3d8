"""Parquet files of an Iceberg table: written by Polars, described for Iceberg's manifests.

Files hold field ids and, in the manifest, exact bounds of the columns by which windows are cut.
"""

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import polars as pl
from pyiceberg.conversions import to_bytes
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionFieldValue as Part
from pyiceberg.partitioning import PartitionKey
from pyiceberg.schema import Schema
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.transforms import DayTransform
from pyiceberg.types import PrimitiveType
from pyiceberg.utils.datetime import datetime_to_micros

_EPOCH = date(1970, 1, 1)
_ROW_GROUP = 128 * 1024
_LARGEST_FILE_ROWS = 2_000_000
_LEVELS = {"fresh": 1, "warm": 1, "cold": 12}
FRESH: Literal["fresh"] = "fresh"
WARM: Literal["warm"] = "warm"
COLD: Literal["cold"] = "cold"

Kind = Literal["fresh", "warm", "cold"]
"""How a file came to be: published, compacted, or rewritten for the long term."""


def written_files(
    rows: pl.DataFrame, metadata: TableMetadata, storage: FileIO, kind: Kind = "fresh"
) -> list[DataFile]:
    """Write rows as new files, at least one a partition, and describe them.

    Args:
        rows: columns of the table's schema, in any order; none need be there but those of the
            partitions.
        metadata: of the table that they will belong to.
        storage: writes files.
        kind: begins each file's name; `cold` is packed harder.
    """
    return [
        _written(piece, metadata, storage, kind)
        for part in _partitioned(rows, metadata)
        for piece in part.iter_slices(_LARGEST_FILE_ROWS)
    ]


def rewritten_file(
    rows: pl.LazyFrame, like: DataFile, metadata: TableMetadata, storage: FileIO, kind: Kind
) -> DataFile | None:
    """Write rows of one partition as one new file, a row group at a time; None if there are none.

    Args:
        rows: of the partition of `like`.
        like: a file of the same partition.
        metadata: of the table that the file will belong to.
        storage: writes files elsewhere.
        kind: begins the file's name.
    """
    key = _partition(list(like.partition._data), metadata)  # noqa: SLF001
    path = _new_path(key, metadata, kind)
    near = local_path(path)
    if near is None:
        whole = rows.collect(engine="streaming")
        return None if whole.is_empty() else _written(whole, metadata, storage, kind)
    storage.new_output(path)
    near.parent.mkdir(parents=True, exist_ok=True)
    names = rows.collect_schema().names()
    rows.sink_parquet(near, **_parquet_options(metadata.schema(), names, kind))
    facts = _facts_of(pl.scan_parquet(near, glob=False, hive_partitioning=False), metadata)
    if not facts["rows"]:
        near.unlink()
        return None
    return _described(path, key, near.stat().st_size, facts, metadata)


def bounded_columns(metadata: TableMetadata) -> list[str]:
    """Return the columns whose bounds stand in the manifest."""
    prefix = "write.metadata.metrics.column."
    known = metadata.schema().column_names
    return [
        name
        for name in (key.removeprefix(prefix) for key in metadata.properties if prefix in key)
        if name in known
    ]


def local_path(path: str) -> Path | None:
    """Return the file on this machine, None when it lies elsewhere."""
    return Path(path.removeprefix("file://")) if urlsplit(path).scheme in {"", "file"} else None


def _facts_of(rows: pl.LazyFrame, metadata: TableMetadata) -> dict[str, Any]:
    columns = bounded_columns(metadata)
    found = rows.select(
        pl.len().alias("rows"),
        *(pl.col(name).min().alias(f"{name} low") for name in columns),
        *(pl.col(name).max().alias(f"{name} high") for name in columns),
        *(pl.col(name).null_count().alias(f"{name} nulls") for name in columns),
    )
    return found.collect().row(0, named=True)


def _described(
    path: str, key: PartitionKey, size: int, facts: dict[str, Any], metadata: TableMetadata
) -> DataFile:
    counts: dict[int, int] = {}
    nulls: dict[int, int] = {}
    lower: dict[int, bytes] = {}
    upper: dict[int, bytes] = {}
    for name in bounded_columns(metadata):
        field = metadata.schema().find_field(name)
        counts[field.field_id] = facts["rows"]
        nulls[field.field_id] = facts[f"{name} nulls"]
        kind = field.field_type
        if isinstance(kind, PrimitiveType) and facts[f"{name} low"] is not None:
            lower[field.field_id] = to_bytes(kind, _plain(facts[f"{name} low"]))
            upper[field.field_id] = to_bytes(kind, _plain(facts[f"{name} high"]))
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=key.partition,
        record_count=facts["rows"],
        file_size_in_bytes=size,
        column_sizes={},
        value_counts=counts,
        null_value_counts=nulls,
        nan_value_counts={},
        lower_bounds=lower,
        upper_bounds=upper,
        key_metadata=None,
        split_offsets=None,
        equality_ids=None,
        sort_order_id=None,
        spec_id=metadata.default_spec_id,
    )


def _parquet_options(schema: Schema, names: Sequence[str], kind: Kind) -> dict[str, Any]:
    fields = Schema(*(schema.find_field(name) for name in names))
    return {
        "compression": "zstd",
        "compression_level": _LEVELS[kind],
        "row_group_size": _ROW_GROUP,
        "arrow_schema": schema_to_pyarrow(fields),
    }


def _new_path(key: PartitionKey, metadata: TableMetadata, kind: Kind) -> str:
    provider = load_location_provider(metadata.location, metadata.properties)
    return str(provider.new_data_location(f"{kind}-{uuid4()}.parquet", key))


def _written(rows: pl.DataFrame, metadata: TableMetadata, storage: FileIO, kind: Kind) -> DataFile:
    facts = _facts_of(rows.lazy(), metadata)
    key = _partition(_partition_values(facts, metadata), metadata)
    path = _new_path(key, metadata, kind)
    output = storage.new_output(path)
    options = _parquet_options(metadata.schema(), rows.columns, kind)
    near = local_path(path)
    if near is not None:
        near.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(near, **options)
        size = near.stat().st_size
    else:
        packed = io.BytesIO()
        rows.write_parquet(packed, **options)
        size = packed.tell()
        with output.create() as stream:
            stream.write(packed.getvalue())
    return _described(path, key, size, facts, metadata)


def _partitioned(rows: pl.DataFrame, metadata: TableMetadata) -> Iterator[pl.DataFrame]:
    if rows.is_empty():
        return
    schema = metadata.schema()
    keys = rows.select(
        (
            pl.col(name).dt.date() if isinstance(field.transform, DayTransform) else pl.col(name)
        ).alias(field.name)
        for field in metadata.spec().fields
        for name in [schema.find_field(field.source_id).name]
    )
    runs = keys.select(pl.struct(pl.all()).rle_id().alias("run"))["run"]
    if runs[-1] == 0:
        yield rows
        return
    places = (
        keys.with_columns(runs)
        .group_by("run", maintain_order=True)
        .agg(pl.all().first(), pl.len().alias("rows"))
    )
    if places.select(keys.columns).is_duplicated().any():  # bring each partition together
        order = keys.with_row_index("place").sort(keys.columns, maintain_order=True)
        yield from _partitioned(rows[order["place"]], metadata)
        return
    start = 0
    for height in places["rows"]:
        yield rows.slice(start, height)
        start += height


def _partition_values(facts: dict[str, Any], metadata: TableMetadata) -> list[Any]:
    schema = metadata.schema()
    found = []
    for field in metadata.spec().fields:
        value = facts[f"{schema.find_field(field.source_id).name} low"]
        is_day = isinstance(field.transform, DayTransform) and value is not None
        found.append((value.date() - _EPOCH).days if is_day else value)
    return found


def _partition(values: Sequence[Any], metadata: TableMetadata) -> PartitionKey:
    spec = metadata.spec()
    parts = [Part(field, value) for field, value in zip(spec.fields, values, strict=True)]
    return PartitionKey(parts, spec, metadata.schema())


def _plain(value: Any) -> Any:  # noqa: ANN401 - any scalar that a bounded column holds
    return datetime_to_micros(value) if isinstance(value, datetime) else value
