"""A person's records, as their mapping says: every type, every oddity, and what is lost, told."""

import gzip
import io
import math
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import UnknownNameError
from semantic_layer.periods import Window
from tasks.ingestion.tables.mapped_records import mapped_records
from tasks.ingestion.tables.mapping_sources import mapping_sources, record_sources
from tasks.ingestion.tables.record_mappings import parse_record_mapping
from tasks.ingestion.tables.record_values import product_values
from tasks.ingestion.tables.table_layout import MappingError
from tests.conftest import REPOSITORY

HEAD = "mapping: 1\ninto: trouble_tickets\n"
TICKETS = (
    HEAD
    + """\
files: ["*.csv"]
columns:
  id: ticket_id
  opened: {is: opened_at, format: "%d/%m/%Y %H:%M", zone: Europe/Berlin}
  what: title
"""
)


def mapping(text):
    return parse_record_mapping(text, "my.mapping.yaml")


def read(tmp_path, text, content, name="t.csv", window=None):
    if content is not None:
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(raw)
    return mapped_records(tmp_path, mapping(text), window)


def told(found):
    return sorted(found.findings.select("place", "reason", "content").rows())


def test_texts_and_local_times_become_columns_and_the_file_is_named(tmp_path):
    found = read(tmp_path, TICKETS, "id,opened,what\n A1 ,5/1/2026 13:00, slow \n")
    assert found.rows.rows(named=True) == [
        {
            "ticket_id": "A1",
            "opened_at": datetime(2026, 1, 5, 12, tzinfo=UTC),
            "title": "slow",
            "source_file": "t.csv",
        }
    ]
    assert (found.read, found.replaced, found.findings.height) == (1, 0, 0)


def test_what_cannot_be_used_is_told_with_its_line_and_the_rest_counts(tmp_path):
    found = read(
        tmp_path,
        TICKETS,
        "id,opened,what\nA1,5/1/2026 13:00,x\nA2,32/1/2026 13:00,x\n,5/1/2026 13:00,x\n",
    )
    assert found.rows["ticket_id"].to_list() == ["A1", "A2"]
    assert found.rows["opened_at"].null_count() == 1
    assert [(place, reason) for place, reason, _ in told(found)] == [
        ("line 3", "opened is nothing that opened_at can be."),
        ("line 4", "The row has no usable ticket_id."),
    ]


def test_a_time_that_the_clock_skipped_is_no_time_and_a_doubled_one_is_the_earlier(tmp_path):
    text = TICKETS.replace('format: "%d/%m/%Y %H:%M", ', "")
    rows = "id,opened,what\na,2026-03-29 02:30,x\nb,2026-10-25 02:30,x\n"
    for form in (text, text.replace("opened_at,", 'opened_at, format: "%Y-%m-%d %H:%M",')):
        found = read(tmp_path, form, rows)
        assert found.rows["opened_at"].to_list() == [
            None,
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ]
        assert found.findings.height == 1


def test_a_number_since_an_epoch_serves_two_columns(tmp_path):
    text = """\
mapping: 1
into: change_history.observations
files: ["*.csv"]
columns:
  who: change_id
  dt: [{is: observed_at, epoch: 2021-01-01, unit: h}, {is: offset_s, scale: 3600}]
unpivot: {columns: {DL: down, UL: up}, name: measure, value: value}
"""
    found = read(tmp_path, text, "who,dt,DL,UL\nc,-1,0.5,\nc,2,x,1e400\n")
    assert found.rows.select("observed_at", "offset_s", "measure", "value").rows() == [
        (datetime(2020, 12, 31, 23, tzinfo=UTC), -3600.0, "down", 0.5)
    ]
    assert [reason for _, reason, _ in told(found)] == [
        "DL is nothing that value can be.", "UL is nothing that value can be.",
    ]  # fmt: skip


def test_offsets_that_leave_the_calendar_are_no_times(tmp_path):
    text = (
        HEAD + 'files: ["*.csv"]\ncolumns: {id: ticket_id, t: {is: opened_at, epoch: 2021-01-01}}\n'
    )
    found = read(tmp_path, text, "id,t\na,1e300\nb,-1e18\nc,nan\nd,60\n")
    moments = found.rows["opened_at"].to_list()
    assert moments == [None, None, None, datetime(2021, 1, 1, 0, 1, tzinfo=UTC)]
    assert found.findings.height == 3


