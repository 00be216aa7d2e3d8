"""Put on record who read what: guarded reads become rows of a product."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window, last_closed
from tasks.reporting import steps as reporting
from tasks.step import scheduled_at


@flow(name="publish-access-audit")
def publish_access_audit(window: Window | None = None) -> list[Snapshot]:
    """Publish the reads of the window; without one, of the day before the scheduled time."""
    return reporting.publish_access_audit(window or last_closed("day", scheduled_at()))
