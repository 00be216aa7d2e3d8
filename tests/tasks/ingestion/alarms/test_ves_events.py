"""Each real VES file ends as its name says: rows of a product, or a reason."""

import json

import pytest

from tasks.ingestion.alarms.alarm_files import read_alarm_file
from tasks.ingestion.delivered_documents import document_kind

RESOURCES = "ves_events/src/test/resources"
ONE, NONE = 1, 0
# file -> notifications, attributes, measurements, findings, and what a finding says
CASES = {
    "event4xjson.txt": (1, 0, 0, 0, ""),
    "eventsAfterTransformation/ves7_valid_event.json": (1, 0, 0, 0, ""),
    "eventsAfterTransformation/ves_stdnDefined_empty_namespace_invalid.json": (
        0, 0, 0, 1, "stndDefinedNamespace is missing or empty",
    ),
    "eventsAfterTransformation/ves_stdnDefined_missing_namespace_invalid.json": (
        0, 0, 0, 1, "stndDefinedNamespace is missing or empty",
    ),
    "eventsAfterTransformation/ves_stdnDefined_valid.json": (1, 0, 0, 0, ""),
    "measurement5x.json": (0, 0, 1, 0, ""),
    "measurement7x.json": (0, 0, 1, 0, ""),
    "ves4_invalid.json": (0, 0, 0, 1, "lacks sourceName"),
    "ves4_valid.json": (1, 0, 0, 0, ""),
    "ves7_batch_stdnDefined_withDifferentStndDefinedNamespace.json": (
        0, 0, 0, 2, "mixes the namespaces '3GPP-FaultSupervision', '3GPP-FaultSupervision2'",
    ),
    "ves7_batch_stdnDefined_withSameStndDefinedNamespace.json": (2, 0, 0, 0, ""),
    "ves7_batch_valid.json": (2, 0, 0, 0, ""),
    "ves7_batch_valid_two_different_domain.json": (2, 0, 0, 0, ""),
    "ves7_batch_with_stndDefined_valid.json": (2, 0, 0, 0, ""),
    "ves7_invalid_30_1_1_event.json": (0, 0, 0, 1, "vesEventListenerVersion is '30.0.1'"),
    "ves7_invalid_ip_v4_with_ipv6_format.json": (0, 0, 0, 1, "no IPv4 address"),
    "ves7_invalid_ip_v6_double_colon_more_than_once.json": (0, 0, 0, 1, "no IPv6 address"),
    "ves7_invalid_ip_v6_out_of_range.json": (0, 0, 0, 1, "no IPv6 address"),
    "ves7_invalid_ip_v6_short_with_more_than_two_colons.json": (0, 0, 0, 1, "no IPv6 address"),
    "ves7_invalid_ip_v6_short_with_too_many_colons.json": (0, 0, 0, 1, "no IPv6 address"),
    "ves7_invalid_ip_v6_with_ipv4_format.json": (0, 0, 0, 1, "no IPv6 address"),
    "ves7_invalid_ip_v6_with_one_colon_at_begining.json": (0, 0, 0, 1, "no IPv6 address"),
    "ves7_invalid_ipv4.json": (0, 0, 0, 1, "no IPv4 address"),
    "ves7_valid_30_1_1_event.json": (1, 0, 0, 0, ""),
    "ves7_valid_ip_v4.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6_full.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6_ipv4_translated.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6_multicast_example.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6_short_one.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6_short_with_big_letters.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6_short_without_end.json": (0, 1, 0, 0, ""),
    "ves7_valid_ip_v6_with_zone_index.json": (0, 1, 0, 0, ""),
    "ves_stdnDefined_empty_namespace_invalid.json": (0, 0, 0, 1, "stndDefinedNamespace"),
    "ves_stdnDefined_invalid.json": (0, 0, 0, 1, "alarmId is 1"),
    "ves_stdnDefined_missing_local_schema_reference.json": (
        0, 0, 0, 1, "names no notification of faults",
    ),
    "ves_stdnDefined_missing_namespace_invalid.json": (0, 0, 0, 1, "stndDefinedNamespace"),
    "ves_stdnDefined_valid.json": (1, 0, 0, 0, ""),
    "ves_stdnDefined_valid_unknown_topic.json": (1, 0, 0, 0, ""),
    "ves_stdnDefined_with_empty_stndDefined_fields_data.json": (0, 0, 0, 1, "holds no data"),
    "ves_stdnDefined_without_schema_reference.json": (0, 0, 0, 1, "holds no data"),
    "ves_stdnDefined_wrong_internal_file_reference.json": (
        0, 0, 0, 1, "names no notification of faults",
    ),
}  # fmt: skip
NO_EVENTS = {"eventTransform.json", "stndDefined/schema-map.json", "test_anynode_class.json"}


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_real_event_file_ends_as_its_name_says(real_data, name):
    path = real_data / RESOURCES / name
    read = read_alarm_file(path, name)
    *counts, reason = CASES[name]
    lists = (read.notifications, read.attributes, read.measurements, read.findings)
    assert [len(rows) for rows in lists] == counts
    assert all(reason in finding[4] for finding in read.findings)
    assert document_kind(path) == "ves"


