"""Steps of evaluation: published scores beside the truth, where a network's truth is known."""

import logging
from pathlib import Path
from typing import Any

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.detection import detection
from semantic_layer.periods import GRANULARITIES, Window
from tasks.evaluation.detection_report import detection_report
from tasks.evaluation.report_page import report_page, report_rows
from tasks.evaluation.truth import scored_grid
from tasks.step import show_markdown, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_LEAST_S = GRANULARITIES["day"]


@step
def evaluate_detection(
    scores: Snapshot, truth_folder: Path, window: Window
) -> dict[str, Any] | None:
    """Compare the window's scores with the truth; None for a network whose truth nobody knows.

    A window shorter than a day says too little about detection; it gives None too.

    Args:
        scores: the snapshot of `cell_anomalies.scores` to judge.
        truth_folder: the truth's folder, a simulated network's, or its delivered files'.
        window: what is judged.

    Returns:
        Plain values: `rows` (measure, detector, baseline) and everything in `DetectionReport`.
    """
    places = (truth_folder, truth_folder / "truth", truth_folder.parent / "truth")
    truth = next((place for place in places if (place / "faults.parquet").is_file()), None)
    if window.seconds < _LEAST_S:
        _LOG.info("%s is too short to evaluate detection: take a day or more.", window)
        return None
    if truth is None:
        _LOG.info("No truth beside %s: detection is not evaluated.", truth_folder.name)
        return None
    benign = truth / "benign.parquet"
    grid = scored_grid(
        services().tables.read(scores.table, window, snapshot_id=scores.id or None).collect(),
        pl.read_parquet(truth / "faults.parquet"),
        pl.read_parquet(truth / "cell_periods.parquet"),
        pl.read_parquet(benign) if benign.is_file() else None,
    )
    report = detection_report(grid, detection())
    page = report_page(report, str(window))
    show_markdown("detection-quality", page, f"Detection quality of {window}")
    return report.values() | {"rows": report_rows(report), "page": page}
