"""Judging on record: verdicts, waiting, yielding, levels and freezes; the store is in memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.errors import InputError
from semantic_layer.identity import parent
from semantic_layer.periods import Window
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.memory_tables import InMemoryTables
from tasks.guarding import steps
from tasks.guarding.network_facts import load_columns
from tasks.guarding.records import lives_on_record
from tasks.messages.change_sets import ManagedObject
from tasks.messages.ledger import EntryDraft
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.guardrails.town import (
    NOON,
    beam,
    cell,
    lonely,
    planned_relation,
    proposal,
    relation,
    restart,
    sleeping,
    slipped,
)

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
ALL = Window(BEGIN, NOON + timedelta(days=1))
SITES = 8
LINEAGE = Lineage("run-1", "1.0.0", "abc")


class Clock:
    def __init__(self):
        self.moment = NOON

    def now(self):
        return self.moment


@pytest.fixture
def world(tmp_path):
    """A row of sites, 1.2 km apart, with everything published that guards read."""
    clock = Clock()
    services = Services(Settings(home=tmp_path))
    services.__dict__ |= {
        "clock": clock,
        "network_clock": clock,
        "tables": InMemoryTables(clock),
        "ledger": MemoryLedger(clock),
        "gateway": MemoryGateway(_objects()),
    }
    for table, rows, scope in (
        ("network_topology", _inventory(), {"source": "cells"}),
        ("network_configuration", _configured(95), {"source": "nrm"}),
        ("network_configuration.planned", _planned(), {"source": "nrm_planned"}),
        ("cell_kpis", _loads(), {"granularity": "15min", "source": "pm_measurements"}),
        ("change_history", _changes("closed"), {"source": "tmf655"}),
    ):
        _publish(services, table, rows, scope)
    with use_services(services):
        yield services


def _publish(services, table, rows, scope):
    services.tables.publish(table, ALL, pl.DataFrame(rows), LINEAGE, scope)


def _cells():
    return [(site, number) for site in range(1, SITES + 1) for number in (1, 2, 3)]


def _objects():
    for site, number in _cells():
        yield ManagedObject(cell(site, number), "NRCellDU", {"administrativeState": "UNLOCKED"})
        carrier = parent(beam(site, number))
        yield ManagedObject(carrier, "NRSectorCarrier", {})
        tilt = 95 if number == 1 else 40
        yield ManagedObject(beam(site, number), "CommonBeamformingFunction", {"digitalTilt": tilt})
        above = relation(site, site + 1, number).rpartition(",")[0]
        yield ManagedObject(above, "NRCellCU", {})


def _inventory():
    return [
        {
            "cell_dn": cell(site, number),
            "site_id": f"S{site:03d}",
            "latitude_deg": 51.0,
            "longitude_deg": 12.0 + 0.017 * site,
            "azimuth_deg": 120.0 * (number - 1),
            "antenna_height_m": 30.0,
            "digital_tilt_deg": 4.0,
            "max_tx_power_dbm": 46.0,
            "band": "n28",
            "frequency_mhz": 780.0,
            "bandwidth_mhz": 10.0,
            "archetype": "residential",
            "neighbor_dns": [cell(site, n) for n in (1, 2, 3) if n != number]
            + [cell(other, number) for other in (site - 1, site + 1) if 1 <= other <= SITES],
            "valid_from": BEGIN,
            "source": "cells",
        }
        for site, number in _cells()
    ]


def _row(dn, attribute, object_class, value, source):
    return {
        "managed_object_dn": dn,
        "attribute": attribute,
        "valid_from": BEGIN,
        "object_class": object_class,
        "value": value,
        "is_removed": False,
        "source": source,
    }


def _configured(tilt):
    for site, number in _cells():
        dn = cell(site, number)
        carrier = parent(beam(site, number))
        yield _row(dn, "nRSectorCarrierRef", "NRCellDU", f'["{carrier}"]', "nrm")
        tilted = str(tilt if number == 1 else 40)
        yield _row(beam(site, number), "digitalTilt", "CommonBeamformingFunction", tilted, "nrm")


def _planned():
    for site, number in _cells():
        name = "CommonBeamformingFunction"
        yield _row(beam(site, number), "digitalTilt", name, "40", "nrm_planned")
    for site in range(1, SITES):
        dn = relation(site, site + 1)
        target = str(planned_relation(site + 1)["adjacentNRCellRef"])
        for attribute, value in (
            ("objectClass", "NRCellRelation"),
            ("adjacentNRCellRef", target),
            ("isHOAllowed", "true"),
        ):
            yield _row(dn, attribute, "NRCellRelation", value, "nrm_planned")


def _loads(users=6.0):
    values = dict(zip(load_columns()[3:], (10.0, None, 30.0, None, users, None), strict=True))
    for site, number in _cells():
        dn = cell(site, number)
        yield {
            "cell_dn": dn,
            "object_class": "NRCellDU",
            "period_start": NOON - timedelta(minutes=15),
            "granularity": "15min",
            "source": "pm_measurements",
            **{name: value for name, value in values.items() if value is not None},
        }


def _changes(state):
    yield {
        "change_id": "CRQ1",
        "requested_at": BEGIN,
        "state": state,
        "planned_start": NOON,
        "planned_end": NOON + timedelta(hours=1),
        "managed_object_dns": [cell(7)],
        "source": "tmf655",
    }


def propose(world, *proposals):
    for one in proposals:
        key = one.proposal_id
        payload = {"proposal": one.to_json()}
        world.ledger.append(
            EntryDraft("proposed", key, one.proposed_by, NOON, payload, f"proposed:{key}")
        )
    return [one.proposal_id for one in proposals]


def judge(*ids):
    return steps.judge_proposals.fn(ids)


def breaches(world, proposal_id):
    verdict = lives_on_record(world.ledger.entries())[proposal_id].verdict
    return {one.rule for one in verdict.breaches}


def test_proposals_in_order_are_allowed_on_facts_that_are_published(world):
    ids = propose(world, sleeping(1, 2), slipped(4), lonely(6))
    assert judge(*ids) == sorted(ids)
    lives = lives_on_record(world.ledger.entries())
    assert {life.stage for life in lives.values()} == {"WAITING"}
    assert all("is at L2" in life.verdict.reason for life in lives.values())


def test_judging_again_adds_nothing_and_says_the_same(world):
    ids = propose(world, sleeping(1, 2))
    assert judge(*ids) == ids
    count = len(world.ledger.entries())
    assert judge(*ids) == ids
    assert judge() == []
    assert len(world.ledger.entries()) == count


def test_what_was_left_unjudged_is_judged_by_the_next_call(world):
    ids = propose(world, sleeping(1, 2))
    assert judge() == ids


def test_a_breach_that_lasts_is_put_on_record_with_its_reason(world):
    (key,) = propose(world, slipped(4, after=60))
    assert judge(key) == []
    assert breaches(world, key) == {"planned_value"}
    assert judge(key) == []


def test_a_breach_that_passes_waits_and_is_judged_again(world):
    (key,) = propose(world, sleeping(7, 2))
    _publish(world, "change_history", _changes("inProgress"), {"source": "tmf655"})
    assert judge(key) == []
    assert lives_on_record(world.ledger.entries())[key].stage == "PROPOSED"
    _publish(world, "change_history", _changes("closed"), {"source": "tmf655"})
    assert judge() == [key]


def test_what_waited_too_long_is_refused(world):
    (key,) = propose(world, sleeping(7, 2))
    steps.set_freeze.fn("anna", "A storm.", is_frozen=True)
    assert judge(key) == []
    world.clock.moment = NOON + timedelta(hours=13)
    assert judge(key) == []
    assert {"too_old", "frozen_by_hand"} <= breaches(world, key)


@pytest.mark.parametrize(
    ("table", "scope", "rule"),
    [
        ("network_topology", {"source": "cells"}, "cell_known"),
        ("network_configuration", {"source": "nrm"}, "cells_named"),
        ("network_configuration.planned", {"source": "nrm_planned"}, "planned_value"),
    ],
)
def test_without_a_product_nothing_is_allowed(world, table, scope, rule):
    (key,) = propose(world, slipped(4))
    world.tables.publish(
        table, ALL, world.tables.read(table).collect().clear().drop(
            "run_id", "input_snapshots", "contract_version", "catalogue_version"
        ), LINEAGE, scope,
    )  # fmt: skip
    assert judge(key) == []
    assert rule in breaches(world, key)


@pytest.mark.parametrize("missing", ["change_history", "cell_kpis"])
def test_without_a_record_of_changes_or_loads_proposals_wait_and_then_end(world, missing):
    world.tables._kept.pop(missing)
    (key,) = propose(world, sleeping(1, 2))
    assert judge(key) == []
    assert lives_on_record(world.ledger.entries())[key].stage == "PROPOSED"
    world.clock.moment = NOON + timedelta(hours=13)
    assert judge(key) == []
    expected = {"change_history": "change_record", "cell_kpis": "what_if"}[missing]
    assert expected in breaches(world, key)


def test_what_waits_for_people_yields_to_what_prevails(world):
    (lower,) = propose(world, slipped(4))
    assert judge(lower) == [lower]
    (higher,) = propose(world, sleeping(4, 2))
    assert judge(higher) == [higher]
    lives = lives_on_record(world.ledger.entries())
    assert lives[lower].stage == "WITHDRAWN"
    assert f"yields to proposal {higher}" in lives[lower].entries[-1].payload["reason"]


def test_what_people_approved_does_not_yield(world):
    (lower,) = propose(world, slipped(4))
    judge(lower)
    digest = slipped(4).change_set.digest
    payload = {"change_digest": digest, "comment": ""}
    world.ledger.append(EntryDraft("approved", lower, "anna", NOON, payload))
    (higher,) = propose(world, sleeping(4, 2))
    assert judge(higher) == []
    lives = lives_on_record(world.ledger.entries())
    assert (lives[lower].stage, lives[higher].stage) == ("APPROVED", "PROPOSED")


def test_an_operators_own_places_are_spared(world):
    (world.settings.root / "protected.yaml").write_text(
        "- {name: places, value: [{name: clinic, service: hospital, rule: never, "
        "site_ids: [S001]}], unit: '1', owner: us, description: Ours.}\n"
        "- {name: ahead_hours, value: 1, unit: h, owner: us, description: Before.}\n",
        encoding="utf-8",
    )
    (key,) = propose(world, sleeping(1, 2))
    assert judge(key) == []
    assert breaches(world, key) == {"protected_place"}


@pytest.mark.usefixtures("world")
def test_an_id_that_is_none_is_told():
    with pytest.raises(InputError, match="No proposal 'nothing' is on record"):
        judge("nothing")


def test_levels_follow_outcomes_and_are_told(world):
    assert steps.adjust_autonomy.fn() == []
    for number in range(10):
        one = sleeping(1, trigger_ids=(f"f{number}",))
        propose(world, one)
        payload = {"verdict": "better", "effect": {}}
        world.ledger.append(EntryDraft("verified", one.proposal_id, "executor", NOON, payload))
    (said,) = steps.adjust_autonomy.fn()
    assert said.startswith("heal_sleeping_cell: L2 to L3. 10 good of 10")
    assert steps.adjust_autonomy.fn() == []
    rows = {row["use case"]: row for row in steps.autonomy_table.fn()}
    assert rows["heal_sleeping_cell"]["level"] == "L3 conditional autonomous network"
    assert rows["heal_tilt_slip"]["good outcomes"] == "0 of 0"


def test_a_level_is_set_by_hand_and_stands(world):
    said = steps.set_autonomy.fn("heal_tilt_slip", 3, "anna", "Watched for a month.")
    assert said == "heal_tilt_slip was set from L2 to L3 by anna."
    entry = world.ledger.entries("heal_tilt_slip")[-1]
    assert (entry.actor, entry.payload["reason"]) == ("anna", "Watched for a month.")
    assert steps.set_autonomy.fn("heal_tilt_slip", 1, "anna", "An audit.").endswith("L1 by anna.")
    with pytest.raises(InputError, match="say why"):
        steps.set_autonomy.fn("heal_tilt_slip", 2, "anna", " ")


@pytest.mark.usefixtures("world")
def test_a_freeze_is_told_once():
    assert steps.set_freeze.fn("anna", "A storm.", is_frozen=True).endswith("frozen by anna.")
    assert steps.set_freeze.fn("bogdan", "Too.", is_frozen=True).endswith("frozen already.")
    assert steps.set_freeze.fn("anna", "Over.", is_frozen=False).endswith("thawed by anna.")
    with pytest.raises(InputError, match="say why"):
        steps.set_freeze.fn("anna", "", is_frozen=True)


class WatchedGateway(MemoryGateway):
    """Remembers what it was asked about."""

    def __init__(self, objects):
        super().__init__(objects)
        self.asked = []

    def read(self, dns):
        self.asked += dns
        return super().read(dns)


def test_a_name_that_leads_nowhere_is_refused_and_never_put_to_the_network(world):
    world.__dict__["gateway"] = WatchedGateway(_objects())
    odd = proposal("heal_sleeping_cell", *restart("../../etc/passwd"), cells=(cell(1),))
    other = proposal("heal_sleeping_cell", *restart("SubNetwork=1"), cells=(cell(1),))
    wrong = replace(sleeping(3, 2), cell_dns=(cell(3, 2), 7))
    ids = propose(world, odd, other, wrong, sleeping(1, 2))
    assert judge(*ids) == [ids[-1]]
    assert breaches(world, ids[2]) == {"unwritable"}
    assert world.gateway.asked == [cell(1, 2)]
    assert judge() == []
