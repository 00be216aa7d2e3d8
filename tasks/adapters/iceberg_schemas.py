"""Iceberg's schema, partitions, filters and table properties for a contract's table."""

from collections.abc import Iterator, Mapping
from itertools import count

import polars as pl
from pyiceberg.expressions import (
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
)
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)

from data_products.product import ProductTable
from semantic_layer.errors import InputError
from semantic_layer.periods import Window

_FIRST_PARTITION_ID = 1000
STORE_PROPERTIES = {
    "format-version": "2",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "8",
    "commit.retry.num-retries": "12",
    "commit.retry.min-wait-ms": "20",
    "commit.retry.max-wait-ms": "1000",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "write.parquet.compression-codec": "zstd",
    "write.parquet.compression-level": "1",
    "write.metadata.metrics.default": "none",
}
"""Of every table: metadata that stays bounded, bounds only where they are named."""


def table_schema(columns: Mapping[str, pl.DataType]) -> Schema:
    """Return the Iceberg schema of these columns; all may be null, the contract decides more."""
    ids = count(1)
    fields = [(next(ids), name, dtype) for name, dtype in columns.items()]
    return Schema(
        *(
            NestedField(place, name, _type(name, dtype, ids), required=False)
            for place, name, dtype in fields
        )
    )


def polars_schema(schema: Schema) -> dict[str, pl.DataType]:
    """Return what a frame read from a table of this schema looks like."""
    empty = pl.from_arrow(schema_to_pyarrow(schema, include_field_ids=False).empty_table())
    return dict(empty.schema) if isinstance(empty, pl.DataFrame) else {}


def partitions(table: ProductTable, schema: Schema) -> PartitionSpec:
    """Return partitions by day of the table's time, then by each scope column."""
    ids = count(_FIRST_PARTITION_ID)
    fields = [
        PartitionField(
            source_id=schema.find_field(table.time_column).field_id,
            field_id=next(ids),
            transform=DayTransform(),
            name=f"{table.time_column}_day",
        )
    ]
    fields += [
        PartitionField(
            source_id=schema.find_field(name).field_id,
            field_id=next(ids),
            transform=IdentityTransform(),
            name=f"{name}_part",
        )
        for name in table.scope
    ]
    return PartitionSpec(*fields)


def table_properties(table: ProductTable) -> dict[str, str]:
    """Return write properties: exact bounds where windows are cut, small manifests elsewhere."""
    bounded = [table.time_column, *table.scope, *([table.end_column] if table.end_column else [])]
    return STORE_PROPERTIES | {f"write.metadata.metrics.column.{name}": "full" for name in bounded}


def replaced_rows(
    table: ProductTable, window: Window, scope: Mapping[str, str]
) -> BooleanExpression:
    """Return the filter of the rows that a publish of `window` and `scope` replaces."""
    parts = [
        *_window_parts(table, window),
        *(EqualTo(term=key, value=value) for key, value in scope.items()),
    ]
    if table.end_column:
        parts.append(LessThanOrEqual(term=table.end_column, value=window.end.isoformat()))
    return And(*parts)


def window_rows(table: ProductTable, window: Window) -> BooleanExpression:
    """Return the filter of the rows whose time lies in `window`."""
    return And(*_window_parts(table, window))


def _window_parts(table: ProductTable, window: Window) -> list[BooleanExpression]:
    return [
        GreaterThanOrEqual(term=table.time_column, value=window.start.isoformat()),
        LessThan(term=table.time_column, value=window.end.isoformat()),
    ]


def _type(name: str, dtype: pl.DataType, ids: Iterator[int]) -> IcebergType:
    if isinstance(dtype, pl.List):
        return ListType(next(ids), _type(name, _inner(dtype), ids), element_required=False)
    if isinstance(dtype, pl.Struct):
        return StructType(
            *(
                NestedField(
                    next(ids), part.name, _type(name, _made(part.dtype), ids), required=False
                )
                for part in dtype.fields
            )
        )
    if isinstance(dtype, pl.Datetime):
        return TimestamptzType()
    if dtype not in _SCALARS:
        raise InputError(f"Column {name!r} is {dtype}, which tables do not hold.")
    return _SCALARS[dtype]


def _inner(dtype: pl.List) -> pl.DataType:
    return _made(dtype.inner)


def _made(dtype: object) -> pl.DataType:
    if isinstance(dtype, pl.DataType):
        return dtype
    if isinstance(dtype, type) and issubclass(dtype, pl.DataType):
        return dtype()
    raise InputError(f"{dtype!r} is no polars type.")


_SCALARS: dict[pl.DataType, IcebergType] = {
    pl.String(): StringType(),
    pl.Float64(): DoubleType(),
    pl.Float32(): FloatType(),
    pl.Int64(): LongType(),
    pl.Int32(): IntegerType(),
    pl.Boolean(): BooleanType(),
    pl.Date(): DateType(),
}
