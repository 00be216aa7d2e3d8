"""What follows from a definition for a table: derived columns, and bounds to check values by."""

from typing import NamedTuple

import polars as pl

from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.measurements import Measurement


class Bounds(NamedTuple):
    """Inclusive bounds of a plausible value; None leaves that side open."""

    low: float | None
    high: float | None


def bounds_of(definition: Measurement | Kpi) -> Bounds:
    """Return the bounds that a data-quality check holds values to, in the column's unit.

    What is written counts; a share in % without written bounds lies between 0 and 100.
    """
    low, high = definition.low, definition.high
    if definition.unit == "%":
        low = 0.0 if low is None else low
        high = 100.0 if high is None else high
    return Bounds(low, high)


def implausible(definition: Measurement | Kpi) -> pl.Expr:
    """Return an expression that is true where the column's value lies outside its bounds.

    NaN is implausible; null is no value and so is neither. A vector is implausible when any of
    its bins is.
    """
    value = pl.col(definition.column)
    if getattr(definition, "shape", "scalar") == "vector":
        return value.list.eval(_outside(pl.element(), bounds_of(definition))).list.any()
    return _outside(value, bounds_of(definition))


def with_derived(measurements: pl.LazyFrame, catalogue: Catalogue) -> pl.LazyFrame:
    """Return rows with derived measurements filled in from the vectors that are present.

    A value that is already there stays. A vector that is null, empty, or has a null bin gives
    no value.
    """
    present = frozenset(measurements.collect_schema().names())
    derived = []
    for item in catalogue.measurements.values():
        if item.derived_from is None:
            continue
        vector = catalogue.measurement(item.derived_from).column
        if vector in present:
            value = _reduced(pl.col(vector), is_weighted=item.reduce == "index_sum")
            known = [pl.col(item.column)] if item.column in present else []
            derived.append(pl.coalesce(*known, value).alias(item.column))
    return measurements.with_columns(derived)


def _outside(value: pl.Expr, bounds: Bounds) -> pl.Expr:
    outside = value.is_nan()
    if bounds.low is not None:
        outside = outside | (value < bounds.low)
    if bounds.high is not None:
        outside = outside | (value > bounds.high)
    return outside


def _reduced(vector: pl.Expr, *, is_weighted: bool) -> pl.Expr:
    bin_value = pl.element() * pl.int_range(pl.len()) if is_weighted else pl.element()
    is_whole = (vector.list.len() > 0) & ~vector.list.eval(pl.element().is_null()).list.any()
    return pl.when(is_whole).then(vector.list.eval(bin_value).list.sum()).cast(pl.Float64)
