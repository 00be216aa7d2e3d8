"""Readers of what networks deliver: measurements, configuration, topology; and of documents."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl

from data_products.network_configuration.derive import EXISTENCE
from semantic_layer.periods import Window
from tasks.ingestion.configuration.delivered_configuration import (
    ConfigurationFile,
    findings_of,
    read_configuration_file,
    taken_together,
)
from tasks.ingestion.configuration.delivered_topology import (
    TopologyFile,
    read_topology_file,
    told_together,
    topology_findings,
)
from tasks.ingestion.delivered_documents import document_kind
from tasks.ingestion.measurements.delivered_periods import span_of_name
from tasks.ingestion.measurements.measurement_batches import MeasuredBatch, measured_batch
from tests.fuzzing.seeds import real, texts, village
from tests.fuzzing.target import Outcome, Target, must
from tests.tasks.ingestion import written
from tests.tasks.ingestion.written import DAY

_ALWAYS = Window(DAY.start.replace(year=1980), DAY.end.replace(year=2100))
_SHORT = 12_000


def read_measurements(data: bytes, folder: Path) -> Outcome:
    """Read a measurement file, in bulk where it can be, and count its values again."""
    path = folder / written.NAME
    path.write_bytes(data)
    document_kind(path)
    batch = measured_batch([str(path)], _ALWAYS)
    if len(data) < _SHORT and not data.startswith(b"\x1f\x8b"):
        bulk, single = (written.outcome(data, in_bulk=in_bulk) for in_bulk in (True, False))
        must(bulk == single, "Read in bulk, the file says something else.")
    must(bool(batch.refused) != bool(batch.counts.height), "A file is neither whole nor refused.")
    if batch.refused:
        must(batch.rows.is_empty() and batch.findings.height == 1, "A refused file gave rows.")
        return Outcome(0, 1)
    _check_values(data, batch)
    counts = batch.counts.row(0, named=True)
    # A whole file without a value says nothing and hides nothing.
    return Outcome(max(batch.rows.height, int(not counts["values"])), batch.findings.height)


def _check_values(data: bytes, batch: MeasuredBatch) -> None:
    counts = batch.counts.row(0, named=True)
    held = [
        name
        for name, kind in batch.rows.schema.items()
        if kind in (pl.Float64, pl.List(pl.Float64))
    ]
    kept = sum(batch.rows.height - batch.rows[name].null_count() for name in held)
    must(counts["values"] == 0 or kept > 0 or batch.findings.height > 0 or counts["empty"] > 0
         or _says_nothing(data),
         "Values were read, and none was kept or found fault with.")  # fmt: skip
    if data.startswith(b"\x1f\x8b") or b"<!" in data or data.count(b"<r ") > 5_000:
        return
    try:
        root = ET.fromstring(data)  # noqa: S314 - no document type, see above
    except (ET.ParseError, ValueError, LookupError):
        return
    space = root.tag.partition("}")[0] + "}"
    parents = {child: parent for parent in root.iter() for child in parent}
    results = [it for it in root.iter(f"{space}r") if _way(it, parents, space) == _WAY]
    if not root.findall(f".//{space}measResults"):
        must(len(results) <= counts["values"],
             f"{len(results)} results stand in it, {counts['values']} were counted.")  # fmt: skip


_WAY = ["r", "measValue", "measInfo", "measData", "root"]


def _way(element: Any, parents: dict[Any, Any], space: str) -> list[str]:
    found = []
    while element is not None:
        above = parents.get(element)
        found.append("root" if above is None else element.tag.removeprefix(space))
        element = above
    return found


def _says_nothing(data: bytes) -> bool:
    return not any(mark in data for mark in (b">0<", b">1<", b">2<", b">3<", b">4<", b">5<"))


def read_file_name(data: bytes, _folder: Path) -> Outcome:
    """Read the period that a measurement file's name says."""
    span = span_of_name(data.decode(errors="replace"))
    must(span is None or span.start < span.end, "A span that ends before it begins.")
    return Outcome(int(span is not None), int(span is None))


def _configuration(kind: str, name: str, data: bytes, folder: Path) -> Outcome:
    path = folder / name
    path.write_bytes(data)
    document_kind(path)
    read = read_configuration_file(ConfigurationFile(path, f"d/{name}", kind, "h"))
    findings = findings_of([(read, remark) for remark in read.remarks], DAY.start)
    must(findings.height == len(read.remarks), "A remark was lost.")
    if read.taken_at is not None:
        seen, _, _ = taken_together([read])
        must(seen.height == read.seen.height, "Rows of one document were lost.")
    if not read.remarks:
        _check_objects(kind, data, read.seen)
    usable = read.seen.height if read.taken_at is not None else 0
    return Outcome(usable, findings.height)


def _check_objects(kind: str, data: bytes, seen: pl.DataFrame) -> None:
    if data.startswith(b"\x1f\x8b"):
        return
    there = seen["managed_object_dn"].n_unique()
    objects, leaves = _nrm_counts(data) if kind == "nrm" else (_bulk_objects(data), None)
    must(objects is None or objects == there, f"{objects} objects in, {there} out, and no remark.")
    told = seen.filter(pl.col("attribute") != EXISTENCE).height
    must(leaves is None or leaves == told, f"{leaves} values in, {told} out, and no remark.")


