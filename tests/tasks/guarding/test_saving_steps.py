"""Savings judged on record: facts from products and network, sleepers known, repairs upon them."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from tasks.adapters.memory_gateway import MemoryGateway
from tasks.guarding.records import lives_on_record
from tasks.guarding.sleep_facts import asleep_cells
from tasks.guardrails.trouble import troubled_cells
from tasks.messages.change_sets import ManagedObject
from tests.tasks.guarding.test_steps import (
    ALL,
    LINEAGE,
    _cells,
    _loads,
    _objects,
    breaches,
    judge,
    propose,
    world,
)
from tests.tasks.guardrails.town import AWAKE, NOON, RULES, cell, saver, saving, sleeping

__all__ = ["world"]

DEEP = AWAKE | {
    "energySavingMode": "DEEP_SLEEP",
    "energySavingControl": "toBeEnergySaving",
    "energySavingState": "isEnergySaving",
}


def network(world, asleep=()):
    """Give every cell a saving function; some sleep, and tell of no resource blocks."""
    functions = [
        ManagedObject(
            saver(site, number), "CESManagementFunction",
            DEEP if (site, number) in asleep else AWAKE,
        )
        for site, number in _cells()
    ]  # fmt: skip
    world.__dict__["gateway"] = MemoryGateway([*_objects(), *functions])
    off = {cell(*one) for one in asleep}
    rows = [
        {key: value for key, value in row.items() if row["cell_dn"] not in off
         or not key.startswith("prb")}
        for row in _loads()
    ]  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None)
    scope = {"granularity": "15min", "source": "pm_measurements"}
    world.tables.publish("cell_kpis", ALL, frame, LINEAGE, scope)


def condition(world, *, findings=(), alarms=()):
    """Publish findings and alarms of the moment."""
    begin = NOON - timedelta(hours=1)
    told = [
        {"anomaly_id": f"f{number}", "window_start": begin, "window_end": NOON, "cell_dn": dn,
         "anomaly_start": begin, "anomaly_end": NOON, "is_ongoing": is_ongoing,
         "severity": severity}
        for number, (dn, severity, is_ongoing) in enumerate(
            [(cell(8, 3), "MINOR", True), *findings]
        )
    ]  # fmt: skip
    world.tables.publish("cell_anomalies", ALL, pl.DataFrame(told), LINEAGE)
    raised = [
        {"alarm_id": f"a{number}", "alarm_name": "rf_module_fault", "managed_object_dn": dn,
         "cell_dn": at, "raised_at": begin, "cleared_at": None, "perceived_severity": severity,
         "source": "ves"}
        for number, (dn, at, severity) in enumerate([("SubNetwork=9", None, "MINOR"), *alarms])
    ]  # fmt: skip
    frame = pl.DataFrame(raised, schema_overrides={"cleared_at": pl.Datetime("us", "UTC"),
                                                   "cell_dn": pl.String})  # fmt: skip
    world.tables.publish("alarms", ALL, frame, LINEAGE, {"source": "ves"})


def now(*told, **others):
    return saving(*told, proposed_at=NOON, **others)


def test_a_saving_is_allowed_on_facts_that_are_published_and_told_by_the_network(world):
    network(world)
    condition(world)
    (key,) = propose(world, now(4, 1, mode="MIMO_MUTED"))
    assert judge(key) == [key], lives_on_record(world.ledger.entries())[key].verdict


def test_of_a_row_of_sites_not_every_cell_goes_whoever_is_asked_first(world):
    network(world)
    condition(world)
    every = [now(site, 1, 2, 3) for site in range(1, 9)]
    allowed = judge(*propose(world, *every))
    lost = {rule for one in every for rule in breaches(world, one.proposal_id)}
    assert len(allowed) < len(every)
    assert lost & {"coverage_floor", "emergency_coverage", "asleep_share", "capacity_floor"}


def test_what_sleeps_already_stands_under_what_is_asked_now(world):
    """The second of two neighbors may not go where the first one is gone."""
    condition(world)
    network(world)
    (alone,) = propose(world, now(4, 1, 2, 3))
    first = judge(alone)
    network(world, asleep=[(3, n) for n in (1, 2, 3)] + [(5, n) for n in (1, 2, 3)])
    (beside,) = propose(world, now(4, 1, 2, 3, trigger_ids=("again",)))
    assert judge(beside) == []
    found = breaches(world, beside)
    assert "what_if" not in found, "the silence of a sleeper is no lack of measurement"
    assert {"coverage_floor", "emergency_coverage"} & found
    assert first == [] or breaches(world, alone) == set()


def test_without_findings_alarms_or_saving_functions_nothing_sleeps(world):
    network(world)
    (key,) = propose(world, now(4, 1, mode="MIMO_MUTED"))
    assert judge(key) == []
    assert "trouble_known" in breaches(world, key)
    world.__dict__["gateway"] = MemoryGateway(_objects())
    (other,) = propose(world, now(5, 1, mode="MIMO_MUTED"))
    assert judge(other) == []
    assert "present_value" in breaches(world, other)


@pytest.mark.parametrize(
    ("finding", "alarm", "is_allowed"),
    [
        ((cell(4, 1), "CRITICAL", True), None, False),
        ((cell(4, 1), "CRITICAL", False), None, True),
        ((cell(4, 1), "WARNING", True), None, True),
        ((cell(4, 2), "CRITICAL", True), None, True),
        (None, (cell(4, 1), cell(4, 1), "MAJOR"), False),
        (None, ("SubNetwork=1,ManagedElement=4", None, "MAJOR"), False),
        (None, ("SubNetwork=1,ManagedElement=4", None, "MINOR"), True),
        (None, ("SubNetwork=1,ManagedElement=5", None, "CRITICAL"), True),
    ],
)
def test_a_cell_in_trouble_stays_awake(world, finding, alarm, is_allowed):
    network(world)
    condition(world, findings=[finding] if finding else [], alarms=[alarm] if alarm else [])
    (key,) = propose(world, now(4, 1, mode="MIMO_MUTED"))
    assert (judge(key) == [key]) == is_allowed
    assert ("cell_in_trouble" in breaches(world, key)) != is_allowed


def test_a_restart_is_judged_upon_those_that_sleep(world):
    """Whoever would have carried its users sleeps: they would find nobody."""
    condition(world)
    network(world)
    (lively,) = propose(world, sleeping(4, 2))
    assert judge(lively) == [lively]
    asleep = [(site, n) for site in (3, 4, 5) for n in (1, 2, 3) if (site, n) != (4, 1)]
    network(world, asleep=asleep)
    record = replace(now(7, 1, mode="MIMO_MUTED"), trigger_ids=("record",))
    (other, _) = propose(world, sleeping(4, 1, trigger_ids=("f2",)), record)
    judge(other)
    told = lives_on_record(world.ledger.entries())[other]
    assert told.stage == "PROPOSED", "it waits until somebody is awake to carry them"


def test_who_sleeps_is_told_by_control_mode_and_state():
    half = saver(1, 4)
    told = {
        "awake": AWAKE,
        "deep": DEEP,
        "told to, and not how": AWAKE | {"energySavingControl": "toBeEnergySaving"},
        "does, whatever it is told": AWAKE | {"energySavingState": "isEnergySaving"},
        "tells a mode nobody knows": DEEP | {"energySavingMode": "ABYSS"},
    }
    found = {
        name: asleep_cells([ManagedObject(half, "CESManagementFunction", attributes)])
        for name, attributes in told.items()
    }
    assert found["awake"] == found["told to, and not how"] == {}
    assert found["deep"] == {cell(1, 4): "DEEP_SLEEP"}
    assert found["does, whatever it is told"] == {cell(1, 4): "not told"}
    assert found["tells a mode nobody knows"] == {cell(1, 4): "ABYSS"}


def test_old_findings_tell_nothing_of_the_present():
    columns = {"anomaly_id": "f", "window_end": NOON, "cell_dn": cell(1), "severity": "MAJOR",
               "is_ongoing": True}  # fmt: skip
    findings = pl.DataFrame([columns])
    alarms = pl.DataFrame(
        schema={"alarm_name": pl.String, "perceived_severity": pl.String,
                "managed_object_dn": pl.String, "cell_dn": pl.String,
                "raised_at": pl.Datetime("us", "UTC"), "cleared_at": pl.Datetime("us", "UTC")}
    )  # fmt: skip
    told = troubled_cells(findings, alarms, [cell(1)], NOON + timedelta(hours=25), RULES)
    assert told == {cell(1): "Finding f goes on at it."}
    late = NOON + timedelta(hours=27)
    assert troubled_cells(findings, alarms, [cell(1)], late, RULES) is None
    assert troubled_cells(findings.clear(), alarms, [cell(1)], NOON, RULES) is None
