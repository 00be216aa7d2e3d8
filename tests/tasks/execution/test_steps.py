"""The whole way of approved changes: written, measured against control cells, kept or undone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_products.lineage import Lineage
from data_products.registry import table
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_tables import InMemoryTables
from tasks.execution import steps
from tasks.messages.change_sets import ChangeSet
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposal_life import proposal_life
from tasks.messages.proposals import ExpectedEffect
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.execution.told import (
    BEAM,
    CELL,
    DU,
    LOCK,
    NOON,
    RESTART,
    TILT,
    TILT_BACK,
    StoppedClock,
    approved,
    memory_ledger,
    network_objects,
)

pytestmark = pytest.mark.slow  # Great Expectations judges what is published

AT = datetime(2026, 3, 3, 2, 5, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
FAULT = AT.replace(minute=0) - timedelta(hours=1)
NEIGHBOR = f"{DU[:-1]}1,NRCellDU=2"
OTHERS = [f"SubNetwork=1,ManagedElement={n},GNBDUFunction=1,NRCellDU=1" for n in range(20, 40)]
LINEAGE = Lineage("test", "1", "1")
DAYS = Window(AT - timedelta(days=2), AT + timedelta(days=2))
EXPECTED = ExpectedEffect("drb_setup_success_rate", "higher", (CELL,), 0.05, 0.05, 1, 4)


class World(Services):
    """A network of one faulty cell, its neighbor and twenty cells alike, in memory."""

    def __init__(self, home, gateway):
        super().__init__(Settings(home=home))
        self.network_time = StoppedClock(AT)
        self.__dict__ |= {
            "tables": InMemoryTables(self.network_time),
            "gateway": gateway,
            "network_clock": self.network_time,
            "clock": self.network_time,
            "ledger": memory_ledger(),
        }
        cells = [CELL, NEIGHBOR, *OTHERS]
        self.publish(
            "network_topology",
            [
                {
                    "cell_dn": dn,
                    "valid_from": AT - timedelta(days=1),
                    "band": "n78",
                    "archetype": "urban",
                    "neighbor_dns": [NEIGHBOR] if dn == CELL else [],
                }
                for dn in cells
            ],
        )

    def publish(self, name, rows, window=DAYS):
        shape = {
            column: dtype
            for column, dtype in table(name).schema.items()
            if column in {key for row in rows for key in row}
        }
        scope = dict.fromkeys(table(name).scope, "test")
        frame = pl.DataFrame(rows, schema=shape).with_columns(
            **{k: pl.lit(v) for k, v in scope.items()}
        )
        self.tables.publish(name, window, frame, LINEAGE, scope)

    def measure(self, periods, rates, *, besides=()):
        """Publish measurements of `periods` quarters around the change; rates after it by cell."""
        names = ("drb_estab_succ", "drb_estab_att", "prb_used_dl", "prb_avail_dl")
        column = {name: catalogue().measurement(name).column for name in names}
        rng = np.random.default_rng(3)
        start = AT.replace(minute=0)
        rows = []
        for dn in [CELL, NEIGHBOR, *OTHERS]:
            for number in range(-8, periods):
                tries, chance = float(rng.integers(500, 900)), rng.normal(0, 0.01)
                rate = 0.7 if dn == CELL else 0.95
                rate = rates.get(dn, rate) if number > 0 else rate
                if (dn, number) in besides:
                    continue
                rows.append(
                    {
                        "managed_object_dn": dn,
                        "cell_dn": dn,
                        "object_class": "NRCellDU",
                        "managed_element_dn": dn.split(",GNB")[0],
                        "period_start": start + QUARTER * number,
                        "granularity_s": 900,
                        "is_suspect": False,
                        column["drb_estab_succ"]: round(tries * (rate + chance)),
                        column["drb_estab_att"]: tries,
                        column["prb_used_dl"]: 50.0,
                        column["prb_avail_dl"]: 100.0,
                    }
                )
        self.publish("pm_measurements", rows)

    def propose(self, change=TILT_BACK, **more):
        return approved(self.ledger, change, at=AT, expected=EXPECTED, **more)

    def life(self, name):
        return proposal_life(self.ledger.entries(name))

    def tilt(self):
        return self.gateway.read([BEAM])[BEAM].attributes["digitalTilt"]


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "home", MemoryGateway(network_objects()))
    with use_services(made):
        yield made


def until(periods):
    end = AT.replace(minute=0) + QUARTER * periods
    return Window(end - QUARTER, end)


def test_a_repair_that_helps_is_kept_and_told(world):
    name = world.propose()
    assert steps.apply_approved.fn() == [name]
    world.measure(8, {CELL: 0.95})
    assert steps.verify_applied.fn(until(5)) == [], "four periods after one to settle"
    assert steps.verify_applied.fn(until(6)) == [name]
    life = world.life(name)
    assert (life.stage, life.effect) == ("KEPT", "better")
    assert world.tilt() == 60
    told = next(one for one in life.entries if one.kind == "verified").payload
    assert sorted(told["effect"]["controls"]) == sorted(OTHERS)
    assert told["effect"]["gain"] == pytest.approx(0.25 / 0.7, abs=0.03)
    assert len(told["effect"]["periods_after"]) == 4
    steps.publish_outcomes.fn()
    row = world.tables.read("change_outcomes").collect().to_dicts()[0]
    assert (row["outcome"], row["effect"], row["controls_count"]) == ("KEPT", "better", 20)
    known = world.tables.snapshot("change_outcomes").id
    assert steps.publish_outcomes.fn().id == known, "nothing has ended since"


def test_a_repair_that_harms_is_undone_as_soon_as_that_is_sure(world):
    name = world.propose()
    steps.apply_approved.fn()
    world.measure(3, {CELL: 0.3})
    assert steps.verify_applied.fn(until(3)) == [name], "one period was judged"
    assert (world.life(name).stage, world.life(name).effect) == ("UNDONE", "worse")
    assert world.tilt() == 90
    assert world.gateway.journal == [TILT, TILT.inverse()]
    steps.publish_outcomes.fn()
    row = world.tables.read("change_outcomes").collect().to_dicts()[0]
    assert row["outcome"] == "UNDONE"
    assert "was allowed" in row["reason"]


def test_a_repair_that_harms_its_neighbors_is_undone_whatever_it_gains(world):
    name = world.propose()
    steps.apply_approved.fn()
    world.measure(3, {CELL: 0.95, NEIGHBOR: 0.7})
    steps.verify_applied.fn(until(3))
    life = world.life(name)
    assert life.stage == "UNDONE"
    reason = next(one for one in life.entries if one.kind == "verified").payload["reason"]
    assert reason.startswith("In the cells around, drb_setup_success_rate")


def test_a_restart_found_worse_has_nothing_to_take_back(world):
    name = world.propose(RESTART)
    steps.apply_approved.fn()
    world.measure(3, {CELL: 0.3})
    steps.verify_applied.fn(until(3))
    assert world.life(name).stage == "UNDONE"
    assert world.gateway.journal == list(RESTART.operations), "no second outage"


def test_without_control_cells_the_effect_is_unclear_once_late_data_was_waited_for(world):
    name = world.propose()
    steps.apply_approved.fn()
    busy = [
        {
            "change_id": "c1",
            "requested_at": AT - timedelta(hours=3),
            "planned_start": AT - timedelta(hours=1),
            "planned_end": None,
            "managed_object_dns": [dn.split(",GNB")[0] for dn in OTHERS[:15]],
        }
    ]
    world.publish("change_history", busy)
    world.measure(12, {CELL: 0.95})
    assert steps.verify_applied.fn(until(6)) == [name]
    assert world.life(name).effect == "unclear"
    assert world.life(name).stage == "KEPT"
    told = world.ledger.entries(name)[-1].payload
    assert "controls" not in told["effect"]


def test_a_cell_that_lacks_the_last_periods_is_waited_for_then_judged_by_what_there_is(world):
    name = world.propose()
    steps.apply_approved.fn()
    world.measure(12, {CELL: 0.95}, besides={(CELL, 4), (CELL, 5)})
    assert steps.verify_applied.fn(until(6)) == []
    assert steps.verify_applied.fn(until(10)) == [name]
    assert world.life(name).effect == "better"


def test_before_means_while_the_fault_stood(world):
    start = FAULT + QUARTER
    finding = {"anomaly_id": "finding-1", "cell_dn": CELL, "anomaly_start": start}
    seen = {"window_start": start, "window_end": start + QUARTER, "is_ongoing": True}
    world.publish("cell_anomalies", [finding | seen])
    name = world.propose()
    steps.apply_approved.fn()
    world.measure(8, {CELL: 0.7})
    steps.verify_applied.fn(until(6))
    told = world.ledger.entries(name)[-1].payload
    assert told["verdict"] == "as_before"
    assert told["effect"]["periods_before"][0] == start.isoformat()


def test_an_undo_that_fails_is_done_by_the_next_run(world):
    def refuse(operation):
        if operation == TILT.inverse() and not refused:
            refused.append(operation)
            raise InputError("The motor is stuck.")
        MemoryGateway.write(world.gateway, operation)

    refused = []
    world.gateway.write = refuse
    name = world.propose()
    steps.apply_approved.fn()
    world.measure(3, {CELL: 0.3})
    steps.verify_applied.fn(until(3))
    assert (world.life(name).stage, world.tilt()) == ("APPLIED", 60)
    assert steps.resume_interrupted.fn() == [name]
    assert (world.life(name).stage, world.tilt()) == ("UNDONE", 90)


def test_who_may_not_approve_has_not_approved(world):
    name = world.propose()
    entries = world.ledger._entries
    world.__dict__["ledger"] = memory_ledger()
    for one in entries:
        actor = "mallory" if one.actor == "anna" else one.actor
        world.ledger.append(
            EntryDraft(one.kind, one.subject_id, actor, one.at, one.payload, one.key)
        )
    assert steps.apply_approved.fn() == []
    assert world.life(name).stage == "APPROVED"
    assert world.gateway.journal == []


def test_a_change_half_refused_leaves_nothing_and_is_told(world):
    def refuse(operation):
        if operation == TILT:
            raise InputError("The tilt is out of range.")
        MemoryGateway.write(world.gateway, operation)

    world.gateway.write = refuse
    world.propose(ChangeSet((LOCK, TILT, LOCK.inverse())))
    steps.apply_approved.fn()
    steps.publish_outcomes.fn()
    row = world.tables.read("change_outcomes").collect().to_dicts()[0]
    assert (row["outcome"], row["effect"], row["kpi_after"]) == ("ROLLED_BACK", None, None)
    assert "out of range" in row["reason"]
    assert row["ended_at"] > NOON
