"""Parquet columns of any type: mapped, they are values or findings, and never a crash."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tasks.ingestion.tables.mapped_tables import mapped_tables
from tasks.ingestion.tables.mapping_files import parse_mapping
from tasks.ingestion.tables.plain_types import plain_types
from tests.tasks.ingestion.tables.test_mapped_records import HEAD, read

COLUMNS = {
    "bytes": pl.Series([b"7", b"\xff", None]),
    "lists of bytes": pl.Series([[b"7"], [b"\xff"], None]),
    "lengths": pl.Series([timedelta(1), timedelta(0), None]),
    "times of day": pl.Series([time(1), time(0), None]),
    "structures": pl.Series([{"a": b"7"}, {"a": None}, None]),
    "arrays": pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int64, 2)),
    "lists of lists": pl.Series([[[1]], [[]], None]),
    "numbers": pl.Series([1, 2, None]),
    "wide numbers": pl.Series([2**100, 2, None], dtype=pl.Int128),
    "decimals": pl.Series([Decimal("1.5"), Decimal(2), None]),
    "dates": pl.Series([date(2026, 1, 5), date(1, 1, 1), None]),
    "moments": pl.Series([datetime(2026, 1, 5), datetime(9999, 12, 31), None]),
    "categories": pl.Series(["1", "x", None], dtype=pl.Categorical),
    "flags": pl.Series([True, False, None]),
    "nothing": pl.Series([None, None, None]),
}  # fmt: skip
KPIS = """\
mapping: 1
into: cell_kpis
files: ["t.parquet"]
object: {dn: "ManagedElement={site},ENBFunction=1,EUtranCellFDD=1"}
time: {column: t}
granularity: hour
columns: {v: lte_rrc_setup_success_rate}
"""


def delivered(folder, **columns):
    pl.DataFrame(columns).write_parquet(folder / "t.parquet")
    return folder


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("place", ["site", "t", "v"])
def test_any_type_in_any_place_of_a_kpi_table_is_a_row_or_a_finding(tmp_path, column, place):
    usual = {"site": ["1", "2", "3"], "t": [datetime(2026, 1, 5)] * 3, "v": [1.0, 2.0, 3.0]}
    folder = delivered(tmp_path, **(usual | {place: column}))
    found = mapped_tables(folder, parse_mapping(KPIS, "kpis"))
    whole = found.findings.filter(pl.col("key").is_null())
    assert found.read == 3
    assert found.rows.height + whole.height == 3
    if place == "v":
        kept = found.rows.height - found.rows["lte_rrc_setup_success_rate_pct"].null_count()
        assert kept + found.findings.height == 3 - column.null_count()


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("place", ["ticket_id", "opened_at", "alarm_ids", "reopened_count"])
def test_any_type_in_any_place_of_a_record_is_a_row_or_a_finding(tmp_path, column, place):
    usual = {"ticket_id": ["1", "2", "3"], "opened_at": [datetime(2026, 1, 5)] * 3}
    delivered(tmp_path, **(usual | {place: column}))
    form = HEAD + 'files: ["t.parquet"]\ncolumns: {"*": by_name}\n'
    found = read(tmp_path, form, None)
    assert found.rows.height + found.findings["place"].n_unique() >= 3


def test_plain_columns_stay_as_they_are():
    plain = pl.DataFrame({"a": ["x"], "b": [1.5], "c": [[1, 2]], "d": [date(2026, 1, 5)]})
    assert_frame_equal(plain_types(plain), plain)


def test_bytes_are_text_where_they_are_and_digits_where_not():
    made = plain_types(pl.DataFrame({"a": COLUMNS["bytes"]}))
    assert made["a"].to_list() == ["7", "ff", None]


def test_a_category_is_its_text_and_never_its_number():
    made = plain_types(pl.DataFrame({"a": COLUMNS["categories"]}))
    assert made["a"].to_list() == ["1", "x", None]
