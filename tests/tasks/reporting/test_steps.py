"""The step that writes the report, over published tables."""

import json
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import polars as pl
import pytest
from lxml import html

from data_products.access import load_access_rules
from data_products.finding_explanations.derive import derive
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.guarded_reader import GuardedReader
from tasks.adapters.iceberg_tables import IcebergTables
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.system_clock import SystemClock
from tasks.reporting import files
from tasks.reporting.evaluation_rows import evaluation_rows
from tasks.reporting.steps import explain_cell, summarize_kpi, write_report
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.reporting import proposed, published, world
from tests.tasks.reporting.test_explanation_section import decision


def services_of(tables, root: Path) -> Services:
    chosen = SimpleNamespace(root=root, identity="operator")
    reader = reader_of(tables, root)
    made = SimpleNamespace(
        tables=tables, reader=reader, settings=chosen, models=InMemoryModelRegistry(SystemClock())
    )
    return cast("Services", made)


def reader_of(tables, root: Path) -> GuardedReader:
    rules = load_access_rules(Settings().access_rules)
    return GuardedReader(tables, rules, root / "audit", SystemClock())


@pytest.fixture
def services(tmp_path):
    with use_services(services_of(published.tables(), tmp_path)) as used:
        yield used


def test_a_report_of_published_tables_stands_on_disk_with_its_pictures(services, tmp_path):
    path = write_report.fn(world.WINDOW, services.tables.snapshot("cell_anomalies"))
    folder = tmp_path / "reports" / "20260302T0000Z-20260305T0000Z"
    assert path == str(folder / "report.html")
    assert sorted(one.name for one in folder.iterdir()) == [
        "map.png", "report.html", "report.md", "summary.txt", "timelines.png",
    ]  # fmt: skip
    latest = (tmp_path / "reports" / "latest.html").read_bytes()
    assert latest == (folder / "report.html").read_bytes()
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")
    assert "(map.png)" in (folder / "report.md").read_text()


@pytest.mark.usefixtures("services")
def test_the_page_shows_what_was_published():
    tree = html.parse(write_report.fn(world.WINDOW)).getroot()
    text = " ".join(tree.text_content().split())
    assert "1 of 3 cells behaved abnormally (1 critical)" in text
    assert "Cell drop rate 3 % instead of 0.2 %" in text
    assert "no data in the period" in text
    assert "cell_anomalies@1" in text
    assert "Network 1" in tree.xpath("//h1")[0].text
    assert "Harbour 1" in text
    assert "Old name" not in text


def test_the_page_and_the_summary_tell_what_agents_found_and_propose(services):
    told = decision(1, cell_dn=published.SICK)
    explained = derive([told], world.WINDOW)
    published.put(services.tables, "finding_explanations", explained)
    waits, kept = proposed.change(1), proposed.change(2, "KEPT", cell_dns=[published.SICK])
    span = Window(world.WINDOW.end, world.WINDOW.end + timedelta(days=1))
    proposals = proposed.changes(waits, kept)
    published.put(services.tables, "change_proposals", proposals, window=span)
    published.put(
        services.tables, "change_outcomes",
        proposed.outcomes(proposed.outcome(2)).with_columns(
            pl.lit("x").alias(name)
            for name in ("use_case", "proposed_by", "decided_by", "hypothesis", "change_digest")
        ),
        window=span,
    )  # fmt: skip
    path = Path(write_report.fn(world.WINDOW))
    text = " ".join(html.parse(path).getroot().text_content().split())
    assert "1 finding explained by an agent" in text
    assert "anops approvals show p1" in text
    assert "89.6 %" in text
    assert "change_proposals@1" in text
    summary = path.with_name("summary.txt").read_text(encoding="utf-8")
    assert "Harbour 1 · NRCellDU=1: sleeping cell, 80 %" in summary
    assert "`anops approvals approve p1 --as PERSON`" in summary


