"""Alarms that equipment raises: for the faults it notices, and for matters beside them.

Fields are those of AlarmRecord in 3GPP TS 28.532 12.2 and TS 28.111; probable causes and alarm
types are ITU-T X.733's and X.736's as TS 32.111-2 annex B lists them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tasks.twin.faults import Fault, FaultKind
from tasks.twin.layout import Network
from tasks.twin.traffic import PERIOD_S, Season

AlarmRecord = dict[str, Any]

# kind -> alarm type, probable cause, severity, specific problem
_RAISED: dict[FaultKind, tuple[str, str, str, str]] = {
    "outage": ("EQUIPMENT_ALARM", "equipmentMalfunction", "CRITICAL", "Cell service unavailable"),
    "feeder_loss": ("EQUIPMENT_ALARM", "antennaFailure", "MAJOR", "VSWR over threshold"),
    "mimo_branch_loss": ("EQUIPMENT_ALARM", "transmitterFailure", "MINOR", "RF branch degraded"),
    "core_link_failure": (
        "COMMUNICATIONS_ALARM", "connectionEstablishmentError", "MAJOR", "NG link unstable",
    ),
}  # fmt: skip
_UNRELATED = (
    ("ENVIRONMENTAL_ALARM", "enclosureDoorOpen", "WARNING", "Cabinet door open"),
    ("ENVIRONMENTAL_ALARM", "temperatureUnacceptable", "MINOR", "Cabinet temperature high"),
    ("EQUIPMENT_ALARM", "batteryFailure", "MINOR", "Battery test failed"),
    ("COMMUNICATIONS_ALARM", "timingProblem", "WARNING", "Synchronization reference lost"),
    ("PROCESSING_ERROR_ALARM", "versionMismatch", "WARNING", "License will expire"),
)
_UNRELATED_A_SITE_DAY = 0.04


def alarm_records(
    network: Network, faults: Sequence[Fault], calendar: Season, seed: int
) -> list[AlarmRecord]:
    """Return the alarms of a run in order of raising; those still up have no cleared time."""
    rng = np.random.default_rng([seed, 9])
    records = []
    for fault in faults:
        if fault.has_alarm and fault.kind in _RAISED:
            records.extend(_of_fault(network, fault, calendar, rng))
    records.extend(_unrelated(network, calendar, rng))
    records.sort(key=lambda record: (record["alarmRaisedTime"], record["objectInstance"]))
    for number, record in enumerate(records, 1):
        record["alarmId"] = f"A{number:06d}"
    return records


def _of_fault(
    network: Network, fault: Fault, calendar: Season, rng: np.random.Generator
) -> list[AlarmRecord]:
    # A gradual fault is noticed when it has grown.
    onset = min(fault.first + fault.ramp, fault.last - 1)
    raised = calendar.starts[onset] + timedelta(seconds=int(rng.integers(5, PERIOD_S)))
    end = calendar.starts[fault.last - 1] + timedelta(seconds=PERIOD_S)
    is_over = fault.last < calendar.periods
    cleared = end + timedelta(seconds=int(rng.integers(5, 300))) if is_over else None
    named = [network.cells[cell].dn for cell in fault.cells]
    if fault.kind == "core_link_failure":
        named = [f"{network.cells[fault.cells[0]].site.element_dn},GNBCUCPFunction=1"]
    return [_record(dn, _RAISED[fault.kind], raised, cleared) for dn in named]


def _unrelated(network: Network, calendar: Season, rng: np.random.Generator) -> list[AlarmRecord]:
    days = calendar.periods / 96
    count = int(rng.poisson(_UNRELATED_A_SITE_DAY * len(network.sites) * days))
    records = []
    for _ in range(count):
        site = network.sites[int(rng.integers(0, len(network.sites)))]
        start = calendar.starts[int(rng.integers(0, calendar.periods))]
        raised = start + timedelta(seconds=int(rng.integers(0, PERIOD_S)))
        cleared = raised + timedelta(minutes=float(rng.uniform(10, 600)))
        is_over = cleared < calendar.starts[-1]
        cause = _UNRELATED[int(rng.integers(0, len(_UNRELATED)))]
        records.append(_record(site.element_dn, cause, raised, cleared if is_over else None))
    return records


def _record(
    dn: str, cause: tuple[str, str, str, str], raised: datetime, cleared: datetime | None
) -> AlarmRecord:
    alarm_type, probable_cause, severity, problem = cause
    return {
        "alarmId": "",
        "objectInstance": dn,
        "alarmType": alarm_type,
        "probableCause": probable_cause,
        "specificProblem": problem,
        "perceivedSeverity": severity if cleared is None else "CLEARED",
        "originalSeverity": severity,
        "alarmRaisedTime": _iso(raised),
        "alarmClearedTime": None if cleared is None else _iso(cleared),
        "ackState": "UNACKNOWLEDGED",
        "additionalText": f"{problem} at {dn}",
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
