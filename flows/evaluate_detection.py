"""Learn: what the detector found, beside what was true and beside the baseline."""

from pathlib import Path
from typing import Any

from prefect import flow

from semantic_layer.periods import Window
from tasks.curation.steps import newest_published, newest_snapshot
from tasks.evaluation import steps as evaluation
from tasks.ingestion.steps import choose_folder
from tasks.step import scheduled_at


@flow(name="evaluate-detection")
def evaluate_detection(
    window: Window | None = None, folder: Path | None = None
) -> dict[str, Any] | None:
    """Report detection quality for a network whose truth is known; None when it is not."""
    window = window or newest_published("cell_anomalies.scores", scheduled_at(), "day")
    scores = newest_snapshot("cell_anomalies.scores")
    return evaluation.evaluate_detection(scores, folder or choose_folder(), window)
