"""What sites consumed and carried by hour, as arrays, and who among them saved.

An hour counts whole or not at all: one that lacks a quarter, that is suspect, or in which cells
were down without having been put to sleep, tells nothing of saving.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.periods import Window

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Hours = npt.NDArray[np.datetime64]

QUARTERS: dict[str, pl.DataType] = {
    "managed_element_dn": pl.String(),
    "period_start": pl.Datetime(time_unit="us", time_zone="UTC"),
    "energy_kwh": pl.Float64(),
    "volume_mbit": pl.Float64(),
    "temperature_degc": pl.Float64(),
    "unavailable_s": pl.Float64(),
    "cells_count": pl.Int64(),
}
"""Columns of sites' quarters of an hour: sums over the site and its cells."""

_QUARTERS_AN_HOUR = 4
_WEEKDAY_OF_1970, _SATURDAY = 3, 5


@dataclass(frozen=True)
class SiteHours:
    """S sites over T whole hours.

    Attributes:
        sites: names of the S managed elements, sorted.
        starts: (T,) of the hours, UTC, rising; whole days, so that a day is 24 places.
        energy_kwh: (S, T) consumed; NaN where the hour does not count.
        volume_mbit: (S, T) user data of all cells, both ways; NaN where nothing was told.
        temperature_degc: (T,) median over sites, which no single site's saving moves.
        saving_share: (S, T) of the cells' time in which they saved energy, 0..1.
        beside: (S, S) whether sites border on one another.
    """

    sites: tuple[str, ...]
    starts: Hours
    energy_kwh: Floats
    volume_mbit: Floats
    temperature_degc: Floats
    saving_share: Floats
    beside: Flags

    @property
    def hours(self) -> int:
        """Number of hours."""
        return len(self.starts)

    @property
    def hour_of_day(self) -> npt.NDArray[np.integer[Any]]:
        """(T,) 0..23, UTC."""
        return np.asarray(self.starts.astype("datetime64[h]").astype(np.int64) % 24)

    @property
    def is_weekend(self) -> Flags:
        """(T,) Saturday or Sunday, UTC."""
        day = self.starts.astype("datetime64[D]").astype(np.int64)
        return np.asarray((day + _WEEKDAY_OF_1970) % 7 >= _SATURDAY)

    def inside(self, window: Window) -> Flags:
        """(T,) whether an hour lies in a window."""
        begin, end = (_as_hour(one) for one in (window.start, window.end))
        return np.asarray((self.starts >= begin) & (self.starts < end))


def site_hours(
    quarters: pl.DataFrame,
    saving_share: pl.DataFrame,
    neighbors: pl.DataFrame,
    days: Sequence[Window],
    least_available_pct: float,
) -> SiteHours:
    """Return sites' hours of some days.

    Args:
        quarters: columns of `QUARTERS`.
        saving_share: managed_element_dn, period_start, saving_share of hours; absent is 0.
        neighbors: managed_element_dn, neighbor_dn; pairs of sites that border on one another.
        days: windows of whole days, in order.
        least_available_pct: of the time of cells, below which an hour does not count; cells that
            sleep are available.
    """
    sites = tuple(quarters["managed_element_dn"].unique().sort().to_list())
    starts = np.concatenate([_hours_of(window) for window in days])
    start = pl.col("period_start").dt.truncate("1h").alias("period_start")
    least = least_available_pct / 100
    hourly = (
        quarters.group_by("managed_element_dn", start)
        .agg(
            pl.col("energy_kwh", "volume_mbit").sum(),
            pl.col("energy_kwh").count().alias("told"),
            pl.col("temperature_degc").mean(),
            (pl.col("unavailable_s").sum() / pl.col("cells_count").max() / 3600).alias("down"),
        )
        .with_columns(
            pl.when(
                pl.col("told") == _QUARTERS_AN_HOUR,
                pl.col("energy_kwh") > 0,
                pl.col("down").fill_null(0) <= 1 - least,
            )
            .then("energy_kwh")
            .alias("energy_kwh")
        )
    )
    grid = _Grid(sites, starts)
    temperature = grid.spread(hourly, "temperature_degc")
    has_any = np.isfinite(temperature).any(axis=0)
    median = np.full(len(starts), np.nan)
    median[has_any] = np.nanmedian(temperature[:, has_any], axis=0)
    return SiteHours(
        sites,
        starts,
        grid.spread(hourly, "energy_kwh"),
        grid.spread(hourly, "volume_mbit"),
        median,
        np.nan_to_num(grid.spread(saving_share, "saving_share")),
        _beside(sites, neighbors),
    )


@dataclass(frozen=True)
class _Grid:
    sites: tuple[str, ...]
    starts: Hours

    def spread(self, rows: pl.DataFrame, column: str) -> Floats:
        """Return (S, T) a column of rows by site and hour; NaN where there is none."""
        place = {name: number for number, name in enumerate(self.sites)}
        known = rows.filter(pl.col("managed_element_dn").is_in(self.sites))
        site = known["managed_element_dn"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        at = known["period_start"].dt.replace_time_zone(None).to_numpy().astype("datetime64[h]")
        hour = np.clip(np.searchsorted(self.starts, at), 0, len(self.starts) - 1)
        is_in = self.starts[hour] == at
        values = np.full((len(self.sites), len(self.starts)), np.nan)
        values[site[is_in], hour[is_in]] = known[column].cast(pl.Float64).to_numpy()[is_in]
        return values


def _hours_of(window: Window) -> Hours:
    return np.arange(_as_hour(window.start), _as_hour(window.end), dtype="datetime64[h]")


def _as_hour(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "h")


def _beside(sites: tuple[str, ...], neighbors: pl.DataFrame) -> Flags:
    place = {name: number for number, name in enumerate(sites)}
    found = np.zeros((len(sites), len(sites)), dtype=bool)
    for one, other in neighbors.select("managed_element_dn", "neighbor_dn").iter_rows():
        if one in place and other in place and one != other:
            found[place[one], place[other]] = found[place[other], place[one]] = True
    return found
