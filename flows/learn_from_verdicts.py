"""Learn: what people said of findings teaches how much the next ones are worth."""

from typing import Any

from prefect import flow

from semantic_layer.periods import Window
from tasks.anomaly.worth import steps as worth
from tasks.curation.steps import newest_published
from tasks.step import scheduled_at


@flow(name="learn-from-verdicts")
def learn_from_verdicts(window: Window | None = None, days: int = 56) -> list[dict[str, Any]]:
    """Fit the worth of findings to the verdicts given so far; return what that changed.

    Args:
        window: of the findings; None takes those of the newest days.
        days: how many days, where no window is named.
    """
    known_by = scheduled_at()
    newest = window or newest_published("cell_anomalies", known_by, "day")
    return worth.learn_from_verdicts(window or worth.days_until(newest, days), known_by)
