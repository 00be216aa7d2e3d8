"""Tables that nobody meant to send: damaged, at the calendar's ends, of another layout."""

import gzip
import io
import tarfile
import zipfile

import pytest

from tasks.ingestion.tables.table_layout import MappingError
from tests.tasks.ingestion.tables.test_mapped_records import HEAD, TICKETS, read


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Lima"])
@pytest.mark.parametrize(
    "text",
    ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31 23:59"],
)
def test_a_time_at_the_end_of_the_calendar_is_told_not_a_crash(tmp_path, text, zone):
    form = HEAD + f'files: ["*.csv"]\nzone: {zone}\ncolumns: {{id: ticket_id, t: opened_at}}\n'
    found = read(tmp_path, form, f"id,t\na,{text}\n")
    assert found.rows["opened_at"].null_count() == found.findings.height


def test_a_file_without_the_column_of_time_is_refused(tmp_path):
    (tmp_path / "whole.csv").write_text("id,opened,what\n")
    with pytest.raises(MappingError, match=r"t\.csv has no column that tells 'opened_at'"):
        read(tmp_path, TICKETS, "id,what\nA,x\n")


ZIP = HEAD + 'files: ["t.zip!*.csv"]\ncolumns: {id: ticket_id, t: opened_at}\n'


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_with_any_byte_changed_is_read_or_told(tmp_path, kind):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kind) as archive:
        archive.writestr(zipfile.ZipInfo("a.csv"), "id,t\nA,2026-01-05T12:00:00Z\n", kind)
    whole = packed.getvalue()
    for at in range(0, len(whole), 5):
        for changed in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            found = read(tmp_path, ZIP, changed, "t.zip")
            assert found.rows.height or found.findings.height


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_workbook_is_told(tmp_path, content):
    form = HEAD + 'files: ["t.xlsx"]\ncolumns: {id: ticket_id, t: opened_at}\n'
    found = read(tmp_path, form, content, "t.xlsx")
    assert found.findings["source_file"].to_list() == ["t.xlsx"]


@pytest.mark.parametrize("name", ["t.tar", "t.tar.gz", "t.tgz"])
@pytest.mark.parametrize("size", [1 << 20, 1 << 40, 1 << 62])
def test_a_member_that_says_it_is_endless_ends(tmp_path, name, size):
    header = tarfile.TarInfo("a.csv")
    header.size = size
    whole = header.tobuf(tarfile.GNU_FORMAT) + b"id,t\nA,2026-01-05T12:00:00Z\n"
    form = ZIP.replace("t.zip!", f"{name}!")
    found = read(tmp_path, form, whole if name == "t.tar" else gzip.compress(whole), name)
    assert "cut off" in found.findings["reason"][0]
