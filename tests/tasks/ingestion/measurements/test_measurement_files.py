import gzip
import resource
from datetime import timedelta

import pytest

from tasks.ingestion.delivered_bytes import UnreadableFileError
from tasks.ingestion.measurements.measurement_events import Remark
from tasks.ingestion.measurements.measurement_files import events
from tests.tasks.ingestion import written
from tests.tasks.ingestion.written import info, listed, meaning, measurement_file, numbers, value

CELL = "GNBDUFunction=1,NRCellDU=3"


@pytest.mark.parametrize("is_28532", [False, True], ids=["TS 32.435", "TS 28.532"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(info(["a", "b"], value(CELL, [(1, "4"), (2, "5.5")])), id="r p"),
        pytest.param(info("a b", listed(CELL, "4 5.5")), id="measResults"),
        pytest.param(info(["a", "b"], value(CELL, [(2, "5.5"), (1, " 4\n")])), id="out of order"),
    ],
)
def test_both_layouts_of_both_standards_say_the_same(content, is_28532):
    _, blocks, findings = meaning(measurement_file(content, is_28532=is_28532))
    assert numbers(blocks) == {(CELL, "a"): 4.0, (CELL, "b"): 5.5}
    assert blocks[0].period.start == written.NOON
    assert blocks[0].period.seconds == 900
    assert findings == []


@pytest.mark.parametrize(
    ("end", "duration", "start"),
    [
        pytest.param("2026-01-05T13:15:00+01:00", "PT15M", written.NOON, id="offset"),
        pytest.param("2026-01-05T13:15:00+0100", "PT900S", written.NOON, id="offset, no colon"),
        pytest.param("2026-01-05T02:15:00-10:00", "PT0H15M0S", written.NOON, id="far west"),
        pytest.param("2026-01-06T12:00:00Z", "P1D", written.NOON, id="a day"),
        pytest.param("2026-01-05T12:14:30.500Z", "PT1M", None, id="fractions of a second"),
    ],
)
def test_a_period_starts_its_duration_before_its_end_in_utc(end, duration, start):
    _, blocks, _ = meaning(measurement_file(info(["a"], value(CELL, [(1, "1")]), end, duration)))
    expected = start or written.NOON + timedelta(minutes=13, seconds=30, milliseconds=500)
    assert blocks[0].period.start == expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param({"end": "yesterday"}, "no ISO 8601 time", id="unreadable end"),
        pytest.param({"end": "2026-01-05T12:15:00"}, "names no time zone", id="no zone"),
        pytest.param({"duration": "some duration"}, "no ISO 8601 duration", id="no duration"),
        pytest.param({"duration": "PT0S"}, "no ISO 8601 duration", id="no time at all"),
        pytest.param({"duration": "P2D"}, "up to a day", id="two days"),
    ],
)
def test_a_bad_meas_info_is_told_and_does_not_lose_the_others(bad, reason):
    good = info(["a"], value(CELL, [(1, "1")]), name="good")
    text = measurement_file(info(["b"], value(CELL, [(1, "2")]), name="bad", **bad), good)
    _, blocks, findings = meaning(text)
    assert numbers(blocks) == {(CELL, "a"): 1.0}
    assert [finding.key for finding in findings] == ["bad"]
    assert reason in findings[0].reason
    assert "measInfo 'bad'" in findings[0].place
    assert '[1, "2"]' in findings[0].content


@pytest.mark.parametrize(
    ("types", "values", "reason"),
    [
        pytest.param([], value(CELL, [(1, "1")]), "names no measTypes", id="no types"),
        pytest.param(["a", "a"], value(CELL, [(1, "1")]), "'a' twice", id="a name twice"),
        pytest.param("a b", listed(CELL, "1 2 3"), "3 values for 2 types", id="too many values"),
        pytest.param("a b", listed(CELL, "1"), "1 values for 2 types", id="too few values"),
        pytest.param(["a"], value(CELL, [(7, "1")]), "position 7", id="position without type"),
        pytest.param(["a"], value(CELL, [("x", "1")]), "position -1", id="position no number"),
        pytest.param(["a"], value(CELL, [(1, "1"), (1, "2")]), "two values", id="p repeated"),
        pytest.param(["a"], value(CELL, [(1, "1e400")]), "no number", id="beyond all bounds"),
        pytest.param(["a"], value(CELL, [(1, "many")]), "no number", id="a word"),
        pytest.param(["a"], value(CELL, [(1, "1_000")]), "no number", id="an underscore"),
        pytest.param(["a"], value(CELL, [(1, "1,x")]), "no number", id="a broken vector"),
        pytest.param(
            ["a"], '<measValue><r p="1">1</r></measValue>', "no measObjLdn", id="no object"
        ),
    ],
)
def test_what_cannot_be_told_is_told_as_such(types, values, reason):
    _, blocks, findings = meaning(measurement_file(info(types, values)))
    assert numbers(blocks) == {}
    assert reason in findings[0].reason
    assert "line" in findings[0].place


