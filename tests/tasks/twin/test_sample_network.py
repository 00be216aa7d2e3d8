"""What is written: the same for a seed, whole or not at all, consistent with its truth."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from semantic_layer.errors import InputError, UnknownNameError
from semantic_layer.identity import cell_dn_of
from semantic_layer.kpis import kpi_rows
from semantic_layer.loading import catalogue
from tasks.ingestion.measurements.measurement_batches import measured_batch
from tasks.twin.delivered_rows import delivered_rows
from tasks.twin.faults import KINDS
from tasks.twin.sample_network import write_sample_network
from tasks.twin.scenario import NETWORKS


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def history(manifest) -> pl.DataFrame:
    return pl.read_parquet(manifest.delivered / "history/nr-*.parquet")


def truth(manifest, name: str) -> pl.DataFrame:
    return pl.read_parquet(manifest.folder / f"truth/{name}.parquet")


def newest(manifest):
    paths = sorted(str(path) for path in (manifest.delivered / "pm").iterdir())
    return measured_batch(paths, manifest.newest)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(village, tmp_path):
    again = write_sample_network("village", 7, tmp_path)
    assert digest(again.folder) == digest(village.folder)
    other = write_sample_network("village", 8, tmp_path)
    assert digest(other.folder / "delivered/history") != digest(village.delivered / "history")


def test_a_whole_network_is_kept_and_half_a_one_made_anew(tmp_path):
    first = write_sample_network("village", 1, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    assert write_sample_network("village", 1, tmp_path).counts == first.counts
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == before
    whole = digest(first.folder)
    (first.folder / "manifest.json").unlink()
    next((first.delivered / "pm").iterdir()).unlink()
    write_sample_network("village", 1, tmp_path)
    assert digest(first.folder) == whole


def test_what_a_killed_writer_left_behind_is_swept_away(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tasks.twin.sample_network.write_alarm_deliveries", killed)
        with pytest.raises(KeyboardInterrupt):
            write_sample_network("village", 1, tmp_path)
    assert not list(tmp_path.glob("*/manifest.json"))
    whole = write_sample_network("village", 1, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"village-1", ".village-1.lock"}
    assert (whole.folder / "manifest.json").is_file()


def test_other_parameters_make_another_network_in_its_place(tmp_path):
    write_sample_network("village", 1, tmp_path)
    longer = write_sample_network("village", 1, tmp_path, newest_days=2)
    told = json.loads((longer.folder / "manifest.json").read_text())
    assert told["parameters"]["newest_days"] == 2
    assert longer.newest.seconds == 2 * 86_400


def test_parameters_out_of_bounds_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'village'"):
        write_sample_network("vilage", 1, tmp_path)
    with pytest.raises(InputError, match="midnight UTC"):
        write_sample_network("village", 1, tmp_path, end=datetime(2025, 6, 5, 7, tzinfo=UTC))
    with pytest.raises(InputError, match="a day of history"):
        write_sample_network("village", 1, tmp_path, history_days=0)


def test_nothing_delivered_tells_the_truth(village):
    names = {path.name for path in village.delivered.rglob("*")}
    assert not any("truth" in name or "fault" in name for name in names)
    columns = set(history(village).columns)
    known = {m.column for m in catalogue().measurements.values()}
    keys = {"managed_object_dn", "period_start", "granularity_s", "is_suspect"}
    assert columns <= known | keys
    told = (village.delivered / "topology/cells.csv").read_text()
    assert "fault" not in told


def test_a_cell_out_of_service_has_no_traffic_where_the_truth_says_so(village_run):
    run, scene, faults, _ = village_run
    outages = [fault for fault in faults if fault.kind == "outage"]
    found = 0
    for fault in outages:
        rows = delivered_rows(run, fault.first, fault.last, has_distributions=False).nr_cells
        down = rows.filter(
            pl.col("managed_object_dn").is_in([scene.network.cells[c].dn for c in fault.cells])
        )
        found += down.height
        assert down["pdcp_sdu_volume_dl_mbit"].fill_null(0.0).sum() == 0.0
        assert down["rrc_conn_estab_att_count"].fill_null(0.0).sum() == 0.0
        whole = down.filter(~pl.col("is_suspect"))["cell_unavailable_time_s"].drop_nulls()
        assert (whole == 900.0).all()
    assert found or not outages


def test_the_truth_names_known_cells_kinds_and_times(village):
    faults, periods = truth(village, "faults"), truth(village, "cell_periods")
    cells = set(pl.read_csv(village.delivered / "topology/cells.csv")["cell_dn"])
    assert set(faults["kind"]) <= set(KINDS)
    assert set(faults["cell_dns"].explode()) <= cells
    assert (faults["onset_at"] < faults["cleared_at"]).all()
    assert faults["fault_id"].is_unique().all()
    assert set(periods["fault_id"]) <= set(faults["fault_id"])
    joined = periods.join(faults, on="fault_id")
    inside = (pl.col("period_start") >= pl.col("onset_at")) & (
        pl.col("period_start") < pl.col("cleared_at")
    )
    assert joined.select(inside.all()).item()
    own = joined.filter(pl.col("role") == "faulty")
    assert own.select(pl.col("cell_dn").is_in(pl.col("cell_dns")).all()).item()
    assert not joined.filter(pl.col("role") == "neighbor")["is_affected"].any()
    assert joined.filter(pl.col("role") == "touched")["is_affected"].all()
    assert joined.filter("is_affected").height > 0
    assert not joined.select(pl.struct("cell_dn", "period_start").is_duplicated().any()).item()


def test_measurement_files_are_well_formed_and_of_both_layouts(village):
    layouts = set()
    namespace = "{http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec}"
    paths = sorted((village.delivered / "pm").iterdir())
    for path in paths[:3] + paths[-3:]:
        root = etree.parse(str(path)).getroot()
        assert root.tag == f"{namespace}measCollecFile"
        assert root[-1].tag == f"{namespace}fileFooter"
        kind = "measTypes" if root.find(f".//{namespace}measTypes") is not None else "measType"
        layouts.add((path.name.rpartition("_")[2], kind))
    assert {kind for _, kind in layouts} == {"measTypes", "measType"}
    assert len(layouts) == 4


def test_measurement_files_say_what_was_counted(village, village_run):
    run = village_run[0]
    first = NETWORKS["village"].newest_first
    batch = newest(village)
    assert batch.refused == 0
    assert batch.findings.height == 0
    counted = [
        delivered_rows(run, first + half, first + half + 48, has_distributions=True)
        for half in (0, 48)
    ]
    parts = ("nr_cells", "elements", "amfs", "smfs", "upfs", "interfaces", "optical_channels")
    for part in parts:
        told = pl.concat([getattr(half, part) for half in counted])
        told = told.sort("managed_object_dn", "period_start")
        read = batch.rows.join(
            told.select("managed_object_dn", "period_start"),
            on=["managed_object_dn", "period_start"],
            how="inner",
        ).sort("managed_object_dn", "period_start")
        assert read.height == told.height
        for column in told.columns:
            assert read[column].to_list() == told[column].to_list(), column


def test_newest_days_show_what_real_files_show(village):
    rows = newest(village).rows
    assert rows["is_suspect"].sum() > 0
    cells = rows.filter(pl.col("cell_dn").is_not_null())
    assert (
        cells["rrc_conn_estab_att_count"].null_count()
        + sum(cells[name].null_count() for name in ("tb_initial_dl_count", "prb_used_dl_prb"))
        < 0.1 * cells.height
    )
    expected = 12 * 96
    assert 0.5 * expected < cells.height < expected
    assert set(cells["wb_cqi_dist_count"].list.len().drop_nulls()) == {16}


def test_distributions_and_their_sums_have_one_law(village_run):
    run = village_run[0]
    sums = delivered_rows(run, 96, 192, has_distributions=False).nr_cells
    bins = delivered_rows(run, 96, 192, has_distributions=True).nr_cells
    whole = bins.select(
        samples=pl.col("wb_cqi_dist_count").list.sum().sum(),
        total=pl.sum_horizontal(
            [n * pl.col("wb_cqi_dist_count").list.get(n) for n in range(16)]
        ).sum(),
    )
    mean = whole["total"].item() / whole["samples"].item()
    assert mean == pytest.approx(
        sums["wb_cqi_sum_index"].sum() / sums["wb_cqi_samples_count"].sum(), rel=0.01
    )


def test_kpis_of_sound_cells_are_such_as_networks_have(village):
    rows = history(village).filter(~pl.col("is_suspect"))
    touched = truth(village, "cell_periods").select(
        managed_object_dn="cell_dn", period_start="period_start"
    )
    sound = rows.join(touched, on=["managed_object_dn", "period_start"], how="anti")
    names = (
        "rrc_setup_success_rate", "cell_drop_rate", "prb_usage_dl", "mean_cqi", "dl_bler",
        "ho_execution_success_rate", "cell_availability",
    )  # fmt: skip
    kpis = [catalogue().kpi(name) for name in names]
    middle = kpi_rows(sound.lazy(), kpis, catalogue()).collect().median().to_dicts()[0]
    bounds = {
        "rrc_setup_success_rate": (98.0, 100.0),
        "cell_drop_rate": (0.05, 2.0),
        "prb_usage_dl": (2.0, 60.0),
        "mean_cqi": (6.0, 12.0),
        "dl_bler": (5.0, 12.0),
        "ho_execution_success_rate": (96.0, 100.0),
        "cell_availability": (100.0, 100.0),
    }
    for kpi in kpis:
        low, high = bounds[kpi.name]
        assert low <= middle[kpi.column] <= high, kpi.name


def test_successes_never_exceed_attempts(village):
    rows = history(village)
    for tries, done in (
        ("rrc_conn_estab_att", "rrc_conn_estab_succ"),
        ("pdu_session_setup_req", "pdu_session_setup_succ"),
        ("ho_exe_inter_att", "ho_exe_inter_succ"),
        ("tb_initial_dl", "tb_initial_err_dl"),
        ("qos_flow_rel", "qos_flow_rel_abnormal"),
        ("prb_avail_dl", "prb_used_dl"),
        ("pdcp_packets_dl", "pdcp_packets_lost_dl"),
    ):
        more, fewer = (catalogue().measurement(name).column for name in (tries, done))
        assert (rows[more] >= rows[fewer]).drop_nulls().all(), (tries, done)


def test_topology_agrees_with_what_is_measured(village):
    cells = pl.read_csv(village.delivered / "topology/cells.csv")
    assert cells.height == village.counts["cells"] == 12
    assert set(history(village)["managed_object_dn"]) == set(cells["cell_dn"])
    assert all(cell_dn_of(dn) == dn for dn in cells["cell_dn"])
    neighbors = set(cells["neighbors"].drop_nulls().str.split("|").explode())
    assert neighbors - {""} <= set(cells["cell_dn"])
    own = zip(cells["cell_dn"], cells["neighbors"].fill_null(""), strict=True)
    assert not any(dn in listed.split("|") for dn, listed in own)


@pytest.mark.slow
def test_a_town_has_hundreds_of_cells_every_fault_kind_and_both_technologies(tmp_path):
    town = write_sample_network("town", 7, tmp_path, history_days=2)
    assert 300 <= town.counts["cells"] <= 1_000
    begun = truth(town, "faults").filter(pl.col("onset_at") >= town.newest.start)
    assert set(begun["kind"]) == set(KINDS)
    day = truth(town, "cell_periods").filter(
        (pl.col("period_start") >= town.newest.end - timedelta(days=1)) & pl.col("is_affected")
    )
    assert 0.04 < day.height / (96 * town.counts["cells"]) < 0.10
    assert begun.filter("is_visible").group_by("kind").len().height >= len(KINDS) - 2
    changes = truth(town, "changes").filter("has_effect")
    assert set(changes["course"]) >= {"level", "variance"}
    assert list((town.delivered / "history").glob("lte-*.parquet"))
    quiet = truth(town, "benign")
    assert {"event", "weather", "collection_gap", "new_cell", "planned_change"} <= set(
        quiet["kind"]
    )
    new = quiet.filter(pl.col("kind") == "new_cell")["cell_dns"].explode().to_list()
    assert not history(town)["managed_object_dn"].is_in(new).any()
    assert newest(town).rows["cell_dn"].is_in(new).any()


def test_two_that_write_one_network_at_once_find_the_same(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: write_sample_network("village", 5, tmp_path), range(2)))
    assert both[0].counts == both[1].counts
    assert len(list((tmp_path / "village-5/delivered/pm").iterdir())) == 2 * 191 + 1
    assert not (tmp_path / ".half").exists()
