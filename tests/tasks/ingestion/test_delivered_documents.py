"""Documents are told by what they begin with, not by name or folder."""

import gzip

import pytest

from tasks.ingestion.delivered_documents import delivered_documents, document_kind

BEGINNINGS = {
    "ves": [
        '{"event": {"commonEventHeader": {}}}',
        '{"VESversion": "v7", "event": {"commonEventHeader": {}}}',
        '[{"eventList": []}]',
        '\n {"eventList":[{"commonEventHeader"',
    ],
    "alarm_records": [
        '[{"alarmId": "1", "objectInstance": "ManagedElement=1"}]',
        '{"notificationType": "notifyAckStateChanged"}',
        '{"href": "x", "notificationType":"notifyNewAlarm"}',
        '{"objectInstance": "M=1", "attributes": {}, "perceivedSeverity": "MAJOR"}',
    ],
    "tmf642": [
        '{"@type": "Alarm"}',
        '[{"id": "1", "alarmedObject": [{"id": "x"}]}]',
        '{"sourceSystemId": "EMS", "probableCause": "fire", "alarmRaisedTime": "2026-01-01"}',
    ],
    "tmf655": [
        '{"@type": "ChangeRequest"}',
        '[{"requestType": "x", "plannedEndTime": "", "plannedStartTime": ""}]',
    ],
    "tmf621": [
        '[{"id": 1, "@type" : "TroubleTicket"}]',
        '{"description": "No light", "severity": "Major", "ticketType": "fault"}',
    ],
    "topology": ['{"ietf-network:networks": {}}'],
    "nrm": [
        '{"id": "1", "objectClass": "NRCellDU", "attributes": {}}',
        '[{"objectInstance": "ManagedElement=1", "attributes": {"a": 1}}]',
    ],
    "alarm_classes": ['{"name": "Fan", "probable_causes": "Dust"}'],
    "unknown": [
        "",
        "{}",
        "[1, 2]",
        '{"severity": "x", "description": "y"}',
        "\x00\x01",
        '{"events": []}',
    ],
}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in BEGINNINGS.items() for text in texts]
)
def test_a_document_is_what_it_begins_as(tmp_path, kind, text):
    plain, packed = tmp_path / "any.json", tmp_path / "any.json.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert document_kind(plain) == document_kind(packed) == kind


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.xml", "<bulkCmConfigDataFile/>", "bulk_cm"),
        ("a.xml", '<?xml version="1.0"?><m:measDataFile xmlns:m="x">', "measurements"),
        ("a.xml", "<other/>", "unknown"),
        ("a.md", "# Runbook", "markdown"),
    ],
)
def test_xml_and_text_are_told_too(tmp_path, name, text, kind):
    (tmp_path / name).write_text(text)
    assert document_kind(tmp_path / name) == kind


def test_a_damaged_archive_is_of_no_kind_and_no_crash(tmp_path):
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"x" * 5_000)[:20])
    assert document_kind(tmp_path / "a.json.gz") == "unknown"


def test_only_the_wanted_kinds_are_found_by_name_and_hidden_files_never(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("z.json", "b/a.json", ".hidden.json", "c.txt"):
        (tmp_path / name).write_text('{"event": {"commonEventHeader": {}}}')
    (tmp_path / "note.md").write_text("# Note")
    found = delivered_documents(tmp_path, ["ves"])
    assert [it.path.relative_to(tmp_path).as_posix() for it in found] == ["b/a.json", "z.json"]
    assert {it.kind for it in delivered_documents(tmp_path)} == {"ves", "markdown"}
