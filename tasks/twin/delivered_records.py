"""Writes what a network delivers beside measurements: configuration, topology, records of people.

Each kind has a writer of its own; here is only which is called with what, and where it writes. The
configuration carries what change requests say that they set.
"""

from collections.abc import Sequence
from pathlib import Path

from tasks.twin import record_files
from tasks.twin.change_requests import change_effects, configured_values, planned_changes
from tasks.twin.configuration import ConfigurationChange
from tasks.twin.configuration_files import write_configuration
from tasks.twin.delivered_rows import Run
from tasks.twin.faults import Fault
from tasks.twin.topology_files import write_topology_documents


def write_records(
    run: Run, faults: Sequence[Fault], delivered: Path, truth: Path
) -> dict[str, int]:
    """Write all records of a run below `delivered`; return counts for the manifest.

    What each change did goes to `truth`; only the evaluation may read it.
    """
    network, transport = run.world.radio.network, run.world.routes.network
    changes = planned_changes(network, run.calendar, run.seed)
    configured = [
        ConfigurationChange(*told) for told in configured_values(network, changes, run.calendar)
    ]
    change_effects(network, changes, faults, run.calendar).write_parquet(truth / "changes.parquet")
    counts = write_configuration(
        network, faults, run.calendar, run.seed, delivered / "configuration", configured
    )
    counts |= write_topology_documents(
        network, transport, run.calendar, run.seed, delivered / "topology"
    )
    counts |= record_files.write_records(network, faults, run.calendar, run.seed, delivered)
    return counts
