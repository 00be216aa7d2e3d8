"""Decide and guard: what may sleep is planned anew, proposed, judged, put before who approves."""

from prefect import flow

from semantic_layer.periods import Window
from tasks.approval.steps import (
    publish_agent_runs,
    publish_decisions,
    request_approvals,
    write_decision_pages,
)
from tasks.curation.steps import newest_published
from tasks.energy.forecasting.steps import forecast_load
from tasks.energy.proposing import PLANNED_WAKING
from tasks.energy.steps import due_to_wake, plan_saving, propose_sleep
from tasks.execution.steps import recall
from tasks.guarding.steps import judge_proposals
from tasks.step import scheduled_at


@flow(name="save-energy")
def save_energy(goal: str = "", window: Window | None = None) -> list[str]:
    """Plan which carriers save how deep, wake what the plan wants awake, propose the rest.

    Args:
        goal: what a person wants, in words; the house's standing goal when empty.
        window: the newest measured quarter of an hour when None.

    Returns:
        The ids of proposals that wait for a person.
    """
    window = window or newest_published("cell_kpis", scheduled_at(), "15min")
    plan = plan_saving(forecast_load(window), goal, window)
    recall(due_to_wake(plan, window), PLANNED_WAKING)
    waiting = request_approvals(judge_proposals(propose_sleep(plan, window)))
    publish_decisions()
    write_decision_pages(waiting)
    publish_agent_runs()
    return waiting
