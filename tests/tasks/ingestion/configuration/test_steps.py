"""What is delivered of configuration and topology, in whatever order, becomes what is published."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.network_topology.derive import topology_at
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion.configuration import steps
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow  # Great Expectations judges

NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)
ELEMENT = "SubNetwork=1,ManagedElement=7"
CELL = f"{ELEMENT},GNBDUFunction=1,NRCellDU=3"


class StoppedClock:
    def now(self):
        return NIGHT


@pytest.fixture
def tables(tmp_path):
    services = Services(
        Settings(
            home=tmp_path / "home",
            worker_pool="serial",
            mapping_folder=REPOSITORY / "deployments/mappings",
        )
    )
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


def day(number):
    start = NIGHT.replace(hour=0) + timedelta(days=number)
    return Window(start, start + timedelta(days=1))


def dump(folder, number, cells, name=None, planned=False, gnb="77"):
    """Write a dump of one night: cells are {id: attributes}."""
    header = {"timestamp": (NIGHT + timedelta(days=number)).isoformat()}
    if planned:
        header["purpose"] = "planned"
    tree = {
        "header": header,
        "SubNetwork": [
            {
                "id": "1",
                "ManagedElement": [
                    {
                        "id": "7",
                        "objectClass": "ManagedElement",
                        "attributes": {"locationName": "S007"},
                        "GNBDUFunction": [
                            {
                                "id": "1",
                                "attributes": {"gNBId": gnb},
                                "NRCellDU": [
                                    {"id": key, "attributes": told} for key, told in cells.items()
                                ],
                            }
                        ],
                    }
                ],
            }
        ],
    }
    path = folder / (name or f"dump-{number}{'-planned' * planned}.json")
    path.write_text(json.dumps(tree))
    return path


def cell(pci, local="3"):
    return {"nRPCI": pci, "cellLocalId": local}


def ingest(folder, number):
    return steps.ingest_configuration.fn(folder, day(number))


def state(tables, name="network_configuration"):
    rows = tables.read(name).collect()
    return rows.drop("run_id", "input_snapshots", "contract_version", "catalogue_version").sort(
        rows.columns[:3]
    )


def changes_of(tables, attribute="nRPCI"):
    rows = state(tables).filter(pl.col("attribute") == attribute)
    return rows.select("valid_from", "value").rows()


def test_only_changes_become_rows_and_the_same_dump_twice_changes_nothing(tables, tmp_path):
    dump(tmp_path, 0, {"3": cell(1)})
    dump(tmp_path, 1, {"3": cell(1)})
    dump(tmp_path, 2, {"3": cell(2)})
    assert ingest(tmp_path, 2)
    assert changes_of(tables) == [(NIGHT, "1"), (NIGHT + timedelta(days=2), "2")]
    before = state(tables)
    assert ingest(tmp_path, 2) == []
    again = tmp_path / "dump-2.json"
    (tmp_path / "same-again.json").write_text(again.read_text())
    ingest(tmp_path, 2)
    assert state(tables).drop("source_file").equals(before.drop("source_file"))
    assert tables.read("data_quality.quarantine").collect()["reason"].to_list() == [
        "'same-again.json' tells 2 of its subtrees at the same time; the later name counts."
    ]


def test_order_of_delivery_does_not_matter(tables, tmp_path):
    for number, pci in ((0, 1), (3, 2), (1, 2), (2, 1)):
        dump(tmp_path, number, {"3": cell(pci)})
        ingest(tmp_path, 3)
    late = state(tables)
    services = Services(Settings(home=tmp_path / "home", worker_pool="serial"))
    services.__dict__["tables"] = fresh = InMemoryTables(StoppedClock())
    with use_services(services):
        ingest(tmp_path, 3)
    assert late.equals(state(fresh))
    assert [value for _, value in changes_of(tables)] == ["1", "2", "1", "2"]


def test_a_dump_of_tomorrow_waits_for_its_day(tables, tmp_path):
    dump(tmp_path, 1, {"3": cell(1)})
    ingest(tmp_path, 0)
    assert state(tables).is_empty()
    ingest(tmp_path, 1)
    assert changes_of(tables) == [(NIGHT + timedelta(days=1), "1")]


def test_a_half_written_dump_is_told_removes_nothing_and_counts_once_whole(tables, tmp_path):
    dump(tmp_path, 0, {"3": cell(1)})
    path = dump(tmp_path, 1, {"3": cell(2)})
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    ingest(tmp_path, 1)
    told = tables.read("data_quality.quarantine").collect()
    assert told["source_file"].to_list() == ["dump-1.json"]
    assert "cut off" in told["reason"].item()
    assert changes_of(tables) == [(NIGHT, "1")]
    path.write_bytes(whole)
    ingest(tmp_path, 1)
    assert tables.read("data_quality.quarantine").collect().is_empty()
    assert [value for _, value in changes_of(tables)] == ["1", "2"]


def test_an_object_that_cannot_be_named_is_told_and_its_neighbors_are_not_removed(tables, tmp_path):
    dump(tmp_path, 0, {"3": cell(1), "4": cell(5, "4")})
    path = dump(tmp_path, 1, {"3": cell(2), "": cell(5, "4")})
    ingest(tmp_path, 1)
    assert not state(tables)["is_removed"].any()
    assert [value for _, value in changes_of(tables)][:2] == ["1", "2"]
    told = tables.read("data_quality.quarantine").collect()
    assert told.select("source_file").item() == path.name
    assert "no id" in told["reason"].item()


def test_a_document_without_a_time_is_quarantined(tables, tmp_path):
    tree = {"ManagedElement": [{"id": "7", "objectClass": "ManagedElement", "attributes": {}}]}
    (tmp_path / "dump.json").write_text(json.dumps(tree))
    ingest(tmp_path, 0)
    assert state(tables).is_empty()
    assert "says no time" in tables.read("data_quality.quarantine").collect()["reason"].item()


def test_a_renamed_cell_keeps_its_identity_and_a_rebuilt_site_does_not(tables, tmp_path):
    dump(tmp_path, 0, {"3": cell(1), "4": cell(2, "4")})
    dump(tmp_path, 1, {"9": cell(1), "4": cell(2, "4")})
    dump(tmp_path, 2, {"1": cell(6, "21"), "2": cell(7, "22")})
    ingest(tmp_path, 2)
    found = state(tables, "network_configuration.identities")
    told = found.select("managed_object_dn", "previous_dn", "reason", "evidence").rows()
    above = f"{ELEMENT},GNBDUFunction=1"
    assert (f"{above},NRCellDU=9", CELL, "renamed", "same node=77 cellLocalId=3") in told
    assert (ELEMENT, ELEMENT, "rebuilt", "all 2 cells replaced") in told
    assert len(told) == 2


def test_drift_is_what_differs_from_plan_since_it_does(tables, tmp_path):
    dump(tmp_path, 0, {"3": cell("1.0"), "4": cell(2, "4")}, planned=True)
    dump(tmp_path, 0, {"3": cell(1), "4": cell(2, "4")})
    dump(tmp_path, 1, {"3": cell(8), "5": cell(9, "5")})
    dump(tmp_path, 2, {"3": cell(1), "4": cell(2, "4")})
    ingest(tmp_path, 2)
    found = state(tables, "network_configuration.drift").sort("kind")
    since, until = NIGHT + timedelta(days=1), NIGHT + timedelta(days=2)
    rows = found.select(
        "kind", "managed_object_dn", "planned_value", "actual_value", "detected_at", "ended_at"
    ).rows()
    above = f"{ELEMENT},GNBDUFunction=1"
    assert rows == [
        ("differs_from_plan", CELL, "1.0", "8", since, until),
        ("missing_object", f"{above},NRCellDU=4", "NRCellDU", None, since, until),
        ("unexpected_object", f"{above},NRCellDU=5", None, "NRCellDU", since, until),
    ]


def topology(taken_at, nodes, links):
    return {
        "ietf-network:networks": {
            "anops-topology:taken-at": taken_at.isoformat(),
            "network": [
                {
                    "network-id": "ip",
                    "network-types": {"ietf-l3-unicast-topology:l3-unicast-topology": {}},
                    "node": [{"node-id": name} for name in nodes],
                    "ietf-network-topology:link": [
                        {
                            "link-id": f"{a}-{b}",
                            "source": {"source-node": a},
                            "destination": {"dest-node": b},
                        }
                        for a, b in links
                    ],
                }
            ],
        }
    }


def test_topology_holds_from_document_to_document(tables, tmp_path):
    for number, nodes, links in ((0, "ab", ["ab"]), (2, "abc", ["ab", "bc"]), (1, "ab", ["ab"])):
        told = topology(NIGHT + timedelta(days=number), nodes, links)
        (tmp_path / f"topology-{number}.json").write_text(json.dumps(told))
        steps.ingest_topology.fn(tmp_path, day(2))
    told = topology(NIGHT + timedelta(days=3), "ab", ["ab", "bx", "aa"])
    (tmp_path / "topology-3.json").write_text(json.dumps(told))
    steps.ingest_topology.fn(tmp_path, day(3))
    assert steps.ingest_topology.fn(tmp_path, day(3)) == []
    nodes, links, cells = (
        tables.read(name).collect()
        for name in ("network_topology.nodes", "network_topology.links", "network_topology")
    )
    assert nodes.height == 4  # a, b, c and that c is gone
    for number, count in ((0, 1), (1, 1), (2, 2), (3, 1)):
        standing, carried, _ = topology_at(nodes, links, cells, NIGHT + timedelta(days=number))
        assert carried.height == count
        assert standing.height == count + 1
    reasons = tables.read("data_quality.quarantine").collect()["reason"].to_list()
    assert sorted(reason.split(";")[0] for reason in reasons) == [
        "A link ends where it begins, at 'a'", "No node of the network is called 'x'"
    ]  # fmt: skip


@pytest.mark.real_data
def test_a_citys_real_inventory_becomes_exactly_its_sites_antennas_and_cells(tables, real_data):
    folder = real_data / "leipzig_ran"
    steps.ingest_topology.fn(folder, day(0))
    cells = tables.read("network_topology").collect()
    nodes = tables.read("network_topology.nodes").collect()
    assert cells.height == cells["cell_dn"].n_unique() == 10_552
    assert cells["site_id"].n_unique() == 380
    assert dict(nodes.group_by("kind").len().iter_rows()) == {"site": 380, "antenna": 2_633}
    assert cells.filter(pl.col("band") == "n78")["frequency_mhz"].unique().to_list() == [3550.0]
    assert tables.read("data_quality.quarantine").collect().is_empty()
    assert steps.ingest_topology.fn(folder, day(0)) == []


@pytest.mark.real_data
def test_real_bulk_cm_files_become_the_history_that_they_tell(tables, real_data):
    folder = real_data / "bulk_cm"
    window = Window(datetime(2019, 4, 15, tzinfo=UTC), datetime(2019, 4, 16, tzinfo=UTC))
    steps.ingest_configuration.fn(folder, window)
    looks = tables.read("network_configuration.snapshots").collect()
    assert looks["source_file"].n_unique() == 3
    rows = state(tables)
    # Of two files of one time the later name counts; what the year before had is removed.
    assert rows.filter(~pl.col("is_removed")).height == 44 + 7
    assert rows.filter(pl.col("is_removed"))["managed_object_dn"].n_unique() == 2
    told = tables.read("data_quality.quarantine").collect()
    assert told["source_file"].unique().to_list() == ["bulkcm.xml"]
