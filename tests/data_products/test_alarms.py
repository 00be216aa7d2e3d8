"""Alarms from notifications: the vectorised derivation beside a loop that anyone can read."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_products.alarms.derive import (
    FLAPPING_RAISES,
    FLAPPING_WITHIN_S,
    REPEATED_WITHIN_S,
    SEVERITY_RANK,
    derive,
)
from data_products.registry import table
from semantic_layer.loading import catalogue

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CELL = "ManagedElement=1,GNBDUFunction=1,NRCellDU=1"
SCHEMA = {
    name: dtype
    for name, dtype in table("alarms.notifications").schema.items()
    if not name.startswith("_")
}


def frame(events):
    rows = [
        {
            "notified_at": NOON + timedelta(seconds=at),
            "notification_id": f"n{number}",
            "alarm_id": alarm,
            "managed_object_dn": CELL,
            "notification_type": kind,
            "perceived_severity": "CLEARED" if kind == "CLEARED" else felt,
            "probable_cause": "lossOfSignal",
            "specific_problem": "vendor text",
            "reporting_entity": "EMS-1",
            "received_at": None if delay is None else NOON + timedelta(seconds=at + delay),
            "source": "ves",
        }
        for number, (at, alarm, kind, felt, delay) in enumerate(events)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def derived(*events):
    whole = [(at, "A", kind, "MAJOR", None) for at, kind in events]
    return derive(frame(whole), catalogue())


ORDER = ["NEW", "CHANGED", "ACKNOWLEDGED", "CLEARED"]


def loop(notifications):
    """Say the same as `derive`, an event at a time."""
    found, of_alarm = [], {}
    for row in notifications.iter_rows(named=True):
        of_alarm.setdefault(row["alarm_id"], []).append(row)
    for alarm, told in of_alarm.items():
        told.sort(
            key=lambda r: (
                r["notified_at"], ORDER.index(r["notification_type"]), r["notification_id"],
            )
        )  # fmt: skip
        found += lives_of(alarm, told)
    return sorted(found, key=lambda it: (it["raised_at"], it["alarm_id"]))


def begins_life(kind, at, last):
    near = last is not None and (at - last[1]).total_seconds() <= REPEATED_WITHIN_S
    active = last is not None and last[0] in ("NEW", "CHANGED")
    rules = {
        "NEW": not (active and near),
        "CHANGED": not active,
        "ACKNOWLEDGED": False,
        "CLEARED": not active and not (last is not None and near),
    }
    return rules[kind], active


def lives_of(alarm, told):
    lives, waiting, last, before = [], [], None, None
    for row in told:
        kind, at = row["notification_type"], row["notified_at"]
        begins, active = begins_life(kind, at, last)
        if begins:
            lives.append({"alarm_id": alarm, "rows": waiting})
            waiting = []
        (lives[-1]["rows"] if lives else waiting).append(row)
        saying = (kind, at, row["perceived_severity"])
        is_repeated = kind == "NEW" or (kind == "CLEARED" and not active) or saying == before
        row["is_repeated"] = is_repeated and not begins
        before = saying
        if kind != "ACKNOWLEDGED":
            last = (kind, at)
    if not lives:
        lives.append({"alarm_id": alarm, "rows": waiting})
    found = [described(life) for life in lives]
    for this, following in pairwise(found):
        if this["ended_by"] is None:
            this |= {"ended_by": "superseded", "cleared_at": following["raised_at"]}
    return flapping(found)


def flapping(found):
    span = timedelta(seconds=FLAPPING_WITHIN_S)
    raises = [it["raised_at"] for it in found if not it["is_clear_without_raise"]]
    last = FLAPPING_RAISES - 1
    bursts = [(a, b) for a, b in zip(raises, raises[last:], strict=False) if b - a <= span]
    for it in found:
        at, is_raise = it["raised_at"], not it["is_clear_without_raise"]
        near = sum(at - span <= other <= at for other in raises) - 1
        it["flaps_count"] = near if is_raise else 0
        it["is_flapping"] = is_raise and any(a <= at <= b for a, b in bursts)
    return found


def described(life):
    rows = life["rows"]
    said = [row for row in rows if row["notification_type"] != "ACKNOWLEDGED"] or rows
    cleared = [row["notified_at"] for row in rows if row["notification_type"] == "CLEARED"]
    felt = [
        r["perceived_severity"] for r in rows if r["perceived_severity"] not in (None, "CLEARED")
    ]
    return {
        "alarm_id": life["alarm_id"],
        "raised_at": said[0]["notified_at"],
        "cleared_at": cleared[0] if cleared else None,
        "ended_by": "cleared" if cleared else None,
        "perceived_severity": felt[-1] if felt else None,
        "highest_severity": max(felt, key=SEVERITY_RANK.get) if felt else None,
        "notifications_count": len(rows),
        "duplicates_count": sum(row["is_repeated"] for row in rows),
        "is_clear_without_raise": said[0]["notification_type"] == "CLEARED",
    }


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda steps: steps * 75),
        st.sampled_from("AB"),
        st.sampled_from(ORDER),
        st.sampled_from([*SEVERITY_RANK, "MAJOR"]),
        st.none() | st.integers(-3, 9),
    ),
    max_size=25,
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS, st.randoms())
def test_derived_alarms_are_those_of_a_plain_loop_in_any_order_of_delivery(events, shuffler):
    told = frame(events)
    expected = loop(told)
    order = list(range(told.height))
    shuffler.shuffle(order)
    found = derive(told[order], catalogue())
    columns = list(expected[0]) if expected else ["alarm_id", "raised_at"]
    assert found.select(columns).sort("raised_at", "alarm_id").to_dicts() == expected
    assert found["notifications_count"].sum() == told.height
    assert (found["state"] == "ACTIVE").to_list() == found["ended_by"].is_null().to_list()


def test_a_lost_clearing_ends_when_the_alarm_is_raised_again():
    found = derived((0, "NEW"), (7_200, "NEW"), (7_260, "CLEARED"))
    assert found.select("ended_by", "notifications_count").rows() == [
        ("superseded", 1), ("cleared", 2),
    ]  # fmt: skip
    assert found["cleared_at"][0] == NOON + timedelta(hours=2)


def test_what_is_told_twice_within_minutes_is_one_alarm():
    found = derived((0, "NEW"), (0, "NEW"), (60, "NEW"), (600, "CLEARED"), (610, "CLEARED"))
    assert found.select("notifications_count", "duplicates_count").rows() == [(5, 3)]


def test_a_clearing_without_a_raising_is_kept_as_such():
    found = derived((0, "CLEARED"), (5_000, "NEW"))
    assert found.select("is_clear_without_raise", "state").rows() == [
        (True, "CLEARED"), (False, "ACTIVE"),
    ]  # fmt: skip


def test_an_alarm_that_comes_and_goes_is_flapping():
    events = [(at, kind) for at in (0, 200, 400, 9_000) for kind in ("NEW", "CLEARED")]
    events = [(at + (60 if kind == "CLEARED" else 0), kind) for at, kind in events]
    found = derived(*events)
    assert found.select("is_flapping", "flaps_count").rows() == [
        (True, 0), (True, 1), (True, 2), (False, 0),
    ]  # fmt: skip


def test_the_skew_of_a_clock_is_the_median_of_its_reporters_day():
    delays = [2, 3, 400]
    events = [(n * 10, f"A{n}", "NEW", "MAJOR", d - 100) for n, d in enumerate(delays)]
    late = [(86_400, "A9", "NEW", "MAJOR", None)]
    found = derive(frame(events + late), catalogue())
    assert found["clock_skew_s"].to_list() == [-median(d - 100 for d in delays)] * 3 + [None]
    assert found["raised_at"][0] == NOON


@pytest.mark.parametrize("count", [0, 1])
def test_few_notifications_are_no_special_case(count):
    found = derive(frame([(0, "A", "NEW", "MAJOR", 1)] * count), catalogue())
    assert found.height == count
    assert set(found.columns) <= set(table("alarms").schema)
    shape = table("alarms").schema
    assert all(found.schema[name] == shape[name] for name in found.columns)
