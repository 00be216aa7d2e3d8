"""Writes configuration as networks deliver it: NRM JSON for NR, bulk CM XML for LTE, and plans.

One file a subnetwork, format and night; the bytes are the same for the same configuration.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tasks.twin.configuration import (
    ConfigurationChange,
    NetworkConfiguration,
    network_configuration,
)
from tasks.twin.configuration_objects import Objects
from tasks.twin.faults import Fault
from tasks.twin.layout import Network
from tasks.twin.traffic import Season

_SPACES = "http://www.3gpp.org/ftp/specs/archive/32_series/32."
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<bulkCmConfigDataFile xmlns="{_SPACES}615#configData" xmlns:xn="{_SPACES}625#genericNrm" '
    f'xmlns:en="{_SPACES}765#eutranNrm">\n'
    '<fileHeader fileFormatVersion="32.615 V16.0" senderName="sample" vendorName="Ostwind"/>\n'
    "<configData>\n"
)
_LTE = ("ENBFunction", "EUtranCellFDD", "EUtranRelation")


def write_configuration(
    network: Network,
    faults: Sequence[Fault],
    calendar: Season,
    seed: int,
    folder: Path,
    changes: Sequence[ConfigurationChange] = (),
) -> dict[str, int]:
    """Write dumps and plans of a run below `folder`; return counts for the manifest.

    Dumps are of the first day, of every week, and of the two newest days; plans lie in `planned`.

    Returns:
        `configuration_files`, and the `configuration_objects` of the newest night.
    """
    told = network_configuration(network, faults, calendar, seed, changes)
    return write_told_configuration(told, folder)


def write_told_configuration(told: NetworkConfiguration, folder: Path) -> dict[str, int]:
    """Write a configuration that was made before; see `write_configuration`."""
    planned = folder / "planned"
    planned.mkdir(parents=True, exist_ok=True)
    written = sum(write_night(objects, night, planned) for night, objects in told.plans.items())
    written += sum(write_night(told.objects_at(night), night, folder) for night in told.dumps)
    newest = told.objects_at(told.dumps[-1])
    return {"configuration_files": written, "configuration_objects": len(newest)}


def is_lte(dn: str) -> bool:
    """Tell whether an object is delivered in bulk CM XML."""
    return any(f",{name}=" in dn for name in _LTE)


def write_night(objects: Objects, night: datetime, folder: Path) -> int:
    """Write one night's objects, a file a subnetwork and format; return how many."""
    subnetworks = sorted({dn.partition(",")[0] for dn in objects})
    count = 0
    for subnetwork in subnetworks:
        own = {dn: it for dn, it in objects.items() if dn.startswith(f"{subnetwork},")}
        stem = f"{subnetwork.replace('=', '')}_{night:%Y%m%d.%H%M}Z"
        of_nr = {dn: it for dn, it in own.items() if not is_lte(dn)}
        text = json.dumps(_document(subnetwork, of_nr, night), separators=(",", ":"))
        _write(folder / f"nrm_{stem}.json.gz", text)
        elements = {dn.rpartition(",ENBFunction")[0] for dn in own if dn.endswith("ENBFunction=1")}
        of_lte = {dn: it for dn, it in own.items() if dn in elements or is_lte(dn)}
        count += 1
        if of_lte:
            _write(folder / f"bulkcm_{stem}.xml.gz", _bulk_cm(subnetwork, of_lte, night))
            count += 1
    return count


def _write(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode(), compresslevel=4, mtime=0))


def _document(subnetwork: str, objects: Objects, night: datetime) -> dict[str, Any]:
    """Return an NRM document: contained objects stand below keys named after their classes."""
    root: dict[str, Any] = {"id": subnetwork.partition("=")[2], "objectClass": "SubNetwork"}
    at = {subnetwork: root}
    for dn, (object_class, attributes) in objects.items():
        above, _, step = dn.rpartition(",")
        one = {
            "id": step.partition("=")[2],
            "objectClass": object_class,
            "attributes": attributes,
        }
        at[above].setdefault(object_class, []).append(one)
        at[dn] = one
    header = {"timestamp": f"{night:%Y-%m-%dT%H:%M:%SZ}", "baseObjectInstance": subnetwork}
    return {"header": header, "SubNetwork": [root]}


def _bulk_cm(subnetwork: str, objects: Objects, night: datetime) -> str:
    value = quoteattr(subnetwork.partition("=")[2])
    lines = [_HEAD, f"<xn:SubNetwork id={value}>\n"]
    open_dns: list[str] = []
    for dn, (object_class, attributes) in objects.items():
        while open_dns and not dn.startswith(f"{open_dns[-1]},"):
            lines.append(f"</{_tag(_class_of(open_dns.pop()))}>\n")
        step = quoteattr(dn.rpartition(",")[2].partition("=")[2])
        lines.append(f"<{_tag(object_class)} id={step}>")
        prefix = _tag(object_class).partition(":")[0]
        lines.append(f"<{prefix}:attributes>")
        lines += _elements(attributes, prefix)
        lines.append(f"</{prefix}:attributes>\n")
        open_dns.append(dn)
    lines += [f"</{_tag(_class_of(dn))}>\n" for dn in reversed(open_dns)]
    lines.append("</xn:SubNetwork>\n</configData>\n")
    lines.append(f'<fileFooter dateTime="{night:%Y-%m-%dT%H:%M:%SZ}"/>\n</bulkCmConfigDataFile>\n')
    return "".join(lines)


def _class_of(dn: str) -> str:
    return dn.rpartition(",")[2].partition("=")[0]


def _tag(object_class: str) -> str:
    return f"{'xn' if object_class == 'ManagedElement' else 'en'}:{object_class}"


def _elements(told: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in told.items():
        for one in value if isinstance(value, list) else [value]:
            yield f"<{prefix}:{name}>"
            if isinstance(one, Mapping):
                yield from _elements(one, prefix)
            elif isinstance(one, bool):
                yield str(one).lower()
            else:
                yield escape(str(one))
            yield f"</{prefix}:{name}>"
