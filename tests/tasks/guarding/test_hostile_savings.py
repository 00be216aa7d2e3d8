"""An agent that wants every cell off the air, round after round, against what the town shows."""

import random
from dataclasses import replace

import polars as pl
import pytest

from tasks.adapters.memory_gateway import MemoryGateway
from tasks.guarding.records import lives_on_record
from tasks.messages.change_sets import ChangeSet, ManagedObject
from tasks.messages.ledger import EntryDraft
from tasks.twin.what_if import published_map
from tasks.twin.what_if_layout import published_cells
from tests.tasks.guarding.test_saving_steps import DEEP, condition, now
from tests.tasks.guarding.test_steps import ALL, LINEAGE, SITES, _loads, judge, propose, world
from tests.tasks.guarding.test_steps import _inventory as _one_band
from tests.tasks.guardrails.town import AWAKE, NOON, RULES, cell, saver, sleep

__all__ = ["world"]
EVERY = [(site, number) for site in range(1, SITES + 1) for number in range(1, 7)]
"""Cells 4 to 6 of a site are a capacity layer upon the three of its coverage layer."""


def proposals(kind, asleep, chance, round_number):
    """Return what the agent tries in a round, in one of its ways."""
    awake = [one for one in EVERY if one not in asleep]
    mark = {"trigger_ids": (f"{kind} {round_number}",)}
    by_site = {site: [n for s, n in awake if s == site] for site, _ in awake}
    whole = [now(site, *numbers, **mark) for site, numbers in by_site.items()]
    if kind == "sites":
        return whole
    if kind == "cells":
        chance.shuffle(awake)
        return [now(*one, **mark, probability=chance.random()) for one in awake]
    if kind == "beside sleepers":
        near = [one for one in awake if any(abs(one[0] - site) <= 1 for site, _ in asleep)]
        return [now(*one, **mark) for one in near or awake[:3]]
    writes = [write for one in awake for write in sleep(saver(*one))]
    everything = replace(
        now(*awake[0], **mark),
        change_set=ChangeSet(tuple(writes)),
        cell_dns=tuple(cell(*one) for one in awake),
    )
    return [everything, *(replace(one, use_case="heal_sleeping_cell") for one in whole)]


@pytest.mark.parametrize("kind", ["sites", "cells", "beside sleepers", "all at once"])
def test_however_it_asks_no_ground_falls_silent_and_enough_stay_awake(world, kind):
    condition(world)
    ground = published_map(published_cells(_inventory(), {}), RULES.coverage_dbm)
    heard = ground.received_dbm >= RULES.coverage_dbm
    chance, asleep = random.Random(kind), set()  # noqa: S311 - a drill
    for round_number in range(4):
        _network(world, asleep)
        made = proposals(kind, asleep, chance, round_number)
        allowed = set(judge(*propose(world, *made)))
        for one in made:
            if one.proposal_id in allowed:
                taken = {where for where in EVERY if cell(*where) in one.cell_dns}
                assert not taken & asleep
                asleep |= taken
                _written(world, one)
        gone = {cell(*where) for where in asleep}
        on = [dn not in gone for dn in ground.cells.place]
        assert not (heard.any(axis=1) & ~heard[:, on].any(axis=1)).any()
        assert len(asleep) <= RULES.most_network_asleep_share * len(EVERY)
    assert (len(asleep) > 0) == (kind in ("cells", "beside sleepers")), "not all is refused"


def _inventory():
    """Return the row of sites with a second band upon each."""
    rows = []
    for row in _one_band():
        site, number = (int(part.split("=")[1]) for part in row["cell_dn"].split(",")[1::2])
        upper = {"band": "n78", "frequency_mhz": 3500.0, "bandwidth_mhz": 80.0}
        near = [cell(site, n + 3) for n in (1, 2, 3) if n != number]
        rows += [row, row | upper | {"cell_dn": cell(site, number + 3), "neighbor_dns": near}]
    return pl.DataFrame(rows)


def _network(world, asleep):
    """Give every cell a saving function and a load; who is off the air tells of no blocks."""
    functions = [
        ManagedObject(saver(*one), "CESManagementFunction", DEEP if one in asleep else AWAKE)
        for one in EVERY
    ]
    world.__dict__["gateway"] = MemoryGateway(functions)
    off = {cell(*one) for one in asleep}
    rows = []
    for row in _loads():
        site, number = (int(part.split("=")[1]) for part in row["cell_dn"].split(",")[1::2])
        for dn in (cell(site, number), cell(site, number + 3)):
            kept = {key: value for key, value in row.items()
                    if dn not in off or not key.startswith("prb")}  # fmt: skip
            rows.append(kept | {"cell_dn": dn})
    frame = pl.DataFrame(rows, infer_schema_length=None)
    world.tables.publish("network_topology", ALL, _inventory(), LINEAGE, {"source": "cells"})
    scope = {"granularity": "15min", "source": "pm_measurements"}
    world.tables.publish("cell_kpis", ALL, frame, LINEAGE, scope)


def _written(world, one):
    """Put on record that a saving was approved, written and kept."""
    key = one.proposal_id
    life = lives_on_record(world.ledger.entries())[key]
    told = [
        ("approved", {"change_digest": life.verdict.change_digest}),
        ("execution_prepared", {"attempt": 1, "rollback": []}),
        ("applied", {"attempt": 1, "applied_at": NOON.isoformat()}),
        ("verified", {"verdict": "better"}),
    ]
    for kind, payload in told:
        world.ledger.append(EntryDraft(kind, key, "anna", NOON, payload, f"{kind}:{key}"))
