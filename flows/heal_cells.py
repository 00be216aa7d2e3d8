"""Decide and guard: repairs are proposed, judged by guardrails, and put before whoever approves."""

from prefect import flow

from semantic_layer.periods import Window
from tasks.approval.steps import (
    publish_agent_runs,
    publish_decisions,
    request_approvals,
    write_decision_pages,
)
from tasks.curation.steps import newest_published, newest_snapshot
from tasks.guarding.steps import judge_proposals
from tasks.healing.steps import propose_repairs
from tasks.step import scheduled_at


@flow(name="heal-cells")
def heal_cells(window: Window | None = None) -> list[str]:
    """Propose repairs for faults that show at the cell itself; write nothing to the network.

    Args:
        window: whose findings are looked at; the newest quarter of an hour when None.

    Returns:
        The ids of proposals that wait for a person.
    """
    window = window or newest_published("cell_kpis", scheduled_at(), "15min")
    proposed = propose_repairs(newest_snapshot("cell_anomalies"), window)
    waiting = request_approvals(judge_proposals(proposed))
    publish_decisions()
    write_decision_pages(waiting)
    publish_agent_runs()
    return waiting
