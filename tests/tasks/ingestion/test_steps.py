import gzip
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion import steps
from tasks.settings import Settings
from tasks.twin.nation import write_nation
from tasks.twin.sample_network import write_sample_network
from tasks.wiring import Services, use_services
from tests.tasks.ingestion.written import DAY, NOON, info, measurement_file, value

pytestmark = pytest.mark.slow  # Great Expectations judges

LATER = datetime(2026, 2, 1, tzinfo=UTC)
CU = "GNBCUCPFunction=1,NRCellCU=3"
CELL = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
CELLS_MAPPING = """\
mapping: 1
into: network_topology
files: ["cells.csv"]
object: {column: cell_dn}
time: {column: since}
columns: {site_id: site_id}
"""
KPI_MAPPING = """\
mapping: 1
into: cell_kpis
files: ["kpis.csv"]
object: {column: cell}
time: {column: hour}
granularity: hour
columns: {sr: lte_rrc_setup_success_rate}
"""


class StoppedClock:
    def now(self):
        return LATER


@pytest.fixture
def tables(tmp_path):
    services = Services(Settings(home=tmp_path / "home", worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


@pytest.fixture
def folder(tmp_path):
    delivered = tmp_path / "delivered"
    for name in ("pm", "topology"):
        (delivered / name).mkdir(parents=True)
    return delivered


def deliver(folder, hour, attempts, quarter=0):
    start = DAY.start + timedelta(hours=hour, minutes=15 * quarter)
    end = start + timedelta(minutes=15)
    text = measurement_file(
        info(
            ["RRC.ConnEstabAtt", "Vendor.Secret"],
            value(CU, [(1, str(attempts)), (2, "1")]),
            end.isoformat(),
        )
    )
    name = f"A{start:%Y%m%d.%H%M}+0000-{end:%H%M}+0000_gnb.xml.gz"
    (folder / "pm" / name).write_bytes(gzip.compress(text.encode()))


def ingest(folder, window=DAY):
    return steps.ingest_measurement_files.fn(steps.find_deliveries.fn(folder, window), window)


def test_delivered_files_are_published_and_what_they_hold_beyond_is_quarantined(tables, folder):
    deliver(folder, 12, 10)
    deliver(folder, 13, 20)
    snapshot = ingest(folder)
    rows = tables.read("pm_measurements", DAY).collect().sort("period_start")
    assert (snapshot.rows, snapshot.verdict) == (2, "published")
    assert rows["rrc_conn_estab_att_count"].to_list() == [10.0, 20.0]
    assert rows["cell_dn"].to_list() == [CELL, CELL]
    assert rows["source"].unique().to_list() == ["measurement_files"]
    kept = tables.read("data_quality.quarantine", DAY).collect()
    assert kept["reason"].str.contains("Vendor.Secret").to_list() == [True, True]
    assert kept["source_file"].n_unique() == 2


def test_the_same_delivery_twice_leaves_the_same_rows(tables, folder):
    deliver(folder, 12, 10)
    ingest(folder)
    ingest(folder)
    assert tables.read("pm_measurements", DAY).collect().height == 1
    assert tables.read("data_quality.quarantine", DAY).collect().height == 1


def test_a_late_file_joins_its_own_window_when_that_is_ingested_again(tables, folder):
    deliver(folder, 12, 10)
    ingest(folder)
    deliver(folder, 12, 30, quarter=1)
    deliver(folder, 30, 40)  # belongs to the next day
    ingest(folder)
    rows = tables.read("pm_measurements").collect()
    assert sorted(rows["rrc_conn_estab_att_count"].to_list()) == [10.0, 30.0]


def test_a_half_written_file_is_told_and_counts_once_it_is_whole(tables, folder):
    deliver(folder, 12, 10)
    deliver(folder, 13, 20)
    path = sorted((folder / "pm").iterdir())[1]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    ingest(folder)
    kept = tables.read("data_quality.quarantine", DAY).collect()
    assert kept.filter(pl.col("reason").str.contains("cut off")).height == 1
    assert tables.read("pm_measurements", DAY).collect().height == 1
    path.write_bytes(whole)
    ingest(folder)
    kept = tables.read("data_quality.quarantine", DAY).collect()
    assert kept.filter(pl.col("reason").str.contains("cut off")).is_empty()
    assert tables.read("pm_measurements", DAY).collect().height == 2


def test_the_newest_window_follows_what_was_delivered(folder, tables):
    for hour in (-48, -24, 12):
        deliver(folder, hour, 1)
    newest = steps.newest_window.fn(folder, LATER, "15min")
    assert newest == Window(NOON, NOON + timedelta(minutes=15))
    assert steps.newest_window.fn(folder, LATER, "day").start == DAY.start - timedelta(days=1)
    assert steps.delivered_window.fn(folder).start == DAY.start - timedelta(hours=48)
    assert tables.history("pm_measurements").is_empty()


@pytest.mark.usefixtures("tables")
def test_an_empty_folder_has_no_window(folder):
    assert steps.delivered_window.fn(folder) is None
    assert steps.find_deliveries.fn(folder, DAY) == []
    with pytest.raises(InputError, match="Nothing that was delivered"):
        steps.newest_window.fn(folder, LATER, "day")


def test_topology_is_published_as_of_its_own_day_and_only_when_it_changed(tables, folder):
    (folder / "topology" / "cells.mapping.yaml").write_text(CELLS_MAPPING)
    cells = folder / "topology" / "cells.csv"
    cells.write_text(f'cell_dn,since,site_id\n"{CELL}",2025-12-01,A\n"X=2",2026-03-01,B\n')
    first = steps.ingest_tables.fn(folder, DAY)
    again = steps.ingest_tables.fn(folder, DAY)
    rows = tables.read("network_topology").collect()
    assert [snapshot.id for snapshot in first] == [snapshot.id for snapshot in again]
    assert rows["site_id"].to_list() == ["A"]
    assert rows["valid_from"].to_list() == [datetime(2025, 12, 1, tzinfo=UTC)]
    cells.write_text(cells.read_text().replace(",A", ",C"))
    steps.ingest_tables.fn(folder, DAY)
    assert tables.read("network_topology").collect()["site_id"].to_list() == ["C"]


def test_a_table_of_kpis_is_published_under_its_mappings_name(tables, folder):
    (folder / "operator.mapping.yaml").write_text(KPI_MAPPING)
    (folder / "kpis.csv").write_text(
        'cell,hour,sr\n"X=1,EUtranCellFDD=2",2026-01-05 12:00,98\n'
        '"X=1,EUtranCellFDD=2",2026-01-05 13:00,ninety\n'
    )
    snapshots = steps.ingest_tables.fn(folder, DAY)
    rows = tables.read("cell_kpis", DAY).collect().sort("period_start")
    assert [snapshot.rows for snapshot in snapshots] == [2]
    assert rows["lte_rrc_setup_success_rate_pct"].to_list() == [98.0, None]
    assert rows.select("source", "granularity").unique().row(0) == ("operator", "hour")
    kept = tables.read("data_quality.quarantine", DAY).collect().row(0, named=True)
    assert (kept["source_file"], kept["place"], kept["content"]) == ("kpis.csv", "line 3", "ninety")


def test_a_table_that_says_nothing_of_the_window_publishes_nothing(tables, folder):
    (folder / "operator.mapping.yaml").write_text(KPI_MAPPING)
    (folder / "kpis.csv").write_text('cell,hour,sr\n"X=1",2020-01-05 12:00,98\n')
    assert [snapshot.id for snapshot in steps.ingest_tables.fn(folder, DAY)] == [0]
    assert tables.history("cell_kpis").is_empty()


def test_a_folder_that_is_set_is_chosen(tmp_path):
    services = Services(Settings(home=tmp_path, input_folder=tmp_path / "mine"))
    with use_services(services):
        assert steps.choose_folder.fn() == tmp_path / "mine"


def test_every_row_that_the_sample_network_delivers_is_published(tables, tmp_path):
    manifest = write_sample_network("village", 3, tmp_path, history_days=2, newest_days=1)
    delivered = manifest.folder / "delivered"
    window = steps.delivered_window.fn(delivered)
    ingest(delivered, window)
    steps.ingest_tables.fn(delivered, window)
    published = tables.read("pm_measurements").collect()
    assert published.height == manifest.counts["measurement_rows"]
    assert published["is_suspect"].any()
    assert tables.read("network_topology").collect().height == manifest.counts["cells"]
    kept = tables.read("data_quality.quarantine").collect()
    assert kept.filter(pl.col("reason").str.contains("neither the catalogue")).is_empty()


def test_a_nation_is_written_when_it_is_asked_for(tmp_path, monkeypatch):
    def few_sites(seed, folder):
        return write_nation(seed, folder, sites=2, processes=1)

    monkeypatch.setattr(steps, "write_nation", few_sites)
    with use_services(Services(Settings(home=tmp_path, sample_network="nation", sample_seed=3))):
        folder = steps.choose_folder.fn()
    assert folder == tmp_path / "sample" / "nation-3" / "delivered"
    assert list((folder / "history").glob("*.parquet"))
