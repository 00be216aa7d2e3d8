"""Rows of alarms, changes, tickets and drift about one cell, hostile ones too."""

from datetime import timedelta

import polars as pl

from tasks.reporting import network_facts as shapes
from tasks.reporting.network_facts import NetworkFacts
from tests.tasks.reporting import world

CELL, OTHER = world.cell_dn(1, 1), world.cell_dn(1, 2)
ELEMENT = "SubNetwork=1,ManagedElement=1"
FAR = "SubNetwork=1,ManagedElement=9"
START = world.WINDOW.start
HOSTILE = (
    "<script>alert(1)</script>[x](http://evil.example)![p](y)`|\x1b[31mred\x1b]0;t\x07\u202e# h"
)
"""Markup of every kind, escapes of a terminal, a change of direction."""


def alarm(dn=CELL, since=0.0, until=None, **changes):
    """Return an alarm on `dn`, from and to hours after the window's start."""
    return {
        "alarm_id": f"{dn}|{since}", "raised_at": START + timedelta(hours=since),
        "cleared_at": None if until is None else START + timedelta(hours=until),
        "managed_object_dn": dn, "alarm_name": "vswr_over_threshold", "layer": "radio",
        "perceived_severity": "MAJOR", "specific_problem": "VSWR over threshold",
        "flaps_count": 0, "is_flapping": False, "is_clear_without_raise": False, "source": "ves",
    } | changes  # fmt: skip


def change(dns=(ELEMENT,), at=0.0, **changes):
    moment = None if at is None else START + timedelta(hours=at)
    return {
        "change_id": f"CRQ{at}", "requested_at": START - timedelta(days=9), "title": "Software",
        "change_type": "software", "state": "closed", "risk": "low",
        "planned_start": moment or START, "planned_end": None, "actual_start": moment,
        "actual_end": None, "managed_object_dns": list(dns),
    } | changes  # fmt: skip


def ticket(dns=(ELEMENT,), opened=0.0, **changes):
    return {
        "ticket_id": f"TT{opened}", "opened_at": START + timedelta(hours=opened),
        "resolved_at": None, "closed_at": None, "state": "inProgress", "severity": "Major",
        "title": "Slow", "managed_object_dns": list(dns),
    } | changes  # fmt: skip


def drift(kind="unplanned_change", at=0.0, **changes):
    return {
        "detected_at": START + timedelta(hours=at), "ended_at": None, "managed_object_dn": CELL,
        "attribute": "digitalTilt", "kind": kind, "planned_value": "42", "actual_value": "82",
    } | changes  # fmt: skip


def beside(kind="alarm", lead=1.0, relation="same_cell", detail="Major alarm", **changes):
    """Return a row of evidence beside the finding `a0001`."""
    return {
        "anomaly_id": "a0001", "window_start": START, "window_end": world.WINDOW.end,
        "evidence_kind": kind, "reference_id": f"{kind}{lead}", "object_dn": CELL,
        "relation": relation, "happened_at": START, "lead_hours": lead, "detail": detail,
    } | changes  # fmt: skip


def facts(alarms=(), changes=(), tickets=(), drifts=(), evidence=(), **others) -> NetworkFacts:
    return NetworkFacts(
        alarms=pl.DataFrame(list(alarms), schema=shapes.ALARMS),
        changes=pl.DataFrame(list(changes), schema=shapes.CHANGES),
        tickets=pl.DataFrame(list(tickets), schema=shapes.TICKETS),
        drift=pl.DataFrame(list(drifts), schema=shapes.DRIFT),
        evidence=pl.DataFrame(list(evidence), schema=shapes.EVIDENCE),
        **{"known_tables": frozenset({"alarms", "change_history"}), **others},
    )
