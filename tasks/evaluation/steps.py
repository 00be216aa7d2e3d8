"""Steps of evaluation: published scores beside the truth, where a network's truth is known."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.detection import detection
from semantic_layer.loading import catalogue
from semantic_layer.periods import GRANULARITIES, Window
from tasks.evaluation.blame_page import blame_page
from tasks.evaluation.comparison_page import comparison_page, comparison_rows
from tasks.evaluation.contribution_report import contribution_report
from tasks.evaluation.detection_report import detection_report
from tasks.evaluation.drift import drift
from tasks.evaluation.model_comparison import model_comparison
from tasks.evaluation.published_models import models_of, with_profiles
from tasks.evaluation.report_page import report_page, report_rows
from tasks.evaluation.truth import scored_grid
from tasks.evaluation.truth_folder import truth_beside
from tasks.step import show_markdown, show_table, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_LEAST_S = GRANULARITIES["day"]
_WEEK = timedelta(days=7)


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
    truth = truth_beside(truth_folder)
    if window.seconds < _LEAST_S:
        _LOG.info("%s is too short to evaluate detection: take a day or more.", window)
        return None
    if truth is None:
        _LOG.info("No truth beside %s: detection is not evaluated.", truth_folder.name)
        return None
    tables = services().tables
    grid = scored_grid(
        tables.read(scores.table, window, snapshot_id=scores.id or None).collect(),
        truth.faults,
        truth.cell_periods,
        truth.benign,
    )
    report = detection_report(grid, detection())
    page = report_page(report, str(window))
    blamed = None
    if truth.moved_kpis is not None:
        findings = tables.read("cell_anomalies", window).collect()
        blamed = contribution_report(findings, truth.cell_periods, truth.moved_kpis)
        page += blame_page(blamed)
    show_markdown("detection-quality", page, f"Detection quality of {window}")
    return report.values() | {
        "rows": report_rows(report),
        "page": page,
        "blame": blamed.values() if blamed else None,
    }


@step
def compare_models(scores: Snapshot, truth_folder: Path, window: Window) -> dict[str, Any] | None:
    """Compare all models that scored the window with the truth, and tell what drifted.

    Args:
        scores: the snapshot of `cell_anomalies.scores` to judge.
        truth_folder: as for `evaluate_detection`.
        window: what is judged, a day or more.

    Returns:
        Plain values: everything in `ModelComparison`, `rows` for a table and the `page`; None
        for a network whose truth nobody knows.
    """
    truth = truth_beside(truth_folder)
    if truth is None:
        _LOG.info("No truth beside %s: models are not compared.", truth_folder.name)
        return None
    tables = services().tables
    served = tables.read(scores.table, window, snapshot_id=scores.id or None).collect()
    grid = scored_grid(served, truth.faults, truth.cell_periods, truth.benign)
    rivals = tables.read("cell_anomalies.rival_scores", window).collect()
    profiles = _profiles(window.start)
    found = model_comparison(grid, models_of(grid, rivals), profiles, detection())
    page = comparison_page(found, str(window), _drifted(window, profiles))
    rows = comparison_rows(found)
    show_table("models-side-by-side", rows, f"Models on {window}")
    show_markdown("model-evaluation", page, f"Models side by side on {window}")
    return found.values() | {"rows": rows, "page": page}


def _profiles(until: datetime) -> dict[str, str]:
    """Return profile by cell of the newest week that had begun by then."""
    rows = (
        services()
        .tables.read("cell_profiles", columns=["cell_dn", "week_start", "cell_profile"])
        .filter(pl.col("week_start") < until, pl.col("cell_profile").is_not_null())
        .collect()
    )
    newest = rows.filter(pl.col("week_start") == pl.col("week_start").max())
    return dict(zip(newest["cell_dn"], newest["cell_profile"], strict=True))


def _drifted(window: Window, profiles: dict[str, str]) -> pl.DataFrame | None:
    """Return how far scored KPIs moved since the same hours of the week before."""
    kpis = [kpi.column for kpi in catalogue().kpis.values() if kpi.is_scored]
    before, now = (
        with_profiles(
            services().tables.read("cell_kpis", one, columns=["cell_dn", "granularity", *kpis]),
            profiles,
        )
        for one in (Window(window.start - _WEEK, window.end - _WEEK), window)
    )
    return None if before.is_empty() or now.is_empty() else drift(before, now, kpis)
