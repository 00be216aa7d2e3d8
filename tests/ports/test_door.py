"""What the door does: one contract, checked, judged, split and published, or refused."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.lineage import Snapshot
from data_products.product import TIME
from data_products.registry import table
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.contract_door import ContractDoor
from tasks.adapters.memory_tables import InMemoryTables

pytestmark = pytest.mark.slow  # Great Expectations judges

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = Window(MIDNIGHT, MIDNIGHT + timedelta(hours=1))
TOPOLOGY = "network_topology"


class StoppedClock:
    def now(self):
        return MIDNIGHT


@pytest.fixture(scope="module")
def validator():
    from tasks.adapters.great_expectations_validator import GreatExpectationsValidator

    return GreatExpectationsValidator()


@pytest.fixture
def tables():
    return InMemoryTables(StoppedClock())


@pytest.fixture
def door(tables, validator):
    return ContractDoor(tables, validator)


def cells(count=100, window=HOUR, **columns):
    frame = pl.DataFrame({"cell_dn": [f"NRCellDU={n}" for n in range(count)]})
    return frame.with_columns(
        pl.lit(window.start, dtype=TIME).alias("valid_from"), pl.lit(90.0).alias("azimuth_deg")
    ).with_columns(**columns)


def bad_in_first(count):
    is_first = pl.int_range(pl.len()) < count
    return pl.when(is_first).then(999.0).otherwise(pl.col("azimuth_deg"))


def publish(door, frame, window=HOUR, run="run-1", **more):
    return door.publish(TOPOLOGY, window, frame, [Snapshot("alarms", 3, 1)], run, **more)


def kept_out(tables):
    return tables.read("data_quality.quarantine").collect()


def verdicts(tables):
    return tables.read("data_quality").collect()


def test_good_rows_are_published_with_where_they_came_from(door, tables):
    snapshot = publish(door, cells())
    found = tables.read(TOPOLOGY).collect()
    assert (snapshot.table, snapshot.rows, snapshot.verdict) == (TOPOLOGY, 100, "published")
    lineage = found.select(
        "run_id", "input_snapshots", "contract_version", "catalogue_version", "source"
    ).unique()
    version = table(TOPOLOGY).version
    assert lineage.row(0) == ("run-1", "alarms@3", version, catalogue().version, "delivered")
    assert verdicts(tables)["is_passed"].all()
    assert verdicts(tables)["is_accepted"].all()
    assert kept_out(tables).is_empty()


def test_bad_rows_are_quarantined_with_reasons_and_the_rest_is_published(door, tables):
    snapshot = publish(door, cells(azimuth_deg=bad_in_first(3)))
    assert (snapshot.rows, snapshot.verdict) == (97, "published")
    rejected = kept_out(tables)
    assert sorted(rejected["key"].str.split(" ").list.first()) == [
        "NRCellDU=0",
        "NRCellDU=1",
        "NRCellDU=2",
    ]
    assert rejected["reason"].unique().to_list()[0].startswith("azimuth_deg is 999.0, outside 0")
    assert json.loads(rejected["content"][0])["azimuth_deg"] == 999.0
    assert rejected["table_name"].unique().to_list() == [TOPOLOGY]
    told = verdicts(tables).row(
        by_predicate=pl.col("check_id") == "between:azimuth_deg", named=True
    )
    assert (told["failed_count"], told["evaluated_count"], told["is_passed"]) == (3, 100, True)
    assert len(told["failing_keys"]) == 3


def test_no_row_is_lost_published_or_quarantined(door, tables):
    frame = cells(azimuth_deg=bad_in_first(2)).vstack(cells(2))
    publish(door, frame)
    assert tables.read(TOPOLOGY).collect().height + kept_out(tables).height == frame.height


def test_a_product_over_its_limit_is_refused_and_the_last_good_one_stands(door, tables):
    good = publish(door, cells())
    refused = publish(door, cells(azimuth_deg=bad_in_first(6)), run="run-2")
    assert refused.verdict == "refused"
    assert refused.id == good.id
    assert tables.read(TOPOLOGY).collect()["run_id"].unique().to_list() == ["run-1"]
    told = verdicts(tables)
    assert told["run_id"].unique().to_list() == ["run-2"]
    assert not told["is_accepted"].any()
    broken = told.filter(~pl.col("is_passed"))
    assert broken["check_id"].to_list() == ["between:azimuth_deg"]
    assert kept_out(tables).height == 6 + 1
    assert "94 good rows were held back" in " ".join(kept_out(tables)["reason"])


def test_mended_rows_replace_refusal_verdicts_and_quarantine(door, tables):
    publish(door, cells(azimuth_deg=bad_in_first(6)))
    assert publish(door, cells(), run="run-2").verdict == "published"
    assert kept_out(tables).is_empty()
    assert verdicts(tables)["is_accepted"].all()


def test_the_same_publish_twice_doubles_nothing(door, tables):
    for _ in range(2):
        publish(door, cells(azimuth_deg=bad_in_first(3)))
    assert tables.read(TOPOLOGY).collect().height == 97
    assert kept_out(tables).height == 3
    told = verdicts(tables)
    assert told.height == told["check_id"].n_unique()


def test_what_a_producer_could_not_use_is_quarantined_beside(door, tables):
    brought = pl.DataFrame({"source_file": ["a.csv"], "reason": ["Line 3 has two columns."]})
    publish(door, cells(azimuth_deg=bad_in_first(1)), quarantined=brought)
    rejected = kept_out(tables)
    assert rejected.height == 2
    assert rejected.filter(source_file="a.csv")["reason"].item() == "Line 3 has two columns."


def test_deliveries_of_one_window_do_not_wipe_one_another(door, tables):
    publish(door, cells(azimuth_deg=bad_in_first(2)), scope={"source": "east"})
    publish(door, cells(azimuth_deg=bad_in_first(1)), scope={"source": "west"})
    assert tables.read(TOPOLOGY).collect()["source"].value_counts().sort("source").rows() == [
        ("east", 98),
        ("west", 99),
    ]
    assert kept_out(tables)["scope"].value_counts().sort("scope").rows() == [
        ("source=east", 2),
        ("source=west", 1),
    ]


def test_the_scope_is_taken_from_the_rows_where_they_agree(door, tables):
    publish(door, cells(source=pl.lit("north")))
    assert tables.read(TOPOLOGY).collect()["source"].unique().to_list() == ["north"]
    mixed = cells(source=pl.concat_str(pl.lit("s"), pl.int_range(pl.len()) % 2))
    with pytest.raises(InputError, match="Publish each by itself"):
        publish(door, mixed)


def test_a_scope_that_nobody_names_is_asked_for(door):
    with pytest.raises(InputError, match="'granularity'"):
        door.publish("cell_kpis", HOUR, pl.DataFrame({"cell_dn": ["A"]}), [], "run-1")


def test_rows_outside_the_window_are_kept_apart_not_lost(door, tables):
    late = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(HOUR.end, dtype=TIME))
    snapshot = publish(door, cells(valid_from=late.otherwise(pl.col("valid_from"))))
    assert snapshot.rows == 99
    assert "outside the window" in kept_out(tables)["reason"].item()
    assert kept_out(tables)["period_start"].item() == HOUR.start


def test_a_delivery_of_another_window_is_refused_and_does_not_empty_this_one(door, tables):
    publish(door, cells())
    elsewhere = cells(window=Window(HOUR.end, HOUR.end + timedelta(hours=1)))
    assert publish(door, elsewhere).verdict == "refused"
    assert tables.read(TOPOLOGY).collect().height == 100


def test_a_smaller_window_replaces_its_own_verdicts_and_leaves_the_days(door, tables):
    day = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
    publish(door, cells(window=day), window=day)
    publish(door, cells(), window=HOUR)
    ends = verdicts(tables)["window_end"].unique().sort().to_list()
    assert ends == [HOUR.end, day.end]
    publish(door, cells(window=day), window=day)
    assert verdicts(tables)["window_end"].unique().to_list() == [day.end]


def test_an_empty_delivery_empties_the_window_and_is_told(door, tables):
    publish(door, cells())
    snapshot = publish(door, cells(0))
    assert (snapshot.rows, snapshot.verdict) == (0, "published")
    assert tables.read(TOPOLOGY).collect().is_empty()
    told = verdicts(tables).filter(check_id="row_count")
    assert told["is_passed"].to_list() == [False]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        pytest.param(cells(azimut_deg=pl.lit(1.0)), "did you mean 'azimuth_deg'", id="unknown"),
        pytest.param(cells(azimuth_deg=pl.lit("north")), "is Float64", id="text for a number"),
    ],
)
def test_a_frame_that_is_not_the_products_is_refused_before_anything_is_written(
    door, tables, frame, words
):
    with pytest.raises(InputError, match=words):
        publish(door, frame)
    assert verdicts(tables).is_empty()
    assert kept_out(tables).is_empty()
