"""The step of accounting: published measurements and the ledger in, savings out."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from data_products.lineage import Lineage
from data_products.registry import table
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.energy.accounting import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.energy.accounting.told import BASELINE, DAY, START, site_name, town
from tests.tasks.execution.told import StoppedClock, memory_ledger

pytestmark = pytest.mark.slow  # Great Expectations judges what is published

SITES = 24
SAVERS = (2, 7)
SHARE = 0.25
QUARTER = timedelta(minutes=15)
LINEAGE = Lineage("test", "1", "1")
WHOLE = Window(START, DAY.end)


def column(name):
    return catalogue().measurement(name).column


def cell(number):
    return f"{site_name(number)},GNBDUFunction=1,NRCellDU=1"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    clock = StoppedClock(DAY.end)
    chosen = Services(Settings(home=tmp_path_factory.mktemp("accounting")))
    chosen.__dict__ |= {
        "tables": InMemoryTables(clock),
        "network_clock": clock,
        "clock": clock,
        "ledger": memory_ledger(),
    }
    publish(chosen, "pm_measurements", measurements(), {"source": "test"})
    publish(chosen, "network_topology", topology(), {"source": "test"})
    publish(chosen, "cell_kpis", by_quarter(), {"granularity": "15min", "source": "test"})
    publish(chosen, "cell_kpis", by_hour(), {"granularity": "hour", "source": "test"})
    with use_services(chosen):
        steps.publish_energy_savings.fn(DAY)
    return chosen


def publish(chosen, name, rows, scope):
    shape = {one: kind for one, kind in table(name).schema.items() if one in rows.columns}
    frame = rows.cast(shape).with_columns(**{k: pl.lit(v) for k, v in scope.items()})
    chosen.tables.publish(name, WHOLE, frame, LINEAGE, scope)


def measurements():
    """Return quarters of a town in which two sites save at night on the last day."""
    hours = town(SITES)
    quarter = np.arange(hours.hours * 4)
    saves = (quarter // 96 == BASELINE.seconds // 86400) & (quarter // 4 % 24 < 5)
    frames = []
    for number in range(SITES):
        energy = np.repeat(hours.energy_kwh[number] / 4, 4)
        is_saving = saves if number in SAVERS else np.zeros_like(saves)
        placed = {
            "managed_element_dn": site_name(number),
            "period_start": [START + QUARTER * int(one) for one in quarter],
            "granularity_s": 900,
            "is_suspect": False,
        }
        of_site = {
            "managed_object_dn": site_name(number),
            "object_class": "ManagedElement",
            column("pee_energy"): np.where(is_saving, energy * (1 - SHARE), energy),
            column("pee_avg_temperature"): np.repeat(hours.temperature_degc, 4),
        }
        of_cell = {
            "managed_object_dn": cell(number),
            "cell_dn": cell(number),
            "object_class": "NRCellDU",
            column("pdcp_sdu_volume_dl"): np.repeat(hours.volume_mbit[number] / 4, 4),
            column("cell_unavailable_time"): 0.0,
            column("energy_saving_time"): np.where(is_saving, 900.0, 0.0),
        }
        frames += [pl.DataFrame(placed | of_site), pl.DataFrame(placed | of_cell)]
    return pl.concat(frames, how="diagonal")


def topology():
    return pl.DataFrame(
        {
            "cell_dn": [cell(one) for one in range(SITES)],
            "managed_element_dn": [site_name(one) for one in range(SITES)],
            "neighbor_dns": [[cell((one + 1) % SITES)] for one in range(SITES)],
            "latitude_deg": [51.0 + 0.01 * (one % 3) for one in range(SITES)],
            "longitude_deg": [12.0 + 0.01 * one for one in range(SITES)],
            "frequency_mhz": 3500.0,
            "bandwidth_mhz": 100.0,
            "max_tx_power_dbm": 47.0,
            "valid_from": START,
        }
    )


def by_hour():
    """Return what cells did."""
    hours = town(SITES)
    return pl.concat(
        pl.DataFrame(
            {
                "cell_dn": cell(number),
                "managed_element_dn": site_name(number),
                "object_class": "NRCellDU",
                "period_start": [START + timedelta(hours=one) for one in range(hours.hours)],
                "prb_usage_dl_pct": hours.volume_mbit[number] / 50.0,
                "traffic_volume_dl_mbps": hours.volume_mbit[number] / 3600.0,
            }
        )
        for number in range(SITES)
    )


def by_quarter():
    """Return what users felt."""
    of_day = [
        START + timedelta(days=14 + days) + QUARTER * one for days in (0, 7) for one in range(96)
    ]
    return pl.concat(
        pl.DataFrame(
            {
                "cell_dn": cell(number),
                "managed_element_dn": site_name(number),
                "object_class": "NRCellDU",
                "period_start": of_day,
                "mean_active_users_count": 2.0,
                "user_throughput_dl_mbps": [
                    1.0 if number in SAVERS and moment == DAY.start else 50.0 for moment in of_day
                ],
                "cell_availability_pct": 100.0,
            }
        )
        for number in range(SITES)
    )


def test_what_was_saved_is_published_by_hour_and_by_day(world):
    rows = world.tables.read("energy_savings").collect()
    own = rows.filter(role="SAVER")
    assert set(own["managed_element_dn"]) == {site_name(one) for one in SAVERS}
    assert own.height == len(SAVERS) * 5
    share = own["saved_kwh"].sum() / own["expected_kwh"].sum()
    assert share == pytest.approx(SHARE, abs=0.03)
    assert set(rows.filter(role="NEIGHBOR")["managed_element_dn"]) == {
        site_name(one) for one in (1, 3, 6, 8)
    }
    assert own["rests_on"].unique().to_list() == ["BASELINE"]
    assert own["expected_by_model_kwh"].null_count() == 0
    day = world.tables.read("energy_savings.days").collect().filter(scope="all").to_dicts()[0]
    assert day["saved_by_model_kwh"] == pytest.approx(day["saved_kwh"], rel=0.1)
    assert day["saved_low_kwh"] <= day["saved_kwh"] <= day["saved_high_kwh"]
    assert day["under_floor_user_minutes"] == len(SAVERS) * 2 * 15
    assert day["under_floor_rise_share"] > 0
    assert day["coverage_m2_per_j"] > day["coverage_expected_m2_per_j"] > 0


def test_publishing_again_replaces_the_same_rows(world):
    first = world.tables.read("energy_savings").collect()
    with use_services(world):
        steps.publish_energy_savings.fn(DAY)
    again = world.tables.read("energy_savings").collect()
    kept = [name for name in first.columns if name not in ("run_id", "input_snapshots")]
    assert again.select(kept).equals(first.select(kept))


def test_days_in_which_nobody_had_saved_yet_have_no_rows(world):
    before = Window(DAY.start - timedelta(days=2), DAY.start - timedelta(days=1))
    with use_services(world):
        found = steps.publish_energy_savings.fn(before)
    rows = world.tables.read("energy_savings", before).collect()
    assert rows.is_empty()
    assert found.table == "energy_savings"
