"""Measurements made whole: what is derived from a vector, computed from it."""

import polars as pl

from semantic_layer.loading import Catalogue
from semantic_layer.measurements import Measurement


def derive(measurements: pl.LazyFrame, catalogue: Catalogue) -> pl.LazyFrame:
    """Return `measurements` with each derived measurement filled from its vector.

    A value that was delivered stands; a null vector, or one with a null bin, gives null.

    Args:
        measurements: columns as `pm_measurements` has them; vectors are lists, one number a bin.
        catalogue: says what is derived from which vector and how: `sum` of all bins, or
            `index_sum`, bins weighted by their index from 0.
    """
    present = measurements.collect_schema().names()
    found = []
    for measurement in catalogue.measurements.values():
        if measurement.derived_from is None:
            continue
        vector = catalogue.measurement(measurement.derived_from).column
        if vector in present:
            value = _reduced(pl.col(vector), measurement)
            if measurement.column in present:
                value = pl.coalesce(pl.col(measurement.column), value)
            found.append(value.alias(measurement.column))
    return measurements.with_columns(found)


def _reduced(vector: pl.Expr, measurement: Measurement) -> pl.Expr:
    weighted = vector
    if measurement.reduce == "index_sum":
        index = pl.element().cum_count() - 1
        weighted = vector.list.eval(pl.element() * index)
    is_whole = vector.list.eval(pl.element().is_null()).list.any().not_()
    return pl.when(is_whole & (vector.list.len() > 0)).then(weighted.list.sum())
