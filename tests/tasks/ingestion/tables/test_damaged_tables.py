"""A table that breaks off is told; the mapping's other tables count."""

from pathlib import Path

import polars as pl
import pytest

from tasks.ingestion.tables.mapped_spans import mapped_spans
from tasks.ingestion.tables.mapped_tables import mapped_tables
from tasks.ingestion.tables.mapping_files import parse_mapping

MAPPING = """\
mapping: 1
into: cell_kpis
files: ["*.parquet", "*.csv.gz"]
object: {column: cell}
time: {column: hour}
granularity: hour
columns: {sr: lte_rrc_setup_success_rate}
"""


def deliver(folder: Path, name: str, hour: int) -> Path:
    rows = {"cell": ["X=1,EUtranCellFDD=2"], "hour": [f"2026-01-05T{hour:02}:00:00Z"], "sr": ["98"]}
    pl.DataFrame(rows).write_parquet(folder / name)
    return folder / name


@pytest.mark.parametrize("keep", [0, 3, 200])
def test_a_half_written_table_is_told_and_the_others_count(tmp_path: Path, keep: int):
    mapping = parse_mapping(MAPPING, "kpis.mapping.yaml")
    deliver(tmp_path, "a.parquet", 12)
    broken = deliver(tmp_path, "b.parquet", 13)
    whole = broken.read_bytes()
    broken.write_bytes(whole[:keep])
    read = mapped_tables(tmp_path, mapping)
    assert read.rows.height == 1
    assert read.findings["source_file"].to_list() == ["b.parquet"]
    assert "Nothing of the file is used" in read.findings["reason"][0]
    assert len(mapped_spans(tmp_path, mapping)) == 1
    broken.write_bytes(whole)
    assert mapped_tables(tmp_path, mapping).rows.height == 2


def test_when_all_tables_are_damaged_nothing_is_there_but_the_findings(tmp_path: Path):
    mapping = parse_mapping(MAPPING, "kpis.mapping.yaml")
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    (tmp_path / "b.csv.gz").write_bytes(b"\x1f\x8b\x08\x00cut")
    read = mapped_tables(tmp_path, mapping)
    assert read.rows.is_empty()
    assert sorted(read.findings["source_file"]) == ["a.parquet", "b.csv.gz"]
    assert mapped_spans(tmp_path, mapping) == []
