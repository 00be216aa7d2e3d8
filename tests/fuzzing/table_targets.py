"""Readers of people's tables, as mappings and inventories say: CSV, Parquet, xlsx, archives."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl

from data_products.registry import table
from semantic_layer.errors import InputError
from tasks.ingestion.configuration.site_inventory import inventory_sources, read_inventory
from tasks.ingestion.tables.archived_files import DeliveredFile
from tasks.ingestion.tables.delivered_tables import opened_tables
from tasks.ingestion.tables.mapped_records import mapped_records
from tasks.ingestion.tables.mapped_tables import MappedTables, mapped_tables
from tasks.ingestion.tables.mapping_files import TableMapping, parse_mapping
from tasks.ingestion.tables.record_mappings import RecordMapping, parse_record_mapping
from tests.fuzzing.seeds import texts
from tests.fuzzing.target import Outcome, Target, must

_KPIS = """\
mapping: 1
into: cell_kpis
files: ["t.*"]
csv: {separator: ","}
object: {dn: "SubNetwork=1,ManagedElement={site},ENBFunction=1,EUtranCellFDD={cell}"}
time: {column: hour, zone: Europe/Berlin}
granularity: hour
null_values: ["-"]
columns: {RRC: lte_rrc_setup_success_rate, ERAB: {is: lte_erab_setup_success_rate,
                                                  complement_of: 100}}
ignore: ["*"]
"""
_MEASURED = """\
mapping: 1
into: pm_measurements
files: ["t.*"]
object: {column: dn}
time: {column: t, names: end}
granularity: {column: s}
suspect: {column: bad}
columns: {prb: prb_used_dl, "*": by_name}
ignore: ["*"]
duplicates: first
"""
_TICKETS = """\
mapping: 1
into: trouble_tickets
files: ["t.*"]
zone: Europe/Lisbon
columns:
  id: ticket_id
  opened: {is: opened_at, format: "%d/%m/%Y %H:%M"}
  closed: closed_at
  how: {is: state, values: {New: acknowledged, "*": keep}}
  objects: {is: managed_object_dns, separator: ";"}
  count: {is: reopened_count, scale: 2}
templates: {title: "{id}/{how}"}
ignore: ["*"]
"""
_ALARMS = (
    _TICKETS.partition("files:")[0].replace("trouble_tickets", "alarms")
    + """\
files: ["t.zip!*.csv", "t.tar.gz!*.csv"]
columns:
  id: alarm_id
  start: {is: raised_at, epoch: 2021-01-01T00:00:00Z, unit: s}
  end: {is: cleared_at, epoch: 2021-01-01T00:00:00Z, unit: s}
