"""Which rows a window and a scope name, as a Polars expression: the same for every table store."""

from collections.abc import Mapping

import polars as pl

from data_products.product import ProductTable
from semantic_layer.periods import Window


def replaced_rows(shape: ProductTable, window: Window, scope: Mapping[str, str]) -> pl.Expr:
    """Return what is true for the rows that a publish of `window` and `scope` replaces."""
    inside = window_rows(shape, window)
    if shape.end_column:
        inside &= pl.col(shape.end_column) <= window.end
    for name, value in scope.items():
        inside &= pl.col(name) == value
    return inside.fill_null(value=False)


def window_rows(shape: ProductTable, window: Window) -> pl.Expr:
    """Return what is true for the rows whose time lies in `window`."""
    time = pl.col(shape.time_column)
    return (time >= window.start) & (time < window.end)
