"""What the network reports of its configuration: the plan, what departs from it, what is written.

A write is compared with a drift by time: what was written after a tilt slipped holds, what slips
after a write adds to it.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path

from tasks.adapters.sample_files import (
    LiveReport,
    StandingWrite,
    Told,
    write_planned,
    write_report,
)
from tasks.twin.configuration import NetworkConfiguration, PlantedDrift, depart
from tasks.twin.configuration_objects import Objects
from tasks.twin.following import Following
from tasks.twin.sleep_modes import SAVES, SAVES_NOT, SAVING_FUNCTION, STATE, acting_mode


def write_first_report(folder: Path, told: NetworkConfiguration, end: datetime) -> None:
    """Write what the network reports when all that was delivered is over.

    Args:
        folder: of the network; `live` stands there.
        told: the configuration of the delivered run.
        end: of what was delivered; faults that stood until then go on.
    """
    planned = told.planned_at(end)
    reported = told.objects_at(end - timedelta(microseconds=1))
    write_planned(folder, planned)
    write_report(folder, LiveReport(end, 0, departures(planned, reported)))


def departures(planned: Objects, reported: Objects) -> dict[str, Told | None]:
    """Return the objects that are not as planned, by DN; None for one that is missing."""
    found: dict[str, Told | None] = dict.fromkeys(dn for dn in planned if dn not in reported)
    found |= {dn: told for dn, told in reported.items() if planned.get(dn) != told}
    return found


def reported_departures(
    following: Following, writes: Sequence[StandingWrite], moment: datetime
) -> dict[str, Told | None]:
    """Return what is not as planned at the run's end, by DN; None for what is missing.

    Args:
        following: the days after the run.
        writes: all until then, oldest first.
        moment: the end of a period; what stood in that period is reported.
    """
    planned, told = following.planned, following.configuration
    drifts = [drift for drift in told.drifts if _stands(drift, writes, moment)]
    changes = [one for one in told.changes if following.chosen.end < one.at <= moment]
    struck = {one.dn for one in changes} | {one.dn for one in drifts}
    struck |= {one.operation.dn for one in writes}
    objects: Objects = {dn: deepcopy(planned[dn]) for dn in struck if dn in planned}
    for change in changes:
        if change.dn in objects:
            objects[change.dn][1][change.attribute] = change.value
    for write in writes:
        _take(objects, write)
    _tell_saving(objects)
    for drift in drifts:
        depart(objects, drift, moment)
    found: dict[str, Told | None] = {}
    for dn in sorted(struck):
        if objects.get(dn) != planned.get(dn):
            found[dn] = objects.get(dn)
    return found


def reported_objects(planned: Objects, departed: Mapping[str, Told | None]) -> Objects:
    """Return every object as it is reported, containing objects before what they contain."""
    found: Objects = {}
    made: dict[str, list[str]] = {}
    for dn in departed:
        if dn not in planned:
            made.setdefault(dn.rpartition(",")[0], []).append(dn)
    for dn, told in planned.items():
        now = departed.get(dn, told)
        if now is None:
            continue
        waiting = [dn]
        while waiting:  # what was made stands right below what contains it
            one = waiting.pop(0)
            standing = now if one == dn else departed[one]
            if standing is not None:
                found[one] = standing
                waiting = [*made.get(one, []), *waiting]
    return found


def _stands(drift: PlantedDrift, writes: Sequence[StandingWrite], moment: datetime) -> bool:
    """Tell whether a drift stood in the period that ends at a moment, and nobody wrote over it."""
    if not drift.begins < moment or (drift.ends is not None and moment > drift.ends):
        return False
    attribute = "" if drift.kind == "missing_object" else drift.attribute
    place = drift.dn, attribute
    return not any(
        (write.operation.dn, write.operation.attribute) == place and write.at > drift.begins
        for write in writes
    )


def _tell_saving(objects: Objects) -> None:
    """Let saving functions tell whether their cells save energy by now."""
    for name, attributes in objects.values():
        if name == SAVING_FUNCTION:
            attributes[STATE] = SAVES if acting_mode(attributes) != "ACTIVE" else SAVES_NOT


def _take(objects: Objects, write: StandingWrite) -> None:
    operation = write.operation
    if operation.kind == "DELETE":
        objects.pop(operation.dn, None)
    elif operation.kind == "CREATE":
        if isinstance(operation.after, Mapping):
            objects[operation.dn] = (operation.object_class, dict(operation.after))
    elif operation.dn in objects:
        objects[operation.dn][1][operation.attribute] = operation.after
