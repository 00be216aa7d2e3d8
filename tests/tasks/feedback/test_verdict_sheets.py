"""Sheets of verdicts as people send them: what is read, what is refused, what is written."""

import csv
import io
from datetime import timedelta

import pytest

from semantic_layer.errors import InputError
from semantic_layer.fault_kinds import fault_kinds
from tasks.feedback.sheet_records import MOST_BYTES
from tasks.feedback.verdict_sheets import (
    SheetReading,
    delivery_id,
    harmless,
    verdict_sheet,
    written_sheet,
)
from tests.tasks.feedback.world import NOW, START, began, cell, finding_id

HEADER = "finding_id,verdict,fault_kind,comment,author,given_at"
A, B = finding_id(1), finding_id(2)
PLACES = {finding_id(number): (cell(number), began(number)) for number in range(1, 5)}


def read(*lines, header=HEADER, author="", encoding="utf-8"):
    text = "\n".join([header, *lines]) if header else "\n".join(lines)
    against = SheetReading("x.csv", PLACES, fault_kinds(), NOW, author)
    return verdict_sheet(text.encode(encoding), against)


def rows(sheet, *names):
    return sheet.given.select(names).rows()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends_are_found_out(encoding, separator, end):
    lines = [HEADER, f"{A},confirm,outage,Störung,anna,2026-03-05T10:00Z", ""]
    content = end.join(lines).replace(",", separator).encode(encoding)
    sheet = verdict_sheet(content, SheetReading("x.csv", PLACES, fault_kinds(), NOW))
    assert rows(sheet, "anomaly_id", "verdict", "fault_kind", "comment", "author") == [
        (A, "CONFIRMED", "outage", "Störung", "anna")
    ]
    assert sheet.given["given_at"].to_list() == [START + timedelta(days=4, hours=10)]
    assert sheet.bad.is_empty()


