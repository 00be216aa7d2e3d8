"""A nation is many towns by the same physics, each cell with a name of its own."""

import polars as pl
import pytest

from semantic_layer.errors import InputError
from tasks.ingestion.tables.mapped_tables import mapped_tables
from tasks.ingestion.tables.mapping_sources import mapping_sources
from tasks.twin.nation import delivered_files, write_nation

SITES = 90


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    return write_nation(3, tmp_path_factory.mktemp("networks"), sites=SITES, processes=1)


@pytest.mark.slow
def test_every_cell_and_site_has_a_name_of_its_own(nation):
    cells = pl.concat(
        pl.read_csv(path, infer_schema=False)
        for path in sorted((nation.delivered / "topology").glob("*.csv"))
    )
    assert cells.height == nation.counts["cells"] == cells["cell_dn"].n_unique()
    assert cells["site_id"].n_unique() == SITES
    neighbors = set(cells["neighbors"].str.split("|").explode().drop_nulls()) - {""}
    assert neighbors <= set(cells["cell_dn"])


@pytest.mark.slow
def test_a_file_holds_one_hour_of_one_kind_of_object(nation):
    hour = delivered_files(nation, ["2025-06-04T07"])
    assert {path.name.split("-")[1] for path in hour} >= {"nr", "lte", "element"}
    for path in hour:
        starts = pl.read_parquet(path, columns=["period_start"])["period_start"]
        assert starts.dt.hour().unique().to_list() == [7]
    rows = sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in hour)
    assert 0 < rows < nation.counts["rows"]


@pytest.mark.slow
def test_its_files_are_read_as_any_delivery_is(nation):
    (history,) = [
        source
        for source in mapping_sources(nation.delivered)
        if source.mapping.into == "pm_measurements"
    ]
    read = mapped_tables(history.folder, history.mapping, nation.window)
    assert read.findings.is_empty()
    assert read.rows.height == nation.counts["rows"]
    assert read.rows.select("managed_object_dn", "period_start").is_duplicated().sum() == 0


@pytest.mark.slow
def test_a_region_that_stands_is_not_made_again(nation):
    before = {path: path.stat().st_mtime_ns for path in delivered_files(nation)}
    again = write_nation(3, nation.folder.parent, sites=SITES, processes=1)
    assert again.counts == nation.counts
    assert {path: path.stat().st_mtime_ns for path in delivered_files(nation)} == before


def test_a_nation_without_sites_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least 1"):
        write_nation(3, tmp_path, sites=0)
