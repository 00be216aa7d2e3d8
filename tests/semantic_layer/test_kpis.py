"""KPIs compiled to Polars: against a naive loop, and the stories that averages get wrong."""

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_layer.errors import InputError
from semantic_layer.kpis import Kpi, aggregate_kpis, kpi_rows
from semantic_layer.loading import Catalogue, catalogue
from tests.semantic_layer.naive_kpis import Row, naive_kpi

START = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = catalogue()
SAME_ROW = [kpi for kpi in KNOWN.kpis.values() if kpi.name != "site_energy_efficiency"]
SCALARS = [item for item in KNOWN.measurements.values() if item.shape == "scalar"]
SCHEMA = {
    "cell_dn": pl.String,
    "managed_element_dn": pl.String,
    "object_class": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "granularity_s": pl.Int32,
} | {item.column: pl.Float64 for item in SCALARS}


def rows_of(seed: int, count: int, *, absent_share: float) -> list[Row]:
    chance = random.Random(seed)  # noqa: S311  (no secrets here)
    rows: list[Row] = []
    for index in range(count):
        row: Row = {
            "cell_dn": f"ManagedElement=1,GNBDUFunction=1,NRCellDU={chance.randint(1, 3)}",
            "managed_element_dn": "ManagedElement=1",
            "object_class": "NRCellDU",
            "period_start": START + timedelta(minutes=15 * index),
            "granularity_s": chance.choice([300, 900, 3600]),
        }
        for item in SCALARS:
            if chance.random() > absent_share:
                row[item.column] = float(chance.choice([0, 0, chance.randint(0, 5000)]))
        rows.append(row)
    return rows


def frame(rows: list[Row]) -> pl.LazyFrame:
    return pl.DataFrame(rows, schema=SCHEMA).lazy()


def same(found: float | None, expected: float | None) -> bool:
    return found == (expected if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.sampled_from([0.0, 0.1, 0.6]))
def test_groups_agree_with_the_naive_loop(seed, count, absent_share):
    rows = rows_of(seed, count, absent_share=absent_share)
    found = aggregate_kpis(frame(rows), SAME_ROW, ["cell_dn"], KNOWN).collect()
    assert found.height == len({row["cell_dn"] for row in rows})
    for result in found.to_dicts():
        group = [row for row in rows if row["cell_dn"] == result["cell_dn"]]
        for kpi in SAME_ROW:
            assert same(result[kpi.column], naive_kpi(group, kpi, KNOWN)), kpi.name


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.sampled_from([0.0, 0.1, 0.6]))
def test_rows_agree_with_the_naive_loop(seed, count, absent_share):
    rows = rows_of(seed, count, absent_share=absent_share)
    found = kpi_rows(frame(rows), SAME_ROW, KNOWN).collect()
    assert found.height == len(rows)
    for row, result in zip(rows, found.to_dicts(), strict=True):
        for kpi in SAME_ROW:
            assert same(result[kpi.column], naive_kpi([row], kpi, KNOWN)), kpi.name


def story(*rows: dict[str, object]) -> pl.LazyFrame:
    placed = {
        "cell_dn": "ManagedElement=1,GNBDUFunction=1,NRCellDU=1",
        "managed_element_dn": "ManagedElement=1",
        "object_class": "NRCellDU",
        "period_start": START,
        "granularity_s": 900,
    }
    return pl.DataFrame([placed | row for row in rows], schema=SCHEMA).lazy()


def kpi_of(rows: pl.LazyFrame, name: str, by: str = "managed_element_dn") -> float | None:
    found = aggregate_kpis(rows, [KNOWN.kpi(name)], [by], KNOWN).collect()
    value = found[KNOWN.kpi(name).column].to_list()
    assert len(value) == 1
    return value[0]


