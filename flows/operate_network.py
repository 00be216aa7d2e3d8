"""The cycle: perceive, analyse, report, learn; one run owns one window."""

from pathlib import Path
from typing import Literal

from prefect import flow

from flows.curate_data_products import curate_data_products
from flows.evaluate_detection import evaluate_detection
from flows.ingest_network_data import ingest_network_data
from flows.score_cells import score_cells
from semantic_layer.periods import Window
from tasks.ingestion.steps import choose_folder, newest_window, unpublished_history
from tasks.reporting.steps import write_report
from tasks.step import scheduled_at


@flow(name="operate-network")
def operate_network(
    window: Window | None = None,
    folder: Path | None = None,
    span: Literal["15min", "hour", "day"] = "day",
) -> str:
    """Bring the network's files to products, findings and a report for one window.

    Without a window it takes the newest delivered `span`. History that was delivered before the
    window but never published is brought in first, by the same two flows.
    """
    folder = folder or choose_folder()
    window = window or newest_window(folder, scheduled_at(), span)
    for past in unpublished_history(folder, window):
        ingest_network_data(past, folder)
        curate_data_products(past)
    ingest_network_data(window, folder)
    curate_data_products(window)
    findings = score_cells(window)
    evaluation = evaluate_detection(window, folder)
    return write_report(window, findings, evaluation["rows"] if evaluation else None)
