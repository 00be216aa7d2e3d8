"""Upkeep as a step: every table of every product, with a row a table for people."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.lineage import Lineage
from data_products.product import TIME
from data_products.registry import products
from semantic_layer.errors import UnknownNameError
from semantic_layer.lifecycle import Lifecycle
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.memory_maintenance import InMemoryMaintenance
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ports import StoredFile
from tasks.retention.steps import maintain_tables
from tasks.retention.upkeep import keep_up
from tasks.settings import Settings
from tasks.wiring import Services, use_services

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class StoppedClock:
    def now(self):
        return NOW


@pytest.fixture
def engines(tmp_path):
    chosen = Services(Settings(home=tmp_path, hot_store="none"))
    tables = InMemoryTables(StoppedClock())
    chosen.__dict__.update(
        tables=tables, maintenance=InMemoryMaintenance(tables), clock=StoppedClock()
    )
    with use_services(chosen):
        yield chosen


@pytest.mark.usefixtures("engines")
def test_every_table_of_every_product_is_kept_up_and_told():
    rows = maintain_tables.fn()
    assert [row["table"] for row in rows] == [
        name for product in products().values() for name in product.tables
    ]
    assert all(row["problems"] == "" and row["seconds"] >= 0 for row in rows)


@pytest.mark.usefixtures("engines")
def test_one_table_may_be_named_and_an_unknown_one_is_told():
    assert [row["table"] for row in maintain_tables.fn(["cell_kpis"])] == ["cell_kpis"]
    with pytest.raises(UnknownNameError, match="cell_kpi"):
        maintain_tables.fn(["cell_kpi"])


def test_every_table_has_a_lifecycle():
    for product in products().values():
        for name in product.tables:
            assert isinstance(catalogue().lifecycle_of(name), Lifecycle)


class OneOldFile(InMemoryMaintenance):
    """Says that a table has a file, and whether it is broken."""

    def __init__(self, tables, told):
        super().__init__(tables)
        self.told, self.rewritten = told, []

    def files(self, table):
        bounds = self._tables.bounds(table)
        if bounds is None:
            return []
        return [StoredFile(f"{table}.parquet", "day", "fresh", 1, 10, bounds.start, bounds.start)]

    def rewrite(self, _table, paths, kind):
        self.rewritten.append((tuple(paths), kind))
        return True

    def problems(self, _table):
        return self.told


RULE = Lifecycle(
    name="r", tables=("*",), hot_days=1, warm_days=10, cold_days=30,
    keep_snapshots_days=3, target_file_mb=1, description="For tests.",
)  # fmt: skip


def old_topology(age_days):
    tables = InMemoryTables(StoppedClock())
    start = NOW - timedelta(days=age_days)
    frame = pl.DataFrame(
        {"cell_dn": ["A"], "valid_from": [start]}, schema_overrides={"valid_from": TIME}
    )
    window = Window(start, start + timedelta(hours=1))
    scope = {"source": "x"} if "source" in tables._described("network_topology").scope else None
    tables.publish("network_topology", window, frame, Lineage("r", "1", "c"), scope)
    return tables


def test_a_network_that_is_replayed_years_later_keeps_its_rows():
    tables = old_topology(4000)
    came_to = NOW - timedelta(days=3990)
    keep_up(OneOldFile(tables, []), "network_topology", RULE, NOW, Lineage("r", "1", "c"), came_to)
    assert tables.read("network_topology").collect().height == 1


@pytest.mark.parametrize("told", [[], ["a file is gone."]])
@pytest.mark.parametrize("age_days", [20, 4000])
def test_rows_beyond_their_lifetime_go_and_a_broken_table_is_left_as_it_is(age_days, told):
    tables = old_topology(age_days)
    store = OneOldFile(tables, told)
    done = keep_up(store, "network_topology", RULE, NOW, Lineage("retention 1", "1", "c"))
    is_over = age_days == 4000 and not told
    assert tables.read("network_topology").collect().height == (0 if is_over else 1)
    assert bool(done.deleted) == is_over
    assert done.problems == tuple(told)
    assert store.rewritten == ([] if told or is_over else [(("network_topology.parquet",), "cold")])
    assert "retention 1" in tables.history("network_topology")["run_id"].to_list() or not is_over
