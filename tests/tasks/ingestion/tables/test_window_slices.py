"""A long window of a large network is read in pieces, which say together what the whole says."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
from polars.testing import assert_frame_equal

from data_products.product import TIME
from semantic_layer.periods import Window
from tasks.ingestion.measurements.row_merging import stacked
from tasks.ingestion.tables import window_slices as slicing
from tasks.ingestion.tables.mapped_tables import mapped_tables
from tasks.ingestion.tables.mapping_files import parse_mapping
from tasks.ingestion.tables.window_slices import window_slices

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
MAPPING = """\
mapping: 1
into: pm_measurements
files: ["*.parquet"]
object: {column: managed_object_dn}
time: {column: period_start}
granularity: 15min
columns: {"*": by_name}
"""
HISTORY = parse_mapping(MAPPING, "x")
CSV = parse_mapping(MAPPING.replace("*.parquet", "*"), "x")


def delivered(folder, hours=range(24)):
    for hour in hours:
        times = [MIDNIGHT + timedelta(hours=hour, minutes=15 * n) for n in range(4)]
        names = [f"ManagedElement=1,GNBDUFunction=1,NRCellDU={n}" for n in range(5)]
        pl.DataFrame({"period_start": times}, schema={"period_start": TIME}).join(
            pl.DataFrame({"managed_object_dn": names}), how="cross"
        ).with_columns(
            rrc_conn_estab_att_count=pl.int_range(pl.len()) + 100.0 * hour
        ).write_parquet(folder / f"{hour:02}.parquet")
    return folder


def test_a_small_window_stays_whole(tmp_path):
    assert window_slices(delivered(tmp_path), HISTORY, DAY) == [DAY]


def test_pieces_are_whole_hours_that_hold_no_more_rows_than_memory_may(tmp_path, monkeypatch):
    monkeypatch.setattr(slicing, "_MOST_ROWS", 100)
    found = window_slices(delivered(tmp_path), HISTORY, DAY)
    assert [piece.seconds / 3600 for piece in found] == [5, 5, 5, 5, 4]
    assert (found[0].start, found[-1].end) == (DAY.start, DAY.end)
    half = timedelta(minutes=30)
    odd = Window(DAY.start + half, DAY.end - half)
    pieces = window_slices(tmp_path, HISTORY, odd)
    assert (pieces[0].start, pieces[-1].end) == (odd.start, odd.end)
    assert all(a.end == b.start for a, b in pairwise(pieces))


def test_pieces_say_together_what_the_whole_says(tmp_path, monkeypatch):
    whole = mapped_tables(delivered(tmp_path), HISTORY, DAY).rows
    monkeypatch.setattr(slicing, "_MOST_ROWS", 100)
    pieces = [
        mapped_tables(tmp_path, HISTORY, piece).rows
        for piece in window_slices(tmp_path, HISTORY, DAY)
    ]
    assert_frame_equal(pl.concat(pieces), whole, check_column_order=False)


def test_files_that_tell_no_times_are_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(slicing, "_MOST_ROWS", 100)
    delivered(tmp_path)
    (tmp_path / "z.csv").write_text("managed_object_dn,period_start\n")
    assert window_slices(tmp_path, CSV, DAY) == [DAY]


def test_a_file_that_changed_is_opened_again(tmp_path, monkeypatch):
    monkeypatch.setattr(slicing, "_MOST_ROWS", 20)
    assert len(window_slices(delivered(tmp_path, [0]), HISTORY, DAY)) == 1
    delivered(tmp_path, [0, 1, 2])
    assert len(window_slices(tmp_path, HISTORY, DAY)) == 3


def test_stacked_frames_are_in_the_same_pieces_throughout():
    one = pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    two = pl.DataFrame({"c": [3.0], "a": [None]}, schema={"c": pl.Float64, "a": pl.Float64})
    found = stacked([one, two, one.head(0)])
    assert_frame_equal(found, pl.concat([one, two], how="diagonal"))
    assert {tuple(column.chunk_lengths()) for column in found} == {(2, 1)}
    assert stacked([one.head(0)]).schema == one.schema
