"""Writes what a network delivers beside measurements: configuration, topology, records of people.

Each kind has a writer of its own; here is only which is called with what, and where it writes. The
configuration carries what change requests say that they set.
"""

from collections.abc import Sequence
from pathlib import Path

from tasks.twin import record_files
from tasks.twin.change_requests import configured_values
from tasks.twin.configuration import (
    ConfigurationChange,
    NetworkConfiguration,
    network_configuration,
)
from tasks.twin.configuration_files import write_told_configuration
from tasks.twin.delivered_rows import Run
from tasks.twin.faults import Fault
from tasks.twin.planned_changes import PlannedChange
from tasks.twin.topology_files import write_topology_documents


def write_records(
    run: Run, changes: Sequence[PlannedChange], faults: Sequence[Fault], delivered: Path
) -> dict[str, int]:
    """Write all records of a run below `delivered`; return counts for the manifest."""
    network, transport = run.world.radio.network, run.world.routes.network
    told = told_configuration(run, changes, faults)
    counts = write_told_configuration(told, delivered / "configuration")
    counts |= write_topology_documents(
        network, transport, run.calendar, run.seed, delivered / "topology"
    )
    counts |= record_files.write_records(
        network, changes, faults, run.calendar, run.seed, delivered
    )
    return counts


def told_configuration(
    run: Run, changes: Sequence[PlannedChange], faults: Sequence[Fault]
) -> NetworkConfiguration:
    """Return how the network of a run is configured over time, and how it was planned."""
    network = run.world.radio.network
    configured = [
        ConfigurationChange(*told) for told in configured_values(network, changes, run.calendar)
    ]
    return network_configuration(network, faults, run.calendar, run.seed, configured)