@pytest.mark.parametrize(
    ("rows", "name", "expected"),
    [
        pytest.param(
            [
                {"rrc_conn_estab_att_count": 10.0, "rrc_conn_estab_succ_count": 0.0},
                {"rrc_conn_estab_att_count": 9990.0, "rrc_conn_estab_succ_count": 9990.0},
            ],
            "rrc_setup_success_rate",
            99.9,
            id="ten calls do not weigh as ten thousand",
        ),
        pytest.param(
            [
                {"prb_used_dl_prb": 100.0, "prb_avail_dl_prb": 100.0, "granularity_s": 300},
                {"prb_used_dl_prb": 0.0, "prb_avail_dl_prb": 100.0, "granularity_s": 3600},
            ],
            "prb_usage_dl",
            100 * 300 / 3900,
            id="a gauge weighs by its time",
        ),
        pytest.param(
            [
                {"rrc_conn_mean_count": 4.0, "granularity_s": 900},
                {"rrc_conn_mean_count": 10.0, "granularity_s": 2700},
            ],
            "mean_active_users",
            8.5,
            id="a mean over unequal periods",
        ),
        pytest.param(
            [
                {"pdcp_sdu_volume_dl_mbit": 900.0},
                {"pdcp_sdu_volume_dl_mbit": None},
            ],
            "traffic_volume_dl",
            1.0,
            id="time without data is not time without traffic",
        ),
        pytest.param(
            [
                {"rrc_conn_estab_att_count": 10.0, "rrc_conn_estab_succ_count": None},
                {"rrc_conn_estab_att_count": 10.0, "rrc_conn_estab_succ_count": 9.0},
            ],
            "rrc_setup_success_rate",
            90.0,
            id="half a row enters neither sum",
        ),
        pytest.param(
            [{"rrc_conn_estab_att_count": None, "rrc_conn_estab_succ_count": None}],
            "rrc_setup_success_rate",
            None,
            id="no data is no evidence",
        ),
        pytest.param(
            [{"rrc_conn_estab_att_count": 0.0, "rrc_conn_estab_succ_count": 0.0}],
            "rrc_setup_success_rate",
            None,
            id="nobody called",
        ),
        pytest.param(
            [{"cell_unavailable_time_s": 90.0}, {"cell_unavailable_time_s": 0.0}],
            "cell_availability",
            95.0,
            id="a subtracted term",
        ),
        pytest.param(
            [{"qos_flow_rel_abnormal_count": 3.0, "qos_flow_session_time_s": 7200.0}],
            "qos_flow_retainability",
            1.5,
            id="the factor follows from the units",
        ),
    ],
)
def test_sums_are_added_before_they_are_divided(rows, name, expected):
    assert kpi_of(story(*rows), name) == (None if expected is None else pytest.approx(expected))


ELEMENT = {"cell_dn": None, "object_class": "ManagedElement", "pee_energy_kwh": 1.0}
OTHER = {"cell_dn": "ManagedElement=1,GNBDUFunction=1,NRCellDU=2"}
VOLUMES = {"pdcp_sdu_volume_dl_mbit": 2.0, "pdcp_sdu_volume_ul_mbit": 1.6}
NEXT = {"period_start": START + timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([ELEMENT, VOLUMES, OTHER | VOLUMES], 2.0, id="all cells on one element"),
        pytest.param([ELEMENT, VOLUMES, OTHER], None, id="a cell that does not tell its volume"),
        pytest.param([VOLUMES, OTHER | VOLUMES], None, id="no meter"),
        pytest.param([ELEMENT], None, id="no cells"),
        pytest.param(
            [ELEMENT, VOLUMES, ELEMENT | NEXT, NEXT], 1.0, id="a period without volume is left out"
        ),
        pytest.param([ELEMENT, VOLUMES, ELEMENT | NEXT, VOLUMES | NEXT], 1.0, id="periods add up"),
    ],
)
def test_energy_of_an_element_meets_the_volume_of_its_cells(rows, expected):
    found = kpi_of(story(*rows), "site_energy_efficiency")
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_row_alone_cannot_know_what_stands_on_others():
    found = kpi_rows(story(ELEMENT, VOLUMES), [KNOWN.kpi("site_energy_efficiency")], KNOWN)
    assert found.collect()["site_energy_efficiency_bit_per_j"].to_list() == [None, None]