@pytest.mark.parametrize("nothing", ["", " ", "NIL", "null", "NaN", "nil"])
def test_an_empty_value_is_no_value_and_no_problem(nothing):
    interpreter, blocks, findings = meaning(
        measurement_file(info(["a", "b"], value(CELL, [(1, nothing), (2, "-3")])))
    )
    assert numbers(blocks) == {(CELL, "b"): -3.0}
    assert findings == []
    assert interpreter.counts.values == 2


def test_a_vector_keeps_its_bins_and_its_gaps():
    _, blocks, _ = meaning(measurement_file(info(["a"], value(CELL, [(1, "1, 2.5,,NIL,4")]))))
    assert blocks[0].vectors == {(0, 0): [1.0, 2.5, None, None, 4.0]}


def test_positions_may_have_gaps_and_objects_may_leave_some_out():
    types = '<measType p="10">a</measType><measType p="500">b</measType>'
    text = measurement_file(
        info([], types + value("X=1", [(500, "5")]) + value("X=2", [(10, "1"), (500, "6")]))
    )
    _, blocks, findings = meaning(text)
    assert numbers(blocks) == {("X=1", "b"): 5.0, ("X=2", "a"): 1.0, ("X=2", "b"): 6.0}
    assert findings == []


def test_several_meas_infos_elements_and_periods_each_keep_their_own():
    text = measurement_file(info(["a"], value("X=1", [(1, "1")])))
    more = (
        '<measData><managedElement localDn="ManagedElement=8"/>'
        + info(["a"], value("X=1", [(1, "2")]), "2026-01-05T13:00:00Z", "PT1H")
        + "</measData>"
    )
    _, blocks, _ = meaning(text.replace("<fileFooter>", more + "<fileFooter>"))
    assert [(block.element, block.period.seconds) for block in blocks] == [
        ("ManagedElement=7", 900),
        ("ManagedElement=8", 3600),
    ]


def test_the_suspect_flag_marks_its_object_only_and_an_odd_one_marks_too():
    values = (
        value("X=1", [(1, "1")], "true")
        + value("X=2", [(1, "1")], "false")
        + value("X=3", [(1, "1")])
        + value("X=4", [(1, "1")], "perhaps")
        + value("X=5", [(1, "1")], "1")
    )
    _, blocks, findings = meaning(measurement_file(info(["a"], values)))
    flags = {
        name: flag
        for block in blocks
        for name, flag in zip(block.objects, block.is_suspect, strict=True)
    }
    assert flags == {"X=1": True, "X=2": False, "X=3": False, "X=4": True, "X=5": True}
    assert "perhaps" in findings[0].reason


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"), id="UTF-16"),
        pytest.param(
            lambda text: text.replace('"UTF-8"', '"ISO-8859-1"').encode("latin-1"), id="Latin-1"
        ),
        pytest.param(lambda text: gzip.compress(text.encode()), id="gzip"),
        pytest.param(
            lambda text: gzip.compress(text[:300].encode()) + gzip.compress(text[300:].encode()),
            id="gzip in two members",
        ),
        pytest.param(lambda text: text.partition("?>")[2], id="no declaration"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(lambda text: text.replace("\n", ""), id="one line"),
        pytest.param(lambda text: text.replace("<measInfo", "<!-- > --><measInfo"), id="comment"),
        pytest.param(lambda text: text.replace(">4<", "><![CDATA[4]]><"), id="CDATA"),
        pytest.param(lambda text: text.replace("<r p", "<r\n  p").replace('"', "'"), id="quotes"),
        pytest.param(
            lambda text: (
                text.replace("<", "<p:")
                .replace("<p:/", "</p:")
                .replace("<p:?", "<?")
                .replace("xmlns=", "xmlns:p=")
            ),
            id="prefixed names",
        ),
    ],
)
def test_however_it_is_written_the_file_says_the_same(wrapped):
    text = measurement_file(info(["ä", "b"], value(CELL, [(1, "4"), (2, "1,2")], "true")))
    _, blocks, findings = meaning(wrapped(text))
    assert numbers(blocks) == {(CELL, "ä"): 4.0}
    assert blocks[0].vectors == {(0, 1): [1.0, 2.0]}
    assert blocks[0].is_suspect == [True]
    assert findings == []