def _nrm_counts(data: bytes) -> tuple[int, int]:
    objects = leaves = 0
    waiting = list(_contained(json.loads(data)))
    while waiting:
        found = waiting.pop()
        objects += 1
        leaves += sum(map(_leaves, (found.get("attributes") or {}).values()))
        waiting.extend(
            it for key, value in found.items() if key[:1].isupper() for it in _each(value)
        )
    return objects, leaves


def _contained(document: Any) -> Iterator[Any]:
    if isinstance(document, dict) and not ({"id", "attributes"} & set(document)):
        heads = ("header", "fileHeader", "timestamp", "dateTime", "collectionBeginTime", "purpose")
        for key, value in document.items():
            yield from () if key in heads else _each(value)
    else:
        yield from _each(document)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _leaves(value: Any) -> int:
    if isinstance(value, dict) and value:
        return sum(map(_leaves, value.values()))
    if isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        return sum(map(_leaves, value))
    return 1


def _bulk_objects(data: bytes) -> int | None:
    at = max(data.find(b"<?xml"), 0)
    try:
        root = ET.fromstring(data[at:])  # noqa: S314 - a document type is refused
    except (ET.ParseError, ValueError, LookupError):
        return None
    waiting = [it for part in root if part.tag.rpartition("}")[2] == "configData" for it in part]
    found = 0
    while waiting:
        element = waiting.pop()
        if element.tag.rpartition("}")[2] != "attributes":
            found += 1
            waiting.extend(element)
    return found


def read_nrm_file(data: bytes, folder: Path) -> Outcome:
    """Read configuration as JSON, and count objects and values again."""
    return _configuration("nrm", "n.json", data, folder)


def read_bulk_cm_file(data: bytes, folder: Path) -> Outcome:
    """Read a bulk CM file, and count its objects again."""
    return _configuration("bulk_cm", "b.xml", data, folder)


def read_topology_document(data: bytes, folder: Path) -> Outcome:
    """Read a topology, and count its nodes and links again."""
    path = folder / "t.json"
    path.write_bytes(data)
    document_kind(path)
    read = read_topology_file(TopologyFile(path, "t.json", "h"))
    findings = topology_findings([read], [], DAY.start)
    must(findings.height == len(read.remarks), "A remark was lost.")
    if read.taken_at is not None:
        together, _ = told_together([read])
        must(together.nodes.height == read.nodes.height, "Nodes of one document were lost.")
    if not read.remarks and not data.startswith(b"\x1f\x8b"):
        networks = json.loads(data)["ietf-network:networks"].get("network") or []
        for key, rows in (("node", read.nodes), ("ietf-network-topology:link", read.links)):
            told = sum(
                len({json.dumps(it, sort_keys=True) for it in net.get(key) or []})
                for net in networks
            )
            must(rows.height == told, f"{told} {key} in, {rows.height} out, and no remark.")
    usable = read.nodes.height + read.links.height + read.looks.height
    return Outcome(usable if read.taken_at is not None else 0, findings.height)


