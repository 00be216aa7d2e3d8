"""The sample network's alarms: they spread as physics has it, and all that arrives is read."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from data_products.alarms.derive import derive, with_definitions
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.ingestion.alarms.delivered_alarms import document_alarms
from tasks.twin.alarm_delivery import sent_notifications
from tasks.twin.alarm_lives import alarm_lives
from tasks.twin.alarm_spread import Ground, symptoms
from tasks.twin.alarms import write_alarm_deliveries
from tasks.twin.faults import KINDS

ALWAYS = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def ground(village_run):
    run, scene, _, _ = village_run
    return Ground(scene.network, run.world.routes.network, run.conditions.battery_share)


@pytest.fixture(scope="session")
def delivered(village):
    """Return what ingestion reads of the village's alarms, each kind of document by name."""
    return {it.source: it for it in document_alarms(village.delivered, ALWAYS)}


@pytest.fixture(scope="session")
def causes(village):
    return pl.read_parquet(village.folder / "truth/alarm_causes.parquet")


def test_all_three_formats_are_in_use_and_every_notification_is_read(village, delivered):
    assert set(delivered) == {"ves", "tmf642", "alarm_records"}
    assert all(it.findings.is_empty() for it in delivered.values())
    told = sum(it.notifications.height for it in delivered.values())
    assert told == village.counts["alarm_notifications"] > 30


def test_every_alarm_that_arrived_has_its_definition_and_its_cause(delivered, causes):
    for source, it in delivered.items():
        told = with_definitions(it.notifications, catalogue()).with_columns(source=pl.lit(source))
        assert told["alarm_name"].null_count() == 0
        alarms = derive(told, catalogue())
        raised = alarms.filter(~pl.col("is_clear_without_raise"))
        known = raised.join(
            causes, on=["alarm_id", "managed_object_dn", "raised_at", "alarm_name"], how="anti"
        )
        assert known.is_empty()


def test_flapping_duplicates_losses_and_wrong_clocks_occur(village_run, ground, tmp_path):
    run, scene, faults, _ = village_run
    totals = dict.fromkeys(("flapping", "twice", "skewed", "lone"), 0)
    for seed in range(25):
        folder = tmp_path / f"{seed}" / "alarms"
        folder.mkdir(parents=True)
        written = write_alarm_deliveries(
            scene.network, ground.transport, faults, run.calendar, seed, folder,
            ground.battery_share,
        )  # fmt: skip
        told = pl.concat(
            it.notifications.with_columns(source=pl.lit(it.source))
            for it in document_alarms(folder, ALWAYS)
        )
        assert told.height == written.counts["alarm_notifications"]
        alarms = derive(with_definitions(told, catalogue()), catalogue())
        totals["flapping"] += alarms["is_flapping"].sum()
        totals["twice"] += alarms["duplicates_count"].sum()
        totals["skewed"] += (alarms["clock_skew_s"].abs() > 15).sum()
        totals["lone"] += alarms["is_clear_without_raise"].sum()
    assert all(totals.values()), totals


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_raises_known_alarms_on_objects_of_their_class(fault_of, ground, kind):
    fault, *_ = fault_of(kind)
    found = symptoms(fault, ground, np.random.default_rng(1))
    assert bool(found) == (fault.has_alarm or (kind == "software_regression" and bool(found)))
    for symptom in found:
        definition = catalogue().alarms[symptom.name]
        object_class = symptom.dn.rpartition(",")[2].partition("=")[0]
        assert object_class in definition.object_classes
    assert not found or found[0].hops == 0


@pytest.mark.parametrize(
    ("kind", "chain"),
    [
        ("link_cut", ["link_down", "bfd_session_down"]),
        ("power_failure", ["mains_failure", "battery_discharging"]),
        ("clock_loss", ["gnss_reception_lost", "timing_reference_lost", "clock_holdover_entered",
                        "clock_holdover_exceeded", "phase_offset_high"]),
        ("core_link_failure", ["sctp_association_down", "ng_link_unstable"]),
    ],
)  # fmt: skip
def test_what_depends_on_the_cause_follows_it(fault_of, ground, kind, chain):
    fault, *_ = fault_of(kind)
    found = symptoms(replace(fault, has_alarm=True), ground, np.random.default_rng(2))
    first = {}
    for symptom in sorted(found, key=lambda it: it.after_s):
        first.setdefault(symptom.name, symptom)
    steps = [first[name] for name in chain]
    assert [it.after_s for it in steps] == sorted(it.after_s for it in steps)
    assert [it.hops for it in steps] == sorted(it.hops for it in steps)


def test_the_way_from_cause_to_effect_is_one_that_the_catalogue_knows(fault_of, ground):
    """Each effect of a fault is one rule away from another alarm of it, but for its causes.

    Two are told by no rule yet: a cell bars itself because nothing carries it, and a receiver that
    its own carriers disturb calls its branches unlike.
    """
    rules = {(rule.cause, rule.effect) for rule in catalogue().correlation_rules.values()}
    unknown = set()
    for kind in KINDS:
        found = symptoms(
            replace(fault_of(kind)[0], has_alarm=True), ground, np.random.default_rng(3)
        )
        names = {it.name for it in found}
        unknown |= {
            (kind, it.name)
            for it in found
            if it.hops and not any((other, it.name) in rules for other in names)
        }
    assert unknown <= {
        ("link_cut", "cell_service_unavailable"),
        ("passive_intermodulation", "receiver_diversity_lost"),
    }


def test_the_same_seed_gives_the_same_alarms_and_some_are_lost(village_run, ground):
    run, _, faults, _ = village_run
    lives, again = (
        alarm_lives(ground, faults, run.calendar, catalogue().alarms, 7) for _ in range(2)
    )
    assert lives == again
    sent = sent_notifications(lives, 7)
    assert sent == sent_notifications(lives, 7)
    due = arrived = 0
    for seed in range(12):
        lives = alarm_lives(ground, faults, run.calendar, catalogue().alarms, seed)
        due += sum(1 + (it.worsened_at is not None) + (it.cleared_at is not None) for it in lives)
        arrived += len({(it.life, it.kind) for it in sent_notifications(lives, seed)})
    assert 0.95 * due < arrived < due
    assert [it.received_at for it in sent] == sorted(it.received_at for it in sent)


def test_noticed_outages_are_told_within_a_period_of_their_onset(village, causes):
    faults = pl.read_parquet(village.folder / "truth/faults.parquet")
    noticed = faults.filter((pl.col("kind") == "outage") & pl.col("has_alarm"))
    first = causes.filter("is_root").group_by("fault_id").agg(pl.col("raised_at").min())
    both = noticed.join(first, on="fault_id")
    assert both.height == noticed.height > 0
    late = (both["raised_at"] - both["onset_at"]).dt.total_seconds().abs()
    assert (late <= 900 + 900).all()
