"""Changes that people plan in the sample network, and the change requests that tell of them.

Most changes do nothing to what is measured; some shift a level, some come in slowly, some only make
it restless. What a change does is known here and to the truth alone: requests speak of intentions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import polars as pl

from tasks.twin.faults import Fault
from tasks.twin.layout import Cell, Network
from tasks.twin.traffic import PERIOD_S, PERIODS_A_DAY, Season

ChangeKind = Literal[
    "tilt_change", "power_change", "capacity_change", "parameter_change", "software_upgrade",
    "maintenance",
]  # fmt: skip
Course = Literal["none", "level", "ramp", "variance"]

_SEED = 41
_CHANGES_A_SITE_DAY = 0.018
_FEWEST = 6
_KINDS: tuple[ChangeKind, ...] = (
    "tilt_change", "power_change", "capacity_change", "parameter_change", "software_upgrade",
    "maintenance",
)  # fmt: skip
_NIGHT_PERIODS = (4, 14)
_STATES = ("acknowledged", "approved", "scheduled", "inProgress", "closed")


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change; periods are indexes from the run's start, half-open.

    Attributes:
        cells: indexes of the cells that it is about.
        first: the period in which the work is done and its effect begins.
        last: the end of the effect: of the run, or of the work for maintenance.
        size: degrees of tilt (down is positive), dB of power, or share of capacity added; 0 else.
        course: how what is measured takes it; `none` for most.
        work: periods that the work takes, before `first`.
    """

    change_id: str
    cells: tuple[int, ...]
    first: int
    last: int
    kind: ChangeKind
    size: float
    course: Course = "none"
    work: int = 2
    is_cancelled: bool = False


def planned_changes(network: Network, calendar: Season, seed: int) -> list[PlannedChange]:
    """Return the changes of a run, in order; the same arguments give the same.

    Works are done at night. Of those that could act, about half do.
    """
    rng = np.random.default_rng([seed, _SEED])
    days = calendar.periods // PERIODS_A_DAY
    count = max(_FEWEST, round(_CHANGES_A_SITE_DAY * len(network.sites) * days))
    turns = [_KINDS[number % len(_KINDS)] for number in range(count)]
    drawn = [_drawn(network, calendar, kind, rng) for kind in turns]
    ordered = sorted(drawn, key=lambda change: (change.first, change.cells, change.kind))
    return [
        PlannedChange(
            f"CRQ{100_000 + number}", change.cells, change.first, change.last, change.kind,
            change.size, change.course, change.work, change.is_cancelled,
        )
        for number, change in enumerate(ordered, 1)
    ]  # fmt: skip


def _drawn(
    network: Network, calendar: Season, kind: ChangeKind, rng: np.random.Generator
) -> PlannedChange:
    cell = network.cells[int(rng.integers(0, len(network.cells)))]
    day = int(rng.integers(1, max(2, calendar.periods // PERIODS_A_DAY)))
    first = day * PERIODS_A_DAY + int(rng.integers(*_NIGHT_PERIODS))
    first = min(first, calendar.periods - 2)
    course: Course = "none"
    if rng.random() < 0.5 and kind in {"tilt_change", "power_change", "capacity_change"}:
        course = ("level", "ramp", "variance")[int(rng.integers(0, 3))]
    size = {
        "tilt_change": round(float(rng.choice([-3.0, -2.0, 2.0, 3.0])), 1),
        "power_change": round(float(rng.choice([-3.0, -2.0, 1.0, 2.0])), 1),
        "capacity_change": round(float(rng.uniform(0.2, 0.5)), 2),
    }.get(kind, 0.0)
    whole_site = kind in {"software_upgrade", "maintenance"}
    cells = tuple(
        other.index for other in network.cells if other.site.index == cell.site.index
    ) if whole_site else (cell.index,)  # fmt: skip
    work = int(rng.integers(1, 5))
    last = calendar.periods if kind != "maintenance" else min(first + work, calendar.periods)
    cancelled = bool(rng.random() < 0.08) and course == "none"
    return PlannedChange("", cells, first, last, kind, size, course, work, cancelled)


def change_effects(
    network: Network,
    changes: Sequence[PlannedChange],
    faults: Sequence[Fault],
    calendar: Season,
    applied: frozenset[str] = frozenset(),
) -> pl.DataFrame:
    """Return what each change did: one row a change, for the folder that only judges may read.

    Args:
        network: as built.
        changes: of the run.
        faults: of the run; a regression of software names the change that brought it.
        calendar: the periods of the run.
        applied: changes whose effect the measurements bear; a course alone changes nothing.
    """
    starts = (*calendar.starts, calendar.starts[-1] + timedelta(seconds=PERIOD_S))
    rows: list[tuple[Any, ...]] = [
        (
            change.change_id, change.kind, [network.cells[cell].dn for cell in change.cells],
            change.course if change.change_id in applied else "none", change.size,
            starts[change.first], starts[change.last], change.change_id in applied, None,
        )
        for change in changes
    ]  # fmt: skip
    rows += [
        (
            fault.change_id, "software_upgrade", [network.cells[cell].dn for cell in fault.cells],
            "level", fault.size, starts[fault.first], starts[fault.last], True, fault.fault_id,
        )
        for fault in faults
        if fault.change_id is not None
    ]  # fmt: skip
    moment = pl.Datetime("us", "UTC")
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "change_id": pl.String, "kind": pl.String, "cell_dns": pl.List(pl.String),
        "course": pl.String, "size": pl.Float64, "start": moment, "end": moment,
        "has_effect": pl.Boolean, "fault_id": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("start", "change_id")


def configured_values(
    network: Network, changes: Sequence[PlannedChange], calendar: Season
) -> list[tuple[str, datetime, str, str, float]]:
    """Return what changes set: change, moment, object, attribute and value.

    Tilts are in tenths of a degree (`digitalTilt`), powers in mW (`configuredMaxTxPower`).
    """
    found = []
    for change in changes:
        for attribute, dn, _, after in _settings(network, change):
            if not change.is_cancelled:
                found.append(
                    (change.change_id, calendar.starts[change.first], dn, attribute, after)
                )
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
            version |= {"actualEndTime": _text(done), "statusChangeReason": "Done as planned."}
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
        for attribute, _, before, after in _settings(network, change)
    ]
    return request | ({"characteristic": settings} if settings else {})


def _objects(cell: Cell) -> list[tuple[str, str]]:
    if cell.band.technology == "LTE":
        return [(cell.dn, "EUtranCellFDD")]
    return [(cell.dn, "NRCellDU"), (_carrier_dn(cell), "NRSectorCarrier")]


def _carrier_dn(cell: Cell) -> str:
    return f"{cell.site.element_dn},GNBDUFunction=1,NRSectorCarrier={cell.local_id}"


def _settings(network: Network, change: PlannedChange) -> list[tuple[str, str, float, float]]:
    """Return attribute, object, value before and after, of what a change sets on NR carriers."""
    cell = network.cells[change.cells[0]]
    if cell.band.technology == "LTE":
        return []
    if change.kind == "tilt_change":
        before, after = cell.tilt_deg, cell.tilt_deg + change.size
        dn = f"{_carrier_dn(cell)},CommonBeamformingFunction=1"
        return [("digitalTilt", dn, round(10 * before), round(10 * after))]
    if change.kind == "power_change":
        before, after = cell.tx_power_dbm, cell.tx_power_dbm + change.size
        power = (round(10 ** (level / 10)) for level in (before, after))
        return [("configuredMaxTxPower", _carrier_dn(cell), *power)]  # type: ignore[list-item]
    return []


def _whole(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
