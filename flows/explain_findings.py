"""Analyse: an agent says why the findings that are worth reading stray, and what would decide."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.curation.steps import newest_published, newest_snapshot
from tasks.explaining import steps as explaining
from tasks.step import scheduled_at


@flow(name="explain-findings")
def explain_findings(window: Window | None = None, limit: int | None = None) -> Snapshot:
    """Publish explanations of a window's findings, in the order of reading; change nothing.

    Args:
        window: in which the findings were made; the newest day when None.
        limit: how many are explained; the rules' own number when None.
    """
    window = window or newest_published("cell_anomalies", scheduled_at(), "day")
    return explaining.explain_findings(newest_snapshot("cell_anomalies"), window, limit)
