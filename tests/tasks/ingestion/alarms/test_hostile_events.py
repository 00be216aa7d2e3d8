"""Files that nobody meant to send: nothing crashes, and nothing is lost in silence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.ingestion.alarms.alarm_files import read_alarm_file, read_value
from tasks.ingestion.alarms.notifications import ReadEvents, finding_frame, notification_frame
from tasks.ingestion.delivered_bytes import ReadingLimits
from tasks.ingestion.delivered_json import BrokenJson, values_of
from tests.tasks.ingestion.alarms.test_alarm_formats import NOTICE, RECORD, TMF
from tests.tasks.ingestion.alarms.test_ves_events import fault

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["CLEARED", "2026-03-01T12:00:00Z", "ManagedElement=7", "0001-01-01T00:00Z"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["event", "alarm", "eventList", "id"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def names_in(value):
    found = []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += [(name, ()), *[(n, (name, *path)) for n, path in names_in(inner)]]
    return found


@st.composite
def spoilt(draw, whole):
    """Draw an event with some of its fields replaced by anything, or gone."""
    value = json.loads(json.dumps(whole))
    for name, path in draw(st.lists(st.sampled_from(names_in(whole)), min_size=1, max_size=3)):
        place = value
        for step in path:
            place = place.get(step) if isinstance(place, dict) else None
        if isinstance(place, dict) and name in place:
            if draw(st.booleans()):
                place[name] = draw(ANYTHING)
            else:
                del place[name]
    return value


def events_of(value):
    """Return how many events a value holds; a record is one, told by up to four notifications."""
    events = value.get("eventList") if isinstance(value, dict) else None
    return max(len(events), 1) if isinstance(events, list) else 1


@pytest.mark.parametrize(
    "whole", [fault(), RECORD, NOTICE, TMF], ids=["ves", "3gpp", "note", "tmf"]
)
def test_a_spoilt_event_is_a_row_or_a_finding(whole):
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(spoilt(whole))
    def check(value):
        content = json.dumps([value, whole]).encode()
        into, events = ReadEvents(), 0
        for found in values_of(content):
            events += read_value(found, "f", into)
        places = {told.notification_id.partition(".")[0] for told in into.notifications}
        assert len(places) + len(into.findings) == events
        assert events == events_of(value) + 1
        notification_frame(into.notifications)
        finding_frame(into.findings)

    check()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,0ae \n\\', max_size=80).map(str.encode))
def test_any_bytes_are_values_or_told_to_be_broken(content):
    into = ReadEvents()
    events = sum(read_value(found, "f", into) for found in values_of(content))
    assert len(into.notifications) + len(into.findings) == events
    assert not content.strip(b"\0 \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f[],") or events or not into.findings
    finding_frame(into.findings).write_json()


def broken(content):
    return [found for found in values_of(content) if isinstance(found, BrokenJson)]


@pytest.mark.parametrize(
    ("content", "values", "says"),
    [
        pytest.param(b'{"a": 1}\n{"b": \n{"c": 3}\n', 2, "no whole JSON", id="a broken line"),
        pytest.param(b'[{"a": 1}, {"b": 2}', 2, "cut off", id="a list that breaks off"),
        pytest.param(b'[{"a": 1} {"b": 2}]', 1, "comma", id="a comma is missing"),
        pytest.param(b"[" * 100_000, 0, "nested too deep", id="deep"),
        pytest.param(b'{"a": ' * 5_000, 0, "nested too deep", id="deep objects"),
    ],
)
def test_what_is_broken_is_told_and_what_precedes_it_is_read(content, values, says):
    found = list(values_of(content))
    assert len([it for it in found if not isinstance(it, BrokenJson)]) >= values
    assert any(says in it.reason for it in found if isinstance(it, BrokenJson))


def test_many_broken_lines_are_given_up_in_the_end():
    assert len(broken(b'{"a":\n' * 50_000)) == 1_000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"9" * 10_000, id="a number of ten thousand digits"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b'"\xff\xfe"', id="no UTF-8"),
        pytest.param("\ufeff[]".encode(), id="byte order mark"),
        pytest.param('[{"a": 1}]'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"", id="empty"),
    ],
)
def test_odd_numbers_and_encodings_are_no_crash(content):
    assert broken(content) == []


def test_bytes_that_are_not_utf8_cost_their_event_only(tmp_path):
    good, bad = json.dumps(RECORD), json.dumps(RECORD | {"additionalText": "door"})
    path = tmp_path / "one.json"
    path.write_bytes(f"[{bad}, {good}]".encode().replace(b"door", b"d\xffr"))
    found = read_alarm_file(path, "one.json")
    assert (len(found.notifications), len(found.findings)) == (1, 1)
    finding_frame(found.findings).write_json()


def test_a_file_beyond_its_limit_is_told_and_not_read(tmp_path):
    path = tmp_path / "large.json"
    path.write_text(json.dumps([RECORD] * 100))
    found = read_alarm_file(path, "large.json", ReadingLimits(file_bytes=1_000))
    assert found.notifications == []
    assert "larger than 1,000 bytes" in found.findings[0][4]


def test_a_broken_object_over_many_lines_is_one_finding_not_many_events():
    broken = json.dumps({"a": {"id": "x"}, "b": [{"id": "y"}]}, indent=1).replace('"b"', "b")
    found = list(values_of(f'{broken}\n{{"id": 1}}\nno JSON\n{{"id": 2}}\n'.encode()))
    assert [getattr(it, "value", it.__class__) for it in found] == [
        BrokenJson, {"id": 1}, BrokenJson, {"id": 2},
    ]  # fmt: skip
