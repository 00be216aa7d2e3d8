"""Verify changes: what was written is measured against control cells, and undone when worse."""

from prefect import flow

from semantic_layer.periods import Window
from tasks.approval.steps import publish_decisions, write_decision_pages
from tasks.curation.steps import newest_published
from tasks.execution.steps import publish_outcomes, resume_interrupted, verify_applied
from tasks.step import scheduled_at


@flow(name="verify-changes")
def verify_changes(window: Window | None = None) -> list[str]:
    """Judge applied changes by what is measured until the window's end; return those judged.

    Args:
        window: None takes the newest quarter of an hour that was measured.
    """
    window = window or newest_published("pm_measurements", scheduled_at(), "15min")
    resume_interrupted()
    judged = verify_applied(window)
    publish_outcomes()
    publish_decisions()
    write_decision_pages(judged)
    return judged
