"""Learn: all models side by side on a window whose truth is known, and what drifted since."""

from pathlib import Path
from typing import Any

from prefect import flow

from semantic_layer.periods import Window
from tasks.anomaly.training import steps as training
from tasks.curation.steps import newest_published, newest_snapshot
from tasks.evaluation import steps as evaluation
from tasks.ingestion.steps import choose_folder
from tasks.step import scheduled_at


@flow(name="compare-models")
def compare_models(
    window: Window | None = None, folder: Path | None = None, *, every_family: bool = True
) -> dict[str, Any] | None:
    """Report how models rank on a network whose truth is known; None when it is not.

    Args:
        window: of published scores; the newest day when None.
        folder: of the network's deliveries.
        every_family: fit and score each family on the same days, beside what is published.
    """
    window = window or newest_published("cell_anomalies.scores", scheduled_at(), "day")
    if every_family:
        training.score_families(newest_snapshot("cell_kpis"), window)
    scores = newest_snapshot("cell_anomalies.scores")
    return evaluation.compare_models(scores, folder or choose_folder(), window)
