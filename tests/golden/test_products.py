"""Each product told by a small table: what comes in, what is derived, what is kept out and why."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.cell_kpis.derive import derive as cell_kpis
from data_products.checks import CheckVerdict, compiled_checks
from data_products.core_kpis.derive import derive as core_kpis
from data_products.customer_experience.derive import derive as customer_experience
from data_products.data_quality.derive import quarantine_rows, verdict_rows
from data_products.measuring import applicable, measure, split_rows
from data_products.pm_measurements.derive import derive as completed
from data_products.registry import products, table
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from semantic_layer.services import service_catalogue

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
KPIS = (
    "rrc_setup_success_rate_pct",
    "prb_usage_dl_pct",
    "traffic_volume_dl_mbps",
    "site_energy_efficiency_bit_per_j",
)
CORE_KPIS = (
    "amf_initial_registration_success_rate_pct",
    "interface_utilization_in_pct",
    "optical_availability_pct",
    "optical_errored_second_ratio_pct",
    "clock_error_ns",
)


@pytest.mark.parametrize("granularity", ["15min", "hour", "day"])
def test_kpis_are_sums_divided_and_suspect_or_missing_counts_enter_no_sum(
    story, golden, granularity
):
    rows = story("cell_kpis/measurements.csv", table("pm_measurements"))
    found = cell_kpis(rows.lazy(), granularity, catalogue()).collect()
    keys = ["cell_dn", "period_start", "granularity", "periods_count"]
    golden(found.select(*keys, *KPIS).sort(keys), f"cell_kpis/{granularity}.csv")


@pytest.mark.parametrize("granularity", ["15min", "hour", "day"])
def test_core_functions_links_and_clocks_have_kpis_where_they_told_something(
    story, golden, granularity
):
    rows = story("core_kpis/measurements.csv", table("pm_measurements"))
    found = core_kpis(rows.lazy(), granularity, catalogue()).collect()
    keys = ["managed_object_dn", "period_start", "granularity", "periods_count"]
    golden(found.select(*keys, *CORE_KPIS).sort(keys), f"core_kpis/{granularity}.csv")


def test_measurements_derived_from_a_vector_are_filled_where_nobody_delivered_them(story, golden):
    rows = story("pm_measurements/vectors.csv", table("pm_measurements"))
    found = completed(rows.lazy(), catalogue()).collect()
    columns = ["wb_cqi_samples", "wb_cqi_sum"]
    named = [catalogue().measurement(name).column for name in columns]
    golden(found.select("managed_object_dn", *named), "pm_measurements/derived.csv")


@pytest.mark.parametrize("granularity", ["hour", "day"])
def test_users_quality_is_weighted_and_small_groups_are_withheld(story, golden, granularity):
    rows = story("customer_experience/sessions.csv", table("service_sessions"))
    found = customer_experience(rows.lazy(), granularity, service_catalogue()).collect()
    golden(
        found.sort("service", "period_start").drop("cell_dn"),
        f"customer_experience/{granularity}.csv",
    )


@pytest.mark.parametrize("product", sorted(products()))
def test_each_row_is_good_or_kept_out_with_its_reasons(story, golden, product):
    shape = table(product)
    rows = story(f"{product}/rows.csv", shape)
    checks = applicable(compiled_checks(shape), rows)
    split = split_rows(rows, checks, measure(rows, checks, DAY), DAY)
    assert len(split.good) + len(split.failing) == len(rows)
    told = pl.concat([split.good.with_columns(pl.lit("good").alias("reason")), split.failing])
    keys = [pl.col(name) for name in shape.key if name != shape.time_column]
    golden(told.select(*keys, "reason"), f"{product}/judged.csv")


def test_verdicts_and_rejected_rows_become_rows_of_data_quality(story, golden):
    shape = table("network_topology")
    rows = story("network_topology/rows.csv", shape)
    checks = [check for check in compiled_checks(shape) if "azimuth" in check.id]
    metrics = measure(rows, checks, DAY)
    split = split_rows(rows, checks, metrics, DAY)
    verdicts = [
        CheckVerdict(check.id, False, 4, metrics.failed[check.id], check.limit_share)
        for check in checks
    ]
    told = verdict_rows(shape, DAY, checks, verdicts, split)
    golden(
        told.with_columns(pl.col("failing_keys").list.join(" ")).drop("source"),
        "data_quality/verdicts.csv",
    )
    golden(quarantine_rows(shape, DAY, split.failing, None), "data_quality/quarantine.csv")
