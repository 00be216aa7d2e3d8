"""What the model of site energy is measured against: a linear model, and the mean of a type."""

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.energy.site_power.site_hours import site_hours


def wmape(told: pl.DataFrame, energies: pl.DataFrame) -> float:
    """Return the sum of errors by the sum of what was consumed.

    Args:
        told: site_id, period_start, energy_wh as predicted.
        energies: columns of `ENERGIES`; hours that are in both count.
    """
    both = told.join(energies, on=["site_id", "period_start"], suffix="_told")
    error = (pl.col("energy_wh") - pl.col("energy_wh_told")).abs().sum()
    return float(both.select(error / pl.col("energy_wh_told").sum()).item())


def by_least_squares(
    configuration: pl.DataFrame,
    loads: pl.DataFrame,
    known: pl.DataFrame,
    wanted: pl.DataFrame,
    lag: int,
) -> pl.DataFrame:
    """Return the prediction of least squares on the columns that the model reads.

    Args:
        configuration: columns of `CONFIGURATION`.
        loads: columns of `LOADS`.
        known: columns of `ENERGIES`, to fit on.
        wanted: site_id, period_start.
        lag: hours by which counters label an hour later than meters.
    """

    def design(rows: pl.DataFrame) -> npt.NDArray[np.float64]:
        hours = site_hours(configuration, loads, rows, lag)
        columns = np.column_stack([hours.features, hours.temperature_degc])
        return np.column_stack([np.ones(len(columns)), np.nan_to_num(columns)])

    target = known.sort("site_id", "period_start")["energy_wh"].to_numpy()
    weights, *_ = np.linalg.lstsq(design(known), target, rcond=None)
    energy = pl.Series("energy_wh", design(wanted) @ weights)
    return wanted.sort("site_id", "period_start").with_columns(energy)


def by_type_mean(
    configuration: pl.DataFrame, known: pl.DataFrame, wanted: pl.DataFrame
) -> pl.DataFrame:
    """Return the mean of the type's sites; of all sites for a type never seen.

    Args:
        configuration: columns of `CONFIGURATION`.
        known: columns of `ENERGIES`.
        wanted: site_id, period_start.
    """
    types = configuration.select("site_id", "ru_type").unique()
    means = known.join(types, on="site_id").group_by("ru_type").agg(pl.col("energy_wh").mean())
    asked = wanted.select("site_id", "period_start").join(types, on="site_id")
    told = asked.join(means, on="ru_type", how="left")
    return told.with_columns(pl.col("energy_wh").fill_null(known["energy_wh"].mean()))
