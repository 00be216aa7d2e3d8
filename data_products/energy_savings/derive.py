"""Accounted hours become rows with money and CO2; days become rows, each scope once."""

import polars as pl

from data_products.product import TIME
from semantic_layer.energy_accounting import HOURS_A_DAY, EnergyAccountingRules

ACCOUNTED: dict[str, pl.DataType] = {
    "managed_element_dn": pl.String(),
    "period_start": TIME,
    "role": pl.String(),
    "saving_share": pl.Float64(),
    "is_judged": pl.Boolean(),
    "consumed_kwh": pl.Float64(),
    "expected_kwh": pl.Float64(),
    "expected_by_controls_kwh": pl.Float64(),
    "expected_by_baseline_kwh": pl.Float64(),
    "expected_by_model_kwh": pl.Float64(),
    "saved_low_kwh": pl.Float64(),
    "saved_high_kwh": pl.Float64(),
    "controls_count": pl.Int64(),
    "rests_on": pl.String(),
}
"""Columns of hours as they are accounted; energies are null where an hour is not judged."""

DAYS: dict[str, pl.DataType] = {
    "day_start": TIME,
    "scope": pl.String(),
    "sites_count": pl.Int64(),
    "judged_hours": pl.Int64(),
    "left_out_hours": pl.Int64(),
    "model_alone_hours": pl.Int64(),
    **dict.fromkeys(
        (
            "consumed_kwh", "expected_kwh", "saved_kwh", "saved_low_kwh", "saved_high_kwh",
            "saved_by_controls_kwh", "saved_by_baseline_kwh", "saved_by_model_kwh",
            "rebound_kwh", "rebound_low_kwh", "rebound_high_kwh", "net_saved_kwh", "net_low_kwh",
            "net_high_kwh", "day_kwh", "saved_money", "avoided_co2_kg",
        ),
        pl.Float64(),
    ),
    "currency": pl.String(),
    **dict.fromkeys(
        (
            "efficiency_bit_per_j", "efficiency_expected_bit_per_j", "coverage_m2_per_j",
            "coverage_expected_m2_per_j", "user_minutes", "under_floor_user_minutes",
            "under_floor_rise_share", "drop_rate_rise_pct", "availability_pct",
        ),
        pl.Float64(),
    ),
}  # fmt: skip
"""Columns of `energy_savings.days`, in order, before lineage."""

BASELINE, MODEL = "BASELINE", "MODEL"
"""What the expectation of a site rests on: a baseline of its own, or the fitted model alone."""

ALL = "all"
"""Scope of a day's row over all sites."""

_GRAMS_A_KG = 1000.0


def derive(accounted: pl.DataFrame, rules: EnergyAccountingRules) -> pl.DataFrame:
    """Return hours as rows of the product, by site and time.

    Args:
        accounted: columns of `ACCOUNTED`.
        rules: prices and intensities by the hour of the day, UTC.
    """
    hour = pl.col("period_start").dt.hour().cast(pl.Int64)
    of_day = range(HOURS_A_DAY)
    prices = {one: rules.price(one) for one in of_day}
    carbon = {one: rules.carbon(one) for one in of_day}
    saved = pl.col("saved_kwh")
    return (
        accounted.select(*ACCOUNTED)
        .cast(ACCOUNTED)  # type: ignore[arg-type]
        .with_columns(
            (pl.col("expected_kwh") - pl.col("consumed_kwh")).alias("saved_kwh"),
            hour.replace_strict(prices, return_dtype=pl.Float64).alias("price_per_kwh"),
            hour.replace_strict(carbon, return_dtype=pl.Float64).alias("carbon_g_per_kwh"),
            pl.lit(rules.currency).alias("currency"),
        )
        .with_columns(
            (saved * pl.col("price_per_kwh")).alias("saved_money"),
            (saved * pl.col("carbon_g_per_kwh") / _GRAMS_A_KG).alias("avoided_co2_kg"),
        )
        .sort("managed_element_dn", "period_start")
    )


def derive_days(days: pl.DataFrame) -> pl.DataFrame:
    """Return days as rows of `energy_savings.days`, by day, all sites first.

    Args:
        days: columns of `DAYS`; of a scope told twice the last counts.
    """
    return (
        days.select(*DAYS)
        .cast(DAYS)  # type: ignore[arg-type]
        .unique(["day_start", "scope"], keep="last", maintain_order=True)
        .sort("day_start", pl.col("scope") != ALL, "scope")
    )