templates: {managed_object_dn: "ManagedElement={device}", specific_problem: "{id}/{#line}"}
constants: {perceived_severity: INDETERMINATE}
stands_twice: keep
ignore: ["*"]
"""
)
MAPPINGS = (_KPIS, _MEASURED, _TICKETS, _ALARMS)
"""Mapping files, for whom they are inputs themselves."""

_KPI_ROWS = """\
site,cell,hour,RRC,ERAB,more
7,1,2026-01-05T12:00:00,99.5,0.5,x
7,2,2026-01-05 13:00,-,1e2,
8,1,2026-03-29T02:30:00,101,,"a, b"
7,1,2026-01-05T12:00:00+01:00,1,2,x
"""
_MEASURED_ROWS = """\
dn,t,s,bad,prb
"SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3",2026-01-05T12:15:00Z,900,no,12
"SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=4",2026-01-05T12:15:00Z,3600,true,1e3
"ManagedElement=7,GNBDUFunction=1,NRCellDU=3",2026-01-05T12:15:00,900,,
"""
_TICKET_ROWS = """\
id,opened,closed,how,objects,count
A1,05/01/2026 13:00,2026-01-06T00:00:00Z,New,ManagedElement=7;ManagedElement=8,1
A2,29/03/2026 01:30,,Odd,,x
A1,05/01/2026 13:00,2026-01-06T00:00:00Z,New,ManagedElement=7;ManagedElement=8,1
,5/1/2026 1:00,x,,=,0
"""
_ALARM_ROWS = "id,device,start,end\n1,7,100,200\n2,8,1e300,\n3,,5,6\n"


@cache
def _kpis() -> TableMapping:
    return parse_mapping(_KPIS, "kpis")


@cache
def _measured() -> TableMapping:
    return parse_mapping(_MEASURED, "measured")


@cache
def _tickets() -> RecordMapping:
    return parse_record_mapping(_TICKETS, "tickets")


@cache
def _alarms() -> RecordMapping:
    return parse_record_mapping(_ALARMS, "alarms")


def _alone(folder: Path, name: str, data: bytes) -> Path:
    for path in folder.glob("t.*"):
        path.unlink()
    (folder / name).write_bytes(data)
    return folder


def _told(read: Callable[[], MappedTables]) -> MappedTables | None:
    """Return what was read; None where the file or its columns cannot be used, as documented."""
    try:
        return read()
    except InputError as error:
        must(bool(str(error)), "An error says nothing.")
        return None


def _table(
    mapping: Callable[[], TableMapping], name: str, *, is_exact: bool
) -> Callable[[bytes, Path], Outcome]:
    def read(data: bytes, folder: Path) -> Outcome:
        _alone(folder, name, data)
        found = _told(lambda: mapped_tables(folder, mapping()))
        if found is None:
            return Outcome(0, 1)
        schema = table(mapping().into).schema
        must(all(found.rows.schema[it] == schema[it] for it in found.rows.columns if it in schema),
             "A column has another type than its product's.")  # fmt: skip
        whole = found.findings.filter(pl.col("key").is_null(), pl.col("place").is_not_null()).height
        known = found.rows.height + whole
        must(known == found.read if is_exact else known >= found.read,
             f"Of {found.read} rows {found.rows.height} are told, {whole} faulty.")  # fmt: skip
        _check_lines(data, name, found.read)
        return Outcome(found.rows.height or int(not found.read), found.findings.height)

    return read


def _check_lines(data: bytes, name: str, read: int) -> None:
    if not name.endswith(".csv") or b'"' in data or b"\r" in data or data.startswith(b"\x1f\x8b"):
        return
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[1:] if line.strip()]
    must(read >= len(lines), f"Of {len(lines)} lines {read} rows were read.")


def _records(mapping: Callable[[], RecordMapping], name: str) -> Callable[[bytes, Path], Outcome]:
    def read(data: bytes, folder: Path) -> Outcome:
        _alone(folder, name, data)
        found = _told(lambda: mapped_records(folder, mapping()))
        if found is None:
            return Outcome(0, 1)
        lines = found.findings.filter(pl.col("place").is_not_null()).select("source_file", "place")
        faults = lines.unique().height
        must(found.rows.height + found.replaced + faults >= found.read,
             f"Of {found.read} rows {found.rows.height} are told, {faults} faulty.")  # fmt: skip
        schema = table(mapping().into).schema
        must(all(found.rows.schema[it] == schema[it] for it in found.rows.columns if it in schema),
             "A column has another type than its product's.")  # fmt: skip
        return Outcome(found.rows.height or int(not found.read), found.findings.height)

    return read


def read_workbook(data: bytes, folder: Path) -> Outcome:
    """Open a workbook's sheets."""
    _alone(folder, "t.xlsx", data)
    try:
        tables = list(opened_tables(DeliveredFile("t.xlsx", folder / "t.xlsx"), _kpis()))
    except InputError as error:
        must(bool(str(error)), "An error says nothing.")
        return Outcome(0, 1)
    found = _told(lambda: mapped_tables(folder, _kpis()))
    return Outcome(len(tables), int(found is None))


_INVENTORY = """\
inventory: 1
csv: {separator: ";"}
valid_from: 2024-01-01T00:00:00Z
sites: {file: s.csv, id: site, coordinates: at, name: label, ignore: [x]}
antennas: {file: a.csv, id: antenna, site: site, azimuth: az, height: h, tilt: tilt}
cells: {file: c.csv, id: cell, antenna: antenna, band: band}
bands:
  - {like: 'N(\\d+)', band: 'n{1}',
                               cell_dn: "ManagedElement={site},GNBDUFunction=1,NRCellDU={cell}"}
  - {like: 'B(\\d+)', band: 'B{1}',
                               cell_dn: "ManagedElement={site},ENBFunction=1,EUtranCellFDD={cell}"}
element_dn: "ManagedElement={site}"
"""
_PARTS = ("site;at;label;x\nS1;51.3, 12.4;a;\nS2;;b;y\n",
          "antenna;site;az;h;tilt\nA1;S1;120;30;4\nA2;S9;x;;\n",
          "cell;antenna;band\n1;A1;N78\n2;A1;B20\n3;A7;GSM\n")  # fmt: skip
