"""What happens to networks and their deliveries, told by the steps: each has one defined result."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from data_products.network_configuration.derive import EXISTENCE
from data_products.network_configuration.identities import identities
from data_products.product import TIME
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.ingestion import steps
from tasks.ingestion.delivered_parts import MEASUREMENT_FILES
from tasks.ingestion.due_windows import Due
from tasks.ingestion.measurements.measurement_batches import measured_batch
from tasks.ingestion.sessions.steps import ingest_service_sessions
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.conftest import REPOSITORY
from tests.tasks.ingestion.written import DAY, info, measurement_file, value

CU = "GNBCUCPFunction=1,NRCellCU=3"
DU = "GNBDUFunction=1,NRCellDU=3"
DAYS = timedelta(days=1)
ATTEMPTS = "RRC.ConnEstabAtt"
PRB = "RRU.PrbTotDl"
KPIS = """\
mapping: 1
into: cell_kpis
files: ["*.csv"]
object: {column: cell}
time: {column: hour, zone: Europe/Berlin}
granularity: hour
columns: {sr: lte_rrc_setup_success_rate}
"""


class StoppedClock:
    def now(self):
        return datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def tables(tmp_path):
    services = Services(Settings(home=tmp_path / "home", worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "delivered").mkdir()
    return tmp_path / "delivered"


def pm_file(folder, start, results, dn=CU, zone="+0000", minutes=15, name="gnb"):
    """Deliver a file of one cell; `results` are counters and values."""
    end = start + timedelta(minutes=minutes)
    body = value(dn, enumerate(results.values(), 1))
    text = measurement_file(info(list(results), body, end.isoformat(), f"PT{minutes * 60}S"))
    path = folder / f"A{start:%Y%m%d.%H%M}{zone}-{end:%H%M}{zone}_{name}.xml.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def run(folder, window):
    """Do what a run of the window does with measurement files and tables; return what was due."""
    due = steps.due_before.fn(folder, window)
    windows = [*(it.window for it in due.windows), window]
    for at in windows:
        if MEASUREMENT_FILES in {kind for it in due.windows for kind in it.kinds} or at == window:
            steps.ingest_measurement_files.fn(steps.find_deliveries.fn(folder, at), at)
        steps.ingest_tables.fn(folder, at)
    steps.tell_unread_files.fn(folder, due, window)
    steps.remember_deliveries.fn(folder, due, windows, window)
    return due


def noon(days):
    return DAY.start + days * DAYS + timedelta(hours=12)


def quarantine(tables):
    return tables.read("data_quality.quarantine").collect()


@pytest.mark.slow
def test_a_late_file_reopens_its_window_in_the_next_run_and_nothing_else(tables, folder):
    for days in (-4, -3, -2, -1, 0):
        pm_file(folder, noon(days) - timedelta(hours=1), {ATTEMPTS: "10"})
    run(folder, DAY)
    published = len(tables.history("pm_measurements"))
    pm_file(folder, noon(-3), {ATTEMPTS: "30"})
    tomorrow = Window(DAY.end, DAY.end + DAYS)
    pm_file(folder, noon(1), {ATTEMPTS: "50"})
    due = run(folder, tomorrow)
    late = Window(noon(-3), noon(-3) + timedelta(minutes=15))
    assert [(it.window, it.kinds) for it in due.windows] == [(late, (MEASUREMENT_FILES,))]
    assert tables.history("pm_measurements").height == published + 2
    assert tables.read("pm_measurements", late).collect()["rrc_conn_estab_att_count"][0] == 30.0
    assert run(folder, tomorrow) == Due(is_newest=True)


@pytest.mark.slow
def test_a_mended_file_reopens_its_window(tables, folder):
    path = pm_file(folder, noon(-3), {ATTEMPTS: "10"})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    pm_file(folder, noon(-4), {ATTEMPTS: "1"})
    pm_file(folder, noon(0), {ATTEMPTS: "1"})
    run(folder, DAY)
    assert quarantine(tables)["reason"].str.contains("cut off").sum() == 1
    path.write_bytes(whole)
    due = run(folder, DAY)
    assert [it.window.start for it in due.windows] == [noon(-3)]
    assert tables.read("pm_measurements").collect().height == 3
    assert quarantine(tables).is_empty()


@pytest.mark.slow
def test_a_table_that_gains_rows_for_the_past_reopens_just_their_hours(tables, folder):
    (folder / "op.mapping.yaml").write_text(KPIS)
    rows = ["cell,hour,sr", *(f"C=1,2026-01-0{day} 12:00,98" for day in (2, 3, 4, 5))]
    (folder / "kpis.csv").write_text("\n".join(rows))
    run(folder, DAY)
    (folder / "kpis.csv").write_text("\n".join([*rows, "C=1,2026-01-03 15:00,97"]))
    due = run(folder, DAY)
    late = datetime(2026, 1, 3, 14, tzinfo=UTC)
    assert [it.window for it in due.windows] == [Window(late, late + timedelta(hours=1))]
    assert tables.read("cell_kpis").collect().height == 5


@pytest.mark.slow
def test_files_that_nobody_reads_are_told_once_and_forgotten_when_they_go(tables, folder):
    (folder / "strange.json").write_text('{"hello": 1}')
    (folder / "strange.json.gz").write_bytes(gzip.compress(b"[1]"))
    (folder / "cells.csv").write_text("a,b\n1,2\n")
    (folder / "notes.txt").write_text("call Bob")
    for days in (0, 1):
        at = Window(DAY.start + days * DAYS, DAY.end + days * DAYS)
        steps.tell_unread_files.fn(folder, Due(), at)
    told = quarantine(tables)
    assert sorted(told["source_file"]) == [
        "cells.csv", "notes.txt", "strange.json", "strange.json.gz",
    ]  # fmt: skip
    assert told["scope"].unique().to_list() == ["source=unrecognised"]
    assert set(told["period_start"]) == {DAY.start}
    assert "mapping" in told.filter(pl.col("source_file") == "cells.csv")["reason"][0]
    (folder / "notes.txt").unlink()
    steps.tell_unread_files.fn(folder, Due(), DAY)
    assert "notes.txt" not in quarantine(tables)["source_file"].to_list()


@pytest.mark.slow
def test_an_unknown_counter_is_quarantined_by_name_and_the_rest_counts(tables, folder):
    pm_file(folder, noon(0), {ATTEMPTS: "7", "Acme.Unheard": "1"})
    run(folder, DAY)
    kept = quarantine(tables)
    assert kept["reason"].str.contains("Acme.Unheard").to_list() == [True]
    assert tables.read("pm_measurements").collect()["rrc_conn_estab_att_count"].to_list() == [7.0]


@pytest.mark.slow
def test_a_new_counter_adds_a_column_that_is_null_in_older_rows(tables, folder):
    pm_file(folder, noon(-1), {ATTEMPTS: "1"})
    pm_file(folder, noon(0), {ATTEMPTS: "2", "RRC.ConnEstabSucc": "2"})
    run(folder, DAY)
    rows = tables.read("pm_measurements").collect().sort("period_start")
    assert rows["rrc_conn_estab_succ_count"].to_list() == [None, 2.0]
    assert rows["rrc_conn_estab_att_count"].to_list() == [1.0, 2.0]


@pytest.mark.slow
def test_a_counter_whose_unit_changed_a_thousandfold_is_out_of_bounds_and_quarantined(
    tables, folder
):
    for quarter in range(30):
        at = noon(0) + timedelta(minutes=15 * quarter)
        results = {PRB: "40" if quarter else "40000"}  # a share in percent, once in 1/1000
        pm_file(folder, at, results, DU)
    run(folder, DAY)
    kept = quarantine(tables)
    assert kept.height == 1
    assert "40000" in kept["content"][0]
    assert tables.read("pm_measurements").collect().height == 29


def test_files_across_the_night_of_the_clock_change_tile_the_time_in_utc(tmp_path):
    """Berlin, 29 March 2026: 01:45+0100 is followed by 03:00+0200; no quarter is lost or twice."""
    names = [
        "A20260329.0145+0100-0300+0200_x.xml",
        "A20260329.0300+0200-0315+0200_x.xml",
        "A20261025.0245+0200-0200+0100_x.xml",
        "A20261025.0200+0100-0215+0100_x.xml",
    ]
    ends = ["2026-03-29T03:00:00+02:00", "2026-03-29T03:15:00+02:00"]
    ends += ["2026-10-25T02:00:00+01:00", "2026-10-25T02:15:00+01:00"]
    for name, end in zip(names, ends, strict=True):
        body = value(CU, [(1, "5")])
        (tmp_path / name).write_text(measurement_file(info([ATTEMPTS], body, end)))
    for month, first in ((3, datetime(2026, 3, 29, 0, 45)), (10, datetime(2026, 10, 25, 0, 45))):
        start = first.replace(tzinfo=UTC)
        window = Window(start, start + timedelta(minutes=30))
        paths = steps.find_deliveries.fn(tmp_path, window)
        read = measured_batch([path for batch in paths for path in batch], window)
        assert read.rows["period_start"].sort().to_list() == [
            start, start + timedelta(minutes=15),
        ], month  # fmt: skip
        assert read.findings.is_empty()


@pytest.mark.slow
def test_local_times_of_a_table_across_the_clock_change(tables, folder):
    """Berlin's 02:30 of 29 March never was; its 02:30 of 25 October was twice: the first counts."""
    (folder / "op.mapping.yaml").write_text(KPIS.replace("granularity: hour", "granularity: 15min"))
    (folder / "k.csv").write_text(
        "cell,hour,sr\nC=1,2026-03-29 02:30,90\nC=1,2026-03-29 03:30,91\nC=1,2026-10-25 02:30,92\n"
    )
    window = Window(datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    steps.ingest_tables.fn(folder, window)
    rows = tables.read("cell_kpis").collect().sort("period_start")
    assert rows["period_start"].to_list() == [
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    ]
    kept = quarantine(tables)
    assert kept["content"].str.contains("02:30").to_list() == [True]


def test_the_history_of_a_renamed_cell_is_joined_by_its_identity():
    day = datetime(2026, 1, 5, tzinfo=UTC)
    old, new = (f"SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU={k}" for k in (3, 9))
    lived = [(old, day - 30 * DAYS, False), (old, day, True), (new, day, False)]
    rows = [
        (dn, attribute, at, None if is_gone else said, is_gone)
        for dn, at, is_gone in lived
        for attribute, said in ((EXISTENCE, "NRCellDU"), ("nCI", "4711"))
    ]
    schema = {
        "managed_object_dn": pl.String, "attribute": pl.String, "valid_from": TIME,
        "value": pl.String, "is_removed": pl.Boolean,
    }  # fmt: skip
    actual = pl.DataFrame(rows, schema=schema, orient="row")
    was = identities(actual).filter(pl.col("reason") == "renamed")
    kpis = pl.DataFrame({"cell_dn": [old, old, new], "sr": [97.0, 98.0, 99.0]})
    joined = kpis.join(
        was.select("managed_object_dn", "previous_dn"), left_on="cell_dn", right_on="previous_dn",
        how="left",
    ).with_columns(now=pl.coalesce("managed_object_dn", "cell_dn"))  # fmt: skip
    history = joined.group_by("now").agg(pl.col("sr").sort())
    assert history.rows() == [(new, [97.0, 98.0, 99.0])]


@pytest.mark.slow
def test_sessions_that_nobody_delivers_publish_nothing(tables, folder):
    assert ingest_service_sessions.fn(folder, DAY) == []
    assert tables.history("service_sessions").is_empty()


def test_every_test_that_the_table_of_oddities_names_is_there():
    page = (REPOSITORY / "tasks/ingestion/README.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", page))
    found = {
        name
        for path in Path(REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert len(named) > 20
    assert named - found == set()