@pytest.mark.real_data
def test_every_real_event_file_is_told_about_here(real_data):
    folder = real_data / RESOURCES
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.json")}
    assert found | {"event4xjson.txt"} == set(CASES) | NO_EVENTS
    assert {document_kind(folder / name) for name in NO_EVENTS} == {"unknown"}


@pytest.mark.real_data
def test_a_real_machine_is_as_busy_as_its_event_says(real_data):
    read = read_alarm_file(real_data / RESOURCES / "measurement5x.json", "m")
    row = read.measurements[0]
    assert row["managed_object_dn"] == "ManagedElement=bgtnj05vmh01afx"
    assert row["granularity_s"] == 300
    assert row["period_start"].isoformat() == "2018-08-21T16:18:22.564759+00:00"
    assert row["vm_cpu_usage"] == 0.39
    assert row["vm_memory_usage"] == pytest.approx(100 * 353492 / 8076596)


def header(**other):
    return {
        "version": "4.1", "vesEventListenerVersion": "7.2", "domain": "fault", "eventId": "f1",
        "eventName": "Fault", "startEpochMicrosec": 1_773_000_000_000_000,
        "lastEpochMicrosec": 1_773_000_000_000_000, "reportingEntityName": "EMS-1",
        "sourceName": "SubNetwork=1,ManagedElement=7", "sequence": 1, "priority": "High",
    } | other  # fmt: skip


def fault(severity="MAJOR", **other):
    fields = {
        "faultFieldsVersion": "4.0", "alarmCondition": "antennaFailure", "eventSeverity": severity,
        "eventSourceType": "card", "specificProblem": "VSWR over threshold", "vfStatus": "Active",
    }  # fmt: skip
    return {"event": {"commonEventHeader": header(), "faultFields": fields | other}}


def read(tmp_path, value):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(value) if not isinstance(value, str) else value)
    return read_alarm_file(path, "one.json")


def test_a_fault_names_its_object_by_element_and_local_dn(tmp_path):
    told = read(tmp_path, fault(alarmInterfaceA="GNBDUFunction=1,NRCellDU=3")).notifications[0]
    assert told.managed_object_dn == "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
    assert (told.notification_type, told.perceived_severity) == ("NEW", "MAJOR")


def test_a_normal_severity_clears_the_alarm_that_the_raising_opened(tmp_path):
    raised = read(tmp_path, fault()).notifications[0]
    cleared = read(tmp_path, fault("NORMAL")).notifications[0]
    assert cleared.notification_type == "CLEARED"
    assert cleared.alarm_id == raised.alarm_id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"domain": "weather"}, "domain is 'weather'", id="unknown domain"),
        pytest.param({"domain": ["fault"]}, "domain is ['fault']", id="domain is a list"),
        pytest.param({"sequence": "one"}, "sequence is 'one'", id="sequence is text"),
        pytest.param({"priority": "Urgent"}, "priority is 'Urgent'", id="unknown priority"),
        pytest.param({"sourceName": 7}, "sourceName is 7", id="source is a number"),
        pytest.param({"lastEpochMicrosec": 10**40}, "outside the years", id="huge number"),
        pytest.param({"lastEpochMicrosec": float("nan")}, "no number of micro", id="NaN"),
        pytest.param({"lastEpochMicrosec": "now"}, "no number of micro", id="time is text"),
        pytest.param({"startEpochMicrosec": -5}, "outside the years", id="before 1970"),
        pytest.param({"domain": "heartbeat"}, "No product takes domain heartbeat", id="heartbeat"),
        pytest.param({"domain": "syslog"}, "no syslogFields", id="section of another domain"),
    ],
)
def test_an_event_that_breaks_the_format_is_told_with_its_reason(tmp_path, change, reason):
    event = fault()
    event["event"]["commonEventHeader"] |= change
    found = read(tmp_path, event)
    assert (found.notifications, len(found.findings)) == ([], 1)
    assert reason in found.findings[0][4]


def test_a_threshold_alert_is_an_alarm_of_quality(tmp_path):
    fields = {
        "thresholdCrossingFieldsVersion": "4.0", "additionalParameters": [], "alertAction": "CLEAR",
        "alertDescription": "Too many drops", "alertType": "ELEMENT-ANOMALY",
        "collectionTimestamp": "x", "eventSeverity": "MAJOR", "eventStartTimestamp": "x",
    }  # fmt: skip
    event = {
        "commonEventHeader": header(domain="thresholdCrossingAlert"),
        "thresholdCrossingAlertFields": fields,
    }
    told = read(tmp_path, {"event": event}).notifications[0]
    assert told.notification_type == "CLEARED"
    assert told.alarm_type == "QUALITY_OF_SERVICE_ALARM"


def test_a_batch_that_breaks_off_gives_the_events_before(tmp_path):
    whole = json.dumps({"eventList": [fault()["event"] for _ in range(5)]})
    found = read(tmp_path, whole[:-300])
    assert len(found.notifications) == 4
    assert len(found.findings) == 1


def test_one_event_of_a_batch_with_a_doubled_key_is_refused_alone(tmp_path):
    event = json.dumps(fault()["event"])
    doubled = event.replace('"sequence": 1', '"sequence": 1, "sequence": 2')
    found = read(tmp_path, f'{{"eventList": [{event}, {doubled}, {event}]}}')
    assert len(found.notifications) == 2
    assert "twice" in found.findings[0][4]
