"""Forecasts of load as rows: the last one made at a moment, in order of cell and time."""

import polars as pl

from data_products.product import TIME

FORECAST_SCHEMA: dict[str, pl.DataType] = {
    "cell_dn": pl.String(),
    "made_at": TIME,
    "period_start": TIME,
    "hours": pl.Float64(),
    "mean_load_share": pl.Float64(),
    "peak_load_shares": pl.List(pl.Float64()),
    "peak_levels": pl.List(pl.Float64()),
}
"""Columns of the product, in order, before its lineage."""


def derive(forecasts: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the product.

    Args:
        forecasts: columns of `FORECAST_SCHEMA`; of a period forecast twice at a moment the row
            that stands last counts.
    """
    keys = ("cell_dn", "made_at", "period_start")
    return (
        forecasts.unique(keys, keep="last", maintain_order=True)
        .sort("made_at", "cell_dn", "period_start")
        .select(*FORECAST_SCHEMA)
    )
