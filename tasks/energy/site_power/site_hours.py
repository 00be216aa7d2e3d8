"""What a site was and did in an hour: its cells side by side, as arrays that models read.

Cells are known by their configuration, hours by load and by the share of the hour that each
energy-saving mode was at work. Energy meters and cell counters may label the same hour apart (one
by its start, one by its end): `label_lag` finds that out from the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.errors import InputError

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[np.integer[Any]]

SAVING = tuple(f"saving_mode_{number}_share" for number in range(1, 7))
"""Columns of the energy-saving modes: share of the hour that each was at work."""

CONFIGURATION: dict[str, pl.DataType] = {
    "site_id": pl.String(),
    "cell_id": pl.String(),
    "ru_type": pl.String(),
    "frequency": pl.Float64(),
    "bandwidth_mhz": pl.Float64(),
    "antennas_count": pl.Float64(),
    "tx_power_dbm": pl.Float64(),
}
"""Columns of cells; `frequency` only has to be alike for alike carriers (it may be masked)."""

LOADS: dict[str, pl.DataType] = {
    "site_id": pl.String(),
    "cell_id": pl.String(),
    "period_start": pl.Datetime(time_unit="us"),
    "load_share": pl.Float64(),
    **dict.fromkeys(SAVING, pl.Float64()),
}
"""Columns of what cells did, by hour; times are as the counters label them."""

ENERGIES: dict[str, pl.DataType] = {
    "site_id": pl.String(),
    "period_start": pl.Datetime(time_unit="us"),
    "energy_wh": pl.Float64(),
}
"""Columns of what sites consumed, by hour; times are as the meters label them."""

WEATHER = "temperature_degc"
"""Optional column of the hours wanted: of the air at the site, so that cooling is understood."""

SLOTS = 2
_SLOT_NAMES = ("antennas_count", "tx_power_dbm", "bandwidth_mhz", "frequency")
_HOURLY = ("load_share", *SAVING)
NAMES: tuple[str, ...] = (
    "cells_count",
    "filled_share",
    *(f"{name}_{slot}" for slot in range(SLOTS) for name in (*_SLOT_NAMES, *_HOURLY)),
    *(f"{name}_beside" for name in _HOURLY),
)
"""Names of `SiteHours.features`: the first cell, the mean of all others, the label beside."""

_MOST_LAG, _LEAST_HOURS, _TOLD = 3, 24, 5


@dataclass(frozen=True)
class SiteHours:
    """N hours of sites, and up to C cells in each.

    Attributes:
        rows: site_id, ru_type, period_start; N rows, sorted by site and time.
        features: (N, F) by `NAMES`; NaN where a site has no second cell.
        antennas: (N, C) 0 where a site has no such cell.
        power_w: (N, C) highest transmit power of the cell.
        bandwidth_mhz: (N, C)
        load: (N, C) share 0..1.
        saving: (N, C, 6) share of the hour.
        temperature_degc: (N,) NaN where nobody told it.
    """

    rows: pl.DataFrame
    features: Floats
    antennas: Floats
    power_w: Floats
    bandwidth_mhz: Floats
    load: Floats
    saving: Floats
    temperature_degc: Floats

    def taken(self, chosen: Numbers | npt.NDArray[np.bool_]) -> "SiteHours":
        """Return some of the hours, by number or by flag."""
        index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return SiteHours(
            self.rows[index.tolist()],
            self.features[index],
            self.antennas[index],
            self.power_w[index],
            self.bandwidth_mhz[index],
            self.load[index],
            self.saving[index],
            self.temperature_degc[index],
        )


def checked(rows: pl.DataFrame, schema: dict[str, pl.DataType], what: str) -> pl.DataFrame:
    """Return the columns of a schema, each key once, every number finite and no share beyond 0..1.

    `WEATHER` is kept where rows have it; it may be unknown.

    Args:
        rows: with the columns of `schema`.
        schema: `CONFIGURATION`, `LOADS` or `ENERGIES`.
        what: what the rows are, as errors name it.

    Raises:
        InputError: columns lack, a key stands twice, or a value cannot be; rows are named.
    """
    lacking = [name for name in schema if name not in rows.columns]
    if lacking:
        raise InputError(f"The {what} lack {', '.join(lacking)}; needed are {', '.join(schema)}.")
    kept = [WEATHER] if WEATHER in rows.columns else []
    told = rows.select(*schema, *kept).cast(schema)  # type: ignore[arg-type]
    keys = [name for name in ("site_id", "cell_id", "period_start") if name in schema]
    _refused(told, pl.struct(keys).is_duplicated(), f"The {what} tell twice of", keys)
    bad = pl.any_horizontal(pl.col(name).is_null() for name in schema)
    for name, kind in schema.items():
        if kind == pl.Float64():
            bad = bad | ~pl.col(name).is_finite()
        if name.endswith("_share"):
            bad = bad | ~pl.col(name).is_between(0, 1)
        if name in ("energy_wh", "antennas_count", "bandwidth_mhz"):
            bad = bad | (pl.col(name) <= 0)
    _refused(told, bad, f"The {what} hold what cannot be (nothing, or out of bounds) of", keys)
    return told.sort(keys)


def label_lag(loads: pl.DataFrame, energies: pl.DataFrame) -> int:
    """Return by how many hours counters label an hour later than meters do.

    It is the shift at which sites' load and energy move together most, in the median over sites;
    0 where no site tells.

    Args:
        loads: columns of `LOADS`.
        energies: columns of `ENERGIES`.
    """
    site = loads.group_by("site_id", "period_start").agg(pl.col("load_share").sum())
    found: dict[int, float] = {}
    for lag in sorted(range(-_MOST_LAG, _MOST_LAG + 1), key=abs):
        moved = site.with_columns(pl.col("period_start") - pl.duration(hours=lag))
        alike = (
            energies.join(moved, on=["site_id", "period_start"])
            .group_by("site_id")
            .agg(pl.corr("energy_wh", "load_share").alias("alike"), pl.len().alias("hours"))
            .filter(pl.col("hours") >= _LEAST_HOURS, pl.col("alike").is_finite())
        )
        if alike.height:
            found[lag] = float(np.median(alike["alike"].to_numpy()))
    return max(found, key=lambda lag: found[lag]) if found else 0


def site_hours(
    configuration: pl.DataFrame, loads: pl.DataFrame, wanted: pl.DataFrame, lag: int
) -> SiteHours:
    """Return what sites were and did in the hours wanted.

    A cell that tells nothing of an hour is taken for what it told under the label next to it, then
    for its mean at that hour of the day, then for its mean; `filled_share` says how many cells
    were. It is never taken for idle.

    Args:
        configuration: columns of `CONFIGURATION`.
        loads: columns of `LOADS`.
        wanted: site_id, period_start as meters label it, and `WEATHER` where it is known.
        lag: as `label_lag` returns it.

    Raises:
        InputError: a site wanted has no configuration, or one of its cells never told a load.
    """
    keys = (
        wanted.group_by("site_id", "period_start")
        .agg(_weather(wanted))
        .sort("site_id", "period_start")
    )
    known = keys.join(configuration.select("site_id").unique(), on="site_id", how="anti")
    if known.height:
        names = known["site_id"].unique().sort().to_list()
        raise InputError(f"No configuration tells of the sites {_listed(names)}; deliver it.")
    keys = keys.with_row_index("row")
    cells = configuration.sort("site_id", "cell_id").with_columns(
        (pl.col("cell_id").cum_count().over("site_id") - 1).cast(pl.Int64).alias("slot")
    )
    long = _filled(keys.join(cells, on="site_id"), loads, lag).sort("row", "slot")
    mute = long.filter(pl.col("load_share").is_null())
    if mute.height:
        names = mute["site_id"].unique().sort().to_list()
        raise InputError(f"Cells of {_listed(names)} never told a load; leave these sites out.")
    return _arrays(keys, long)


def _filled(long: pl.DataFrame, loads: pl.DataFrame, lag: int) -> pl.DataFrame:
    """Return cells' hours with what was told, or what stands in for it."""
    on = ["site_id", "cell_id", "period_start"]
    at = {
        name: loads.with_columns(pl.col("period_start") - pl.duration(hours=shift))
        for name, shift in (("now", lag), ("beside", lag - 1 if lag > 0 else lag + 1))
    }
    hourly = at["now"].with_columns(pl.col("period_start").dt.hour().alias("hour"))
    usual = hourly.group_by("site_id", "cell_id", "hour").agg(pl.col(_HOURLY).mean())
    mean = loads.group_by("site_id", "cell_id").agg(pl.col(_HOURLY).mean())
    long = (
        long.with_columns(pl.col("period_start").dt.hour().alias("hour"))
        .join(at["now"], on=on, how="left")
        .join(at["beside"], on=on, how="left", suffix="_beside")
        .join(usual, on=["site_id", "cell_id", "hour"], how="left", suffix="_usual")
        .join(mean, on=["site_id", "cell_id"], how="left", suffix="_mean")
    )
    stands_in = [
        pl.coalesce(name, f"{name}_beside", f"{name}_usual", f"{name}_mean").alias(name)
        for name in _HOURLY
    ]
    beside = [
        pl.coalesce(f"{name}_beside", name, f"{name}_usual", f"{name}_mean").alias(f"{name}_beside")
        for name in _HOURLY
    ]
    is_filled = pl.col("load_share").is_null().alias("is_filled")
    return long.with_columns(*stands_in, *beside, is_filled)