def test_values_are_translated_and_a_strange_one_is_told(tmp_path):
    text = TICKETS + '  how: {is: state, values: {New: acknowledged, "-100": null}}\n'
    rows = "id,opened,what,how\n" + "".join(
        f"A{n},5/1/2026 13:00,x,{how}\n" for n, how in enumerate(["New", "-100", "Odd", ""])
    )
    found = read(tmp_path, text, rows)
    assert found.rows["state"].to_list() == ["acknowledged", None, None, None]
    assert told(found) == [("line 4", "how is nothing that state can be.", "Odd")]
    kept = read(tmp_path, text.replace("null}", 'null, "*": keep}'), rows)
    assert kept.rows["state"].to_list() == ["acknowledged", None, "Odd", None]
    other = read(tmp_path, text.replace("null}", 'null, "*": pending}'), rows)
    assert other.rows["state"].to_list() == ["acknowledged", None, "pending", None]


def test_templates_constants_lists_and_escapes(tmp_path):
    text = (
        TICKETS
        + """\
  alarms: {is: alarm_ids, separator: ";"}
templates:
  managed_object_dns: "ManagedElement={site},NRCellDU={cell}"
  description: "{#file} {#line}"
constants: {severity: MINOR, updates_count: 3}
null_values: ["?"]
"""
    )
    rows = (
        'id,opened,what,alarms,site,cell\nA,5/1/2026 13:00,x, 1 ;;2,"S,1",2\n'
        "B,5/1/2026 13:00,x,?,?,2\n"
    )
    found = read(tmp_path, text, rows).rows
    assert found["managed_object_dns"].to_list() == [["ManagedElement=S\\,1,NRCellDU=2"], None]
    assert found["alarm_ids"].to_list() == [["1", "2"], None]
    assert found["description"].to_list() == ["t.csv 2", "t.csv 3"]
    assert found.select("severity", "updates_count").rows() == [("MINOR", 3)] * 2


def test_objects_are_distinguished_names_or_told(tmp_path):
    text = TICKETS + "  object: {is: managed_object_dns, separator: ';'}\n"
    rows = (
        "id,opened,what,object\nA,5/1/2026 13:00,x,ManagedElement=1;X=2\n"
        "B,5/1/2026 13:00,x,nowhere\n"
    )
    found = read(tmp_path, text, rows)
    assert found.rows["managed_object_dns"].to_list() == [["ManagedElement=1", "X=2"], None]
    assert [content for _, _, content in told(found)] == ["nowhere"]


def test_a_row_that_stands_twice_counts_once_and_is_told_or_kept_if_that_is_meant(tmp_path):
    rows = "id,opened,what\nA,5/1/2026 13:00,x\nA,5/1/2026 13:00,x\nA,5/1/2026 13:00,y\n"
    found = read(tmp_path, TICKETS, rows)
    assert found.rows["title"].to_list() == ["x", "y"]
    row = found.findings.row(0, named=True)
    assert (row["place"], row["period_start"]) == ("line 3", datetime(2026, 1, 5, 12, tzinfo=UTC))
    assert "stands twice" in row["reason"]
    kept = read(tmp_path, TICKETS + "stands_twice: keep\n", rows)
    assert (kept.rows.height, kept.findings.height) == (3, 0)


def test_a_row_that_two_files_hold_is_counted_as_replaced(tmp_path):
    (tmp_path / "a.csv").write_text("id,opened,what\nA,5/1/2026 13:00,x\n")
    found = read(tmp_path, TICKETS, "id,opened,what\nA,5/1/2026 13:00,x\nB,5/1/2026 13:00,x\n")
    assert (found.rows.height, found.replaced, found.read) == (2, 1, 3)
    assert found.rows["source_file"].to_list() == ["a.csv", "t.csv"]


def test_a_window_takes_its_own_rows_and_what_is_told_of_them(tmp_path):
    day = Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
    rows = "id,opened,what\n" + "A,5/1/2026 13:00,x\n" * 2 + "B,7/1/2026 13:00,x\n" * 2
    found = read(tmp_path, TICKETS, rows, window=day)
    assert found.rows["ticket_id"].to_list() == ["A"]
    assert found.findings["place"].to_list() == ["line 3"]


def test_numbers_of_a_decimal_comma_in_latin_1_between_semicolons(tmp_path):
    text = """\
mapping: 1
into: change_history.observations
files: ["*.csv"]
csv: {separator: ";", decimal: ",", encoding: latin-1, quote: "'"}
zone: Europe/Berlin
columns: {who: change_id, at: observed_at, what: measure, much: value}
"""
    content = "who;at;what;much\nc;2026-01-05T12:00;'Größe; netto';1,5\n".encode("latin-1")
    found = read(tmp_path, text, content).rows.row(0, named=True)
    assert (found["measure"], found["value"]) == ("Größe; netto", 1.5)
    assert found["observed_at"] == datetime(2026, 1, 5, 11, tzinfo=UTC)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    found = read(tmp_path, TICKETS, b"\xef\xbb\xbfid,opened,what\nA,5/1/2026 13:00,x\n")
    assert found.rows["ticket_id"].to_list() == ["A"]