def test_text_before_the_declaration_is_survived_with_a_remark_and_lines_still_count():
    bad = info(["a"], value(CELL, [(1, "x")]))
    plain, prefaced = measurement_file(bad), "some\nlog line\n" + measurement_file(bad)
    told = list(events([prefaced.encode()]))
    assert isinstance(told[0], Remark)
    assert "before the XML declaration" in told[0].text
    line = int(meaning(plain)[2][0].place.split()[1].rstrip(","))
    assert meaning(prefaced)[2][-1].place.startswith(f"line {line + 2},")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("  \n ", "empty", id="blank"),
        pytest.param('{"event": {"perf3gppFields": {}}}', "VES event", id="VES JSON"),
        pytest.param("[1, 2]", "JSON, not XML", id="JSON"),
        pytest.param("a;b;c\n1;2;3\n", "cannot be read", id="CSV"),
        pytest.param("<html><body/></html>", "root element is 'html'", id="another root"),
        pytest.param(
            measurement_file(namespace="urn:else"), "namespace 'urn:else'", id="wrong namespace"
        ),
        pytest.param(
            measurement_file(is_28532=True, namespace=written.NS_32435),
            "expected is",
            id="root and namespace of two standards",
        ),
        pytest.param(measurement_file(footer=False), "no fileFooter", id="no footer"),
        pytest.param(measurement_file()[:-30], "ends in the middle", id="cut off"),
        pytest.param(
            measurement_file().replace("</measData>", "</measInfo>"),
            "mismatched",
            id="crossed tags",
        ),
        pytest.param(
            measurement_file(info(["a"], value(CELL, [(1, "<b/>")]))), "inside r", id="element in r"
        ),
        pytest.param(
            measurement_file(info(["a"], value(CELL, [(1, "&lol;")]))),
            "undefined entity",
            id="undeclared entity",
        ),
        pytest.param(
            measurement_file(info(["a"], value(CELL, [(1, "\x01")]))),
            "cannot be read",
            id="control",
        ),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_reason(text, reason):
    with pytest.raises(UnreadableFileError) as refusal:
        meaning(text)
    assert reason in refusal.value.reason


def test_a_file_in_another_encoding_than_it_says_is_refused():
    text = measurement_file(info(["ä"], value(CELL, [(1, "4")]))).encode("latin-1")
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        meaning(text)


def test_a_file_without_header_is_refused():
    text = measurement_file(info(["a"], value(CELL, [(1, "1")])))
    start, end = text.index("<fileHeader"), text.index("</fileHeader>") + len("</fileHeader>")
    with pytest.raises(UnreadableFileError, match="no fileHeader"):
        meaning(text[:start] + text[end:])


@pytest.mark.parametrize("is_28532", [False, True], ids=["managedElement", "measEntity"])
def test_values_without_a_managed_element_are_findings(is_28532):
    text = measurement_file(info(["a"], value(CELL, [(1, "1")])), element=None, is_28532=is_28532)
    _, blocks, findings = meaning(text)
    assert blocks == []
    assert "no managedElement or measEntity" in findings[0].reason


def test_a_file_that_measured_nothing_is_a_file():
    interpreter, blocks, findings = meaning(measurement_file())
    assert (blocks, findings, interpreter.counts.meas_infos) == ([], [], 0)


def test_memory_does_not_grow_with_the_file():
    values = "".join(value(f"X={n}", [(p, "12345") for p in range(1, 61)]) for n in range(400))
    start, _, end = (
        measurement_file(info([f"c{p}" for p in range(60)], "@")).encode().partition(b"@")
    )
    piece = values.encode()

    def delivered(times):
        yield start
        for _ in range(times):
            yield piece
        yield end

    def peak(times):
        for _ in events(delivered(times)):
            pass
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    small = peak(5)
    assert peak(60) - small < 40_000  # KiB, for a file 25 MB larger
