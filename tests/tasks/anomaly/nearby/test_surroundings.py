"""What is read around findings: the right time, the newest topology, nothing from the future."""

from datetime import timedelta

import polars as pl
import pytest

from data_products.lineage import Lineage
from data_products.registry import table
from semantic_layer.evidence import evidence_rules
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.anomaly.nearby import surroundings as shapes
from tasks.anomaly.nearby.surroundings import surroundings
from tests.tasks.anomaly.nearby import near_world as world
from tests.tasks.anomaly.nearby.near_world import alarm, cell, change, element

RULES = evidence_rules()
DAY = Window(world.DAY, world.DAY + timedelta(days=1))
EVER = Window(world.DAY - timedelta(days=400), world.DAY + timedelta(days=400))


class StoppedClock:
    def now(self):
        return world.DAY


@pytest.fixture
def tables():
    return InMemoryTables(StoppedClock())


def publish(tables, name, rows, schema):
    shape = table(name)
    known = {column.name: column.dtype for column in shape.columns}
    frame = pl.DataFrame(rows, schema_overrides=schema).with_columns(source=pl.lit("s"))
    kept = frame.select(pl.col(one).cast(known[one]) for one in frame.columns if one in known)
    return tables.publish(name, EVER, kept, Lineage("r", "1", "x"), {"source": "s"})


def test_alarms_and_changes_of_the_hours_around_the_earliest_finding_are_read(tables):
    early = world.finding(start=world.START - timedelta(days=3))
    leads = (10.0, 72.0 + RULES.hours_before - 1, 72.0 + RULES.hours_before + 12)
    publish(tables, "alarms", [alarm(cell(1), lead) for lead in leads], shapes.ALARMS)
    asked = world.DAY - timedelta(days=40)
    rows = [change([element(1)], lead) | {"requested_at": asked} for lead in leads]
    publish(tables, "change_history", rows, shapes.CHANGES)
    found = surroundings(tables, world.findings(early), DAY, RULES)
    assert found.alarms.height == 2
    assert found.changes["change_id"].to_list() == ["CRQ10", f"CRQ{leads[1]:g}"]
    assert found.known_tables == {"alarms", "change_history"}


def test_topology_is_the_newest_before_the_windows_end(tables):
    rows = world.cells(1, 1).to_dicts()
    since = {"older": -9, "newer": -1, "future": 2}
    dated = [
        row | {"site_id": name, "valid_from": world.DAY + timedelta(days=days)}
        for name, days in since.items()
        for row in rows
    ]
    publish(tables, "network_topology", dated, shapes.CELLS)
    found = surroundings(tables, world.findings(), DAY, RULES)
    assert found.cells["site_id"].to_list() == ["newer"]


def test_removed_nodes_are_gone(tables):
    nodes, _ = world.transport(2)
    rows = [
        row | {"valid_from": world.DAY - timedelta(days=9), "is_removed": row["node_id"] == "R2"}
        for row in nodes.to_dicts()
    ]
    publish(tables, "network_topology.nodes", rows, shapes.NODES)
    found = surroundings(tables, world.findings(), DAY, RULES)
    assert "R2" not in found.nodes["node_id"]
    assert "R1" in found.nodes["node_id"]


def test_where_nothing_was_ever_published_everything_is_empty_and_said_so(tables):
    found = surroundings(tables, world.findings(), DAY, RULES)
    assert found.known_tables == frozenset()
    for name in ("cells", "alarms", "changes", "drift", "nodes", "links"):
        frame = getattr(found, name)
        assert frame.is_empty()
        assert dict(frame.schema) == getattr(shapes, name.upper())