def packed(kind, members):
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for name, content in members.items():
                item = tarfile.TarInfo(name)
                item.size = len(content)
                archive.addfile(item, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(("kind", "name"), [("zip", "log.zip"), ("tar", "log.tar.gz")])
def test_members_of_archives_are_read_and_no_others(tmp_path, kind, name):
    rows = b"id,opened,what\nA,5/1/2026 13:00,x\n"
    content = packed(kind, {"in/a.csv": rows, "../../evil.csv": rows, "readme.txt": b"hello"})
    text = TICKETS.replace('"*.csv"', f'"{name}!in/*.csv"')
    found = read(tmp_path, text, content, name)
    assert found.rows["source_file"].to_list() == [f"{name}!in/a.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_gzipped_table_is_read_as_what_it_holds(tmp_path):
    rows = gzip.compress(b"id,opened,what\nA,5/1/2026 13:00,x\n")
    found = read(tmp_path, TICKETS.replace("*.csv", "*.csv.gz"), rows, "t.csv.gz")
    assert found.rows["ticket_id"].to_list() == ["A"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bomb_is_told_and_not_unpacked(tmp_path, kind):
    name = "log.zip" if kind == "zip" else "log.tar.gz"
    content = packed(kind, {"a.csv": b"id,opened,what\n" + b"\0" * (64 << 20)})
    assert len(content) < 1 << 20
    found = read(tmp_path, TICKETS.replace('"*.csv"', f'"{name}!*.csv"'), content, name)
    assert found.rows.is_empty()
    assert "unpacks to more than" in found.findings["reason"][0]


@pytest.mark.parametrize("name", ["log.zip", "log.tar.gz", "log.rar"])
def test_what_is_no_archive_is_told(tmp_path, name):
    found = read(
        tmp_path, TICKETS.replace('"*.csv"', f'"{name}!*.csv"'), b"no archive at all", name
    )
    assert found.rows.is_empty()
    assert "archive" in found.findings["reason"][0]


def test_a_file_that_cannot_be_read_is_told_and_the_others_count(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"id,opened,what\nA,5/1/2026 13:00,\xff\xfe\n")
    (tmp_path / "b.csv").write_text("id,opened,what\nB,5/1/2026 13:00,x,one too many\n")
    found = read(tmp_path, TICKETS, "id,opened,what\nC,5/1/2026 13:00,x\n")
    assert found.rows["ticket_id"].to_list() == ["C"]
    assert found.findings["source_file"].to_list() == ["a.csv", "b.csv"]


def test_no_file_at_all_is_told(tmp_path):
    found = read(tmp_path, TICKETS, None)
    assert found.rows.schema["opened_at"] == pl.Datetime("us", "UTC")
    assert "fits '*.csv'" in found.findings["reason"][0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("what: title", "what: titel"), "did you mean 'title'"),
        (("  what: title\n", ""), "neither mapped nor ignored"),
        (("what: title", "whot: title"), "neither mapped nor ignored"),
        (("id: ticket_id", "id: title"), "'title' is said twice"),
        (("trouble_tickets", "trouble_ticket"), "Input should be|no records"),
        (("opened: {is: opened_at", "opened: {is: closed_at"), "does not say what 'opened_at'"),
        (("Europe/Berlin", "Europe/Atlantis"), "no time zone"),
        (("format:", "epoch: 2021-01-01, format:"), "a `format` or an `epoch`"),
        (("format:", "fromat:"), "did you mean 'format'"),
        (("format:", "unit: fortnight, format:"), "no unit of time"),
        (("what: title", "what: title\nconstants: {updates_count: many}"), "is nothing that"),
        (
            ("what: title", "what: title\ntemplates: {description: '{nowhere}'}"),
            "no column 'nowhere'",
        ),
    ],
)
def test_what_the_mapping_gets_wrong_is_an_error_that_says_so(tmp_path, change, problem):
    with pytest.raises((MappingError, UnknownNameError), match=problem):
        read(tmp_path, TICKETS.replace(*change), "id,opened,what\nA,5/1/2026 13:00,x\n")


def test_each_kind_of_mapping_finds_its_own_reader(tmp_path):
    (tmp_path / "tickets.mapping.yaml").write_text(TICKETS)
    (tmp_path / "cells.mapping.yaml").write_text(
        'mapping: 1\ninto: network_topology\nfiles: ["c.csv"]\nobject: {column: cell}\n'
        "time: {column: since}\ncolumns: {site: site_id}\n"
    )
    assert [source.name for source in mapping_sources(tmp_path)] == ["cells"]
    assert [source.name for source in record_sources(tmp_path, None, "trouble_tickets")] == [
        "tickets"
    ]
    assert record_sources(tmp_path, None, "change_history") == []


def test_an_archive_on_the_shelf_counts_where_it_lies(tmp_path):
    shelf, folder = tmp_path / "shelf", tmp_path / "delivered"
    shelf.mkdir()
    folder.mkdir()
    text = TICKETS.replace('"*.csv"', '"**/log.zip!*.csv"')
    (shelf / "tickets.mapping.yaml").write_text(text)
    assert record_sources(folder, shelf, "trouble_tickets") == []
    (folder / "log.zip").write_bytes(packed("zip", {"a.csv": b""}))
    assert len(record_sources(folder, shelf, "trouble_tickets")) == 1


anything = st.text(max_size=12) | st.sampled_from(
    ["", " ", "?", "nan", "-inf", "1e999", "0", "true", "2026-01-05", "29/2/2016 01:16", "A=1,B=2"]
)


@given(st.lists(anything, min_size=1, max_size=20), st.data())
def test_any_text_is_a_value_or_null_for_every_type_and_never_a_crash(texts, data):
    dtype = data.draw(
        st.sampled_from(
            [
                pl.String(), pl.Float64(), pl.Int64(), pl.Int32(), pl.Boolean(),
                pl.Datetime("us", "UTC"), pl.List(pl.String()), pl.List(pl.Float64()),
            ]
        )
    )  # fmt: skip
    use = data.draw(
        st.sampled_from(
            [
                {}, {"format": "%d/%m/%Y %H:%M"}, {"format": "%Y-%m-%d"}, {"format": "%d %f"},
                {"epoch": "2021-01-01"}, {"separator": ";"}, {"values": {"0": "1", "*": "keep"}},
                {"values": {"?": None}},
            ]
        )
    )  # fmt: skip
    name = data.draw(st.sampled_from(["title", "managed_object_dn", "managed_object_dns"]))
    chosen = mapping(TICKETS + "null_values: ['?']\n")
    told_use = chosen.columns["id"][0].model_validate({"is": name} | use)
    values = product_values(pl.Series("x", texts), told_use, dtype, chosen)
    assert len(values) == len(texts)
    assert values.dtype == dtype
    for text, value in zip(texts, values.to_list(), strict=True):
        if text.strip(" \t\r\n") in {"", "?"}:
            assert value is None
        if isinstance(value, float):
            assert math.isfinite(value)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_vectorised_times_say_what_python_says(moment):
    chosen = mapping(TICKETS)
    use = chosen.columns["opened"][0]
    text = moment.strftime("%d/%m/%Y %H:%M")
    careful = use.model_copy(update={"format": "%d/%m/%Y %H:%M%%"})
    fast = product_values(pl.Series([text]), use, pl.Datetime("us", "UTC"), chosen)
    slow = product_values(pl.Series([text + "%"]), careful, pl.Datetime("us", "UTC"), chosen)
    assert fast.to_list() == slow.to_list()


def test_the_shelf_holds_record_mappings_that_load_and_say_what_they_leave_out():
    shelf = REPOSITORY / "deployments/mappings"
    texts = {path.name: path.read_text() for path in sorted(Path(shelf).glob("*.mapping.yaml"))}
    loaded = [
        mapping(texts[name])
        for name in (
            "incidents.mapping.yaml", "ran_changes.mapping.yaml",
            "ran_change_traffic.mapping.yaml",
        )
    ]  # fmt: skip
    assert all(one.notes and one.source for one in loaded)


@pytest.mark.real_data
def test_real_incidents_are_read_whole(real_data):
    shelf = REPOSITORY / "deployments/mappings"
    (source,) = record_sources(real_data / "incidents", shelf, "trouble_tickets")
    found = mapped_records(source.folder, source.mapping)
    assert (found.read, found.rows.height, found.findings.height) == (119_998, 119_998, 0)
    assert found.rows["ticket_id"].n_unique() == 20_769
    assert found.rows["state"].null_count() == 2  # -100, which no manual knows
    span = found.rows["updated_at"].max() - found.rows["opened_at"].min()
    assert span > timedelta(days=300)
