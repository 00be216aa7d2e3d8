"""From published rows to what accounts are made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.energy_accounting import EnergyAccountingRules
from semantic_layer.loading import Catalogue
from semantic_layer.periods import Window, floor_to
from semantic_layer.services import ServiceCatalogue
from tasks.energy.accounting.felt import CELL_QUARTERS, beyond_controls, felt
from tasks.energy.accounting.savers import SHARES
from tasks.energy.accounting.site_days import QUARTERS, SiteHours
from tasks.energy.site_power.site_hours import WEATHER

TOPOLOGY = (
    "cell_dn", "managed_element_dn", "neighbor_dns", "latitude_deg", "longitude_deg",
    "frequency_mhz", "bandwidth_mhz", "max_tx_power_dbm", "valid_from",
)  # fmt: skip
KPIS = {
    "users_count": ("mean_active_users", "lte_mean_active_users"),
    "throughput_mbps": ("user_throughput_dl", "lte_user_throughput_dl"),
    "drop_rate_pct": ("cell_drop_rate", "lte_erab_drop_rate"),
    "availability_pct": ("cell_availability", "lte_cell_availability"),
}
"""KPIs of NR and LTE cells behind each column of what users felt."""

_MEASURED = {
    "energy_kwh": ("pee_energy",),
    "temperature_degc": ("pee_avg_temperature",),
    "volume_mbit": (
        "pdcp_sdu_volume_dl", "pdcp_sdu_volume_ul", "lte_pdcp_volume_dl", "lte_pdcp_volume_ul",
    ),
    "unavailable_s": ("cell_unavailable_time", "lte_cell_unavailable_time"),
    "saving_s": ("energy_saving_time", "energy_saving_on_air_time"),
}  # fmt: skip
_PLACED = ("managed_element_dn", "cell_dn", "object_class", "period_start", "is_suspect")
_QUARTER_S, _HOUR_S = 900, 3600
_WH_A_KWH = 1000.0
_CELL_CLASSES = ("NRCellDU", "EUtranCellFDD")


def measured_columns(present: Sequence[str], catalogue: Catalogue) -> list[str]:
    """Return the columns of `pm_measurements` that accounts need and a table has."""
    wanted = [catalogue.measurements[one].column for each in _MEASURED.values() for one in each]
    return [name for name in (*_PLACED, "granularity_s", *wanted) if name in present]


def site_quarters(rows: pl.LazyFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return sites' quarters of an hour: columns of `QUARTERS`, and `saving_s`.

    Suspect rows, and rows of other granularities, count nowhere.

    Args:
        rows: columns as `measured_columns` names them.
        catalogue: definitions of measurements.
    """
    present = rows.collect_schema().names()
    sums = {
        name: [
            pl.col(column).sum()
            for one in measurements
            if (column := catalogue.measurements[one].column) in present
        ]
        for name, measurements in _MEASURED.items()
        if name not in ("energy_kwh", "temperature_degc")
    }
    energy, warm = (
        catalogue.measurements[_MEASURED[name][0]].column
        for name in ("energy_kwh", "temperature_degc")
    )
    is_cell = pl.col("object_class").is_in(_CELL_CLASSES)
    return (
        rows.filter(
            ~pl.col("is_suspect"),
            pl.col("granularity_s") == _QUARTER_S,
            is_cell | pl.col(energy).is_not_null(),
        )
        .group_by("managed_element_dn", "period_start")
        .agg(
            pl.when(pl.col(energy).count() > 0).then(pl.col(energy).sum()).alias("energy_kwh"),
            pl.col(warm).mean().alias("temperature_degc"),
            *(
                (pl.sum_horizontal(each) if each else pl.lit(0.0)).alias(name)
                for name, each in sums.items()
            ),
            pl.col("cell_dn").filter(is_cell).n_unique().cast(pl.Int64).alias("cells_count"),
        )
        .select(*QUARTERS, "saving_s")
        .cast(QUARTERS)  # type: ignore[arg-type]
        .collect()
    )


def counted_shares(quarters: pl.DataFrame) -> pl.DataFrame:
    """Return the share of cells' time in which sites saved, as their counters tell it.

    Args:
        quarters: as `site_quarters` returns them.

    Returns:
        Columns of `SHARES`, hours with any saving alone.
    """
    hour = pl.col("period_start").dt.truncate("1h")
    share = pl.col("saving_s").sum() / (pl.col("cells_count").max() * _HOUR_S)
    return (
        quarters.group_by("managed_element_dn", hour)
        .agg(share.fill_nan(0.0).clip(0.0, 1.0).alias("saving_share"))
        .filter(pl.col("saving_share") > 0)
        .select(*SHARES)
    )


