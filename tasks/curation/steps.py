"""Steps of curation: measurements in, KPIs of each cell out, at every granularity."""

from datetime import datetime

from data_products.cell_kpis.derive import SOURCE, derive
from data_products.lineage import Snapshot
from data_products.pm_measurements.derive import derive as completed
from semantic_layer.loading import catalogue
from semantic_layer.periods import GRANULARITIES, Window
from tasks.curation.windows import newest_closed
from tasks.step import run_id, step
from tasks.wiring import services


@step
def publish_cell_kpis(measurements: Snapshot, window: Window) -> list[Snapshot]:
    """Publish `cell_kpis` of the window by 15 minutes, hour and day.

    The window grows to whole hours and days, so that an hour or a day that is still filling is
    computed again from all of its measurements.
    """
    return [_publish(measurements, window.widened_to(name), name) for name in GRANULARITIES]


@step
def newest_snapshot(table: str) -> Snapshot:
    """Return the newest snapshot of a table, for the steps that read it."""
    return services().tables.snapshot(table)


@step
def newest_published(table: str, moment: datetime, granularity: str) -> Window:
    """Return the newest whole period of a table that had ended at `moment`.

    Raises:
        InputError: the table holds nothing that old.
    """
    return newest_closed(table, services().tables.bounds(table), moment, granularity)


def _publish(measurements: Snapshot, window: Window, granularity: str) -> Snapshot:
    tables, definitions = services().tables, catalogue()
    rows = tables.read(measurements.table, window, snapshot_id=measurements.id or None)
    kpis = derive(completed(rows, definitions), granularity, definitions).collect()
    return services().door.publish(
        "cell_kpis",
        window,
        kpis,
        [measurements],
        run_id(),
        scope={"granularity": granularity, "source": SOURCE},
    )