def _arrays(keys: pl.DataFrame, long: pl.DataFrame) -> SiteHours:
    count = keys.height
    slots = int(long["slot"].max()) + 1 if long.height else 1  # type: ignore[arg-type]
    place = (long["row"].to_numpy(), long["slot"].to_numpy())
    in_site = {"row": place[0], "slot": place[1]}

    def spread(name: str) -> Floats:
        target = np.zeros((count, slots))
        target[in_site["row"], in_site["slot"]] = long[name].to_numpy()
        return target

    each = {name: spread(name) for name in (*_SLOT_NAMES, *_HOURLY)}
    cells = np.bincount(place[0], minlength=count).astype(float)
    filled = np.bincount(place[0], weights=long["is_filled"].to_numpy(), minlength=count) / cells
    others = np.maximum(cells - 1, 1)
    columns = [cells, filled]
    columns += [each[name][:, 0] for name in each]
    columns += [
        np.where(cells > 1, each[name][:, 1:].sum(axis=1) / others, np.nan) for name in each
    ]
    columns += [spread(f"{name}_beside")[:, 0] for name in _HOURLY]
    types = long.group_by("row", maintain_order=True).agg(pl.col("ru_type").first())
    has = each["antennas_count"] > 0
    return SiteHours(
        keys.join(types, on="row", how="left", maintain_order="left").select(
            "site_id", "ru_type", "period_start"
        ),
        np.column_stack(columns),
        each["antennas_count"],
        np.where(has, 10 ** (each["tx_power_dbm"] / 10 - 3), 0.0),
        each["bandwidth_mhz"],
        each["load_share"],
        np.stack([each[name] for name in SAVING], axis=2),
        keys[WEATHER].to_numpy(),
    )


def _weather(rows: pl.DataFrame) -> pl.Expr:
    """Return the mean temperature of a group of rows; NaN where nobody told it."""
    told = pl.col(WEATHER).cast(pl.Float64).mean() if WEATHER in rows.columns else pl.lit(None)
    return told.cast(pl.Float64).fill_null(float("nan")).alias(WEATHER)


def _refused(rows: pl.DataFrame, wrong: pl.Expr, says: str, keys: Sequence[str]) -> None:
    found = rows.filter(wrong).select(keys).head(_TOLD + 1)
    if found.height:
        names = [" ".join(map(str, row)) for row in found.iter_rows()]
        raise InputError(f"{says} {_listed(names)}; take these rows out or mend them.")


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
