"""Verify, at once: sleeping cells are woken where load, a finding or silence asks for it."""

from prefect import flow

from semantic_layer.periods import Window
from tasks.approval.steps import publish_decisions
from tasks.curation.steps import newest_published
from tasks.energy.waking.steps import find_overloaded
from tasks.execution.steps import publish_outcomes, recall
from tasks.step import scheduled_at


@flow(name="wake-cells")
def wake_cells(window: Window | None = None) -> list[str]:
    """Take sleep back where those who carry for sleepers are too full, or tell no load any more.

    It asks nobody, for it only restores what stood before.

    Args:
        window: the newest measured quarter of an hour when None.

    Returns:
        The ids of changes that were taken back.
    """
    window = window or newest_published("cell_kpis", scheduled_at(), "15min")
    woken = recall(find_overloaded(window), "Load asks for its cells.")
    publish_outcomes()
    publish_decisions()
    return woken
