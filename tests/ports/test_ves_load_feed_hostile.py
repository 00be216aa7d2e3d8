"""What a folder of VES events makes of what is wrong, meant ill or not: sentences, no crash."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ports.ves_minutes import (
    CELL,
    COLLECTION,
    ELEMENT,
    HEADER,
    INFO,
    LOCAL,
    NOON,
    RESULT,
    VALUES,
    changed,
    half,
    heard,
    info,
    loads,
    minute,
)


@pytest.mark.parametrize(
    "told", [None, True, "1749124800000000", 1749124800000, -5, 10**300, 1e300, [1], {}]
)
def test_a_time_that_is_none_is_refused(tmp_path, told):
    found = heard(tmp_path, changed((HEADER, "lastEpochMicrosec"), told))
    assert found.reports == ()
    assert "which is no time in microseconds since 1970" in found.refused[0]


WRONG = [
    ((HEADER,), "text", "no commonEventHeader"),
    ((COLLECTION[0],), [], "no perf3gppFields.measDataCollection"),
    (COLLECTION, 5, "no perf3gppFields.measDataCollection"),
    ((*COLLECTION, "measInfoList"), {}, "with a measInfoList"),
    (INFO, None, "lists no measurement types"),
    ((*INFO, "measTypes"), {"sMeasTypesList": [1]}, "lists no measurement types"),
    ((*INFO, "measValuesList"), "none", "no measValuesList"),
    (VALUES, 1, "no measObjInstId"),
    ((*VALUES, "measObjInstId"), 7, "no measObjInstId"),
    ((*VALUES, "measResults"), {"p": 1}, "no measResults"),
    (RESULT, "50", "no p"),
    (RESULT, {"p": "1", "sValue": "50"}, "no p"),
    (RESULT, {"p": True, "sValue": "50"}, "no p"),
    *(
        (RESULT, {"p": 1, "sValue": text}, "is no finite number")
        for text in ("half", "nan", "-inf", "1e999", "1_0", "0x1f", "5,5", ["50"], {}, True)
    ),
    *((RESULT, {"p": 1, "iValue": number}, "is no finite number") for number in (10**400, False)),
    *((RESULT, {"p": 1, "sValue": text}, "where 0 to 275 prb can be") for text in ("-1", "1e300")),
    (RESULT, {"p": 1, "sValue": "101"}, "the parts contradict each other"),
]


@pytest.mark.parametrize(("place", "value", "said"), WRONG)
def test_what_is_wrong_is_told_and_costs_itself_alone(tmp_path, place, value, said):
    other = minute(info(half("GNBDUFunction=1,NRCellDU=2")))
    found = heard(tmp_path, changed(place, value), other)
    assert loads(found) == {f"{ELEMENT},GNBDUFunction=1,NRCellDU=2": 0.5}
    assert len(found.refused) == 1
    assert said in found.refused[0]
    assert found.refused[0].startswith(("'batch.json', event 1", "'SubNetwork=1,"))


def test_a_p_that_numbers_no_type_is_passed_over(tmp_path):
    told = half()
    told["measResults"] += [{"p": place, "sValue": "7"} for place in (0, -1, 5, 10**30)]
    assert loads(heard(tmp_path, minute(info(told)))) == {CELL: 0.5}


def test_throughput_that_is_wrong_leaves_load(tmp_path):
    (one,) = heard(tmp_path, minute(info(half(LOCAL, "50", "100", "1e308", "1e-9")))).reports
    assert (one.load, one.user_mbps) == (0.5, None)


def test_a_cell_without_blocks_tells_no_load(tmp_path):
    found = heard(tmp_path, minute(info(half(LOCAL, "0", "0", "0", "0"))))
    assert (found.reports, found.refused) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="nested deep"),
        pytest.param('{"a":' * 100_000, id="nested deep in objects"),
        pytest.param('{"eventList": [NaN]}', id="no number"),
        pytest.param("1" * 100_000, id="a long number"),
        pytest.param("\x00\x01\x02", id="no text"),
        pytest.param("\udcff\udcfe{", id="no UTF-8"),
        pytest.param('"text"', id="a text alone"),
        pytest.param("{}", id="an empty object"),
        pytest.param("]" * 1000, id="closing brackets"),
        pytest.param('[1,]{"eventList":[,]}', id="commas too many"),
    ],
)
def test_a_file_that_holds_no_events_is_told(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    found = heard(tmp_path, minute())
    assert loads(found) == {CELL: 0.5}
    assert found.refused
    assert all(len(said) < 300 and said.isprintable() for said in found.refused)


def test_of_doubled_keys_the_last_counts(tmp_path):
    text = json.dumps(minute()).replace('"sValue": "50"', '"sValue": "9", "sValue": "50"')
    (tmp_path / "a.json").write_text(text)
    assert loads(heard(tmp_path)) == {CELL: 0.5}


@pytest.mark.parametrize(
    "local",
    [
        "",
        "no name",
        "NRCellDU",
        "=1,NRCellDU=",
        "NRCellDU=1\\",
        "NRCellDU=a\ud800b",
        "NRCellDU=a\u202eb",
        "NRCellDU=" + "9" * 100_000,
        "," * 1000,
    ],
)
def test_a_name_that_is_none_is_refused_and_shown_harmlessly(tmp_path, local):
    found = heard(tmp_path, minute(info(half(local)), element="SubNetwork=1"))
    assert found.reports == ()
    assert all(said.isascii() and said.isprintable() for said in found.refused)
    assert len(found.refused) <= 1


def test_sentences_hold_no_control_characters_of_whoever_sends(tmp_path):
    told = minute(info(half("\x1b[31mred\n")), element="\x1b]0;title\x07")
    (said,) = heard(tmp_path, told, name="a\x1b[2J.json").refused
    assert said.isprintable()


def test_the_first_sentences_are_told_and_the_others_counted(tmp_path):
    found = heard(tmp_path, *[7] * 25, minute())
    assert loads(found) == {CELL: 0.5}
    assert len(found.refused) == 21
    assert found.refused[-1] == "5 more parts were refused; only the first 20 are told."


def test_many_events_are_no_hardship(tmp_path):
    ends = ('{"commonEventHeader":{"domain":"perf3gpp"}},' * 50_000).rstrip(",")
    (tmp_path / "many.json").write_text(f'{{"eventList":[{ends}]}}')
    assert heard(tmp_path).refused[-1].startswith("49,980 more parts")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
PLACES = [
    *(place for place, _, _ in WRONG),
    *((HEADER, name) for name in ("domain", "sequence", "nfVendorName", "startEpochMicrosec")),
    (*COLLECTION, "granularityPeriod"),
    (*COLLECTION, "measuredEntityDn"),
    (*RESULT, "p"),
]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_whatever_stands_anywhere_nothing_is_raised_and_all_that_is_heard_is_sound(
    tmp_path, place, value
):
    for one in heard(tmp_path, changed(place, value)).reports:
        assert one.cell_dn.isprintable()
        assert 0.0 <= one.load <= 1.0
        assert one.begin < one.end == NOON


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_bytes_a_file_is_cut_and_stitched_from_nothing_is_raised(tmp_path, data):
    whole = json.dumps({"eventList": [minute()] * 2}).encode()
    cuts = st.integers(0, len(whole))
    pieces = data.draw(st.lists(st.tuples(cuts, cuts, st.binary(max_size=4)), max_size=4))
    content = b"".join(whole[min(a, b) : max(a, b)] + more for a, b, more in pieces)
    (tmp_path / "a.json").write_bytes(content)
    assert len(heard(tmp_path).refused) <= 21
