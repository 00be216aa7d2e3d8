"""Alarm records, 3GPP notifications, TMF642 and mapped tables: what each says becomes ours."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from tasks.ingestion.alarms.alarm_files import read_alarm_file
from tasks.ingestion.alarms.mapped_alarms import notifications_of_rows
from tasks.ingestion.delivered_documents import document_kind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CELL = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
RECORD = {
    "alarmId": "A1", "objectInstance": CELL, "alarmType": "EQUIPMENT_ALARM",
    "probableCause": "antennaFailure", "specificProblem": "VSWR over threshold",
    "perceivedSeverity": "MAJOR", "alarmRaisedTime": "2026-03-01T12:00:00Z",
}  # fmt: skip
TMF = {
    "id": "T1", "@type": "Alarm", "alarmType": "communicationsAlarm",
    "probableCause": "lossOfSignal",
    "specificProblem": "Loss of signal", "perceivedSeverity": "critical", "state": "raised",
    "alarmRaisedTime": "2026-03-01T12:00:00Z", "sourceSystemId": "NMS-T",
    "alarmedObject": [{"id": "SubNetwork=transport,ManagedElement=R1,Interface=2"}],
}  # fmt: skip
NOTICE = {
    "href": CELL, "notificationId": 5, "notificationType": "notifyNewAlarm",
    "eventTime": "2026-03-01T14:00:00+02:00", "systemDN": "ManagementSystem=1", "alarmId": "A1",
    "alarmType": "EQUIPMENT_ALARM", "probableCause": "antennaFailure", "perceivedSeverity": "MAJOR",
}  # fmt: skip


def read(tmp_path, value, kind=None):
    path = tmp_path / "one.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    if kind is not None:
        assert document_kind(path) == kind
    return read_alarm_file(path, "one.json")


def told(found):
    assert found.findings == []
    return [
        (it.notification_type, f"{it.notified_at:%H:%M}", it.perceived_severity)
        for it in found.notifications
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [("NEW", "12:00", "MAJOR")], id="active"),
        pytest.param(
            {"perceivedSeverity": "CLEARED", "alarmClearedTime": "2026-03-01T13:00:00Z"},
            [("NEW", "12:00", "INDETERMINATE"), ("CLEARED", "13:00", "CLEARED")],
            id="cleared, and what it was is not told",
        ),
        pytest.param(
            {"perceivedSeverity": "CLEARED", "originalSeverity": "MINOR",
             "alarmClearedTime": "2026-03-01T13:00:00Z",
             "alarmChangedTime": "2026-03-01T13:00:00Z"},
            [("NEW", "12:00", "MINOR"), ("CLEARED", "13:00", "CLEARED")],
            id="clearing is the last change",
        ),
        pytest.param(
            {"alarmChangedTime": "2026-03-01T12:30:00Z", "originalSeverity": "MINOR",
             "ackState": "ACKNOWLEDGED", "ackTime": "2026-03-01T12:40:00Z"},
            [("NEW", "12:00", "MINOR"), ("CHANGED", "12:30", "MAJOR"),
             ("ACKNOWLEDGED", "12:40", "MAJOR")],
            id="changed and acknowledged",
        ),
    ],
)  # fmt: skip
def test_a_record_tells_each_moment_of_its_alarm(tmp_path, change, expected):
    assert told(read(tmp_path, [RECORD | change], "alarm_records")) == expected


def test_records_may_stand_in_an_object_by_their_alarm_id(tmp_path):
    bare = {name: value for name, value in RECORD.items() if name != "alarmId"}
    found = read(tmp_path, {"A1": bare, "A2": bare}, "alarm_records")
    assert [it.alarm_id for it in found.notifications] == ["A1", "A2"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"alarmRaisedTime": "yesterday"}, "no ISO 8601 time", id="no time"),
        pytest.param({"alarmRaisedTime": "2026-03-01T12:00:00"}, "no time zone", id="naive"),
        pytest.param({"perceivedSeverity": "BAD"}, "perceivedSeverity is 'BAD'", id="severity"),
        pytest.param({"objectInstance": "here"}, "names no object", id="object"),
        pytest.param({"alarmId": None}, "alarmId is missing", id="no id"),
        pytest.param({"specificProblem": ["x"]}, "which is no text", id="problem is a list"),
        pytest.param({"additionalText": "\ud800"}, "not UTF-8", id="half a character"),
    ],
)
def test_a_record_that_cannot_be_used_says_why(tmp_path, change, reason):
    found = read(tmp_path, [RECORD | change, RECORD])
    assert len(found.notifications) == 1
    assert [reason in finding[4] for finding in found.findings] == [True]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, ("NEW", "12:00", "MAJOR"), id="new"),
        pytest.param(
            {"notificationType": "notifyChangedAlarm", "perceivedSeverity": "MINOR"},
            ("CHANGED", "12:00", "MINOR"), id="changed",
        ),
        pytest.param(
            {"notificationType": "notifyChangedAlarm", "perceivedSeverity": "CLEARED"},
            ("CLEARED", "12:00", "CLEARED"), id="changed to cleared",
        ),
        pytest.param(
            {"notificationType": "notifyClearedAlarm", "perceivedSeverity": "MAJOR"},
            ("CLEARED", "12:00", "CLEARED"), id="cleared",
        ),
        pytest.param(
            {"notificationType": "notifyAckStateChanged", "ackState": "ACKNOWLEDGED"},
            ("ACKNOWLEDGED", "12:00", "MAJOR"), id="acknowledged",
        ),
    ],
)  # fmt: skip
def test_a_notification_is_read_in_its_own_zone_and_kind(tmp_path, change, expected):
    assert told(read(tmp_path, NOTICE | change, "alarm_records")) == [expected]


def test_an_object_may_be_named_by_a_uri(tmp_path):
    found = read(tmp_path, NOTICE | {"href": "https://x/3GPP/SubNetwork=1/ManagedElement=7"})
    assert found.notifications[0].managed_object_dn == "SubNetwork=1,ManagedElement=7"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(TMF, [("NEW", "12:00", "CRITICAL")], id="one"),
        pytest.param(
            [TMF | {"state": "cleared", "alarmClearedTime": "2026-03-01T13:00:00Z"}],
            [("NEW", "12:00", "CRITICAL"), ("CLEARED", "13:00", "CLEARED")], id="list, cleared",
        ),
        pytest.param(
            {"eventType": "AlarmStateChangeEvent", "eventTime": "2026-03-01T13:00:00Z",
             "event": {"alarm": TMF | {"state": "cleared"}}},
            [("CLEARED", "13:00", "CLEARED")], id="event of clearing",
        ),
        pytest.param(
            {"eventType": "AlarmCreateEvent", "eventTime": "2026-03-01T12:01:00Z",
             "event": {"alarm": TMF}},
            [("NEW", "12:00", "CRITICAL")], id="event of raising",
        ),
    ],
)  # fmt: skip
def test_alarms_of_tmf642_are_read_alone_in_lists_and_in_events(tmp_path, value, expected):
    found = read(tmp_path, value, "tmf642")
    assert told(found) == expected
    assert found.notifications[0].alarm_type == "COMMUNICATIONS_ALARM"
    assert found.notifications[0].reporting_entity == "NMS-T"


def test_an_alarmed_object_that_is_no_dn_is_one_of_its_type(tmp_path):
    value = TMF | {"alarmedObject": {"id": "93051825"}, "alarmedObjectType": "Router"}
    assert read(tmp_path, value).notifications[0].managed_object_dn == "Router=93051825"


def test_rows_of_states_tell_of_raising_and_clearing_and_nothing_else():
    rows = pl.DataFrame(
        {
            "managed_object_dn": ["ManagedElement=1", "ManagedElement=2"],
            "specific_problem": ["type 4", "type 5"],
            "perceived_severity": ["Major", "odd"],
            "raised_at": [NOON, NOON],
            "cleared_at": [NOON.replace(hour=13), None],
        }
    )
    found = notifications_of_rows(rows, "alarms.csv")
    assert found.select("notification_type", "perceived_severity", "alarm_id").rows() == [
        ("NEW", "MAJOR", "ManagedElement=1||type 4"),
        ("NEW", "odd", "ManagedElement=2||type 5"),
        ("CLEARED", "CLEARED", "ManagedElement=1||type 4"),
    ]
    assert found["notification_id"].n_unique() == 3


def test_rows_of_notifications_are_taken_as_they_are():
    rows = pl.DataFrame(
        {
            "managed_object_dn": ["ManagedElement=1"] * 2,
            "alarm_id": ["a", "a"],
            "perceived_severity": ["MAJOR", "CLEARED"],
            "notified_at": [NOON, NOON.replace(hour=13)],
        }
    )
    found = notifications_of_rows(rows, "log.csv")
    assert found["notification_type"].to_list() == ["NEW", "CLEARED"]
