"""Analyse: every cell of a window is scored against its own past and its peers."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.anomaly import steps as anomaly
from tasks.anomaly.worth import steps as worth
from tasks.curation.steps import newest_published, newest_snapshot
from tasks.step import scheduled_at


@flow(name="score-cells")
def score_cells(window: Window | None = None, findings_a_day: int | None = None) -> Snapshot:
    """Publish scores and findings of the window, what stood near them and what they are worth.

    Args:
        window: the newest quarter of an hour when None.
        findings_a_day: how many an operator can read; the rules' own budget when None.
    """
    window = window or newest_published("cell_kpis", scheduled_at(), "15min")
    findings = anomaly.score_cells(newest_snapshot("cell_kpis"), window)
    anomaly.tell_evidence(findings, window)
    worth.weigh_findings(findings, window, findings_a_day)
    return findings
