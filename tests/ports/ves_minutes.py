"""VES batches of perf3gpp events, built for tests, and what is heard of them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from semantic_layer.periods import Window
from tasks.adapters.ves_load_feed import VesLoadFeed

NOON = datetime(2025, 6, 5, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEGIN = NOON - MINUTE
WINDOW = Window(BEGIN, NOON)
ELEMENT = "SubNetwork=1,ManagedElement=7"
LOCAL = "GNBDUFunction=1,NRCellDU=1"
CELL = f"{ELEMENT},{LOCAL}"
HALF = ("50", "100", "80", "4")
"""Half full, and 20 Mbit/s."""

AVAILABLE = 100.0
"""Resource blocks of each cell."""

NR = ("RRU.PrbUsedDl", "RRU.PrbAvailDl", "Vendor.ScheduledVolumeDl", "Vendor.ScheduledTimeDl")
LTE = ("RRU.PrbUsedDl", "RRU.PrbAvailDl", "DRB.IPVolDl", "DRB.IPTimeDl")


COLLECTION = ("perf3gppFields", "measDataCollection")
INFO = (*COLLECTION, "measInfoList", 0)
VALUES = (*INFO, "measValuesList", 0)
RESULT = (*VALUES, "measResults", 0)
HEADER = "commonEventHeader"
"""Where things stand in an event."""


def micros(moment) -> int:
    return round(moment.timestamp() * 1_000_000)


def measured(local, *texts, suspect="false") -> dict:
    """Return one entry of a measValuesList."""
    results = [{"p": p, "sValue": text} for p, text in enumerate(texts, 1)]
    return {"measObjInstId": local, "suspectFlag": suspect, "measResults": results}


def info(*values, types=NR) -> dict:
    """Return one entry of a measInfoList."""
    return {
        "measInfoId": {"sMeasInfoId": "cells"},
        "measTypes": {"sMeasTypesList": list(types)},
        "measValuesList": list(values),
    }


def event(
    begin, end, *infos, element="SubNetwork=1,ManagedElement=7", sequence=0, **header
) -> dict:
    """Return one event; `header` adds to its commonEventHeader."""
    return {
        "commonEventHeader": {
            "version": "4.1",
            "vesEventListenerVersion": "7.2.1",
            "domain": "perf3gpp",
            "eventName": "perf3gpp_gNB_pmMeasResult",
            "eventId": "one",
            "sequence": sequence,
            "priority": "Normal",
            "reportingEntityName": element,
            "sourceName": element,
            "startEpochMicrosec": micros(begin),
            "lastEpochMicrosec": micros(end),
            **header,
        },
        "perf3gppFields": {
            "perf3gppFieldsVersion": "1.0",
            "measDataCollection": {
                "granularityPeriod": (end - begin).total_seconds(),
                "measuredEntityUserName": "",
                "measuredEntityDn": element,
                "measInfoList": list(infos),
            },
        },
    }


def event_of(report, **more) -> dict:
    """Return the event that tells a report."""
    function = report.cell_dn.rindex(",", 0, report.cell_dn.rindex(","))
    element, local = report.cell_dn[:function], report.cell_dn[function + 1 :]
    is_lte = local.startswith("ENBFunction")
    kilo = 1000.0 if is_lte else 1.0  # LTE counts kbit and ms, NR Mbit and s
    rate = report.user_mbps
    parts = ("NIL", "NIL") if rate is None else (repr(4.0 * rate * kilo), repr(4.0 * kilo))
    told = measured(local, repr(report.load * AVAILABLE), repr(AVAILABLE), *parts)
    types = LTE if is_lte else NR
    return event(report.begin, report.end, info(told, types=types), element=element, **more)


def write(folder: Path, name: str, *events) -> Path:
    """Write events as one batch."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({"eventList": list(events)}), encoding="utf-8")
    return path


def half(local=LOCAL, *texts, **more):
    return measured(local, *(texts or HALF), **more)


def minute(*infos, **more):
    """Return the event of the minute to noon; of one half-full cell where nothing is said."""
    return event(BEGIN, NOON, *(infos or (info(half()),)), **more)


def changed(place, value):
    """Return the event of a half-full cell with one thing changed, told by its path."""
    found = minute()
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return found


def heard(folder, *events, window=WINDOW, name="batch.json"):
    if events:
        write(folder, name, *events)
    return VesLoadFeed(folder).reports(window)


def loads(found):
    return {one.cell_dn: round(one.load, 6) for one in found.reports}