def newest_topology(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row a cell, as it was told last; columns of `TOPOLOGY`."""
    return rows.sort("valid_from").unique("cell_dn", keep="last", maintain_order=True)


def site_pairs(topology: pl.DataFrame) -> pl.DataFrame:
    """Return managed_element_dn, neighbor_dn: sites whose cells name one another as neighbors."""
    of_cell = topology.select(
        pl.col("cell_dn").alias("neighbor_dns"), pl.col("managed_element_dn").alias("neighbor_dn")
    )
    return (
        topology.select("managed_element_dn", "neighbor_dns")
        .explode("neighbor_dns")
        .join(of_cell, on="neighbor_dns")
        .select("managed_element_dn", "neighbor_dn")
        .unique()
        .filter(pl.col("managed_element_dn") != pl.col("neighbor_dn"))
    )


def cells_of_sites(topology: pl.DataFrame) -> pl.DataFrame:
    """Return managed_element_dn, cells_count."""
    return topology.group_by("managed_element_dn").agg(pl.len().cast(pl.Int64).alias("cells_count"))


def site_energies(hours: SiteHours, configuration: pl.DataFrame) -> pl.DataFrame:
    """Return the hours that count of sites of which all is known, as the site model reads them.

    Args:
        hours: readings.
        configuration: columns of the site model's `CONFIGURATION`.
    """
    site, hour = np.nonzero(np.isfinite(hours.energy_kwh))
    found = pl.DataFrame(
        {
            "site_id": np.array(hours.sites)[site],
            "period_start": hours.starts.astype("datetime64[us]")[hour],
            "energy_wh": hours.energy_kwh[site, hour] * _WH_A_KWH,
            WEATHER: hours.temperature_degc[hour],
        }
    )
    return found.join(configuration, on="site_id", how="semi")


def felt_columns(catalogue: Catalogue) -> list[str]:
    """Return the columns of `cell_kpis` that what users felt needs."""
    return [catalogue.kpis[one].column for each in KPIS.values() for one in each]


def cell_quarters(rows: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return rows of `cell_kpis` as columns of `CELL_QUARTERS`."""
    return rows.select(
        "managed_element_dn",
        "period_start",
        *(
            pl.coalesce(catalogue.kpis[one].column for one in each).alias(name)
            for name, each in KPIS.items()
        ),
    ).select(*CELL_QUARTERS)


def floor_mbps(rules: EnergyAccountingRules, services: ServiceCatalogue) -> float:
    """Return the downlink rate that users are to keep: the strictest of the services named."""
    return max(services.service(name).floor_throughput_dl_mbps for name in rules.floor_services)


def day_felt(
    quarters: pl.DataFrame, hours: pl.DataFrame, day: Window, before: Window, floor: float
) -> Mapping[str, float | None]:
    """Return what users felt on a day at savers and neighbors, beside control sites.

    Args:
        quarters: columns of `CELL_QUARTERS`, of the day and of `before`.
        hours: managed_element_dn, period_start of hours of saving, savers' and neighbors'.
        day: whose hours count.
        before: a baseline of as many hours of the same day of the week.
        floor: Mbit/s that a user is to keep.
    """
    own = hours.filter(pl.col("period_start").is_between(day.start, day.end, closed="left"))
    shift = day.start - before.start
    earlier = own.with_columns(pl.col("period_start") - shift)
    touched = set(own["managed_element_dn"].to_list())
    controls = set(quarters["managed_element_dn"].to_list()) - touched
    now, past = (felt(quarters, at, touched, floor) for at in (own, earlier))
    their, theirs = (felt(quarters, at, controls, floor) for at in (own, earlier))
    return {
        "user_minutes": now.user_minutes,
        "under_floor_user_minutes": now.under_floor_minutes,
        "under_floor_rise_share": beyond_controls(
            now.under_floor_share, past.under_floor_share,
            their.under_floor_share, theirs.under_floor_share,
        ),
        "drop_rate_rise_pct": beyond_controls(
            now.drop_rate_pct, past.drop_rate_pct, their.drop_rate_pct, theirs.drop_rate_pct
        ),
        "availability_pct": now.availability_pct,
    }  # fmt: skip


def baseline_before(first: datetime, rules: EnergyAccountingRules) -> Window:
    """Return the whole days before a moment that sites' baselines are learned from."""
    end = floor_to(first, "day")
    return Window(end - timedelta(days=rules.baseline_days), end)


def week_before(day: Window, baseline: Window) -> Window:
    """Return the latest day of the baseline that is the same day of the week as a day."""
    weeks = -(-(day.end - baseline.end) // timedelta(days=7))
    shift = timedelta(days=7 * max(weeks, 1))
    return Window(day.start - shift, day.end - shift)
