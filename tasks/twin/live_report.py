"""What the network reports of its configuration: the plan, and what departs from it."""

from datetime import datetime, timedelta
from pathlib import Path

from tasks.adapters.sample_files import LiveReport, Told, write_planned, write_report
from tasks.twin.configuration import NetworkConfiguration
from tasks.twin.configuration_objects import Objects


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
