"""Measurements of short periods as VES batches: common event format 30.2, domain perf3gpp.

What managed elements stream between two measurement files, see 3GPP TS 28.532 and O-RAN O1. An
event is one element's; types are named once for all cells of a class, and values refer to them by
place, as TS 32.435 does in files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class StreamedCells:
    """What the cells of one class at one element tell of a period.

    Attributes:
        object_class: of the cells, as the standard spells it.
        types: names of the measurements, as the standard spells them.
        cells: DN, whether the period is suspect, and a value a type.
    """

    object_class: str
    types: tuple[str, ...]
    cells: tuple[tuple[str, bool, tuple[float, ...]], ...]


@dataclass(frozen=True, slots=True)
class StreamedElement:
    """What one managed element tells of a period."""

    dn: str
    told: tuple[StreamedCells, ...]


def stream_batch(
    elements: Sequence[StreamedElement], begin: datetime, end: datetime
) -> dict[str, Any]:
    """Return one batch: an event an element that has cells which tell anything.

    Args:
        elements: in the order of their events.
        begin: of the period, UTC.
        end: of the period, UTC.
    """
    telling = [element for element in elements if any(one.cells for one in element.told)]
    return {"eventList": [_event(one, begin, end, number) for number, one in enumerate(telling, 1)]}


def _event(element: StreamedElement, begin: datetime, end: datetime, number: int) -> dict[str, Any]:
    header = {
        "version": "4.1",
        "vesEventListenerVersion": "7.2.1",
        "domain": "perf3gpp",
        "eventName": "perf3gpp_gNB-anops_pmMeasResult",
        "eventId": f"{element.dn}-{end:%Y%m%dT%H%MZ}",
        "sequence": number,
        "priority": "Normal",
        "reportingEntityName": element.dn,
        "sourceName": element.dn,
        "startEpochMicrosec": _micros(begin),
        "lastEpochMicrosec": _micros(end),
        "timeZoneOffset": "+00:00",
    }
    collection = {
        "granularityPeriod": round((end - begin).total_seconds()),
        "measuredEntityDn": element.dn,
        "measInfoList": [_info(told, element.dn) for told in element.told if told.cells],
    }
    fields = {"perf3gppFieldsVersion": "1.0", "measDataCollection": collection}
    return {"commonEventHeader": header, "perf3gppFields": fields}


def _info(told: StreamedCells, element_dn: str) -> dict[str, Any]:
    return {
        "measInfoId": {"sMeasInfoId": told.object_class},
        "measTypes": {"sMeasTypesList": list(told.types)},
        "measValuesList": [
            {
                "measObjInstId": dn.removeprefix(f"{element_dn},"),
                "suspectFlag": "true" if is_suspect else "false",
                "measResults": [
                    {"p": place, "sValue": f"{value:.6f}"} for place, value in enumerate(values, 1)
                ],
            }
            for dn, is_suspect, values in told.cells
        ],
    }


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
