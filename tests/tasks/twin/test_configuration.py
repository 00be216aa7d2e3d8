"""The sample network's configuration and topology, written, brought in, and found again."""

import hashlib
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.network_configuration.derive import configuration_at
from data_products.network_topology.derive import topology_at
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion.configuration import steps
from tasks.ingestion.configuration.object_values import NumberText, flattened
from tasks.settings import Settings
from tasks.twin.configuration import network_configuration
from tasks.twin.configuration_files import is_lte, write_configuration, write_told_configuration
from tasks.twin.faults import Fault
from tasks.twin.layout import build_network
from tasks.twin.topology_files import link_built_later, topology_nights, write_topology_documents
from tasks.twin.traffic import season
from tasks.twin.transport_network import build_transport
from tasks.wiring import Services, use_services

START = datetime(2025, 5, 1, tzinfo=UTC)
DAYS = 16
END = START + timedelta(days=DAYS)
SEED = 5


class StoppedClock:
    def now(self):
        return END


@pytest.fixture(scope="module")
def network():
    return build_network(14, SEED, is_village=False)


@pytest.fixture(scope="module")
def calendar():
    return season(START, DAYS)


def fault(kind, cell, first, days, target=None):
    return Fault(
        "F", kind, (cell.index,), first * 96, (first + days) * 96, 0, 1.0, "share", "cell",
        has_alarm=False, target=target,
    )  # fmt: skip


@pytest.fixture(scope="module")
def faults(network):
    nr = [cell for cell in network.cells if cell.band.technology == "NR"]
    lte = [cell for cell in network.cells if cell.band.technology == "LTE"]
    return [
        fault("wrong_neighbor", nr[0], 5, 4, target=nr[-1].index),
        fault("wrong_neighbor", nr[8], 9, 2, target=nr[1].index),  # between two dumps
        fault("wrong_neighbor", lte[0], 14, 1, target=lte[-1].index),
        fault("software_regression", lte[1], 6, 3),
        fault("outage", nr[2], 6, 3),
    ]


@pytest.fixture(scope="module")
def told(network, faults, calendar):
    return network_configuration(network, faults, calendar, SEED)


@pytest.fixture(scope="module")
def tables(network, calendar, told, tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivered")
    write_told_configuration(told, folder / "configuration")
    transport = build_transport(network, SEED)
    write_topology_documents(network, transport, calendar, SEED, folder / "topology")
    services = Services(Settings(home=folder / "home", worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    window = Window(END - timedelta(days=1), END)
    with use_services(services):
        published = steps.ingest_configuration.fn(folder, window)
        published += steps.ingest_topology.fn(folder, window)
        assert {snapshot.verdict for snapshot in published} == {"published"}
        assert steps.ingest_configuration.fn(folder, window) == []
        assert steps.ingest_topology.fn(folder, window) == []
    return services.tables


def as_delivered(value):
    """Return a value as XML can say it: a list of one is that one."""
    if isinstance(value, list):
        return as_delivered(value[0]) if len(value) == 1 else [as_delivered(it) for it in value]
    if isinstance(value, dict):
        return {name: as_delivered(it) for name, it in value.items()}
    return value


def texts(value):
    if isinstance(value, dict):
        return {name: texts(it) for name, it in value.items()}
    if isinstance(value, list):
        return [texts(it) for it in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return NumberText(value) if is_number else value


def true_rows(objects, source):
    for dn, (object_class, attributes) in objects.items():
        if is_lte(dn) != (source == "bulk_cm"):
            continue
        yield dn, "objectClass", object_class
        for name, value in attributes.items():
            plain = texts(as_delivered(value) if source == "bulk_cm" else value)
            for path, text in flattened(plain, name):
                yield dn, path, text


@pytest.mark.slow
@pytest.mark.parametrize("source", ["nrm", "bulk_cm"])
def test_every_nights_configuration_is_found_again_exactly(tables, told, source):
    history = tables.read("network_configuration").collect()
    history = history.filter(pl.col("source") == source)
    columns = ["managed_object_dn", "attribute", "value"]
    for night in told.dumps:
        found = set(configuration_at(history, night).select(columns).iter_rows())
        if source == "bulk_cm":  # the elements above are told there too
            found = {row for row in found if is_lte(row[0])}
        found = {row for row in found if row[0].count(",") > 0}
        assert found == set(true_rows(told.objects_at(night), source))


@pytest.mark.slow
def test_drift_is_exactly_what_was_planted_and_a_dump_saw(tables, told):
    drift = tables.read("network_configuration.drift").collect()
    found = set(drift.select("kind", "managed_object_dn", "attribute", "detected_at").iter_rows())
    expected = set()
    for planted in told.drifts:
        seen = [
            night
            for night in told.dumps
            if planted.begins <= night and (planted.ends is None or night < planted.ends)
        ]
        if seen:
            expected.add((planted.kind, planted.dn, planted.attribute, seen[0]))
    assert found == expected
    assert {kind for kind, *_ in found} == {"differs_from_plan", "missing_object"}
    assert len(found) == len(told.drifts) - 1
    standing = drift.filter(pl.col("ended_at").is_null())["attribute"].to_list()
    assert "digitalTilt" in standing


@pytest.mark.slow
def test_the_renamed_cell_and_the_rebuilt_site_are_told_and_nobody_else(tables, told):
    found = tables.read("network_configuration.identities").collect()
    old, new, _ = told.built.renamed_cell
    before, after, _ = told.built.rebuilt_site
    halves = {"GNBDUFunction": "GNBCUCPFunction", "NRCellDU": "NRCellCU"}

    def other_half(dn):
        for name, other in halves.items():
            dn = dn.replace(name, other)
        return dn

    assert set(found.select("managed_object_dn", "previous_dn", "reason").iter_rows()) == {
        (new, old, "renamed"),
        (other_half(new), other_half(old), "renamed"),
        (after, before, "rebuilt"),
    }


@pytest.mark.slow
def test_topology_is_found_again_as_it_was_each_night(tables, network, calendar):
    transport = build_transport(network, SEED)
    nodes, links, cells = (
        tables.read(name).collect()
        for name in ("network_topology.nodes", "network_topology.links", "network_topology")
    )
    early, late = topology_nights(calendar)
    standing, carried, _ = topology_at(nodes, links, cells, late)
    expected = {link.link_id: link for link in transport.links}
    assert set(carried["link_id"]) == set(expected)
    for row in carried.iter_rows(named=True):
        link = expected[row["link_id"]]
        assert (row["from_node_id"], row["to_node_id"]) == (link.a, link.b)
        assert (row["from_dn"], row["to_dn"], row["layer"]) == (link.a_dn, link.b_dn, link.layer)
        assert row["capacity_mbps"] == link.capacity_mbps
        assert tuple(row["supported_by"]) == link.supported_by
    kinds = dict(standing.group_by("kind").len().iter_rows())
    assert kinds["site"] == kinds["cell_site_router"] == len(network.sites)
    assert standing.height == (len(transport.nodes) + len(network.sites) + len(transport.functions))
    _, first, _ = topology_at(nodes, links, cells, early)
    assert set(expected) - set(first["link_id"]) == {link_built_later(transport, SEED)}
    assert tables.read("data_quality.quarantine").collect().is_empty()


def test_the_same_seed_writes_the_same_bytes(network, faults, calendar, tmp_path):
    def digests(folder):
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*.gz")
        }

    for name in ("one", "two"):
        counts = write_configuration(network, faults, calendar, SEED, tmp_path / name)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    written = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert counts["configuration_files"] == len(written)
