"""Apply approved changes: the one flow that writes changes; verifying only takes back."""

from prefect import flow

from semantic_layer.periods import Window
from tasks.approval.steps import expire_requests, publish_decisions, write_decision_pages
from tasks.execution.steps import apply_approved, publish_outcomes, resume_interrupted


@flow(name="apply-approved-changes")
def apply_approved_changes(window: Window | None = None) -> list[str]:  # noqa: ARG001
    """Finish what was interrupted, then write what is approved; return the changes that were begun.

    Args:
        window: of the run that called; what is approved is due whenever the flow runs.
    """
    expire_requests()
    written = [*resume_interrupted(), *apply_approved()]
    publish_outcomes()
    publish_decisions()
    write_decision_pages(written)
    return written
