"""The step that finds who must wake, on a small town's published rows."""

from datetime import timedelta

import polars as pl
import pytest

from tasks.adapters.memory_ledger import MemoryLedger
from tasks.energy.waking import steps
from tasks.energy.waking.seen_rows import standing_findings, told_quarters
from tests.tasks.energy.waking.sleeping_town import NIGHT, QUARTER, WINDOW, Clock, kpis, of_cell


@pytest.mark.usefixtures("town")
def test_a_cell_sleeps_on_while_those_who_carry_for_it_have_room():
    assert steps.find_overloaded.fn(WINDOW) == {}


def test_it_wakes_when_a_cell_that_carries_for_it_is_full(town):
    chosen, asleep, candidate = town
    chosen.tables.frames["cell_kpis"] = of_cell(chosen.tables.frames["cell_kpis"], candidate, 95.0)
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_the_cell_that_carries_for_it_told_nothing(town):
    chosen, asleep, candidate = town
    told = chosen.tables.frames["cell_kpis"]
    chosen.tables.frames["cell_kpis"] = told.filter(pl.col("cell_dn") != candidate)
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_what_was_measured_is_old(town, network):
    chosen, asleep, _ = town
    chosen.tables.frames["cell_kpis"] = kpis(network, 3.0, NIGHT - timedelta(hours=3))
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_deliveries_stopped_an_hour_ago(town):
    chosen, asleep, _ = town
    chosen.network_clock.moment = NIGHT + timedelta(hours=1)
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_it_wakes_when_no_load_is_forecast(town):
    chosen, asleep, _ = town
    chosen.tables.frames["load_forecasts"] = chosen.tables.frames["load_forecasts"].clear()
    assert list(steps.find_overloaded.fn(WINDOW)) == [asleep]


def test_nobody_is_looked_at_while_nobody_sleeps(town):
    chosen, _, _ = town
    chosen.ledger = MemoryLedger(Clock())
    chosen.tables = None
    assert steps.find_overloaded.fn(WINDOW) == {}


def test_quarters_that_began_too_long_ago_tell_nothing(network):
    quarters = [kpis(network, 9.0, NIGHT - 4 * QUARTER), kpis(network, 3.0)]
    found = told_quarters(pl.concat(quarters), NIGHT, 45)
    assert {(told.load, told.begin, told.end) for told in found} == {(0.03, NIGHT - QUARTER, NIGHT)}


def finding(cell, kpi, *, is_ongoing=True, ended=NIGHT):
    return {
        "anomaly_id": f"{cell}{kpi}",
        "window_end": ended,
        "anomaly_start": ended - QUARTER,
        "cell_dn": cell,
        "is_ongoing": is_ongoing,
        "contributions": [{"kpi": kpi, "expected": 1.0, "seen": 2.0, "share": 1.0}],
    }


def test_findings_of_service_trouble_a_cell_and_findings_of_load_do_not():
    rows = pl.DataFrame(
        [
            finding("broken", "drb_setup_success_rate"),
            finding("busy", "prb_usage_dl"),
            finding("mended", "drb_setup_success_rate", is_ongoing=False),
            finding("long ago", "drb_setup_success_rate", ended=NIGHT - timedelta(hours=1)),
            finding("to come", "drb_setup_success_rate", ended=NIGHT + timedelta(hours=1)),
        ]
    )
    found = standing_findings(rows, NIGHT, ["accessibility", "availability"])
    assert found == {"broken": NIGHT - QUARTER}
    assert standing_findings(rows.clear(), NIGHT, ["accessibility"]) == {}
