"""Verify, at once: sleeping cells are woken where load, a finding or silence asks for it."""

from prefect import flow

from semantic_layer.periods import Window
from tasks.approval.steps import publish_decisions
from tasks.energy.waking.steps import find_overloaded, publish_wakings
from tasks.execution.steps import publish_outcomes, recall


@flow(name="wake-cells")
def wake_cells(window: Window | None = None) -> list[str]:
    """Take sleep back where those who carry for sleepers are too full, or tell no load any more.

    It asks nobody, for it only restores what stood before. Where nobody must wake it writes and
    publishes nothing.

    Args:
        window: before whose end the present does not lie; the network's present when None.

    Returns:
        The ids of changes that were taken back.
    """
    found = find_overloaded(window)
    if not found:
        return []
    woken = recall(list(found), "Load asks for its cells.", found)
    publish_wakings()
    publish_outcomes()
    publish_decisions()
    return woken
