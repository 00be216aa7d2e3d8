"""Sums of KPIs by object and period: against groups of Polars, and put together again."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_products.cell_kpis import derive as cells
from data_products.group_sums import grouped, numbered
from data_products.kpi_sums import KpiRows, added, divided
from data_products.product import TIME
from semantic_layer.kpis import aggregate_kpis
from semantic_layer.loading import catalogue
from semantic_layer.periods import GRANULARITIES

START = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = catalogue()
SHAPE = cells.shape_of(KNOWN)
NAMES = [kpi.column for kpi in (*SHAPE.kpis, *SHAPE.of_element)]
MEASURED = [
    item.column for item in KNOWN.measurements.values() if item.shape == "scalar"
]  # fmt: skip


def rows_of(seed: int, count: int, absent_share: float) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    element = chance.integers(1, 4, count)
    cell = chance.integers(0, 3, count)
    kind = chance.choice(["NRCellDU", "EUtranCellFDD", "ManagedElement"], count)
    frame = pl.DataFrame(
        {
            "managed_element_dn": [f"ManagedElement={n}" for n in element],
            "object_class": kind,
            "cell_dn": [
                None if what == "ManagedElement" else f"ManagedElement={n},{what}={m}"
                for n, m, what in zip(element, cell, kind, strict=True)
            ],
            "period_start": [
                START + timedelta(minutes=15 * int(n)) for n in chance.integers(0, 12, count)
            ],
            "granularity_s": chance.choice([300, 900, 900, 3600, 86400], count),
            "is_suspect": chance.choice([True, False, False, None], count).tolist(),
        },
        schema_overrides={
            "period_start": TIME,
            "granularity_s": pl.Int32,
            "is_suspect": pl.Boolean,
            "cell_dn": pl.String,
        },
    )
    return frame.with_columns(
        pl.Series(
            name,
            np.where(
                chance.random(count) < absent_share, np.nan, chance.integers(0, 4, count) * 1000.0
            ),
        ).fill_nan(None)
        for name in MEASURED
    )


def by_polars(rows: pl.DataFrame, granularity: str) -> pl.DataFrame:
    """Return KPIs by cell as a plain group_by of Polars finds them."""
    seconds = GRANULARITIES[granularity]
    inside = (
        rows.lazy()
        .filter(~pl.col("is_suspect").fill_null(value=False), pl.col("granularity_s") <= seconds)
        .with_columns(pl.col("period_start").dt.truncate(f"{seconds}s").alias("period"))
    )
    extra = [pl.col("managed_element_dn").first(), pl.len().alias("periods_count")]
    of_cells = inside.filter(pl.col("cell_dn").is_not_null())
    found = aggregate_kpis(of_cells, SHAPE.kpis, ["cell_dn", "period"], KNOWN, extra)
    by = ["managed_element_dn", "period"]
    elements = aggregate_kpis(inside, SHAPE.of_element, by, KNOWN)
    return found.join(elements, on=by, how="left").collect()


def in_order(kpis: pl.DataFrame) -> pl.DataFrame:
    period = "period" if "period" in kpis.columns else "period_start"
    return kpis.select(
        "cell_dn", pl.col(period).alias("period"), pl.col("periods_count").cast(pl.Int64), *NAMES
    ).sort("cell_dn", "period")


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.sampled_from(list(GRANULARITIES)),
)
def test_sums_agree_with_groups_of_polars(seed, count, absent_share, granularity):
    rows = rows_of(seed, count, absent_share)
    found = divided(KpiRows(rows, SHAPE).summed(granularity), SHAPE)
    assert_frame_equal(
        in_order(found), in_order(by_polars(rows, granularity)), rel_tol=1e-12, abs_tol=1e-12
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([0.0, 0.1, 0.6]))
def test_a_day_is_the_sum_of_its_hours_and_of_what_covers_more(seed, count, absent_share):
    rows = rows_of(seed, count, absent_share)
    pieces = [rows.filter(pl.col("period_start").dt.hour() == hour) for hour in range(3)]
    parts = [
        part
        for piece in pieces
        for part in (
            KpiRows(piece, SHAPE).summed("hour"),
            KpiRows(piece, SHAPE).longer(GRANULARITIES["hour"]).summed("day"),
        )
    ]
    assert_frame_equal(
        in_order(divided(added(parts, "day"), SHAPE)),
        in_order(by_polars(rows, "day")),
        rel_tol=1e-12,
        abs_tol=1e-12,
    )


@pytest.mark.parametrize("spread", [1, 10**9])
def test_groups_are_those_of_a_naive_loop_however_far_apart_their_keys_lie(spread):
    chance = np.random.default_rng(3)
    names = pl.Series([f"c{n}" for n in chance.integers(0, 5, 200)])
    times = pl.Series(chance.integers(0, 7, 200) * spread)
    values = pl.Series("v", [None if n % 9 == 0 else float(n) for n in range(200)])
    is_in = pl.Series(chance.random(200) < 0.8)
    groups = grouped([numbered(names), times], is_in)
    expected: dict[tuple[str, int], float] = {}
    for name, time, value, inside in zip(names, times, values, is_in, strict=True):
        if inside:
            expected[name, time] = expected.get((name, time), 0.0) + (value or 0.0)
    first = groups.first.tolist()
    found = dict(zip([(names[n], times[n]) for n in first], groups.sums(values), strict=True))
    assert found == expected
    assert groups.counts.sum() == is_in.sum()
    assert all(n == min(m for m in range(200) if is_in[m] and (names[m], times[m]) == (names[n], times[n])) for n in first)  # fmt: skip  # noqa: E501
