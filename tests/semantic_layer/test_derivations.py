"""Derived columns and bounds, as tables get them."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.derivations import bounds_of, implausible, with_derived
from semantic_layer.loading import catalogue
from semantic_layer.managed_objects import is_within

KNOWN = catalogue()
vectors = st.none() | st.lists(st.none() | st.integers(0, 1000).map(float), max_size=16)


@given(st.lists(vectors, min_size=1, max_size=10))
def test_reductions_agree_with_a_loop(bins):
    column = KNOWN.measurement("wb_cqi_dist").column
    rows = pl.LazyFrame({column: bins}, schema={column: pl.List(pl.Float64)})
    found = with_derived(rows, KNOWN).collect()
    for vector, row in zip(bins, found.to_dicts(), strict=True):
        if not vector or None in vector:
            assert (row["wb_cqi_sum_index"], row["wb_cqi_samples_count"]) == (None, None)
        else:
            assert row["wb_cqi_samples_count"] == sum(vector)
            assert row["wb_cqi_sum_index"] == sum(cqi * n for cqi, n in enumerate(vector))


def test_a_value_that_is_already_there_stays():
    rows = pl.LazyFrame(
        {"wb_cqi_dist_count": [[0.0, 2.0], [0.0, 2.0]], "wb_cqi_sum_index": [9.0, None]},
        schema_overrides={"wb_cqi_dist_count": pl.List(pl.Float64)},
    )
    assert with_derived(rows, KNOWN).collect()["wb_cqi_sum_index"].to_list() == [9.0, 2.0]


def test_rows_without_vectors_stay_as_they_are():
    rows = pl.LazyFrame({"prb_used_dl_prb": [1.0]})
    assert with_derived(rows, KNOWN).collect_schema().names() == ["prb_used_dl_prb"]


def test_a_share_is_bounded_even_where_nobody_wrote_it():
    open_share = KNOWN.kpi("prb_usage_dl").model_copy(update={"low": None, "high": None})
    assert bounds_of(open_share) == (0, 100)
    assert bounds_of(KNOWN.measurement("mean_tx_power")) == (-50, 70)
    assert bounds_of(KNOWN.kpi("traffic_volume_dl")) == (0, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-0.1, True), (0.0, False), (100.0, False), (100.1, True), (None, None), (math.nan, True)],
)
def test_a_value_outside_its_bounds_is_implausible(value, expected):
    column = KNOWN.measurement("prb_tot_dl").column
    rows = pl.DataFrame({column: [value]}, schema={column: pl.Float64})
    assert rows.select(implausible(KNOWN.measurement("prb_tot_dl"))).item() is expected


def test_a_vector_is_implausible_by_any_bin():
    column = KNOWN.measurement("wb_cqi_dist").column
    rows = pl.DataFrame(
        {column: [[0.0, 1.0], [0.0, -1.0], None]}, schema={column: pl.List(pl.Float64)}
    )
    found = rows.select(implausible(KNOWN.measurement("wb_cqi_dist"))).to_series().to_list()
    assert found == [False, True, None]


def test_containment_is_transitive_and_survives_circles():
    classes = dict(KNOWN.object_classes)
    assert is_within("NRCellRelation", "SubNetwork", classes)
    assert not is_within("ManagedElement", "NRCellDU", classes)
    circle = classes["NRCellDU"].model_copy(update={"contained_by": ("NRCellDU",)})
    assert not is_within("NRCellDU", "ManagedElement", {"NRCellDU": circle})
