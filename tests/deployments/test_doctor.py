"""`anops doctor`: what it finds well, what it finds ill, and what it says would help."""

from datetime import UTC, datetime, timedelta

import pytest

from data_products.registry import products
from deployments.doctor import examine
from deployments.doctor_feed import examine_feed
from deployments.doctor_stores import examine_stores, not_writable
from tasks.settings import Settings
from tasks.wiring import Services
from tests.ports.ves_minutes import event, half, info, write

NOBODY = 1
"""A port at which nothing answers."""


def settings_of(home, **chosen) -> Settings:
    return Settings(home=home, worker_pool="serial", **chosen)


def found(chosen: Settings) -> dict:
    return {each.name: each for each in examine_stores(chosen)}


def test_a_fresh_house_is_well_and_says_what_is_not_there_yet(tmp_path):
    findings = {each.name: each for each in examine(settings_of(tmp_path), NOBODY)}
    assert all(each.is_well for name, each in findings.items() if name not in ("home", "packages"))
    assert "none of" in findings["tables"].says
    assert "empty" in findings["hot store"].says
    assert "no table has files yet" in findings["maintenance"].says
    assert "you are operator" in findings["access"].says
    assert set(products()) <= set(findings["contracts"].says.replace(",", "").split())


def test_no_hot_store_is_well(tmp_path):
    assert found(settings_of(tmp_path, hot_store="none"))["hot store"].is_well


@pytest.mark.parametrize("store", ["oracle", "clickhouse"])
def test_a_hot_store_that_cannot_be_is_ill_and_says_what_would_help(tmp_path, store):
    finding = found(settings_of(tmp_path, hot_store=store))["hot store"]
    assert not finding.is_well
    assert "ANOPS_HOT_STORE" in finding.says


def test_without_chdb_only_who_chose_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    chosen = settings_of(tmp_path, hot_store="clickhouse", hot_store_url=f"chdb:///{tmp_path}/c")
    assert "needs the package chdb" in found(chosen)["hot store"].says
    assert found(settings_of(tmp_path))["hot store"].is_well


def test_an_access_file_that_is_gone_or_does_not_know_the_identity_is_ill(tmp_path):
    gone = found(settings_of(tmp_path, access_file=tmp_path / "gone.yaml"))["access"]
    assert not gone.is_well
    assert "ANOPS_ACCESS_FILE" in gone.says
    stranger = found(settings_of(tmp_path, identity="stranger"))["access"]
    assert not stranger.is_well
    assert "it knows" in stranger.says


def test_an_audit_folder_that_cannot_be_written_is_ill(tmp_path):
    (tmp_path / "audit").write_text("a file where the folder should be")
    finding = found(settings_of(tmp_path))["audit"]
    assert not finding.is_well
    assert "no guarded read is given" in finding.says
    assert not_writable(tmp_path / "audit")


def test_lineage_that_waits_long_is_ill(tmp_path):
    unsent = tmp_path / "lineage" / "unsent"
    unsent.mkdir(parents=True)
    chosen = settings_of(tmp_path, lineage_url="http://127.0.0.1:9")
    (unsent / "0.json").write_text("{}")
    assert found(chosen)["lineage"].is_well
    for each in range(101):
        (unsent / f"{each}.json").write_text("{}")
    finding = found(chosen)["lineage"]
    assert not finding.is_well
    assert "101 events wait to be sent to http://127.0.0.1:9" in finding.says


NOW = datetime(2025, 6, 5, 12, 0, 30, tzinfo=UTC)


class Clock:
    """A clock that stands still."""

    def now(self):
        return NOW


@pytest.fixture
def at_noon(monkeypatch):
    monkeypatch.setattr(Services, "network_clock", Clock())


def minutes_to(folder, end, cells=3):
    infos = [info(half(f"GNBDUFunction=1,NRCellDU={number}")) for number in range(cells)]
    write(folder, f"{end:%H%M}.json", event(end - timedelta(minutes=1), end, *infos))


def test_where_no_load_is_fed_by_the_minute_the_doctor_says_what_that_means(tmp_path):
    finding = examine_feed(settings_of(tmp_path, gateway="netconf://me@host:830"))
    assert finding.is_well
    assert "by the quarter of an hour alone; see ANOPS_LOAD_FEED_FOLDER" in finding.says


@pytest.mark.usefixtures("at_noon")
def test_a_feed_tells_how_old_its_newest_minute_is(tmp_path):
    for ago in (0, 1, 2):
        minutes_to(tmp_path, NOW.replace(second=0) - timedelta(minutes=ago), cells=4 - ago)
    finding = examine_feed(settings_of(tmp_path, load_feed_folder=tmp_path))
    assert finding.is_well
    assert "newest minute ended 30 s ago, 4 cells told it" in finding.says


@pytest.mark.usefixtures("at_noon")
def test_a_feed_that_fell_silent_is_ill(tmp_path):
    minutes_to(tmp_path, NOW - timedelta(minutes=20))
    finding = examine_feed(settings_of(tmp_path, load_feed_folder=tmp_path))
    assert not finding.is_well
    assert "ended 1200 s ago" in finding.says
    assert "counts as silent" in finding.says


@pytest.mark.usefixtures("at_noon")
def test_a_feed_that_tells_nothing_it_can_read_is_ill_and_says_why(tmp_path):
    chosen = settings_of(tmp_path, load_feed_folder=tmp_path / "fed")
    assert "ANOPS_LOAD_FEED_FOLDER names it" in examine_feed(chosen).says
    (tmp_path / "fed").mkdir()
    assert "does the collector run" in examine_feed(chosen).says
    (tmp_path / "fed" / "broken.json").write_text("{")
    finding = examine_feed(chosen)
    assert not finding.is_well
    assert "'broken.json', line 1: what follows is cut off" in finding.says


@pytest.mark.usefixtures("at_noon")
def test_a_sample_network_whose_time_stands_still_is_well(tmp_path):
    chosen = settings_of(tmp_path)
    silent = examine_feed(chosen)
    assert silent.is_well
    assert "tells minutes as its time passes" in silent.says
    minutes_to(chosen.feed_folder, NOW)
    assert "newest minute ended 0 s ago, 3 cells" in examine_feed(chosen).says