_CUT = "\n====\n"


def read_site_inventory(data: bytes, folder: Path) -> Outcome:
    """Read an inventory's layout and its three tables, which the input holds one after another."""
    parts = data.split(_CUT.encode())
    parts = [_INVENTORY.encode(), *parts] if len(parts) == 3 else parts
    for name, part in zip(
        ("i.inventory.yaml", "s.csv", "a.csv", "c.csv"), [*parts, *[b""] * 4], strict=False
    ):
        (folder / name).write_bytes(part)
    try:
        sources = inventory_sources(folder)
        read = read_inventory(sources[0])
    except InputError as error:
        must(bool(str(error)), "An error says nothing.")
        return Outcome(0, 1)
    must(
        read.cells["cell_dn"].null_count() == 0 or not read.findings.is_empty(),
        "A cell has no name.",
    )
    return Outcome(read.cells.height + read.nodes.height, read.findings.height + 1)


def _parquet(text: str) -> bytes:
    packed = io.BytesIO()
    rows = pl.read_csv(io.StringIO(text), try_parse_dates=True)
    rows.write_parquet(packed, compression="snappy")
    return packed.getvalue()


def _workbook(text: str) -> bytes:
    """Return a table as a small workbook, written by hand: no writer of them is installed."""
    rows = [line.split(",") for line in text.strip().split("\n") if '"' not in line]
    cells = "".join(
        f'<row r="{number}">' + "".join(
            f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{word}</t></is></c>'
            for column, word in enumerate(row)) + "</row>"
        for number, row in enumerate(rows, 1)
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        f'PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/><Override '
        f'PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="a" '
        'sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}'
        "</sheetData></worksheet>",
    }
    return _zip(members)


def _zip(members: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _tar(name: str, content: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        item = tarfile.TarInfo(name)
        item.size = len(content)
        archive.addfile(item, io.BytesIO(content.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)


_WORDS = ("2026-01-05T12:00:00Z", "2026-03-29T02:30:00", "1e400", "1,5", "12", "nan", "-", '"',
          '""', ";", ",",
          "\r\n", "\n", "ManagedElement=7", "29/03/2026 01:30", "5/1/2026 1:00", "New", "#line",
          "true",
          "SubNetwork=1,ManagedElement=7,ENBFunction=1,EUtranCellFDD=1", "900",
          "99999999999")  # fmt: skip

TABLE_TARGETS = (
    Target("kpi_csv", "csv", _table(_kpis, "t.csv", is_exact=True), lambda: texts([_KPI_ROWS]),
                                                                                   _WORDS),
    Target("measurement_csv", "csv", _table(_measured, "t.csv", is_exact=True),
           lambda: texts([_MEASURED_ROWS]), (*_WORDS, "prb_used_ul", "rrc_connections_mean")),
    Target("ticket_csv", "csv", _records(_tickets, "t.csv"), lambda: texts([_TICKET_ROWS]), _WORDS),
    Target("parquet", "bytes", _table(_kpis, "t.parquet", is_exact=True),
           lambda: [_parquet(_KPI_ROWS), _parquet(_KPI_ROWS[:90])], ("PAR1", "\x00\x00", "hour",
                                                                     "RRC")),
    Target("workbook", "zip", read_workbook, lambda: [_workbook(_KPI_ROWS)],
           ("<c>", "<row>", 't="s"', "A1:XFD1048576", "<dimension ref='A1:XFD1048576'/>",
            'r="XFD1048576"', "<v>1</v>")),
    Target("zip_records", "zip", _records(_alarms, "t.zip"),
           lambda: [_zip({"a.csv": _ALARM_ROWS, "d/b.csv": _ALARM_ROWS, "c.txt": "x"})], _WORDS),
    Target("tar_records", "tar", _records(_alarms, "t.tar.gz"), lambda: [_tar("a.csv",
                                                                              _ALARM_ROWS)],
                                                                              _WORDS),
    Target("site_inventory", "csv", read_site_inventory,
           lambda: texts([_CUT.join(_PARTS), _CUT.join((_INVENTORY, *_PARTS))]),
           (_CUT, ";", "{site}", "{antenna}", "{cell}", "{x}", "(", "[", "N(\\d+)", "n{1}",
                                                                                       "n{9}",
                                                                                       "(a+)+$",
                                                                                       "&a", "*a")),
)  # fmt: skip