def test_an_element_and_its_cells_roll_up_side_by_side():
    names = ["site_energy_efficiency", "site_power", "rrc_setup_success_rate"]
    calls = {"rrc_conn_estab_att_count": 10.0, "rrc_conn_estab_succ_count": 9.0}
    found = aggregate_kpis(
        story(ELEMENT, VOLUMES | calls, OTHER | VOLUMES | calls),
        [KNOWN.kpi(name) for name in names],
        ["managed_element_dn"],
        KNOWN,
        extra=[pl.col("period_start").n_unique().alias("periods_count")],
    ).collect()
    assert found.row(0, named=True) == {
        "managed_element_dn": "ManagedElement=1",
        "periods_count": 1,
        "site_energy_efficiency_bit_per_j": pytest.approx(2.0),
        "site_power_w": pytest.approx(4000.0),
        "rrc_setup_success_rate_pct": pytest.approx(90.0),
    }


def test_a_measurement_that_no_file_brought_gives_null_not_an_error():
    bare = story({}).select("managed_element_dn", "granularity_s")
    kpis = [kpi for kpi in KNOWN.kpis.values() if kpi.name != "site_energy_efficiency"]
    row = kpi_rows(bare, kpis, KNOWN).collect().row(0, named=True)
    group = aggregate_kpis(bare, kpis, ["managed_element_dn"], KNOWN).collect().row(0, named=True)
    assert {row[kpi.column] for kpi in kpis} == {None}
    assert {group[kpi.column] for kpi in kpis} == {None}


@pytest.mark.parametrize("absent", ["pee_energy_kwh", "pdcp_sdu_volume_ul_mbit"])
def test_an_element_whose_part_no_file_brought_has_no_efficiency(absent):
    assert kpi_of(story(ELEMENT, VOLUMES).drop(absent), "site_energy_efficiency") is None


def test_columns_that_place_a_row_are_asked_for_by_name():
    with pytest.raises(InputError, match="hour_start"):
        aggregate_kpis(story({}), SAME_ROW[:1], ["hour_start"], KNOWN)
    with pytest.raises(InputError, match="object_class"):
        aggregate_kpis(
            story({}).drop("object_class"),
            [KNOWN.kpi("site_energy_efficiency")],
            ["managed_element_dn"],
            KNOWN,
        )


def test_terms_of_one_sum_may_come_in_different_units():
    parts = {
        "a": KNOWN.measurement("lte_ip_volume_dl"),  # kbit
        "b": KNOWN.measurement("pdcp_sdu_volume_dl"),  # Mbit
    }
    mixed = Kpi(
        name="mixed",
        title="Mixed",
        category="utilization",
        technology="NR",
        object_class="NRCellDU",
        numerator=("a", "b"),
        denominator=("observed_time",),
        unit="Mbit/s",
        better="neither",
        is_scored=False,
        factor=1e-3,
        source="a test",
        description="Kilobits and megabits.",
    )
    known = Catalogue(
        measurements=parts,
        kpis={},
        object_classes=KNOWN.object_classes | {"EUtranCellFDD": KNOWN.object_classes["NRCellDU"]},
        vendor_maps={},
        profiles={},
    )
    rows = story({"pdcp_sdu_volume_dl_mbit": 900.0}).with_columns(
        lte_ip_volume_dl_kbit=pl.lit(900_000.0)
    )
    assert kpi_rows(rows, [mixed], known).collect()["mixed_mbps"].item() == pytest.approx(2.0)


def test_a_profile_without_limits_of_its_own_uses_the_default():
    kpi = KNOWN.kpi("rrc_setup_success_rate")
    assert kpi.threshold("rural", "critical") == kpi.thresholds["rural"]["critical"]
    assert kpi.threshold("moon", "critical") == kpi.thresholds["default"]["critical"]
    assert KNOWN.kpi("traffic_volume_dl").threshold("default", "warning") is None
