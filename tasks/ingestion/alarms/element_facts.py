"""What VES events say besides alarms: what an element is, and how busy its machine was. Pure."""

import polars as pl

from semantic_layer.identity import (
    cell_dn_expression,
    managed_element_expression,
    object_class_expression,
)
from semantic_layer.loading import Catalogue
from tasks.ingestion.alarms.ves_usage import CPU, DISK, MEMORY

_KEY = ["managed_object_dn", "attribute"]


def configuration_rows(attributes: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Return the attributes that changed, in the columns of `network_configuration`.

    Args:
        attributes: what elements said about themselves; only changes become rows.
        standing: earlier rows of the same source, of which the last value of each counts.
    """
    columns = [*_KEY, "valid_from", "value"]
    last = standing.select(columns).sort("valid_from").group_by(_KEY).last().select(columns)
    told = attributes.unique([*_KEY, "valid_from"], keep="last", maintain_order=True)
    whole = pl.concat(
        [last.with_columns(pl.lit(None, dtype=pl.String).alias("source_file")), told],
        how="diagonal",
    ).with_columns(pl.Series("is_new", [False] * last.height + [True] * told.height))
    before = pl.col("value").shift(1).over(_KEY, order_by="valid_from")
    changed = whole.filter(pl.col("is_new") & pl.col("value").ne_missing(before))
    return changed.sort("valid_from", *_KEY).select(
        *columns,
        object_class_expression("managed_object_dn").alias("object_class"),
        pl.col("value").cast(pl.Float64, strict=False).alias("value_number"),
        pl.lit(value=False).alias("is_removed"),
        "source_file",
    )


def measurement_rows(usage: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return how busy machines were, in the columns of `pm_measurements`; the last told counts."""
    named = {
        name: catalogue.measurements[name].column
        for name in (CPU, MEMORY, DISK)
        if name in usage.columns and name in catalogue.measurements
    }
    key = ["managed_object_dn", "period_start", "granularity_s"]
    return usage.unique(key, keep="last", maintain_order=True).select(
        "managed_object_dn",
        cell_dn_expression("managed_object_dn").alias("cell_dn"),
        managed_element_expression("managed_object_dn").alias("managed_element_dn"),
        object_class_expression("managed_object_dn").alias("object_class"),
        "period_start",
        pl.col("granularity_s").cast(pl.Int32),
        pl.lit(value=False).alias("is_suspect"),
        "source_file",
        *(pl.col(name).alias(column) for name, column in named.items()),
    )