_CELL = "GNBDUFunction=1,NRCellDU=3"
_MEASUREMENTS = [
    written.measurement_file(
        written.info(["RRU.PrbTotDl", "DRB.UEThpDl", "X.Unknown"],
                     written.value(_CELL, [(1, "12.5"), (2, "3"), (3, "4")])
                     + written.value("GNBDUFunction=1,NRCellDU=4", [(1, ""), (2, "NIL")], "true"))),
    written.measurement_file(
        written.info("RRU.PrbTotDl DRB.UEThpDl", written.listed(_CELL, "1 2")), is_28532=True),
    written.measurement_file(
        written.info(["CARR.WBCQIDist"], written.value(_CELL, [(1, "1,2,3,,5")]), duration="PT15M"),
        written.info(["RRU.PrbTotDl"], written.value(_CELL, [(1, "1e400")]),
                                                              end="2026-01-05T13:15:00+01:00"),
        element=None),
]  # fmt: skip
_NRM = [
    {"header": {"timestamp": "2026-01-05T02:00:00Z", "baseObjectInstance": "SubNetwork=1"},
     "SubNetwork": [{"id": "1", "objectClass": "SubNetwork", "ManagedElement": [
         {"id": "7", "objectClass": "ManagedElement", "attributes": {"userLabel": "a", "n": 1.50,
                                                                     "x": None,
          "list": ["1", 2], "deep": [{"mcc": "262", "more": {"a": [1]}}]},
          "GNBDUFunction": [{"id": "1", "attributes": {"gNBId": 1}}]}]}]},
    [{"id": "SubNetwork=1,ManagedElement=7", "objectClass": "ManagedElement",
      "attributes": {"a": "b"}},
     {"objectInstance": "SubNetwork=1,ManagedElement=8", "attributes": {}}],
]  # fmt: skip
_BULK = """<?xml version="1.0" encoding="UTF-8"?>
<bulkCmConfigDataFile xmlns="http://www.3gpp.org/ftp/specs/archive/32_series/32.615#configData"
 xmlns:xn="http://www.3gpp.org/ftp/specs/archive/32_series/32.625#genericNrm" xmlns:es="urn:v">
<fileHeader fileFormatVersion="32.615 V4.5" vendorName="Acme"/>
<configData dnPrefix="DC=a"><xn:SubNetwork id="1"><xn:ManagedElement id="7"><xn:attributes>
<xn:userLabel>a</xn:userLabel><xn:swVersion>1</xn:swVersion></xn:attributes>
<xn:VsDataContainer id="1"><xn:attributes><xn:vsDataType>vsDataCell</xn:vsDataType>
<es:vsDataCell><es:pci>3</es:pci><es:pci>4</es:pci><es:s><es:b>1</es:b></es:s></es:vsDataCell>
</xn:attributes></xn:VsDataContainer></xn:ManagedElement></xn:SubNetwork></configData>
<fileFooter dateTime="2026-01-05T02:00:00Z"/></bulkCmConfigDataFile>
"""
_TOPOLOGY = {"ietf-network:networks": {"anops-topology:taken-at": "2026-01-05T03:00:00Z",
                                       "network": [
    {"network-id": "ip", "network-types": {"ietf-l3-unicast-topology:l3-unicast-topology": {}},
     "node": [{"node-id": "a", "anops-topology:node-attributes": {"kind": "core_router",
                                                                  "latitude": 51.3}},
              {"node-id": "b", "supporting-node": [{"network-ref": "o", "node-ref": "x"}]}],
     "ietf-network-topology:link": [
         {"link-id": "ab", "source": {"source-node": "a"}, "destination": {"dest-node": "b"},
          "supporting-link": [{"network-ref": "ip", "link-ref": "ba"}],
          "ietf-l2-topology:l2-link-attributes": {"rate": "10000", "delay": 3}},
         {"link-id": "ba", "source": {"source-node": "b"},
                                      "destination": {"dest-node": "a"}}]}]}}  # fmt: skip
_XML_WORDS = (
    "measInfo", "measValue", "measType", "measTypes", "measResults", "r", "p", "suspect",
    "granPeriod",
    "PT900S", "PT15M", "P1D", "RRU.PrbTotDl", "NIL", "true", "1,2,3", "measObjLdn", _CELL,
    "endTime",
    '<?xml version="1.1" encoding="UTF-16"?>', '<?xml version="1.0" encoding="ISO-8859-1"?>',
    "<r p='1'>2</r>", "<suspect>true</suspect>", "</measValue>", "</measInfo>",
    "99999999999999999999",
)  # fmt: skip
_NRM_WORDS = ("id", "objectClass", "attributes", "objectInstance", "header", "timestamp",
              "dnPrefix",
              "baseObjectInstance", "purpose", "planned", "SubNetwork", "ManagedElement",
              "NRCellDU")  # fmt: skip
_TOPOLOGY_WORDS = ("ietf-network:networks", "network", "network-id", "node", "node-id", "link-id",
                   "source",
                   "source-node", "dest-node", "destination", "supporting-link", "supporting-node",
                   "link-ref", "network-ref", "node-ref", "ietf-network-topology:link", "latitude",
                   "anops-topology:link-attributes", "anops-topology:taken-at", "delay-ms", "a",
                   "b")  # fmt: skip
_BULK_WORDS = ("id", "configData", "xn:attributes", "xn:vsDataType", "VsDataContainer",
               "modifier", "update",
               "dnPrefix", "dateTime", "bulkCmConfigDataFile", "xsi:nil", "<xn:SubNetwork id='1'>",
               "</xn:ManagedElement>", "<a/>")  # fmt: skip


def _json(*told: object) -> list[bytes]:
    return texts(map(json.dumps, told))


NETWORK_TARGETS = (
    Target("measurements", "xml", read_measurements,
           lambda: [*texts(_MEASUREMENTS), *village("**/pm/*.xml.gz"), *real("pm_xml/**/*.xml*")],
           _XML_WORDS),
    Target("file_names", "text", read_file_name,
           lambda: texts([written.NAME, "A20260105.1200-0100-1215-0100_-gnb_-_x.xml.gz",
                          "C20260105.1200+0000-20260106.1200+0000_a_b.xml",
                          "B20260229.2500+9999-1215+0000.xml"]), longest=300),
    Target("nrm", "json", read_nrm_file,
           lambda: [*_json(*_NRM), *village("**/configuration/nrm*.json.gz")], _NRM_WORDS),
    Target("bulk_cm", "xml", read_bulk_cm_file,
           lambda: [_BULK.encode(), *real("bulk_cm/*.xml")], _BULK_WORDS),
    Target("topology", "json", read_topology_document,
           lambda: [*_json(_TOPOLOGY), *village("**/topology/*.json")], _TOPOLOGY_WORDS),
)  # fmt: skip
