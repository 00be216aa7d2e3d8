"""From published rows to what the model of site energy reads.

An inventory tells carriers by frequency, bandwidth and power; chains are those of the data sheet
that lies nearest. Nobody publishes a radio unit's type: sites with the same carriers are one type.
A site of which any cell lacks a fact is left out, for its energy would be explained by the others.
"""

import polars as pl

from semantic_layer.loading import Catalogue
from tasks.energy.planning.radios import data_sheet
from tasks.energy.site_power.site_hours import CONFIGURATION, LOADS, SAVING

TOPOLOGY = (
    "cell_dn", "managed_element_dn", "frequency_mhz", "bandwidth_mhz", "max_tx_power_dbm",
    "valid_from",
)  # fmt: skip
"""What is read of `network_topology`."""

_LOAD = ("prb_usage_dl", "lte_prb_usage_dl")
_OFF_AIR, _ON_AIR = "energy_saving_share", "energy_saving_on_air_share"
_CARRIER = ("frequency_mhz", "bandwidth_mhz")


def site_configuration(topology: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of sites of which all is known; columns of `CONFIGURATION`.

    Args:
        topology: columns of `TOPOLOGY`; of two rows of a cell the later valid one counts.
    """
    newest = topology.sort("valid_from").unique("cell_dn", keep="last", maintain_order=True)
    kinds = newest.select(_CARRIER).unique().drop_nulls()
    sheets = [data_sheet(*carrier) for carrier in kinds.iter_rows()]
    radios = kinds.with_columns(
        pl.Series("radio", [one and one.name for one in sheets], pl.String),
        pl.Series("antennas_count", [one and float(one.trx) for one in sheets], pl.Float64),
    )
    cells = newest.join(radios, on=list(_CARRIER), how="left").sort("cell_dn")
    facts = pl.any_horizontal(pl.col("antennas_count", "max_tx_power_dbm").is_null())
    site = "managed_element_dn"
    return (
        cells.filter(pl.col(site).is_not_null(), ~facts.any().over(site))
        .with_columns(pl.col("radio").unique().sort().str.join("+").over(site).alias("ru_type"))
        .select(
            pl.col(site).alias("site_id"),
            pl.col("cell_dn").alias("cell_id"),
            "ru_type",
            pl.col("frequency_mhz").alias("frequency"),
            "bandwidth_mhz",
            "antennas_count",
            pl.col("max_tx_power_dbm").alias("tx_power_dbm"),
        )
        .cast(CONFIGURATION)  # type: ignore[arg-type]
    )


def load_columns(catalogue: Catalogue) -> list[str]:
    """Return what is read of `cell_kpis`, hours alone."""
    kpis = [catalogue.kpi(name).column for name in (*_LOAD, _OFF_AIR, _ON_AIR)]
    return ["cell_dn", "managed_element_dn", "period_start", *kpis]


def cell_loads(kpis: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return what cells did by hour; columns of `LOADS`, times UTC without a zone.

    Load is the share of resource blocks over the whole hour, time off the air included. The first
    saving mode is time off the air, the second time of restrained service.

    Args:
        kpis: columns of `load_columns`; hours of which nothing was told are left out.
        catalogue: definitions of KPIs.
    """
    off, on = (_share(pl.col(catalogue.kpi(one).column)) for one in (_OFF_AIR, _ON_AIR))
    usage = pl.coalesce(catalogue.kpi(name).column for name in _LOAD)
    load = pl.when(off >= 1.0).then(0.0).otherwise(usage / 100.0 * (1.0 - off))
    return (
        kpis.select(
            pl.col("managed_element_dn").alias("site_id"),
            pl.col("cell_dn").alias("cell_id"),
            pl.col("period_start").dt.replace_time_zone(None),
            load.clip(0.0, 1.0).alias("load_share"),
            off.alias(SAVING[0]),
            on.clip(0.0, 1.0 - off).alias(SAVING[1]),
            *(pl.lit(0.0).alias(name) for name in SAVING[2:]),
        )
        .filter(pl.col("load_share").is_finite())
        .drop_nulls(["site_id", "load_share"])
        .cast(LOADS)  # type: ignore[arg-type]
    )


def told_cells(configuration: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of sites of which every cell told a load.

    Args:
        configuration: columns of `CONFIGURATION`.
        loads: columns of `LOADS`.
    """
    mute = configuration.join(loads, on=["site_id", "cell_id"], how="anti")
    return configuration.join(mute, on="site_id", how="anti")


def _share(percent: pl.Expr) -> pl.Expr:
    return (percent.fill_null(0.0) / 100.0).clip(0.0, 1.0)