def test_a_first_line_may_name_the_separator():
    sheet = read("sep=;", "Finding ID;Verdict;Given by", f"{A};reject;bo", header="")
    assert rows(sheet, "anomaly_id", "author") == [(A, "bo")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0000,confirm,,,anna,", "No finding '0000' is published."),
        (f"{A},perhaps,,,anna,", "'perhaps' is no verdict"),
        (f"{A},relabel,gremlins,,anna,", "No fault kind 'gremlins'"),
        (f"{A},confirm,,,,", "Nobody is named as the author."),
        (f"{A},confirm,,,anna,2026-03-01T00:30Z", "before the finding began"),
        (f"{A},confirm,,,anna,2026-03-11T00:30Z", "in the future"),
        (f"{A},confirm,,,anna,next week", "'next week' is no time"),
        (f"{A},confirm,,a, b, c,anna,2026-03-05", "It has 8 cells, the header 6"),
        (f'{A},confirm,,"open,anna,', "Its quotes make no sense"),
        (f'{A},confirm,,"a"b,anna,', "Its quotes make no sense"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_costs_no_other(row, reason):
    good = f"{B},confirm,,,anna,2026-03-05T10:00Z"
    sheet = read(good.replace(B, finding_id(3)), row, good)
    assert rows(sheet, "anomaly_id") == [(finding_id(3),), (B,)]
    bad = sheet.bad.row(0, named=True)
    assert sheet.bad.height == 1
    assert reason in bad["reason"]
    assert (bad["source_file"], bad["place"]) == ("x.csv", "line 3")
    assert bad["content"]


def test_an_open_quote_swallows_neither_the_rows_after_it_nor_a_comment_of_lines():
    good = [f'{finding_id(3)},confirm,,"two\nlines",anna,2026-03-05T10:0{n}Z' for n in range(5)]
    sheet = read(f'{A},confirm,,"open,anna,', *good, *["x,reject,,,,"] * 60)
    assert sheet.given.height == 5
    assert set(sheet.given["comment"]) == {"two lines"}
    assert sheet.bad.height == 61
    assert sheet.bad["place"][0] == "line 2"
    assert sheet.bad["place"][1] == "line 13"


def test_a_row_told_twice_is_one_and_one_that_contradicts_it_is_refused():
    row = f"{A},confirm,,,anna,2026-03-05T10:00Z"
    sheet = read(row, row.replace("anna", "Anna"), row.replace("confirm", "reject"))
    assert (sheet.given.height, sheet.repeated) == (1, 1)
    assert "Line 2 tells otherwise" in sheet.bad["reason"][0]
    assert sheet.bad["place"].to_list() == ["line 4"]


def test_a_verdict_names_its_moment_its_day_or_is_as_old_as_the_sheet():
    sheet = read(
        f"{A},confirm,,,anna,2026-03-05T10:00Z",
        f"{A},confirm,,,bo,5.3.2026",
        f"{A},confirm,,,cy,",
        f"{A},confirm,,,di,{NOW:%Y-%m-%d}",
        f"{A},confirm,,,ed,{NOW + timedelta(minutes=2):%Y-%m-%dT%H:%MZ}",
    )
    day = START + timedelta(days=4)
    assert rows(sheet, "given_at", "is_exact") == [
        (day + timedelta(hours=10), True),
        (day + timedelta(hours=23, minutes=59, seconds=59), False),
        (NOW, False),
        (NOW, False),
        (NOW, True),
    ]


def test_rows_of_a_template_without_a_verdict_and_columns_of_its_own_are_no_fault():
    header = "finding_id,cell_dn,anomaly_start,severity,explanation,verdict,author,My notes"
    sheet = read(
        f'{A},"{cell(1)}",x,MINOR,since,,,mine',
        f'{B},"{cell(2)}",x,MINOR,since,reject,anna,',
        f'{B},"{cell(3)}",x,MINOR,since,reject,bo,',
        ",,,,,,,",
        header=header,
    )
    assert (sheet.read, sheet.unanswered, sheet.given.height) == (3, 1, 1)
    assert sheet.unknown_columns == ("my_notes",)
    assert "not of the one in this row" in sheet.bad["reason"][0]


def test_an_author_may_hand_in_for_all():
    assert rows(read(f"{A},confirm,,,,", author="bo"), "author") == [("bo",)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"sep=;\n", "lacks 'finding_id'; it has nothing"),
        (b"a,b\n1,2\n", "lacks 'finding_id'; it has a, b"),
        (b"finding_id\nx\n", "lacks 'verdict'"),
        (b"finding,finding_id,verdict\n", "names 'anomaly_id' twice"),
        (b"PK\x03\x04\x00\x00", "is no text"),
        (b"finding_id,verdict\na1,\xff\n", "no text in UTF-8 .line 2."),
        (b"x" * (MOST_BYTES + 1), "has 64 MiB"),
    ],
)
def test_what_is_no_sheet_is_refused_whole(content, reason):
    with pytest.raises(InputError, match=reason):
        verdict_sheet(content, SheetReading("x.csv", PLACES, fault_kinds(), NOW))


def test_a_header_alone_says_nothing_and_is_no_fault():
    sheet = read()
    assert (sheet.read, sheet.given.height, sheet.bad.height) == (0, 0, 0)


def test_a_hundred_thousand_rows_are_read_each_a_verdict_or_a_reason():
    lines = [
        f'{finding_id(n % 5 + 1)},reject,,"no, {n}",p{n % 9},2026-03-0{n % 7 + 2}T00:{n % 60:02}:'
        f"{n // 60 % 60:02}.{n:06}Z"
        for n in range(100_000)
    ]
    sheet = read(*lines)
    assert sheet.read == 100_000
    assert sheet.given.height == 80_000
    assert sheet.bad.height == 20_000
    assert set(sheet.bad["reason"]) == {f"No finding {finding_id(5)!r} is published."}


@pytest.mark.parametrize(
    "formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "=HYPERLINK(1)"]
)
def test_what_a_spreadsheet_would_run_is_written_as_text_and_read_back(formula):
    shown = formula.replace("\r", " ")
    assert harmless(formula) == f"'{shown}"
    row = (A, "confirm", "", formula, "anna", began(4))
    written = written_sheet(HEADER.split(","), iter([row]))
    assert next(csv.DictReader(io.StringIO(written)))["comment"] == f"'{shown}"
    assert rows(read(*written.splitlines()[1:]), "comment") == [(shown.strip(),)]


def test_a_sheet_is_known_by_its_content():
    assert delivery_id(b"a") == delivery_id(b"a") != delivery_id(b"b")
