"""The change requests that tell of planned changes, and what these set.

Requests speak of intentions; what a change does is known to the truth alone (true_changes.py).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tasks.twin.faults import Fault
from tasks.twin.layout import Cell, Network
from tasks.twin.planned_changes import ChangeKind, PlannedChange
from tasks.twin.traffic import PERIOD_S, Season

_SEED = 41
_STATES = ("acknowledged", "approved", "scheduled", "inProgress", "closed")


def configured_values(
    network: Network, changes: Sequence[PlannedChange], calendar: Season
) -> list[tuple[str, datetime, str, str, float]]:
    """Return what changes set: change, moment, object, attribute and value.

    Tilts are in tenths of a degree (`digitalTilt`), powers in mW (`configuredMaxTxPower`).
    What comes in steps is set in steps; what is rolled back is set back.
    """
    found = []
    for change in changes:
        if change.is_cancelled:
            continue
        for first, _, size in change.stages():
            at = calendar.starts[first]
            found += [
                (change.change_id, at, dn, attribute, after)
                for attribute, dn, _, after in _settings(network, change, size)
            ]
        if change.is_rolled_back:
            at = calendar.starts[change.last]
            found += [
                (change.change_id, at, dn, attribute, before)
                for attribute, dn, before, _ in _settings(network, change, change.size)
            ]
    return found


def change_versions(
    network: Network,
    changes: Sequence[PlannedChange],
    faults: Sequence[Fault],
    calendar: Season,
    seed: int,
) -> list[tuple[datetime, dict[str, Any]]]:
    """Return every version of every change request (TMF655) with its moment, in order.

    Nothing that lies after the run's last period is told.
    """
    rng = np.random.default_rng([seed, _SEED, 1])
    blamed = [_upgrade_of(fault) for fault in faults if fault.change_id is not None]
    end = calendar.starts[-1] + timedelta(seconds=PERIOD_S)
    told = [
        version
        for change in [*changes, *blamed]
        for version in _versions(network, change, calendar, rng)
        if version[0] < end
    ]
    return sorted(told, key=lambda version: (version[0], version[1]["id"]))


def _upgrade_of(fault: Fault) -> PlannedChange:
    return PlannedChange(
        str(fault.change_id), fault.cells, fault.first, fault.last, "software_upgrade", 0.0, work=3
    )


def _versions(
    network: Network, change: PlannedChange, calendar: Season, rng: np.random.Generator
) -> list[tuple[datetime, dict[str, Any]]]:
    done = calendar.starts[change.first]
    begun = done - timedelta(seconds=PERIOD_S * change.work)
    planned = begun - timedelta(minutes=int(rng.integers(0, 40)))
    asked = begun - timedelta(days=float(rng.uniform(1.0, 9.0)))
    moments = [
        asked,
        asked + (begun - asked) * float(rng.uniform(0.2, 0.5)),
        asked + (begun - asked) * float(rng.uniform(0.6, 0.9)),
        begun,
        done + timedelta(minutes=int(rng.integers(5, 90))),
    ]
    said = "Done as planned."
    if change.is_rolled_back:  # it is watched until it is taken back
        done = calendar.starts[change.last]
        moments[-1] = done + timedelta(minutes=20)
        said = "Rolled back; everything is set as before."
    states = list(zip((_whole(moment) for moment in moments), _STATES, strict=True))
    if change.is_cancelled:
        states = [*states[:2], (states[2][0], "cancelled")]
    head = _request(network, change, rng) | {
        "requestDate": _text(states[0][0]),
        "plannedStartTime": _text(_whole(planned)),
        "plannedEndTime": _text(_whole(planned + timedelta(hours=2))),
    }
    versions = []
    for moment, state in states:
        version = head | {
            "status": state, "statusChangeDate": _text(moment), "lastUpdateDate": _text(moment),
        }  # fmt: skip
        if state in {"inProgress", "closed"}:
            version["actualStartTime"] = _text(_whole(begun))
        if state == "closed":
            version |= {"actualEndTime": _text(done), "statusChangeReason": said}
        versions.append((moment, version))
    return versions


_WORDS: dict[ChangeKind, tuple[str, str, str]] = {
    "tilt_change": ("Change of tilt", "optimization", "Trim coverage towards the neighbors."),
    "power_change": ("Change of carrier power", "optimization", "Balance load between layers."),
    "capacity_change": ("More capacity", "expansion", "Add baseband capacity to the cell."),
    "parameter_change": (
        "Handover offset", "optimization", "Adjust the offset of event A3; no outage expected.",
    ),
    "software_upgrade": (
        "Software upgrade", "software", "Upgrade of the element to the released version.",
    ),
    "maintenance": (
        "Planned maintenance", "maintenance", "Work on site; cells may restart during the window.",
    ),
}  # fmt: skip
_PLANNERS = ("Radio planning", "Field services", "Network operations", "Vendor support")


def _request(network: Network, change: PlannedChange, rng: np.random.Generator) -> dict[str, Any]:
    title, kind, words = _WORDS[change.kind]
    first = network.cells[change.cells[0]]
    is_site = change.kind in {"software_upgrade", "maintenance"}
    named = [(first.site.element_dn, "ManagedElement")] if is_site else _objects(first)
    request: dict[str, Any] = {
        "@type": "ChangeRequest",
        "id": change.change_id,
        "name": f"{title}, {first.site.site_id}",
        "description": words,
        "requestType": kind,
        "priority": "normal",
        "risk": ("low", "medium")[int(rng.random() < 0.2)],
        "impact": ("none", "minor", "significant")[int(rng.integers(0, 2 + is_site))],
        "targetEntity": [{"id": dn, "@referredType": name} for dn, name in named],
        "relatedParty": [{"role": "requester", "name": str(rng.choice(_PLANNERS))}],
    }
    settings = [
        {
            "name": attribute,
            "value": {"valueBefore": f"{before:g}", "valueAfter": f"{after:g}"},
        }
        for attribute, _, before, after in _settings(network, change, change.size)
    ]
    return request | ({"characteristic": settings} if settings else {})


def _objects(cell: Cell) -> list[tuple[str, str]]:
    if cell.band.technology == "LTE":
        return [(cell.dn, "EUtranCellFDD")]
    return [(cell.dn, "NRCellDU"), (_carrier_dn(cell), "NRSectorCarrier")]


def _carrier_dn(cell: Cell) -> str:
    return f"{cell.site.element_dn},GNBDUFunction=1,NRSectorCarrier={cell.local_id}"


def _settings(
    network: Network, change: PlannedChange, size: float
) -> list[tuple[str, str, float, float]]:
    """Return attribute, object, value before and after, of what a change sets on NR carriers."""
    cell = network.cells[change.cells[0]]
    if cell.band.technology == "LTE":
        return []
    if change.kind == "tilt_change":
        before, after = cell.tilt_deg, cell.tilt_deg + size
        dn = f"{_carrier_dn(cell)},CommonBeamformingFunction=1"
        return [("digitalTilt", dn, round(10 * before), round(10 * after))]
    if change.kind == "power_change":
        before, after = cell.tx_power_dbm, cell.tx_power_dbm + size
        power = (round(10 ** (level / 10)) for level in (before, after))
        return [("configuredMaxTxPower", _carrier_dn(cell), *power)]  # type: ignore[list-item]
    return []


def _whole(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
