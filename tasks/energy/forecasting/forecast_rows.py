"""Forecasts as rows of `load_forecasts`, and back."""

from datetime import datetime

import numpy as np
import polars as pl

from data_products.load_forecasts.derive import FORECAST_SCHEMA
from semantic_layer.errors import InputError
from semantic_layer.load_forecasting import LoadForecastingRules
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.forecasting.load_history import Floats


def planning_hours(rules: LoadForecastingRules) -> Floats:
    """Return the lengths of planning periods in h: some quarters one by one, then whole hours."""
    single = rules.single_quarters
    whole = int(rules.ahead_hours - single / 4.0)
    return np.concatenate([np.full(single, 0.25), np.ones(whole)])


def forecast_rows(forecast: LoadForecast, made_at: datetime) -> pl.DataFrame:
    """Return one row a cell and period; a cell that is not forecast has nulls."""
    cells, periods = forecast.mean.shape
    peaks = np.moveaxis(forecast.peak, 0, -1).reshape(-1).astype(np.float64)
    is_told = np.isfinite(forecast.mean).reshape(-1)
    flat = pl.Series(np.nan_to_num(peaks)).reshape((cells * periods, len(forecast.quantiles)))
    told = pl.when(pl.Series(is_told))
    cell, period = np.repeat(np.arange(cells), periods), np.tile(np.arange(periods), cells)
    values: dict[str, pl.Expr] = {
        "cell_dn": pl.lit(pl.Series(forecast.cell_dns).gather(cell)),
        "made_at": pl.lit(made_at),
        "period_start": pl.lit(pl.Series(forecast.starts).gather(period)),
        "hours": pl.lit(pl.Series(forecast.hours).gather(period)),
        "mean_load_share": told.then(pl.Series(forecast.mean.reshape(-1))),
        "peak_load_shares": told.then(flat.arr.to_list()),
        "peak_levels": told.then(pl.lit(pl.Series([forecast.quantiles.tolist()]))),
    }
    return pl.select(
        values[name].cast(dtype).alias(name) for name, dtype in FORECAST_SCHEMA.items()
    )


def forecast_of(rows: pl.DataFrame) -> LoadForecast:
    """Return the forecast that stands in rows of one `made_at`.

    Raises:
        InputError: there are none, or cells have other periods or levels than each other.
    """
    if rows.is_empty() or rows["made_at"].n_unique() != 1:
        raise InputError("A forecast of load is read from rows of one `made_at`; got none or more.")
    ordered = rows.sort("cell_dn", "period_start")
    names = ordered["cell_dn"].unique(maintain_order=True).to_list()
    periods = ordered.filter(pl.col("cell_dn") == names[0]).select("period_start", "hours")
    levels = ordered["peak_levels"].drop_nulls().unique()
    same = ordered.select("period_start", "hours").equals(
        pl.concat([periods] * len(names)) if names else periods
    )
    if not same or len(levels) > 1:
        raise InputError("The cells of a forecast must have the same periods and levels.")
    known = np.array(levels[0] if len(levels) else [0.5])
    shape = (len(names), periods.height)
    blank = pl.lit(pl.Series([[float("nan")] * len(known)]))
    peaks = ordered.select(pl.col("peak_load_shares").fill_null(blank).list.to_array(len(known)))
    peak = np.moveaxis(peaks.to_series().to_numpy().reshape(*shape, len(known)), -1, 0)
    mean = ordered["mean_load_share"].fill_null(float("nan")).to_numpy().reshape(shape)
    return LoadForecast(
        tuple(names),
        tuple(periods["period_start"].to_list()),
        periods["hours"].to_numpy(),
        known,
        np.ascontiguousarray(peak, np.float32),
        mean.astype(np.float32),
    )
