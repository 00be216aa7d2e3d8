"""The cycle: perceive, analyse, decide, guard, report; one run owns one window."""

from pathlib import Path
from typing import Literal

from prefect import flow

from flows.curate_data_products import curate_data_products
from flows.evaluate_detection import evaluate_detection
from flows.ingest_network_data import STATES, ingest_network_data
from flows.score_cells import score_cells
from semantic_layer.periods import Window
from tasks.approval.steps import (
    publish_agent_runs,
    publish_decisions,
    request_approvals,
    write_decision_pages,
)
from tasks.explaining.steps import explain_findings
from tasks.guarding.steps import judge_proposals
from tasks.healing.steps import propose_repairs
from tasks.ingestion.delivered_parts import SERIES
from tasks.ingestion.steps import (
    choose_folder,
    due_before,
    newest_window,
    remember_deliveries,
    tell_unread_files,
)
from tasks.knowledge.steps import index_knowledge
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
    same two flows. Findings are explained, and repairs proposed and judged; nothing is written to
    the network.
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
    index_knowledge(window)
    explain_findings(findings, window)
    waiting = request_approvals(judge_proposals(propose_repairs(findings, window)))
    publish_decisions()
    write_decision_pages(waiting)
    publish_agent_runs()
    evaluation = evaluate_detection(window, folder)
    return write_report(window, findings, evaluation["rows"] if evaluation else None)
