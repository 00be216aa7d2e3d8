"""What a folder of VES events promises, beside what every load feed does."""

import json
import os
from datetime import timedelta

import pytest

from semantic_layer.errors import TransientError
from tasks.adapters import ves_load_documents
from tasks.adapters.ves_load_feed import VesLoadFeed
from tasks.adapters.ves_load_names import CellNames
from tests.ports.ves_minutes import (
    BEGIN,
    CELL,
    ELEMENT,
    HALF,
    HEADER,
    LOCAL,
    LTE,
    MINUTE,
    NOON,
    NR,
    RESULT,
    WINDOW,
    changed,
    event,
    half,
    heard,
    info,
    loads,
    micros,
    minute,
    write,
)


def test_load_and_throughput_are_the_kpis_of_the_catalogue(tmp_path):
    told = heard(tmp_path, minute(info(half(LOCAL, "30", "120", "90", "3"))))
    (one,) = told.reports
    assert (one.load, one.user_mbps) == (0.25, 30.0)
    assert (one.begin, one.end) == (BEGIN, NOON)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda one: {"event": one}, id="a lone event"),
        pytest.param(lambda one: one, id="a lone event without its wrapping"),
        pytest.param(lambda one: {"eventList": [one]}, id="a batch"),
        pytest.param(lambda one: {"eventList": [{"event": one}]}, id="a batch of wrapped events"),
        pytest.param(lambda one: [one], id="a bare list"),
        pytest.param(lambda one: [{"event": one}], id="a bare list of wrapped events"),
        pytest.param(lambda one: {"sent": 1, "eventList": [one]}, id="a batch that tells more"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_whatever_a_collector_wraps_events_in_they_are_heard(tmp_path, written, indent):
    text = json.dumps(written(minute()), indent=indent)
    (tmp_path / "one.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = heard(tmp_path)
    assert (loads(found), found.refused) == ({CELL: 0.5}, ())


def test_lines_of_events_are_heard_and_a_broken_line_costs_itself_alone(tmp_path):
    lines = [
        json.dumps(minute(info(half(f"GNBDUFunction=1,NRCellDU={number}")))) for number in range(3)
    ]
    lines.insert(1, '{"event": {"commonEventHeader": nothing}}')
    (tmp_path / "lines.ndjson").write_text("\n".join(lines) + "\n")
    found = heard(tmp_path)
    assert len(found.reports) == 3
    (said,) = found.refused
    assert said.startswith("'lines.ndjson', line 2: what follows is no JSON")


@pytest.mark.parametrize(
    "result",
    [
        {"p": 1, "sValue": "50"},
        {"p": 1, "sValue": " 5.0e1 "},
        {"p": 1, "iValue": 50},
        {"p": 1, "rValue": 50.0},
    ],
)
def test_values_come_as_text_integers_or_numbers(tmp_path, result):
    assert loads(heard(tmp_path, changed(RESULT, result))) == {CELL: 0.5}


@pytest.mark.parametrize(
    "result", [{"p": 1, "isNull": "true"}, {"p": 1, "sValue": "NIL"}, {"p": 1, "sValue": ""}]
)
def test_no_value_is_no_evidence_and_no_mistake(tmp_path, result):
    found = heard(tmp_path, changed(RESULT, result))
    assert (found.reports, found.refused) == ((), ())


def test_p_says_which_measurement_a_value_is_of(tmp_path):
    told = half()
    told["measResults"].reverse()
    assert loads(heard(tmp_path, minute(info(told)))) == {CELL: 0.5}


def test_measurements_that_nobody_asks_for_are_passed_over(tmp_path):
    types = ("Foo.Bar", *NR, "DRB.UEThpDl")
    told = half(LOCAL, "text", *HALF, "1")
    found = heard(tmp_path, minute(info(told, types=types)))
    assert (loads(found), found.refused) == ({CELL: 0.5}, ())


@pytest.mark.parametrize("flag", ["true", True, "TRUE", 1, "perhaps"])
def test_a_suspect_period_tells_nothing(tmp_path, flag):
    found = heard(tmp_path, minute(info(half(suspect=flag))))
    assert (found.reports, found.refused) == ((), ())


@pytest.mark.parametrize("flag", ["false", False, None, "False"])
def test_a_flag_that_is_not_raised_takes_nothing_away(tmp_path, flag):
    assert loads(heard(tmp_path, minute(info(half(suspect=flag))))) == {CELL: 0.5}


def test_a_period_found_suspect_later_takes_back_what_was_told(tmp_path):
    sound, suspect = minute(sequence=4), minute(info(half(suspect="true")), sequence=5)
    assert heard(tmp_path, sound, suspect).reports == ()
    assert loads(heard(tmp_path, suspect | {HEADER: sound[HEADER]}, sound)) == {CELL: 0.5}


def test_measurements_of_a_cell_may_come_apart(tmp_path):
    blocks = info(half(LOCAL, *HALF[:2]), types=NR[:2]), info(half(LOCAL, *HALF[2:]), types=NR[2:])
    write(tmp_path, "throughput.json", minute(blocks[1], sequence=1))
    (one,) = heard(tmp_path, minute(blocks[0], sequence=2)).reports
    assert (one.load, one.user_mbps) == (0.5, 20.0)


def test_the_higher_sequence_counts_wherever_it_stands(tmp_path):
    newer, older = minute(sequence=8), minute(info(half(LOCAL, "90", *HALF[1:])), sequence=7)
    write(tmp_path, "a.json", newer)
    write(tmp_path, "b.json", older)
    os.utime(tmp_path / "a.json", (1, 1))
    assert loads(heard(tmp_path)) == {CELL: 0.5}


def test_without_sequences_the_file_written_later_counts_not_the_later_name(tmp_path):
    write(tmp_path, "b.json", minute(info(half(LOCAL, "90", *HALF[1:]))))
    write(tmp_path, "a.json", minute())
    os.utime(tmp_path / "b.json", (1, 1))
    assert loads(heard(tmp_path)) == {CELL: 0.5}


def test_a_name_tells_no_time(tmp_path):
    assert loads(heard(tmp_path, minute(), name="1999-01-01T0000Z.json")) == {CELL: 0.5}


@pytest.mark.parametrize("name", [".batch.json", "batch.json.part", "batch.txt", "batch.json.gz"])
def test_what_is_named_otherwise_is_not_read(tmp_path, name):
    found = heard(tmp_path, minute(), name=name)
    assert (found.reports, found.refused) == ((), ())


def test_folders_are_not_looked_into(tmp_path):
    write(tmp_path / "within.json", "batch.json", minute())
    found = heard(tmp_path)
    assert (found.reports, found.refused) == ((), ())


def test_of_many_files_those_written_before_the_window_are_not_opened(tmp_path):
    for number in range(130):
        path = tmp_path / f"{number}.json"
        path.write_text("broken")
        os.utime(path, (micros(BEGIN) / 1e6 - 3600,) * 2)
    (tmp_path / "fault.json").write_text('{"event": {"commonEventHeader": {"domain": "fault"}}}')
    found = heard(tmp_path, minute())
    assert (loads(found), found.refused) == ({CELL: 0.5}, ())


def test_of_too_many_files_the_newest_are_read_and_the_rest_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ves_load_documents, "MOST_FILES", 2)
    for number in range(4):
        path = write(tmp_path, f"{number}.json", minute(info(half(f"NRCellDU={number}"))))
        os.utime(path, (number, number))
    found = heard(tmp_path)
    assert list(loads(found)) == [f"{ELEMENT},NRCellDU={number}" for number in (2, 3)]
    assert "2 files older than the newest 2 are not read" in found.refused[0]


def test_a_file_that_is_too_large_is_told_and_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(ves_load_documents, "MOST_BYTES", 2 << 10)
    write(tmp_path, "large.json", *[minute()] * 9)
    (said,) = heard(tmp_path, minute()).refused
    assert said.startswith("'large.json': the file is larger than")


def test_events_beyond_the_most_are_told_and_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(ves_load_documents, "MOST_EVENTS", 2)
    events = [minute(info(half(f"NRCellDU={number}"))) for number in range(4)]
    found = heard(tmp_path, *events)
    assert len(found.reports) == 2
    assert "events beyond the first 2 are not read" in found.refused[0]


def test_a_file_that_is_still_written_tells_its_whole_events_and_later_the_rest(tmp_path):
    cells = [f"GNBDUFunction=1,NRCellDU={number}" for number in range(3)]
    path = write(tmp_path, "batch.json", *(minute(info(half(cell))) for cell in cells))
    whole = path.read_text()
    for cut in range(1, len(whole) - 3, 97):
        path.write_text(whole[:cut])
        found = heard(tmp_path)
        assert len(found.reports) == whole[:cut].count('"sValue": "4"}]}]}]}}}')
        assert len(found.refused) == 1
        assert "cut off" in found.refused[0]
    path.write_text(whole)
    assert len(heard(tmp_path).reports) == 3


def test_a_file_that_is_still_empty_is_told(tmp_path):
    (tmp_path / "batch.json").write_text(" \n")
    assert heard(tmp_path).refused == (
        "'batch.json': the file is empty; it is read again once it is written.",
    )


def test_a_file_that_is_removed_meanwhile_is_no_mistake(tmp_path, monkeypatch):
    write(tmp_path, "gone.json", minute())
    listed = ves_load_documents.batches(tmp_path, WINDOW, None)
    (tmp_path / "gone.json").unlink()
    monkeypatch.setattr("tasks.adapters.ves_load_feed.batches", lambda *_: listed)
    found = heard(tmp_path)
    assert (found.reports, found.refused) == ((), ())


@pytest.mark.parametrize("kind", ["missing", "a file"])
def test_a_folder_that_cannot_be_read_is_a_feed_that_is_away(tmp_path, kind):
    folder = tmp_path / "stream"
    if kind == "a file":
        folder.write_text("")
    with pytest.raises(TransientError, match="ANOPS_LOAD_FEED_FOLDER"):
        VesLoadFeed(folder).reports(WINDOW)


def test_a_folder_that_nobody_waits_for_may_be_missing(tmp_path):
    feed = VesLoadFeed(tmp_path / "stream", is_awaited=False)
    assert feed.reports(WINDOW).reports == ()
    write(tmp_path / "stream", "one.json", minute())
    assert loads(feed.reports(WINDOW)) == {CELL: 0.5}


def test_other_events_in_the_folder_are_passed_over(tmp_path):
    fault = {HEADER: {"domain": "fault", "lastEpochMicrosec": micros(NOON)}, "faultFields": {}}
    found = heard(tmp_path, fault, minute())
    assert (loads(found), found.refused) == ({CELL: 0.5}, ())


@pytest.mark.parametrize(
    ("start", "seconds", "length"),
    [
        pytest.param(BEGIN, 60, 60.0, id="both tell the same"),
        pytest.param(BEGIN + timedelta(microseconds=500), 60, 59.9995, id="or nearly"),
        pytest.param(NOON, 60, 60.0, id="the header tells its end twice"),
        pytest.param(None, 60, 60.0, id="the header tells its end alone"),
        pytest.param(BEGIN, None, 60.0, id="the header alone"),
        pytest.param(BEGIN, "60", 60.0, id="a granularity period that is no number"),
    ],
)
def test_a_period_is_known_from_what_is_told_of_it(tmp_path, start, seconds, length):
    told = minute()
    told[HEADER]["startEpochMicrosec"] = start and micros(start)
    told["perf3gppFields"]["measDataCollection"]["granularityPeriod"] = seconds
    (one,) = heard(tmp_path, told).reports
    assert ((one.end - one.begin).total_seconds(), one.end) == (length, NOON)


@pytest.mark.parametrize(
    ("start", "seconds", "said"),
    [
        (BEGIN, 10, "tells a period of 60 s, its granularityPeriod 10 s"),
        (NOON + MINUTE, 60, "tells a period of -60 s"),
        (NOON, None, "it tells no period"),
        (None, -60, "it tells no period"),
        (BEGIN, 10**400, "its granularityPeriod 1e+06 s"),
    ],
)
def test_a_period_that_is_not_known_is_refused(tmp_path, start, seconds, said):
    told = minute()
    told[HEADER]["startEpochMicrosec"] = start and micros(start)
    told["perf3gppFields"]["measDataCollection"]["granularityPeriod"] = seconds
    found = heard(tmp_path, told)
    assert found.reports == ()
    assert len(found.refused) == 1
    assert said in found.refused[0]


def test_a_quarter_of_an_hour_is_for_measurement_files(tmp_path):
    found = heard(tmp_path, event(NOON - 15 * MINUTE, NOON, info(half())))
    assert (found.reports, found.refused) == ((), ())


@pytest.mark.parametrize(
    "end", [NOON + timedelta(days=9000), NOON - timedelta(days=9000), NOON + MINUTE, BEGIN]
)
def test_other_times_are_neither_heard_nor_told(tmp_path, end):
    found = heard(tmp_path, event(end - MINUTE, end, info(half())), minute())
    assert (loads(found), found.refused) == ({CELL: 0.5}, ())


@pytest.mark.parametrize(
    ("element", "local", "cell"),
    [
        (ELEMENT, LOCAL, CELL),
        (ELEMENT, CELL, CELL),
        (ELEMENT, f"ManagedElement=7,{LOCAL}", CELL),
        ("", CELL, CELL),
        ("7", LOCAL, f"ManagedElement=7,{LOCAL}"),
        (f"{ELEMENT},GNBCUCPFunction=1", "NRCellCU=1", CELL),
        (ELEMENT, "GNBCUCPFunction=1,NRCellCU=1", CELL),
        (ELEMENT, "ENodeBFunction=1,EUtranCellTDD=2",
         f"{ELEMENT},ENBFunction=1,EUtranCellTDD=2"),
        (ELEMENT, f"{LOCAL},Beam=1", None),
        (ELEMENT, "GNBDUFunction=1", None),
        (r"ManagedElement=Lille\, Nord", LOCAL, rf"ManagedElement=Lille\, Nord,{LOCAL}"),
    ],
)  # fmt: skip
def test_cells_have_one_name_however_it_is_cut(element, local, cell):
    names = CellNames()
    for _ in range(2):  # the second time from what was read the first
        found = names.named(element, local)
        assert (found and found.dn) == cell


def test_an_element_that_is_told_by_its_source_alone_has_a_name(tmp_path):
    told = minute()
    told["perf3gppFields"]["measDataCollection"]["measuredEntityDn"] = " "
    assert loads(heard(tmp_path, told)) == {CELL: 0.5}


def test_counters_of_a_vendor_are_read_by_its_map(tmp_path):
    types = (*LTE[:2], "pmPdcpVolDlDrb", "pmPdcpVolDlDrbLastTTI", "pmUeThpTimeDl")
    told = half("ENBFunction=1,EUtranCellFDD=1", "50", "100", "90000", "10000", "4000")
    (one,) = heard(tmp_path, minute(info(told, types=types), nfVendorName="Ericsson")).reports
    assert (one.load, one.user_mbps) == (0.5, 20.0)
    (other,) = heard(tmp_path, minute(info(told, types=types), nfVendorName="another")).reports
    assert (other.load, other.user_mbps) == (0.5, None)