@pytest.mark.usefixtures("services")
def test_writing_twice_gives_the_same_bytes(tmp_path):
    first = tmp_path / "reports" / "20260302T0000Z-20260305T0000Z"
    write_report.fn(world.WINDOW)
    before = {one.name: one.read_bytes() for one in first.iterdir()}
    write_report.fn(world.WINDOW)
    assert before == {one.name: one.read_bytes() for one in first.iterdir()}


def test_a_report_of_nothing_is_still_written(services, tmp_path):
    services.tables = InMemoryTables(published.FixedClock())
    text = html.parse(write_report.fn(world.WINDOW, network="Nowhere")).getroot().text_content()
    assert "No cell is known and nothing was scored in this window." in text
    assert not list(tmp_path.rglob("*.png"))


def test_a_writer_that_dies_leaves_the_old_file_whole(tmp_path, monkeypatch):
    files.write_files(tmp_path, {"report.html": b"old"})
    monkeypatch.setattr("pathlib.Path.replace", _die)
    with pytest.raises(KeyboardInterrupt):
        files.write_files(tmp_path, {"report.html": b"new, but never finished"})
    assert (tmp_path / "report.html").read_bytes() == b"old"


def _die(*_):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_the_page_is_the_same_from_iceberg_tables_but_for_the_snapshots(services, tmp_path):
    from_memory = Path(write_report.fn(world.WINDOW)).read_text()
    services.tables = published.tables(IcebergTables.at(tmp_path / "store"))
    services.reader = reader_of(services.tables, tmp_path)
    from_iceberg = Path(write_report.fn(world.WINDOW)).read_text()
    assert _without_snapshots(from_iceberg) == _without_snapshots(from_memory)
    assert "from counters summed over 6 periods" in explain_cell.fn("NRCellDU=1", world.WINDOW)


def _without_snapshots(page: str) -> str:
    return re.sub(r"@\d+</code>", "@</code>", page)


@pytest.mark.usefixtures("services")
def test_explain_tells_everything_as_lines_of_text():
    text = explain_cell.fn("NRCellDU=1", world.WINDOW)
    assert "Harbour 1 · NRCellDU=1: critical" in text
    assert "seen 3 %, expected 0.2 %, 90 % of the score" in text
    assert "from counters summed over 6 periods, 2 left out: 3 %" in text
    assert "QF.RelActNbr" in text
    assert "1,800 (sum)" in text
    assert "cell_anomalies@1" in text


@pytest.mark.usefixtures("services")
def test_kpi_tells_definition_worst_cells_and_distribution_as_text():
    text = summarize_kpi.fn("cell_drop_rate", window=world.WINDOW)
    assert "Thresholds default: warning 1, critical 3" in text
    assert "By cell, highest first (2 of 2):" in text
    assert published.SICK in text
    assert "median" in text
    assert "No value could be computed" in summarize_kpi.fn("mean_cqi", window=world.WINDOW)


def test_an_evaluation_comes_as_rows_or_as_a_file_of_rows(tmp_path):
    rows = [{"measure": "VUS-PR", "detector": 0.7, "baseline": 0.4}]
    written = tmp_path / "evaluation.json"
    written.write_text(json.dumps(rows))
    assert evaluation_rows(rows) == evaluation_rows(str(written)) == tuple(rows)
    assert evaluation_rows(None) == ()
    assert evaluation_rows("report.html") == ({"evaluation report": "report.html"},)
    written.write_text('{"no": "rows"}')
    with pytest.raises(InputError, match="must hold a list of objects"):
        evaluation_rows(str(written))
    with pytest.raises(InputError, match="cannot be read"):
        evaluation_rows(str(tmp_path / "absent.json"))


@pytest.mark.usefixtures("services")
def test_the_summary_says_what_was_found_worst_first():
    path = Path(write_report.fn(world.WINDOW))
    text = path.with_name("summary.txt").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert "2026-03-02" in lines[0]
    listed = lines[lines.index("Worst first:") + 1 :]
    severities = [line.split()[0] for line in listed[: listed.index("")]]
    order = ["CRITICAL", "MAJOR", "MINOR", "WARNING"]
    assert severities == sorted(severities, key=order.index)
    assert 1 <= len(severities) <= 8
    assert "No change waits for approval" in text
