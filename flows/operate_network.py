"""The cycle: perceive, analyse, report, learn; one run owns one window."""

from pathlib import Path
from typing import Literal

from prefect import flow

from flows.curate_data_products import curate_data_products
from flows.evaluate_detection import evaluate_detection
from flows.ingest_network_data import STATES, ingest_network_data
from flows.score_cells import score_cells
from semantic_layer.periods import Window
from tasks.ingestion.delivered_parts import SERIES
from tasks.ingestion.steps import (
    choose_folder,
    due_before,
    newest_window,
    remember_deliveries,
    tell_unread_files,
)
from tasks.reporting.steps import write_report
from tasks.step import scheduled_at


@flow(name="operate-network")
def operate_network(
    window: Window | None = None,
    folder: Path | None = None,
    span: Literal["15min", "hour", "day"] = "day",
) -> str:
    """Bring the network's files to products, findings and a report for one window.

    Without a window it takes the newest delivered `span`. What was delivered for earlier times and
    never published, or came late, or was mended, is brought in first: just those windows, by the
    same two flows.
    """
    folder = folder or choose_folder()
    window = window or newest_window(folder, scheduled_at(), span)
    due = due_before(folder, window)
    for past in due.windows:
        ingest_network_data(past.window, folder, list(past.kinds))
        curate_data_products(past.window, list(past.kinds))
    ingest_network_data(window, folder, [*SERIES, STATES])
    curate_data_products(window)
    tell_unread_files(folder, due, window)
    remember_deliveries(folder, due, [*(past.window for past in due.windows), window], window)
    findings = score_cells(window)
    evaluation = evaluate_detection(window, folder)
    return write_report(window, findings, evaluation["rows"] if evaluation else None)
