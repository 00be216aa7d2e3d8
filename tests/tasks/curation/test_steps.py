from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_products.lineage import Lineage, Snapshot
from data_products.product import TIME
from semantic_layer.periods import GRANULARITIES, Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.curation import roll_ups, steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services

pytestmark = pytest.mark.slow  # Great Expectations judges

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
QUARTER = timedelta(minutes=15)


class StoppedClock:
    def now(self):
        return MIDNIGHT


@pytest.fixture
def tables(tmp_path):
    services = Services(Settings(home=tmp_path))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


def measured(periods, attempts=100, successes=90):
    times = [MIDNIGHT + n * QUARTER for n in periods]
    return pl.DataFrame(
        {"managed_object_dn": "ManagedElement=1,NRCellDU=1", "period_start": times},
        schema_overrides={"period_start": TIME},
    ).with_columns(
        pl.col("managed_object_dn").alias("cell_dn"),
        pl.lit("ManagedElement=1").alias("managed_element_dn"),
        pl.lit("NRCellDU").alias("object_class"),
        pl.lit(900, dtype=pl.Int32).alias("granularity_s"),
        pl.lit(value=False).alias("is_suspect"),
        pl.lit(float(attempts)).alias("rrc_conn_estab_att_count"),
        pl.lit(float(successes)).alias("rrc_conn_estab_succ_count"),
    )


def deliver(tables, window, frame):
    lineage = Lineage("test", "1.0.0", "x")
    return tables.publish("pm_measurements", window, frame, lineage, {"source": "pm"})


def kpis(tables, granularity):
    found = tables.read("cell_kpis").filter(granularity=granularity).sort("period_start")
    return found.collect()


def test_kpis_are_published_at_every_granularity_with_the_snapshot_they_came_from(tables):
    snapshot = deliver(tables, DAY, measured(range(96)))
    published = steps.publish_cell_kpis.fn(snapshot, DAY)
    assert [one.verdict for one in published] == ["published"] * 3
    heights = [kpis(tables, name).height for name in ("15min", "hour", "day")]
    assert heights == [96, 24, 1]
    day = kpis(tables, "day").row(0, named=True)
    assert day["rrc_setup_success_rate_pct"] == 90.0
    assert day["periods_count"] == 96
    assert day["input_snapshots"] == f"pm_measurements@{snapshot.id}"
    assert day["source"] == "pm_measurements"


def run_quarters(tables, *quarters, attempts=100, successes=90):
    for n in quarters:
        window = Window(MIDNIGHT + n * QUARTER, MIDNIGHT + (n + 1) * QUARTER)
        snapshot = deliver(tables, window, measured([n], attempts, successes))
        steps.publish_cell_kpis.fn(snapshot, window)


def periods_of(tables, granularity):
    return dict(kpis(tables, granularity).select("period_start", "periods_count").iter_rows())


def test_an_hour_waits_until_a_window_reaches_its_end(tables):
    run_quarters(tables, 0, 1, 2)
    assert periods_of(tables, "hour") == {}
    run_quarters(tables, 3)
    assert periods_of(tables, "hour") == {MIDNIGHT: 4}
    assert periods_of(tables, "day") == {}
    assert kpis(tables, "15min").height == 4


def test_an_hour_that_was_rolled_up_is_computed_again_when_something_comes_late(tables):
    run_quarters(tables, 0, 2, 3, successes=100)
    run_quarters(tables, 1, successes=60)
    assert periods_of(tables, "hour") == {MIDNIGHT: 4}
    assert kpis(tables, "hour")["rrc_setup_success_rate_pct"].to_list() == [90.0]


def test_an_hour_that_time_passed_by_is_rolled_up_by_the_next_run(tables):
    run_quarters(tables, 0, 1)
    run_quarters(tables, 9)
    assert periods_of(tables, "hour") == {MIDNIGHT: 2}
    run_quarters(tables, 100)
    assert periods_of(tables, "day") == {MIDNIGHT: 3}
    assert periods_of(tables, "hour") == {MIDNIGHT: 2, MIDNIGHT + 8 * QUARTER: 1}


def test_rows_that_cover_an_hour_reach_its_end_by_themselves(tables):
    window = Window(MIDNIGHT, MIDNIGHT + QUARTER)
    hourly = measured([0]).with_columns(granularity_s=pl.lit(3600, dtype=pl.Int32))
    steps.publish_cell_kpis.fn(deliver(tables, window, hourly), window)
    assert periods_of(tables, "hour") == {MIDNIGHT: 1}
    assert periods_of(tables, "15min") == {}


def test_a_day_read_in_pieces_is_the_day_read_at_once(tables, monkeypatch):
    rows = pl.concat(
        [
            measured(range(90), successes=70),
            measured([91]).with_columns(granularity_s=pl.lit(3600, dtype=pl.Int32)),
            measured([95]).with_columns(granularity_s=pl.lit(86400, dtype=pl.Int32)),
        ]
    )
    snapshot = deliver(tables, DAY, rows)
    steps.publish_cell_kpis.fn(snapshot, DAY)
    whole = {name: kpis(tables, name).drop("run_id", strict=False) for name in GRANULARITIES}
    monkeypatch.setattr(roll_ups, "_MOST_ROWS", 10)
    assert len(steps.publish_cell_kpis.fn(snapshot, DAY)) == 25
    for name, told in whole.items():
        assert_frame_equal(kpis(tables, name).select(told.columns), told)
    assert periods_of(tables, "day") == {MIDNIGHT: 92}


