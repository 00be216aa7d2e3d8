"""Writes what a network delivers beside measurements: configuration, topology, records of people.

Each kind has a writer of its own; here is only which is called with what, and where it writes.
"""

from collections.abc import Sequence
from pathlib import Path

from tasks.twin.configuration_files import write_configuration
from tasks.twin.delivered_rows import Run
from tasks.twin.faults import Fault
from tasks.twin.topology_files import write_topology_documents


def write_records(run: Run, faults: Sequence[Fault], delivered: Path) -> dict[str, int]:
    """Write all records of a run below `delivered`; return counts for the manifest."""
    network, transport = run.world.radio.network, run.world.routes.network
    counts = write_configuration(
        network, faults, run.calendar, run.seed, delivered / "configuration"
    )
    counts |= write_topology_documents(
        network, transport, run.calendar, run.seed, delivered / "topology"
    )
    return counts
