"""Steps of explaining: the findings worth reading are explained, each by a run of its own."""

import logging
from typing import Any

import polars as pl

from data_products.finding_explanations.derive import derive
from data_products.lineage import Snapshot
from semantic_layer.causes import explaining_rules
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.periods import Window
from tasks.agents.opening import Assignment, Engines, decision_of, open_session
from tasks.agents.toolbox.sources import ReadingOnly, ToolSources
from tasks.agents.toolbox.toolbox import toolbox
from tasks.agents.tools import ToolFailedError
from tasks.explaining.agent import AGENT, explain_finding
from tasks.messages.canonical import digest_of
from tasks.step import run_id, show_table, step
from tasks.twin.what_if_rows import SimulatedChanges
from tasks.wiring import services

IDENTITY = "explaining_agent"
USE_CASE = "explain_findings"
TABLE = "finding_explanations"
_LOG = logging.getLogger(__name__)
_SHOWN_CHARS = 600


@step
def explain_findings(findings: Snapshot, window: Window, limit: int | None = None) -> Snapshot:
    """Publish why the findings that are worth reading stray, as far as can be told.

    Args:
        findings: the snapshot of `cell_anomalies` that they stand in.
        window: in which they were made.
        limit: how many, in the order of reading; None for the rules' own.
    """
    many = explaining_rules().findings_a_run if limit is None else limit
    engines = _engines(window)
    decisions = []
    for anomaly_id, rank in _to_be_read(window, many):
        decision = _decided(engines, anomaly_id, window)
        if decision is not None:
            decisions.append({**decision, "reading_rank": rank})
    rows = derive(decisions, window)
    show_table(
        "finding-explanations", _shown(rows), f"Why {rows.height} cells stray, first to read first."
    )
    return services().door.publish(TABLE, window, rows, [findings], run_id())


def _engines(window: Window) -> Engines:
    made = services()
    sources = ToolSources(
        reader=made.reader,
        identity=IDENTITY,
        knowledge=made.knowledge,
        network=ReadingOnly(made.gateway),
        window=window,
        purpose=f"{USE_CASE}, run {run_id()}",
        what_if=SimulatedChanges(made.tables.read, guardrail_rules()),
    )
    return Engines(made.chat, made.transcripts, made.spans, toolbox(sources), made.clock)


def _to_be_read(window: Window, many: int) -> list[tuple[str, int]]:
    """Return ids and ranks of the findings that an operator has time for, the first first."""
    columns = ["anomaly_id", "reading_rank", "is_within_budget"]
    worth = services().tables.read("cell_anomalies.worth", window, columns=columns)
    chosen = worth.filter(pl.col("is_within_budget") & pl.col("reading_rank").is_not_null())
    rows = chosen.sort("reading_rank", "anomaly_id").head(many).collect()
    return list(rows.select("anomaly_id", "reading_rank").iter_rows())


def _decided(engines: Engines, anomaly_id: str, window: Window) -> dict[str, Any] | None:
    """Return an agent's decision with the id of its run; None where the finding cannot be read."""
    assignment = Assignment(
        agent=AGENT,
        identity=IDENTITY,
        use_case=USE_CASE,
        run_id=f"explain-{anomaly_id}-{window.start:%Y%m%dT%H%M}",
        seed=int(digest_of(anomaly_id)[:7], 16),
        arguments={"anomaly_id": anomaly_id},
    )
    try:
        with open_session(engines, assignment) as session:
            decision = decision_of(session, explain_finding, assignment.arguments)
            return {**decision, "agent_run_id": session.run_id}
    except ToolFailedError as error:
        _LOG.warning("Finding %s is not explained: %s", anomaly_id, error)
        return None


def _shown(rows: pl.DataFrame) -> list[dict[str, Any]]:
    columns = ["reading_rank", "cell_dn", "title", "probability", "is_decided", "would_decide"]
    told = rows.select(*columns, pl.col("text").str.slice(0, _SHOWN_CHARS))
    return told.to_dicts()