def test_delivered_kpis_and_computed_ones_do_not_wipe_one_another(tables):
    delivered = pl.DataFrame(
        {"cell_dn": ["ENBFunction=9,EUtranCellFDD=1"], "period_start": [MIDNIGHT]},
        schema_overrides={"period_start": TIME},
    ).with_columns(granularity=pl.lit("hour"), rrc_setup_success_rate_pct=pl.lit(98.0))
    scope = {"granularity": "hour", "source": "operator table"}
    tables.publish("cell_kpis", DAY, delivered, Lineage("test", "1", "x"), scope)
    steps.publish_cell_kpis.fn(deliver(tables, DAY, measured(range(4))), DAY)
    assert kpis(tables, "hour")["source"].sort().to_list() == ["operator table", "pm_measurements"]


def test_measurements_are_read_as_they_were_at_the_snapshot(tables):
    first = deliver(tables, DAY, measured([0], successes=50))
    deliver(tables, DAY, measured([0], successes=99))
    steps.publish_cell_kpis.fn(first, DAY)
    assert kpis(tables, "15min")["rrc_setup_success_rate_pct"].to_list() == [50.0]


@pytest.mark.usefixtures("tables")
def test_a_window_without_measurements_publishes_nothing_and_fails_nothing():
    published = steps.publish_cell_kpis.fn(Snapshot("pm_measurements", 0, 0), DAY)
    assert [one.rows for one in published] == [0, 0, 0]


def test_newest_steps_answer_from_the_store(tables):
    snapshot = deliver(tables, DAY, measured(range(8)))
    assert steps.newest_snapshot.fn("pm_measurements") == snapshot
    window = steps.newest_published.fn("pm_measurements", MIDNIGHT + timedelta(days=2), "hour")
    assert window.start == MIDNIGHT + timedelta(hours=1)


def core_function(periods, attempts=100.0, successes=90.0):
    name = "SubNetwork=core,ManagedElement=C1,AMFFunction=1"
    return measured(periods).select(
        pl.lit(name).alias("managed_object_dn"),
        pl.lit(name.rpartition(",")[0]).alias("managed_element_dn"),
        "period_start",
        pl.lit("AMFFunction").alias("object_class"),
        "granularity_s",
        "is_suspect",
        pl.lit(attempts).alias("amf_initial_registration_attempts_count"),
        pl.lit(successes).alias("amf_initial_registration_successes_count"),
    )


def core_rows(tables):
    found = tables.read("core_kpis").sort("granularity", "period_start").collect()
    return found.select(
        "granularity", "periods_count", "amf_initial_registration_success_rate_pct"
    ).rows()


def test_kpis_of_core_functions_stand_in_a_product_of_their_own(tables):
    rows = pl.concat([measured([0, 1]), core_function([0, 1])], how="diagonal")
    snapshot = deliver(tables, DAY, rows)
    published = steps.publish_core_kpis.fn(snapshot, DAY)
    assert [one.table for one in published] == ["core_kpis"] * 3
    assert core_rows(tables) == [
        ("15min", 1, 90.0),
        ("15min", 1, 90.0),
        ("day", 2, 90.0),
        ("hour", 2, 90.0),
    ]
    assert steps.publish_cell_kpis.fn(snapshot, DAY)[0].rows == 2


def test_a_network_without_a_core_publishes_no_core(tables):
    snapshot = deliver(tables, DAY, measured([0, 1]))
    assert [one.id for one in steps.publish_core_kpis.fn(snapshot, DAY)] == [0, 0, 0]
    assert tables.history("core_kpis").is_empty()


def test_core_rows_whose_measurements_were_taken_back_go_too(tables):
    steps.publish_core_kpis.fn(deliver(tables, DAY, core_function([0])), DAY)
    assert len(core_rows(tables)) == 3
    steps.publish_core_kpis.fn(deliver(tables, DAY, measured([0])), DAY)
    assert core_rows(tables) == []


def sampled(tables, *minutes, subscribers=6):
    rows = pl.DataFrame(
        [
            {
                "session_id": f"{minute}-{number}",
                "started_at": MIDNIGHT + timedelta(minutes=minute),
                "subscriber_id": f"u{number}",
                "cell_dn": "ManagedElement=1,NRCellDU=1",
                "service": "voice",
                "weight": 10.0,
                "is_setup": True,
                "is_dropped": False,
                "throughput_dl_mbps": 5.0,
                "throughput_ul_mbps": 1.0,
                "round_trip_ms": 40.0,
                "packet_loss_share": 0.0,
            }
            for minute in minutes
            for number in range(subscribers)
        ],
        schema_overrides={"started_at": TIME},
    )
    return tables.publish(
        "service_sessions", DAY, rows, Lineage("run", "1", "v"), {"source": "probe"}
    )


def test_sessions_become_experience_by_hour_and_day(tables):
    snapshot = sampled(tables, 5, 65)
    steps.publish_customer_experience.fn(snapshot, DAY)
    told = tables.read("customer_experience").collect().sort("granularity", "period_start")
    assert told["granularity"].to_list() == ["day", "hour", "hour"]
    assert told["sessions_count"].to_list() == [120.0, 60.0, 60.0]
    assert told["satisfied_share"].to_list() == [1.0, 1.0, 1.0]
    assert told["source"].unique().to_list() == ["service_sessions"]


def test_sessions_that_were_taken_back_leave_no_experience(tables):
    steps.publish_customer_experience.fn(sampled(tables, 5), DAY)
    steps.publish_customer_experience.fn(sampled(tables, 5, subscribers=0), DAY)
    assert tables.read("customer_experience").collect().is_empty()


def test_without_a_probe_nothing_is_published(tables):
    empty = tables.snapshot("service_sessions")
    assert {one.id for one in steps.publish_customer_experience.fn(empty, DAY)} == {0}
    assert tables.read("data_quality").collect().is_empty()
