"""Index knowledge: documents become passages that can be found and cited."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.knowledge import steps


@flow(name="index-knowledge")
def index_knowledge(window: Window | None = None) -> Snapshot:
    """Publish the passages of documents as they stand, and let the index hold exactly them.

    Args:
        window: documents that hold only after it wait for a later run; None takes all.
    """
    return steps.index_knowledge(window)
