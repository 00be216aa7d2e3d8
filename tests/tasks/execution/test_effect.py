"""Effects against control cells: sums not averages, no data no control, intervals that hold."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.execution_rules import execution_rules
from tasks.execution.control_cells import (
    CELL_SCHEMA,
    control_cells,
    neighbors_of,
    touched_cells,
)
from tasks.execution.effect import Comparison, Periods, effect_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
RULES = execution_rules()
HOW = Comparison("drb_setup_success_rate", "higher", 100.0, 0.9, 0.1, 8)
PERIODS = Periods(
    tuple(NOON + QUARTER * n for n in range(-4, 0)), tuple(NOON + QUARTER * n for n in range(1, 5))
)
CONTROLS = [f"c{n:02d}" for n in range(20)]


def kpi_sums(changed_rate_after, *, seed=1, cells=("x",), noise=0.01):
    """Return sums of a ratio near 0.9 that falls to 0.85 everywhere, changed cells apart."""
    rng = np.random.default_rng(seed)
    rows = []
    for cell in [*cells, *CONTROLS]:
        for start in [*PERIODS.before, *PERIODS.after]:
            rate = 0.9 if start < NOON else 0.85 if cell in CONTROLS else changed_rate_after
            tries = float(rng.integers(200, 2000))
            rows.append((cell, start, tries * (rate + rng.normal(0, noise)), tries))
    return pl.DataFrame(rows, schema=["cell_dn", "period_start", "above", "below"], orient="row")


def naive_gain(sums, changed, controls, periods, how):
    def value(cells, starts):
        rows = [row for row in sums.iter_rows() if row[0] in cells and row[1] in starts]
        return how.factor * sum(row[2] for row in rows) / sum(row[3] for row in rows)

    own_before, own_after = (value(changed, side) for side in (periods.before, periods.after))
    before, after = (value(controls, side) for side in (periods.before, periods.after))
    foreseen = own_before * after / before
    gain = (own_after - foreseen) / max(abs(foreseen), how.least_base_share * abs(after))
    return gain if how.better == "higher" else -gain


@given(st.floats(0.3, 1.0), st.integers(0, 50), st.sampled_from(["higher", "lower"]))
def test_the_gain_is_what_a_loop_over_rows_finds(rate, seed, better):
    how = Comparison(HOW.kpi, better, HOW.factor, 0.9, 0.1, 8)
    sums = kpi_sums(rate, seed=seed)
    found = effect_of(sums, ["x"], CONTROLS, PERIODS, how)
    assert found.gain == pytest.approx(naive_gain(sums, ["x"], CONTROLS, PERIODS, how))
    first = naive_gain(sums, CONTROLS[:1], CONTROLS[1:], PERIODS, how)
    assert found.placebo_gains[0] == pytest.approx(first)
    assert found.low <= found.gain <= found.high


def test_what_all_cells_do_is_no_effect():
    found = effect_of(kpi_sums(0.85), ["x"], CONTROLS, PERIODS, HOW)
    assert abs(found.gain) < 0.02
    assert found.low < 0 < found.high


def test_a_gain_is_told_with_an_interval_that_leaves_out_nothing():
    found = effect_of(kpi_sums(0.95), ["x"], CONTROLS, PERIODS, HOW)
    assert found.gain == pytest.approx(0.1 / 0.85, abs=0.02)
    assert 0 < found.low < found.gain < found.high


def test_sums_are_divided_and_ratios_never_averaged():
    sums = kpi_sums(0.85, noise=0.0).filter(pl.col("cell_dn") != "x")
    own = [("x", PERIODS.before[0], 900.0, 1000.0), ("x", PERIODS.after[0], 0.0, 1.0)]
    own += [("x", PERIODS.after[1], 850.0, 999.0)]
    told = pl.concat([sums, pl.DataFrame(own, schema=sums.schema, orient="row")])
    found = effect_of(told, ["x"], CONTROLS, PERIODS, HOW)
    assert found.after == pytest.approx(85.0), "one failed try of a thousand is no half"


def test_a_dead_cell_that_lives_again_has_a_large_but_finite_gain():
    sums = kpi_sums(0.9)
    is_dead = (pl.col("cell_dn") == "x") & (pl.col("period_start") < NOON)
    dead = sums.with_columns(above=pl.when(is_dead).then(0.0).otherwise("above"))
    found = effect_of(dead, ["x"], CONTROLS, PERIODS, HOW)
    assert 5 < found.gain < 20
    assert found.low > 0


def test_no_data_is_no_control():
    sums = kpi_sums(0.95)
    lacks = (pl.col("cell_dn").is_in(CONTROLS[:5])) & (pl.col("period_start") == PERIODS.after[2])
    found = effect_of(sums.filter(~lacks), ["x"], CONTROLS, PERIODS, HOW)
    assert found.controls == tuple(CONTROLS[5:])
    nothing_tried = sums.with_columns(below=pl.when(lacks).then(0.0).otherwise("below"))
    assert effect_of(nothing_tried, ["x"], CONTROLS, PERIODS, HOW).controls == found.controls


def test_too_few_controls_or_a_silent_cell_state_nothing():
    sums = kpi_sums(0.95)
    assert effect_of(sums, ["x"], CONTROLS[:7], PERIODS, HOW) is None
    assert effect_of(sums, ["y"], CONTROLS, PERIODS, HOW) is None
    only_before = sums.filter((pl.col("cell_dn") != "x") | (pl.col("period_start") < NOON))
    assert effect_of(only_before, ["x"], CONTROLS, PERIODS, HOW) is None


def test_without_an_effect_intervals_leave_out_zero_as_seldom_as_they_say():
    outside = 0
    for seed in range(200):
        found = effect_of(kpi_sums(0.85, seed=seed), ["x"], CONTROLS, PERIODS, HOW)
        outside += not found.low <= 0 <= found.high
    assert outside / 200 < 0.2, "one in ten, and what chance adds"


def inventory(**changed):
    """Return 30 NR cells alike and 10 that differ in one thing each."""
    rows = [
        {
            "cell_dn": f"ManagedElement={n},GNBDUFunction=1,NRCellDU=1",
            "band": "n78",
            "archetype": "urban",
            "cell_profile": "p1",
            "load": 10.0 + n / 10,
        }
        for n in range(30)
    ]
    rows += [
        {**rows[0], "cell_dn": "ManagedElement=40,ENBFunction=1,EUtranCellFDD=1"},
        {**rows[0], "cell_dn": "ManagedElement=41,GNBDUFunction=1,NRCellDU=1", "band": "n1"},
        {**rows[0], "cell_dn": "ManagedElement=42,GNBDUFunction=1,NRCellDU=1", "load": 40.0},
        {**rows[0], "cell_dn": "ManagedElement=43,GNBDUFunction=1,NRCellDU=1", "load": None},
        {
            **rows[0],
            "cell_dn": "ManagedElement=44,GNBDUFunction=1,NRCellDU=1",
            "archetype": "rural",
            "cell_profile": None,
        },
    ]
    return pl.DataFrame(rows, schema=CELL_SCHEMA).with_columns(**changed)


def number(dn):
    return int(dn.split(",")[0].split("=")[1])


def test_controls_are_alike_untouched_and_nearest_in_load():
    own = "ManagedElement=0,GNBDUFunction=1,NRCellDU=1"
    busy = "ManagedElement=1,GNBDUFunction=1,NRCellDU=1"
    found = control_cells(inventory(), [own], {busy}, RULES)
    assert [number(dn) for dn in found.cell_dns] == list(range(2, 30))
    assert "profile" in found.alike_by


def test_the_kind_of_place_gives_way_before_the_band():
    own = "ManagedElement=44,GNBDUFunction=1,NRCellDU=1"
    found = control_cells(inventory(), [own], set(), RULES)
    assert {number(dn) for dn in found.cell_dns} == set(range(30))
    assert found.alike_by == "technology, band and load"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param("ManagedElement=40,ENBFunction=1,EUtranCellFDD=1", id="alone of its kind"),
        pytest.param("ManagedElement=99,GNBDUFunction=1,NRCellDU=1", id="in no inventory"),
    ],
)
def test_a_cell_without_its_like_has_no_controls(changed):
    assert control_cells(inventory(), [changed], set(), RULES).cell_dns == ()


def test_where_the_cells_own_load_is_unknown_all_loads_are_alike():
    own = "ManagedElement=43,GNBDUFunction=1,NRCellDU=1"
    found = control_cells(inventory(), [own], set(), RULES)
    assert {number(dn) for dn in found.cell_dns} == {*range(30), 42}


def test_an_object_touches_its_cell_or_all_cells_of_its_element():
    cells = [
        "ManagedElement=1,GNBDUFunction=1,NRCellDU=1",
        "ManagedElement=1,GNBDUFunction=1,NRCellDU=2",
        "ManagedElement=2,ENBFunction=1,EUtranCellFDD=1",
    ]
    relation = "ManagedElement=1,GNBCUCPFunction=1,NRCellCU=2,NRCellRelation=3"
    carrier = "ManagedElement=1,GNBDUFunction=1,NRSectorCarrier=1"
    assert touched_cells([relation], cells) == {cells[1]}
    assert touched_cells([f"{cells[2]},EUtranRelation=4"], cells) == {cells[2]}
    assert touched_cells([carrier], cells) == set(cells[:2])
    assert touched_cells(["SubNetwork=1", "Antenna=4"], cells) == set()


def test_neighbors_are_those_named_and_those_that_name():
    topology = pl.DataFrame(
        {"cell_dn": ["a", "b", "c", "d"], "neighbor_dns": [["b"], ["a"], ["a", "d"], []]}
    )
    assert neighbors_of(topology, {"a"}) == {"b", "c"}
