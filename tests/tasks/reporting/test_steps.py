"""The step that writes the report, over published tables."""

from types import SimpleNamespace
from typing import cast

import pytest
from lxml import html

from tasks.adapters.memory_tables import InMemoryTables
from tasks.reporting import files
from tasks.reporting.steps import write_report
from tasks.wiring import Services, use_services
from tests.tasks.reporting import published, world


@pytest.fixture
def services(tmp_path):
    instead = SimpleNamespace(tables=published.tables(), settings=SimpleNamespace(root=tmp_path))
    with use_services(cast("Services", instead)) as used:
        yield used


def test_a_report_of_published_tables_stands_on_disk_with_its_pictures(services, tmp_path):
    path = write_report.fn(world.WINDOW, services.tables.snapshot("cell_anomalies"))
    folder = tmp_path / "reports" / "20260302T0000Z-20260305T0000Z"
    assert path == str(folder / "report.html")
    assert sorted(one.name for one in folder.iterdir()) == [
        "map.png", "report.html", "report.md", "timelines.png",
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
